#!/usr/bin/env python3
"""Keep rules, limits and protection of the whole program: what it selects in a simulator's fleet against the same
rules in a few lines of Python, over what boto3 lists. Both ways to list must select the same."""
import collections
import datetime
import json
import os

from harness import Iotsim, equal, main, program, run, scratch

FLEET = ("--things", 30, "--jobs", 40, "--executions", 3000, "--quota", "all=-1", "--seed", 5)
TERMINAL = {"SUCCEEDED", "FAILED", "TIMED_OUT", "REJECTED", "REMOVED", "CANCELED"}
POLICY = """version: 1
state_directory: {folder}/state
targets:
  sim: {{account: "123456789012", region: us-east-1, endpoint_url: {sim.url}, ca_bundle: {sim.ca}, signature_life: 2s,
        quotas: {{DeleteJobExecution: 2000, DescribeJobExecution: 2000, ListJobExecutionsForJob: 500,
                 ListJobExecutionsForThing: 500, ListJobs: 500, ListThings: 500, DescribeJob: 500}}}}
policies:
  - name: p
    targets: [sim]
    mode: enforce
{policy}
{more}
"""


def jobsweep(sim, policy, *words, more=""):
    folder = scratch()
    path = os.path.join(folder, "jobsweep.yaml")
    text = "\n".join("    " + line for line in policy.splitlines())
    with open(path, "w", encoding="utf-8") as file:
        file.write(POLICY.format(folder=folder, sim=sim, policy=text, more=more))
    os.chmod(path, 0o600)
    return run([program("jobsweep"), "-c", path, *words],
               {**sim.environment(), "AWS_ENDPOINT_URL_STS": sim.url})


def events(result):
    return [json.loads(line) for line in result.stdout.splitlines()]


def verdicts(sim, policy, more=""):
    """(job, thing, number) -> row, of a plan that must have worked."""
    result = jobsweep(sim, policy, "--format", "json", "plan", more=more)
    equal(result.returncode, 0, result.stderr)
    rows = [row for row in events(result) if row["event"] == "row"]
    found = {(row["job_id"], row["thing_name"], row["execution_number"]): row for row in rows}
    equal(len(found), len(rows), "each execution once")
    return found


def going(rows):
    return {key for key, row in rows.items() if row["verdict"] == "delete"}


def client_of(sim):
    import boto3
    return boto3.client("iot", endpoint_url=sim.url, region_name=sim.region, verify=sim.ca,
                        aws_access_key_id="AKIDEXAMPLE", aws_secret_access_key=sim.secret_key)


def executions_of(sim):
    """All that are finished: (job, thing, number), status, last updated; and the names of jobs."""
    client, found = client_of(sim), []
    jobs = [job["jobId"] for page in client.get_paginator("list_jobs").paginate() for job in page["jobs"]]
    for job in jobs:
        for page in client.get_paginator("list_job_executions_for_job").paginate(jobId=job):
            for row in page["executionSummaries"]:
                summary = row["jobExecutionSummary"]
                thing = row["thingArn"].rsplit("/", 1)[1]
                if summary["status"] in TERMINAL:
                    found.append(((job, thing, summary["executionNumber"]), summary["status"],
                                  summary["lastUpdatedAt"]))
    return found, jobs


def newest_first(rows):
    """The order of the manual."""
    rows = sorted(rows, key=lambda row: (row[0][0], row[0][1]))
    return sorted(rows, key=lambda row: (row[2], row[0][2]), reverse=True)


def last(rows, count, group):
    groups = collections.defaultdict(list)
    for row in newest_first(rows):
        groups[group(row[0])].append(row[0])
    return {key for keys in groups.values() for key in keys[:count]}


def monthly(rows, count, group):
    groups = collections.defaultdict(dict)
    for row in newest_first(rows):
        groups[group(row[0])].setdefault(row[2].astimezone(datetime.timezone.utc).strftime("%Y-%m"), row[0])
    return {key for months in groups.values() for key in list(months.values())[:count]}


def keep_rules_select_what_the_manual_says_by_job_and_by_thing():
    keep = "keep:\n  - {last: 3, per: thing}\n  - {last: 1, per: [job, thing]}\n  - {monthly: 2, per: job}"
    with Iotsim(*FLEET) as sim:
        rows, jobs = executions_of(sim)
        things = sorted({key[1] for key, _, _ in rows})
        kept = last(rows, 3, lambda key: key[1]) | last(rows, 1, lambda key: key[:2]) | monthly(rows, 2, lambda key: key[0])
        expected = {key for key, _, _ in rows} - kept
        assert 100 < len(expected) < len(rows) - 100, f"{len(expected)} of {len(rows)}"
        names = f"match:\n  job_id: {{include: {json.dumps(jobs)}}}\n"
        by_job = verdicts(sim, names + keep)
        by_thing = verdicts(sim, names + f"  thing: {{include: {json.dumps(things)}}}\n" + keep)
        equal(going(by_job), expected, "by job")
        equal(by_thing, by_job)
        for key, row in by_job.items():
            equal(row["reason"].startswith("kept by "), key in kept, row["reason"])


def what_is_too_young_counts():
    with Iotsim(*FLEET) as sim:
        rows, jobs = executions_of(sim)
        times = sorted(row[2] for row in rows)
        age = datetime.datetime.now(datetime.timezone.utc) - times[len(times) // 2]
        kept = last(rows, 45, lambda key: key[1])
        border = datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(days=age.days)
        old = {key for key, _, at in rows if at < border}
        found = verdicts(sim, f"match:\n  job_id: {{include: {json.dumps(jobs)}}}\n  age: {{older_than: {age.days}d}}\n"
                         "keep: [{last: 45, per: thing}]")
        assert kept - old and kept & old, "the ages do not show it"
        equal(going(found), old - kept)


def a_sweep_leaves_what_is_kept_and_finds_nothing_more():
    policy = "match: all\nkeep: [{last: 2, per: [thing, job]}]\norder: oldest_first"
    with Iotsim(*FLEET) as sim:
        before = going(verdicts(sim, policy))
        result = jobsweep(sim, policy, "--format", "json", "sweep", "p")
        equal(result.returncode, 0, result.stderr)
        equal({(row["job"], row["thing"], row["number"]) for row in sim.deleted()}, before)
        equal(going(verdicts(sim, policy)), set())


def limits_take_the_oldest_first_and_so_many_of_a_thing():
    policy = "match: {age: {older_than: 30d}}\nlimits: {per_thing: 3, per_run: 40}\norder: oldest_first"
    with Iotsim(*FLEET) as sim:
        times = {key: at for key, _, at in executions_of(sim)[0]}
        every = going(verdicts(sim, "match: {age: {older_than: 30d}}"))
        found = going(verdicts(sim, policy))
        of_things = collections.defaultdict(list)
        for key in sorted(every, key=lambda key: (times[key], key[2], key[0], key[1])):
            of_things[key[1]].append(key)
        allowed = [key for keys in of_things.values() for key in keys[:3]]
        equal(found, set(sorted(allowed, key=lambda key: (times[key], key[2], key[0], key[1]))[:40]))


def what_is_protected_stays_and_says_why():
    with Iotsim(*FLEET) as sim:
        every = going(verdicts(sim, "match: {age: {older_than: 30d}}"))
        job = sorted(every)[0][0]
        rows = verdicts(sim, "match: {age: {older_than: 30d}}", f"protect: [{{job_id: {job}, reason: audit}}]")
        equal(going(rows), {key for key in every if key[0] != job})
        equal({row["reason"] for key, row in rows.items() if key in every and key[0] == job}, {"protected: audit"})


main([keep_rules_select_what_the_manual_says_by_job_and_by_thing, what_is_too_young_counts,
      a_sweep_leaves_what_is_kept_and_finds_nothing_more, limits_take_the_oldest_first_and_so_many_of_a_thing,
      what_is_protected_stays_and_says_why])
