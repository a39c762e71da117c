#!/usr/bin/env python3
"""What keep rules cost in memory: a plan over a large fleet with and without {last: 5, per: thing}. Fails when the
largest resident size passes 64 MiB.

usage: bench_keep.py [EXECUTIONS]"""
import json
import os
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../e2e"))
from harness import Iotsim, program, scratch  # noqa: E402

LIMIT_BYTES = 64 * 1024 * 1024
POLICY = """version: 1
targets:
  sim: {{account: "123456789012", region: us-east-1, endpoint_url: {sim.url}, ca_bundle: {sim.ca}, signature_life: 2s,
        quotas: {{ListJobExecutionsForJob: 5000, ListJobs: 5000, DescribeJob: 5000, ListThings: 5000}}}}
policies:
  - name: p
    targets: [sim]
    match: {{age: {{older_than: 1d}}}}
    abort_if: {{selected_over: 1000000000}}
    {keep}
"""


def plan(sim, keep):
    folder = scratch()
    path = os.path.join(folder, "jobsweep.yaml")
    with open(path, "w", encoding="utf-8") as file:
        file.write(POLICY.format(sim=sim, keep=keep))
    os.chmod(path, 0o600)
    environment = {**sim.environment(), "AWS_ENDPOINT_URL_STS": sim.url, "TMPDIR": folder}
    began = time.monotonic()
    with tempfile.TemporaryFile() as output:
        process = subprocess.Popen([program("jobsweep"), "-c", path, "--quiet", "plan"], env=environment, stdout=output,
                                   stdin=subprocess.DEVNULL)
        _, status, usage = os.wait4(process.pid, 0)
        output.seek(0)
        text = output.read().decode()
    if status != 0:
        raise SystemExit(f"bench keep: the plan ended with {status}: {text}")
    return usage.ru_maxrss * 1024, usage.ru_utime + usage.ru_stime, time.monotonic() - began


def main():
    executions = int(sys.argv[1]) if len(sys.argv) > 1 else 1000000
    with Iotsim("--things", max(10, executions // 50), "--jobs", 200, "--executions", executions, "--quota", "all=-1",
                "--seed", 9) as sim:
        print(f"keep rules, a plan over {executions:,} executions")
        print(f"  {'':24} {'memory':>10} {'CPU':>9} {'time':>9}")
        for name, keep in (("without", ""), ("{last: 5, per: thing}", "keep: [{last: 5, per: thing}]"),
                           ("two groupings and order", "keep: [{last: 5, per: thing}, {monthly: 3, per: job}]\n"
                            "    order: oldest_first")):
            peak, cpu, seconds = plan(sim, keep)
            print(f"  {name:24} {peak / 2**20:6.1f} MiB {cpu:7.1f} s {seconds:7.1f} s")
            if peak > LIMIT_BYTES:
                raise SystemExit(f"bench keep: {peak:,} bytes are more than {LIMIT_BYTES:,}")


main()
