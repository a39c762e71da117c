#!/usr/bin/python3
"""The same faulty service for jobsweep and for a boto3 script: who deletes what nobody selected?

One deletion in a hundred is carried out and its answer lost. Somebody makes every execution that was deleted
anew at once, under the same number, as AWS IoT allows. The simulator knows the incarnations of a number apart:
which ones are selected is seen in a sweep of the same fleet without faults, and each other one that is deleted
is a wrong one. Both clients get the same selection; boto3 has its default retries. Signatures live for five
seconds here instead of five minutes, for both, so that jobsweep's wait for lost ones is short.

It fails when jobsweep deletes a wrong one, when boto3 deletes none (the service was not faulty then, and the
comparison says nothing), and when counts do not agree.
"""
from bench import boto, equal, jobsweep, policy, simulator, table

LIFE_S = 5
FLEET = ["--things", 500, "--jobs", 10, "--executions", 8000, "--seed", 23, "--reuse-numbers"]
FAULTS = ["--fault", "reset-after=0.006,500-executed=0.004", "--fault-ops", "DeleteJobExecution", "--rebirth", 1,
          "--signature-life", LIFE_S]


def selection():
    """What the policy selects: the identity of each, and its job, thing and number."""
    with simulator(*FLEET) as sim:
        events, _ = jobsweep(sim, policy(sim), "sweep", "old")
        rows = {row["identity"]: [row["job"], row["thing"], row["number"]] for row in sim.deleted()}
    equal(events[-1]["outcomes"]["deleted"], len(rows), "deleted without faults")
    return rows


def judge(name, rows, sim, seconds):
    """A line of the table: each of rows is gone, and what else is."""
    counts = sim.counts()
    deleted = {row["identity"] for row in sim.deleted()}
    equal(len(deleted), counts["deleted"], f"{name}: deleted")
    equal(rows.keys() - deleted, set(), f"{name}: selected and still there")
    lost = counts["faults"]["reset-after"] + counts["faults"]["500-executed"]
    return [name, len(rows), lost, len(deleted), len(deleted - rows.keys()), f"{seconds:.0f}"]


def by_jobsweep(rows):
    with simulator(*FLEET, *FAULTS) as sim:
        events, seconds = jobsweep(sim, policy(sim, life=LIFE_S), "sweep", "old")
        line = judge("jobsweep sweep", rows, sim, seconds)
    outcomes = events[-1]["outcomes"]
    equal(outcomes["deleted"] + outcomes["deleted_presumed"], len(rows), "jobsweep says deleted")
    equal(outcomes["deleted_presumed"], line[2], "lost answers, and deletions that jobsweep presumes")
    equal(line[4], 0, "wrong deletions by jobsweep")
    return line


def by_boto(rows):
    with simulator(*FLEET, *FAULTS) as sim:
        result = boto(sim, "delete", rows.values())
        line = judge("boto3, default retries", rows, sim, result["seconds"])
    equal(sum(result["results"].values()), len(rows), "rows that boto3 was given")
    assert line[4] > 0, f"boto3 repeated no deletion that was carried out: {line}"
    return line


def main():
    rows = selection()
    print("faults: 1 % of the deletions lose their answer after execution, execution numbers are used again")
    table([["", "selected", "answers lost", "deleted", "wrong", "seconds"], by_jobsweep(rows), by_boto(rows)])


main()
