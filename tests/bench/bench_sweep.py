#!/usr/bin/python3
"""Deletions a second of a whole sweep, against what one would use instead, on equal fleets behind TLS.

`jobsweep sweep` lists, plans, records and deletes; with verify: always it looks at each execution right before
it deletes it, and with archive: it has what it saw there on the disk before that. Its quotas are set so high
that the pace does not limit it. boto3 deletes from 64 threads, once from a list that it is given and once from
its own listing; the `aws` command deletes a few in a loop. The time of jobsweep and of aws is that of the whole
programs; boto3's begins when its client is ready. The simulator has one processor, everybody else the other
one. Each count must be the simulator's own.
"""
import time

from bench import AWS, boto, cpu_seconds, equal, jobsweep, planned, policy, run, scratch, simulator, table

AWS_CALLS = 24
FLEET = ["--things", 1000, "--jobs", 3, "--seed", 11, "--executions"]
MANY, FEW = 30000, 4500  # executions; jobsweep would be over too soon with few, boto3 too late with many
ROUNDS = 3


def row(name, deleted, seconds, cpu, sim):
    """name, deleted, looks, deletions a second, CPU us for one."""
    counts = sim.counts()
    equal(counts["deleted"], deleted, f"{name}: deleted, as the simulator counts")
    equal(counts["operations"]["DeleteJobExecution"]["received"], deleted, f"{name}: deletions received")
    return [name, deleted, counts["operations"]["DescribeJobExecution"]["received"], deleted / seconds, cpu * 1e6 / deleted]


def by_jobsweep(verify, archive=False):
    more = f"\n    archive: {{directory: {scratch()}/archive}}" if archive else ""
    with simulator(*FLEET, MANY) as sim:
        cpu = cpu_seconds()
        events, seconds = jobsweep(sim, policy(sim, verify + more), "sweep", "old")
        last = events[-1]
        equal(last["outcomes"]["deleted"], last["selected"], "jobsweep: deleted of selected")
        found = [event.get("archive", {}).get("executions") for event in events if event["event"] == "target"]
        equal(found, [last["selected"] if archive else None], "jobsweep: archived of selected")
        what = f"verify: {verify}, archive" if archive else f"verify: {verify}"
        return row(f"jobsweep sweep, {what}", last["selected"], seconds, cpu_seconds() - cpu, sim)


def by_boto(mode, rows):
    with simulator(*FLEET, FEW) as sim:
        result = boto(sim, mode, rows)
        equal(result["results"], {"deleted": len(rows)}, f"boto3: {mode}")
        name = {"delete": "boto3, 64 threads, given the list", "sweep": "boto3, 64 threads, list and delete"}[mode]
        return row(name, len(rows), result["seconds"], result["cpu_seconds"], sim)


def by_aws(rows):
    with simulator(*FLEET, FEW) as sim:
        environment = sim.environment()
        lines = "".join(f"{AWS} iot delete-job-execution --endpoint-url {sim.url} --job-id {job} --thing-name {thing} "
                        f"--execution-number {number} || exit\n" for job, thing, number in rows[:AWS_CALLS])
        start, cpu = time.monotonic(), cpu_seconds()
        done = run(["sh", "-c", lines], environment, timeout=120)
        seconds = time.monotonic() - start
        equal(done.returncode, 0, done.stderr)
        return row("aws iot delete-job-execution, a loop", AWS_CALLS, seconds, cpu_seconds() - cpu, sim)


def best(rounds):
    """The fastest of a few rounds: what others do on this machine only ever slows one down."""
    return [*rounds[0][:3], max(cells[3] for cells in rounds), min(cells[4] for cells in rounds)]


def main():
    with simulator(*FLEET, FEW) as sim:
        rows = planned(sim)
    rounds = [(by_jobsweep("always"), by_jobsweep("risky"), by_jobsweep("always", archive=True),
               by_boto("delete", rows), by_boto("sweep", rows)) for _ in range(ROUNDS)]
    measured = [best(turns) for turns in zip(*rounds)] + [by_aws(rows)]
    first = measured[0]
    print(f"sweep: whole programs, {ROUNDS} rounds in turns, the best of each; ratio: to the first line")
    table([["", "deleted", "looks", "a second", "ratio", "us CPU each", "ratio"]] +
          [[*cells[:3], f"{cells[3]:.4g}", f"{cells[3] / first[3]:.3g}", f"{cells[4]:.0f}", f"{cells[4] / first[4]:.3g}"]
           for cells in measured])


main()
