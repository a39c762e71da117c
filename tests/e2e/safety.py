#!/usr/bin/env python3
"""What must hold of the whole program when it deletes: force only for what runs and is listed, and nothing at all
with a wrong clock."""
import json
import os

from harness import Iotsim, equal, main, program, run, scratch

FLEET = ("--things", 60, "--jobs", 8, "--executions", 400, "--quota", "all=-1", "--seed", 3)
POLICY = """version: 1
targets:
  sim: {{account: "123456789012", region: us-east-1, endpoint_url: {url}, ca_bundle: {ca}, signature_life: 2s,
        quotas: {{DeleteJobExecution: 2000, DescribeJobExecution: 2000, ListJobExecutionsForJob: 500}}}}
policies:
  - name: old
    targets: [sim]
    mode: enforce
    match: {{status: {status}, age: {{older_than: 10d}}}}
    {more}
"""
FORCE = dict(status="[IN_PROGRESS, FAILED]", more="force: true")


def jobsweep(sim, *words, status="[TERMINAL]", more=""):
    path = os.path.join(scratch(), "jobsweep.yaml")
    with open(path, "w", encoding="utf-8") as file:
        file.write(POLICY.format(url=sim.url, ca=sim.ca, status=status, more=more))
    os.chmod(path, 0o600)
    return run([program("jobsweep"), "-c", path, *words], {**sim.environment(), "AWS_ENDPOINT_URL_STS": sim.url})


def events(result):
    return [json.loads(line) for line in result.stdout.splitlines()]


def chosen(sim, **policy):
    rows = events(jobsweep(sim, "--format", "json", "plan", **policy))
    return [row for row in rows if row["event"] == "row" and row["verdict"] == "delete"]


def force_goes_with_what_is_in_progress_and_with_nothing_else():
    with Iotsim(*FLEET) as sim:
        planned = chosen(sim, **FORCE)
        running = {(row["job_id"], row["thing_name"], row["execution_number"]) for row in planned
                   if row["status"] == "IN_PROGRESS"}
        equal({row["status"] for row in planned}, {"IN_PROGRESS", "FAILED"})
        for row in planned:
            equal("force" in row["reason"], row["status"] == "IN_PROGRESS", row["reason"])
        result = jobsweep(sim, "--format", "json", "sweep", "old", **FORCE)
        equal(result.returncode, 0, result.stderr)
        equal(events(result)[-1]["outcomes"]["deleted"], len(planned))
        deleted = sim.deleted()
        equal({(row["job"], row["thing"], row["number"]) for row in deleted if row["forced"]}, running)
        equal((sim.counts()["deleted"], sim.counts()["forced"]), (len(planned), len(running)))


def check_warns_of_force_and_refuses_either_half():
    with Iotsim(*FLEET) as sim:
        result = jobsweep(sim, "check", **FORCE)
        equal(result.returncode, 0, result.stderr)
        assert "warning" in result.stderr and "IN_PROGRESS" in result.stderr, result.stderr
        equal(jobsweep(sim, "check", more="force: true").returncode, 2)
        equal(jobsweep(sim, "check", status="[IN_PROGRESS]").returncode, 2)


def a_clock_more_than_a_minute_off_deletes_nothing_and_says_so():
    for skew, words in ((90, "behind the service's"), (-90, "ahead of the service's")):
        with Iotsim(*FLEET, "--skew", skew) as sim:
            result = jobsweep(sim, "sweep", "old")
            equal(result.returncode, 1, result.stderr)
            assert "clock" in result.stderr and words in result.stderr, result.stderr
            equal(sim.counts()["deleted"], 0)


main([force_goes_with_what_is_in_progress_and_with_nothing_else, check_warns_of_force_and_refuses_either_half,
      a_clock_more_than_a_minute_off_deletes_nothing_and_says_so])
