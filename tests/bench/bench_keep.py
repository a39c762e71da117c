#!/usr/bin/env python3
"""What keep rules cost: plans over fleets of up to 10,000,000 executions, and beside it what one would write with
boto3, which has the whole list in memory. Fails when a plan takes more than 64 MiB, or when the two do not agree.

usage: bench_keep.py [EXECUTIONS]    (10,000,000)"""
import json
import os
import sys

from bench import PYTHON, ROOT, equal, measure, program, scratch, simulator, table

LIMIT_BYTES = 64 * 1024 * 1024
LIMIT_S = 900  # of any one program
BESIDE = 100000  # executions of the fleet that boto3 lists too: it takes a while, and memory for each
KEEP = "keep: [{last: 5, per: thing}]"
POLICY = """version: 1
targets:
  sim: {{account: "123456789012", region: us-east-1, endpoint_url: {sim.url}, ca_bundle: {sim.ca},
        quotas: {{ListJobExecutionsForJob: 10000, ListJobs: 5000, DescribeJob: 5000, ListThings: 5000}}}}
policies:
  - name: p
    targets: [sim]
    match: {{{match}job_id: {{include: ["fw-*"]}}}}
    abort_if: {{selected_over: 1000000000}}
    {keep}
"""


def plan(sim, keep, *words, match=""):
    folder = scratch()
    path = os.path.join(folder, "jobsweep.yaml")
    with open(path, "w", encoding="utf-8") as file:
        file.write(POLICY.format(sim=sim, keep=keep, match=match))
    os.chmod(path, 0o600)
    done = measure([program("jobsweep"), "-c", path, "--quiet", "plan", *words],
                   {**sim.environment(), "AWS_ENDPOINT_URL_STS": sim.url, "TMPDIR": folder}, timeout=LIMIT_S)
    equal(done.returncode, 0, done.stderr[-2000:])
    assert done.peak_bytes <= LIMIT_BYTES, f"{done.peak_bytes:,} bytes are more than {LIMIT_BYTES:,}"
    return done


def fleet(executions):
    return simulator("--things", max(10, executions // 50), "--jobs", 200, "--executions", executions, "--seed", 9)


def row(executions, what, done):
    return (f"{executions:,}", what, f"{done.peak_bytes / 2**20:.1f} MiB", f"{done.cpu_seconds:.1f} s",
            f"{1e6 * done.cpu_seconds / executions:.1f} us", f"{done.seconds:.0f} s")


def beside(rows):
    with fleet(BESIDE) as sim:
        script = os.path.join(ROOT, "tests/bench/part_boto.py")
        theirs = measure([PYTHON, script, "keep", sim.url, "5"], sim.environment(), timeout=LIMIT_S)
        equal(theirs.returncode, 0, theirs.stderr[-2000:])
        path = os.path.join(scratch(), "plan.jsonl")
        ours = plan(sim, KEEP, "-o", path)
        with open(path, encoding="utf-8") as file:
            found = sum(event["event"] == "row" for event in map(json.loads, file) if "event" in event)
        equal(found, json.loads(theirs.stdout)["results"]["selected"], "executions that go")
        rows += [row(BESIDE, "boto3 that sorts in memory", theirs), row(BESIDE, "{last: 5, per: thing}", ours)]


def main():
    largest = int(sys.argv[1]) if len(sys.argv) > 1 else 10000000
    rows = [("executions", "keep rules", "memory", "CPU", "for each", "time")]
    beside(rows)
    with fleet(largest // 10) as sim:
        for what, keep, words in (("none, age over 1d", "", ()),
                                  ("the same, plan -o FILE", "", ("-o", os.path.join(scratch(), "plan.jsonl"))),
                                  ("{last: 5, per: thing}", KEEP, ()),
                                  ("two groupings and order", "keep: [{last: 5, per: thing}, {monthly: 3, per: job}]\n"
                                   "    order: oldest_first", ())):
            rows.append(row(largest // 10, what, plan(sim, keep, *words, match="" if keep else "age: {older_than: 1d}, ")))
    with fleet(largest) as sim:
        rows.append(row(largest, "{last: 5, per: thing}", plan(sim, KEEP)))
    print("keep rules: plans of large fleets, over TLS, with lifted quotas")
    table(rows)


main()
