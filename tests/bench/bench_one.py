#!/usr/bin/python3
"""One deletion as one program: `jobsweep delete-job-execution` beside `aws iot delete-job-execution`, each in a shell's
loop over TLS, with the start of the program, its connection and its certificates. The simulator has one processor, the
loop the other one. Each count must be the simulator's own.
"""
import time

from bench import AWS, cpu_seconds, equal, planned, program, run, simulator, table

CALLS = {"jobsweep": 300, "aws": 16}
ROUNDS = 3
FLEET = ["--things", 1000, "--jobs", 3, "--seed", 11, "--executions", 4500]


def loop(name, command, rows):
    """name, deletions, seconds for each, CPU ms for each."""
    with simulator(*FLEET) as sim:
        lines = "".join(f"{command} delete-job-execution --endpoint-url {sim.url} --job-id {job} --thing-name {thing} "
                        f"--execution-number {number} || exit\n" for job, thing, number in rows)
        start, cpu = time.monotonic(), cpu_seconds()
        done = run(["sh", "-c", lines], sim.environment(), timeout=120)
        seconds, used = time.monotonic() - start, cpu_seconds() - cpu
        equal(done.returncode, 0, done.stderr)
        equal(sim.counts()["deleted"], len(rows), f"{name}: deleted, as the simulator counts")
        return [name, len(rows), seconds / len(rows), used * 1000 / len(rows)]


def best(rounds):
    """The fastest of a few rounds: what others do on this machine only ever slows one down."""
    return [*rounds[0][:2], min(cells[2] for cells in rounds), min(cells[3] for cells in rounds)]


def main():
    with simulator(*FLEET) as sim:
        rows = planned(sim)
    commands = {"jobsweep": program("jobsweep"), "aws": f"{AWS} iot"}
    rounds = [[loop(f"{name} delete-job-execution", command, rows[:CALLS[name]]) for name, command in commands.items()]
              for _ in range(ROUNDS)]
    measured = [best(turns) for turns in zip(*rounds)]
    first = measured[0]
    print(f"one deletion, one program: {ROUNDS} rounds in turns, the best of each; ratio: to the first line")
    table([["", "deleted", "a second", "ratio", "ms CPU each", "ratio"]] +
          [[*cells[:2], f"{1 / cells[2]:.4g}", f"{first[2] / cells[2]:.3g}", f"{cells[3]:.3g}", f"{cells[3] / first[3]:.3g}"]
           for cells in measured])


main()
