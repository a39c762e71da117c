"""What the benchmarks in Python share: programs on processors of their own, a policy file, a table."""
import json
import os
import resource
import sys
import time

ROOT = os.path.abspath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "../.."))
sys.path.insert(0, os.path.join(ROOT, "tests/e2e"))

from harness import Iotsim, configure, equal, measure, program, run, scratch  # noqa: E402, F401: for the benchmarks, too

PYTHON = "/usr/bin/python3" if os.access("/usr/bin/python3", os.X_OK) else sys.executable  # it has Debian's boto3
AWS = "/usr/bin/aws" if os.access("/usr/bin/aws", os.X_OK) else "aws"  # Debian's first
PROCESSORS = sorted(os.sched_getaffinity(0))
LIMIT_S = 170  # of any one program
LIMITS = "limits: {per_run: 1000000}\n    abort_if: {selected_over: 1000000}\n    verify: "


def cpu_seconds():
    """Of all programs that this one started and that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def simulator(*options):
    """An iotsim on the last processor; whatever is started later shares the first one with this program."""
    os.sched_setaffinity(0, PROCESSORS[-1:])
    try:
        return Iotsim("--quota", "all=-1", *options)
    finally:
        os.sched_setaffinity(0, PROCESSORS[:1])


def policy(sim, verify="always", life=300, rate=10000):
    return configure(scratch(), sim.url, sim.ca, life=f"{life}s", rate=rate, looks=rate, lists=rate, more=LIMITS + verify)


def jobsweep(sim, path, *words):
    """Events of its JSON and the seconds it took, its start and end included."""
    start = time.monotonic()
    done = run([program("jobsweep"), "-c", path, "--format", "json", *words],
               dict(sim.environment(), AWS_ENDPOINT_URL_STS=sim.url), timeout=LIMIT_S)
    seconds = time.monotonic() - start
    equal(done.returncode, 0, done.stderr[-2000:])
    events = [json.loads(line) for line in done.stdout.splitlines()]
    equal(sum(events[-1]["outcomes"].values()), events[-1]["selected"], "the sum of the outcomes")
    return events, seconds


def planned(sim):
    """What the policy selects: job, thing and number of each execution."""
    events, _ = jobsweep(sim, policy(sim), "plan")
    return [[row["job_id"], row["thing_name"], row["execution_number"]] for row in events
            if row["event"] == "row" and row["verdict"] == "delete"]


def boto(sim, mode, rows=()):
    """part_boto.py's result; see there."""
    script = os.path.join(ROOT, "tests/bench/part_boto.py")
    path = os.path.join(scratch(), "rows")
    with open(path, "w", encoding="utf-8") as file:
        json.dump(list(rows), file)
    done = run([PYTHON, script, mode, sim.url, path], sim.environment(), timeout=LIMIT_S)
    equal(done.returncode, 0, done.stderr[-2000:])
    return json.loads(done.stdout)


def table(rows):
    """Prints rows of equal length, the first one being the head."""
    widths = [max(len(str(row[i])) for row in rows) for i in range(len(rows[0]))]
    for row in rows:
        cells = [str(cell).ljust(width) if i == 0 else str(cell).rjust(width) for i, (cell, width) in enumerate(zip(row, widths))]
        print("  " + "  ".join(cells))
    sys.stdout.flush()
