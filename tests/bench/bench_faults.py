#!/usr/bin/python3
"""The same faulty service for jobsweep and for a boto3 script: who deletes what nobody selected?

One deletion in a hundred is carried out and its answer lost. Somebody makes every execution that was deleted
anew soon afterwards, under the same number, as AWS IoT allows; the simulator knows these newcomers and counts
deletions of them. Both get the same selection of the same fleet; boto3 has its default retries. Signatures
live for five seconds here instead of five minutes, for both, so that jobsweep's wait for lost ones is short.

It fails when jobsweep deletes a newcomer, when boto3 deletes none (the service was not faulty then, and the
comparison says nothing), and when counts do not agree.
"""
from bench import boto, equal, jobsweep, planned, policy, simulator, table

LIFE_S = 5
FLEET = ["--things", 500, "--jobs", 10, "--executions", 8000, "--seed", 23, "--reuse-numbers"]
FAULTS = ["--fault", "reset-after=0.006,500-executed=0.004", "--fault-ops", "DeleteJobExecution", "--recreate", 50,
          "--signature-life", LIFE_S]


def lost(counts):
    return counts["faults"]["reset-after"] + counts["faults"]["500-executed"]


def by_jobsweep(rows):
    with simulator(*FLEET, *FAULTS) as sim:
        events, seconds = jobsweep(sim, policy(sim, life=LIFE_S), "sweep", "old")
        counts, outcomes = sim.counts(), events[-1]["outcomes"]
    equal(events[-1]["selected"], len(rows), "jobsweep's selection, and what boto3 is given")
    equal(outcomes["deleted"] + outcomes["deleted_presumed"], events[-1]["selected"], "jobsweep says deleted")
    equal(counts["deleted"], events[-1]["selected"], "the simulator says deleted")
    equal(outcomes["deleted_presumed"], lost(counts), "lost answers and deletions presumed")
    equal(counts["wrong_deletes"], 0, "wrong deletions by jobsweep")
    return ["jobsweep sweep", len(rows), lost(counts), counts["deleted"], counts["wrong_deletes"], f"{seconds:.0f}"]


def by_boto(rows):
    with simulator(*FLEET, *FAULTS) as sim:
        result = boto(sim, "delete", rows)
        counts = sim.counts()
    equal(sum(result["results"].values()), len(rows), "rows that boto3 was given")
    equal(counts["deleted"] - counts["wrong_deletes"], len(rows), "right deletions by boto3")
    assert counts["wrong_deletes"] > 0, f"boto3 repeated no deletion that was carried out: {counts}"
    return ["boto3, default retries", len(rows), lost(counts), counts["deleted"], counts["wrong_deletes"],
            f"{result['seconds']:.0f}"]


def main():
    with simulator(*FLEET) as sim:
        rows = planned(sim)
    print("faults: 1 % of the deletions lose their answer after execution, execution numbers are used again")
    table([["", "selected", "answers lost", "deleted", "wrong", "seconds"], by_jobsweep(rows), by_boto(rows)])


main()
