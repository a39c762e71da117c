#!/usr/bin/env python3
"""jobsweep explain: the verdicts are the plan's, with the place of the clause, also on what no plan shows."""
import json
import os

from harness import Iotsim, equal, main, program, run, scratch

FLEET = ("--things", 20, "--jobs", 12, "--executions", 900, "--quota", "all=-1", "--seed", 11)
CONFIGURATION = """version: 1
targets:
  sim: {{account: "123456789012", region: us-east-1, endpoint_url: {sim.url}, ca_bundle: {sim.ca},
        quotas: {{ListJobExecutionsForJob: 2000, ListJobExecutionsForThing: 2000, ListJobs: 2000, ListThings: 2000,
                 DescribeJob: 2000}}}}
policies:
  - name: plain
    targets: [sim]
    match:
      status: [SUCCEEDED]
      age: {{older_than: 30d}}
  - name: newest
    targets: [sim]
    match: all
    keep:
      - {{last: 2, per: thing}}
  - name: wide
    targets: [sim]
    match: all
    keep:
      - {{last: 3, per: job}}
"""


def jobsweep(sim, *words):
    path = os.path.join(scratch(), "jobsweep.yaml")
    with open(path, "w", encoding="utf-8") as file:
        file.write(CONFIGURATION.format(sim=sim))
    os.chmod(path, 0o600)
    return run([program("jobsweep"), "-c", path, *words], {**sim.environment(), "AWS_ENDPOINT_URL_STS": sim.url}), path


def key(row):
    return row["policy"], row["job_id"], row["thing_name"], row["execution_number"]


def verdicts_are_those_of_the_plan():
    with Iotsim(*FLEET) as sim:
        result, _ = jobsweep(sim, "--format", "json", "plan")
        planned = {key(row): row for row in map(json.loads, result.stdout.splitlines()) if row["event"] == "row"}
        seen, statuses, reasons = 0, set(), set()
        for _, job, thing, _ in sorted(planned)[::97]:
            result, path = jobsweep(sim, "--format", "json", "explain", "--thing", thing, "--job", job)
            equal(result.returncode, 0, result.stderr)
            *rows, end = map(json.loads, result.stdout.splitlines())
            equal(end, {"event": "explain", "verdicts": len(rows), "exit": 0})
            for row in rows:
                statuses.add(row["status"])
                reasons.add((row["reason"].split(":")[0], row.get("line")))
                if key(row) in planned:
                    equal((row["verdict"], row["reason"]), (planned[key(row)]["verdict"], planned[key(row)]["reason"]))
                    seen += 1
                else:
                    equal(row["verdict"], "keep", row["reason"])
                if "line" in row:
                    equal(row["file"], path)
        assert seen > 30, seen
        assert ("kept by last", 16) in reasons and ("kept by last", 21) in reasons, reasons


def it_says_in_words_where_the_clause_stands():
    with Iotsim(*FLEET) as sim:
        result, _ = jobsweep(sim, "--format", "json", "plan", "newest")
        row = next(row for row in map(json.loads, result.stdout.splitlines()) if row.get("status") == "FAILED")
        result, path = jobsweep(sim, "explain", "--policy", "plain", "--thing", row["thing_name"], "--job", row["job_id"],
                                "--execution-number", str(row["execution_number"]))
        equal(result.returncode, 0, result.stderr)
        first, second = result.stdout.splitlines()
        assert first.startswith(f"plain in sim: {row['job_id']}/{row['thing_name']}/{row['execution_number']}, FAILED, "), first
        equal(second, f"  keep: status FAILED not listed  ({path}:10:7)")


def of_what_would_go_it_says_all_that_it_passed():
    with Iotsim(*FLEET) as sim:
        result, path = jobsweep(sim, "--format", "json", "plan")
        going = {row["policy"]: row for row in map(json.loads, result.stdout.splitlines()) if row.get("verdict") == "delete"}
        passed = {"plain": [("match.status", 10, 7), ("match.age", 11, 7)],
                  "newest": [("match", 14, 12), ("not kept by last: 2, per: thing", 16, 9)]}
        for policy, clauses in passed.items():
            row = going[policy]
            words = ("explain", "--policy", policy, "--thing", row["thing_name"], "--job", row["job_id"], "--execution-number",
                     str(row["execution_number"]))
            result, path = jobsweep(sim, *words)
            equal(result.stdout.splitlines()[1:], [f"  delete: {row['reason']}"] + [
                f"    {clause}  ({path}:{line}:{column})" for clause, line, column in clauses])
            result, path = jobsweep(sim, "--format", "json", *words)
            told = json.loads(result.stdout.splitlines()[0])
            equal([(clause["clause"], clause["line"], clause["column"]) for clause in told["clauses"]], clauses)
            equal({clause["file"] for clause in told["clauses"]}, {path})


def what_is_not_there_is_said():
    with Iotsim(*FLEET) as sim:
        result, _ = jobsweep(sim, "explain", "--thing", "nothing-1", "--job", "fw-0001")
        equal(result.returncode, 1)
        assert "thing nothing-1 does not exist" in result.stderr and "no such execution was found" in result.stderr, result.stderr
        equal(jobsweep(sim, "explain", "--thing", "a b", "--job", "x")[0].returncode, 2)
        equal(jobsweep(sim, "explain", "--thing", "a")[0].returncode, 2)


main([verdicts_are_those_of_the_plan, it_says_in_words_where_the_clause_stands, of_what_would_go_it_says_all_that_it_passed,
      what_is_not_there_is_said])
