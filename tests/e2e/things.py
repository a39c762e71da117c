#!/usr/bin/env python3
"""Things by group, type, attribute and query, and protected groups: what the whole program selects in a simulator's
fleet against what botocore says of the same things; what it does when the registry or the index does not answer; and
that the permissions which it prints are enough."""
import collections
import json
import os

from harness import Iotsim, equal, main, program, run, scratch

FLEET = ("--things", 60, "--jobs", 12, "--executions", 4000, "--groups", 7, "--thing-types", 3, "--thing-attributes", 4,
         "--quota", "all=-1", "--seed", 9)
TERMINAL = {"SUCCEEDED", "FAILED", "TIMED_OUT", "REJECTED", "REMOVED", "CANCELED"}
POLICY = """version: 1
state_directory: {folder}/state
targets:
  sim: {{account: "123456789012", region: us-east-1, endpoint_url: {sim.url}, ca_bundle: {sim.ca}, signature_life: 2s,
        quotas: {{DeleteJobExecution: 2000, DescribeJobExecution: 2000, ListJobExecutionsForJob: 500, SearchIndex: 500,
                 ListJobExecutionsForThing: 500, ListJobs: 500, ListThings: 500, DescribeJob: 500}}}}
policies:
  - name: p
    targets: [sim]
    mode: {mode}
    match: {{job_id: {{include: {jobs}}}, age: {{older_than: 1s}}, {match}}}
{more}
"""


def jobsweep(sim, match, *words, more="", mode="enforce", jobs='["*"]', keys=None):
    folder = scratch()
    path = os.path.join(folder, "jobsweep.yaml")
    with open(path, "w", encoding="utf-8") as file:
        file.write(POLICY.format(folder=folder, sim=sim, match=match, more=more, mode=mode, jobs=jobs))
    os.chmod(path, 0o600)
    return run([program("jobsweep"), "-c", path, *words],
               {**sim.environment(), "AWS_ENDPOINT_URL_STS": sim.url, **(keys or {})})


def events(result):
    return [json.loads(line) for line in result.stdout.splitlines()]


def going(result):
    equal(result.returncode, 0, result.stderr)
    return {(row["job_id"], row["thing_name"], row["execution_number"]) for row in events(result)
            if row["event"] == "row" and row["verdict"] == "delete"}


Thing = collections.namedtuple("Thing", "type groups attributes")


class World:
    """What botocore says of jobs, executions and things."""

    def __init__(self, sim):
        import boto3
        self.iot = boto3.client("iot", endpoint_url=sim.url, region_name=sim.region, verify=sim.ca,
                                aws_access_key_id="AKIDEXAMPLE", aws_secret_access_key=sim.secret_key)
        self.jobs = [job["jobId"] for page in self.iot.get_paginator("list_jobs").paginate() for job in page["jobs"]]
        self.rows = {(job, row["thingArn"].rsplit("/", 1)[1], row["jobExecutionSummary"]["executionNumber"])
                     for job in self.jobs
                     for page in self.iot.get_paginator("list_job_executions_for_job").paginate(jobId=job)
                     for row in page["executionSummaries"] if row["jobExecutionSummary"]["status"] in TERMINAL}
        self.things = {}
        self.read()

    def read(self):
        members = collections.defaultdict(set)
        for page in self.iot.get_paginator("list_thing_groups").paginate():
            for group in page["thingGroups"]:
                for things in self.iot.get_paginator("list_things_in_thing_group").paginate(
                        thingGroupName=group["groupName"], recursive=True):
                    for thing in things["things"]:
                        members[thing].add(group["groupName"])
        self.things = {thing["thingName"]: Thing(thing["thingTypeName"], members[thing["thingName"]], thing["attributes"])
                       for page in self.iot.get_paginator("list_things").paginate() for thing in page["things"]}

    def of(self, fits):
        """The rows of the things that exist and fit."""
        return {row for row in self.rows if row[1] in self.things and fits(self.things[row[1]])}


def planned(sim, world, match, **more):
    return going(jobsweep(sim, match, "--format", "json", "plan", jobs=json.dumps(world.jobs), **more))


def each_key_selects_what_the_registry_says():
    cases = (
        ("thing: {group: group-1}", lambda thing: "group-1" in thing.groups),
        ("thing: {group: [group-5, group-6]}", lambda thing: thing.groups & {"group-5", "group-6"}),
        ("thing: {type: [type-0, type-2]}", lambda thing: thing.type != "type-1"),
        ("thing: {attribute: {site: lima, ring: late}}",
         lambda thing: thing.attributes["site"] == "lima" and thing.attributes["ring"] == "late"),
        ('thing: {query: "attributes.site:lima OR attributes.site:osaka"}',
         lambda thing: thing.attributes["site"] in ("lima", "osaka")),
        ("thing: {group: group-2, type: type-1}", lambda thing: "group-2" in thing.groups and thing.type == "type-1"),
        ("none_of: [{thing: {group: group-1}}, {thing: {attribute: {site: lima}}}]",
         lambda thing: "group-1" not in thing.groups and thing.attributes["site"] != "lima"),
        ("any_of: [{thing: {group: group-3}}, {thing: {query: \"thingTypeName:type-1\"}}]",
         lambda thing: "group-3" in thing.groups or thing.type == "type-1"),
    )
    with Iotsim(*FLEET) as sim:
        world = World(sim)
        for match, fits in cases:
            expected = world.of(fits)
            assert 10 < len(expected) < len(world.rows) - 10, f"{match} shows nothing"
            equal(planned(sim, world, match), expected, match)


def a_protected_group_stays_whatever_a_policy_says():
    more = "protect:\n  - {thing_group: group-1, reason: pilot}\n  - {job_id: \"fw-0001\", thing_group: group-2}"
    with Iotsim(*FLEET) as sim:
        world = World(sim)
        expected = {row for row in world.of(lambda thing: "group-1" not in thing.groups)
                    if row[0] != "fw-0001" or "group-2" not in world.things[row[1]].groups}
        result = jobsweep(sim, "thing: {include: [\"*\"]}", "--format", "json", "sweep", "p", more=more, jobs=json.dumps(world.jobs))
        equal(result.returncode, 0, result.stderr)
        equal({(row["job"], row["thing"], row["number"]) for row in sim.deleted()}, expected)
        thing = next(name for name, thing in sorted(world.things.items()) if "group-1" in thing.groups)
        job, _, number = sorted(row for row in world.rows if row[1] == thing)[0]
        result = jobsweep(sim, "thing: {include: [\"*\"]}", "--format", "json", "explain", "--thing", thing, "--job", job, more=more,
                          jobs=json.dumps(world.jobs))
        rows = [row for row in events(result) if row.get("execution_number") == number]
        equal([(row["verdict"], row["reason"]) for row in rows], [("keep", "protected: pilot")])


def a_plan_in_a_file_is_applied_with_the_groups_of_then():
    more = "protect: [{thing_group: group-1}]"
    with Iotsim(*FLEET) as sim:
        world, path = World(sim), os.path.join(scratch(), "plan")
        result = jobsweep(sim, "thing: {include: [\"*\"]}", "plan", "-q", "-o", path, more=more, jobs=json.dumps(world.jobs))
        equal(result.returncode, 0, result.stderr)
        before = world.of(lambda thing: "group-1" not in thing.groups)
        moved = sorted({row[1] for row in before})[:5]
        for thing in moved:
            world.iot.add_thing_to_thing_group(thingName=thing, thingGroupName="group-3")
        result = jobsweep(sim, "thing: {include: [\"*\"]}", "--format", "json", "apply", path, more=more, jobs=json.dumps(world.jobs))
        equal(result.returncode, 0, result.stderr)
        equal({(row["job"], row["thing"], row["number"]) for row in sim.deleted()}, {row for row in before if row[1] not in moved})
        equal(events(result)[-1]["outcomes"]["protected"], len({row for row in before if row[1] in moved}))


def what_the_registry_does_not_know_stays_where_a_no_would_release_it():
    with Iotsim(*FLEET) as sim:
        world = World(sim)
        gone = sorted(name for name, thing in world.things.items() if "group-1" not in thing.groups)[:10]
        for name in gone:
            world.iot.delete_thing(thingName=name)
        world.read()
        rows = {row for row in world.rows if row[1] in gone}
        assert rows and not rows & planned(sim, world, "none_of: [{thing: {group: group-1}}]")
        equal(planned(sim, world, "none_of: [{thing: {group: group-1}}]"), world.of(lambda thing: "group-1" not in thing.groups))
        equal(rows & planned(sim, world, "thing: {include: [\"*\"]}", more="protect: [{thing_group: group-1}]"), set())
        # named one by one the things are described instead, with the same result
        named = "thing: {include: %s}, none_of: [{thing: {group: group-1}}]" % json.dumps(sorted({row[1] for row in world.rows}))
        equal(planned(sim, world, named), world.of(lambda thing: "group-1" not in thing.groups))
        assert sim.counts()["operations"]["DescribeThing"]["executed"] >= 50


def refused(sim, match, *texts, more=""):
    result = jobsweep(sim, match, "sweep", "p", more=more)
    assert result.returncode not in (0, 252), result.returncode
    for text in texts:
        assert text in result.stderr, result.stderr
    equal(sim.deleted(), [])


def what_cannot_be_found_out_deletes_nothing():
    with Iotsim(*FLEET) as sim:
        refused(sim, "thing: {group: nobody}", "ListThingsInThingGroup nobody", "ResourceNotFoundException")
        refused(sim, "thing: {include: [\"*\"]}", "ListThingsInThingGroup nobody", more="protect: [{thing_group: nobody}]")
        refused(sim, 'thing: {query: "attributes.x:[a TO b]"}', "SearchIndex", "InvalidQueryException")
        sim.control("world", {"index": {"ready": False}})
        refused(sim, 'none_of: [{thing: {query: "attributes.site:lima"}}]', "IndexNotReadyException", "The index is being built")


def the_printed_permissions_are_enough_and_each_is_needed():
    match = 'thing: {group: group-1}, none_of: [{thing: {query: "attributes.site:lima"}}]'
    with Iotsim(*FLEET) as sim:
        printed = json.loads(jobsweep(sim, match, "iam-policy").stdout)
        keys = {"AWS_ACCESS_KEY_ID": "AKIDTHINGS", "AWS_SECRET_ACCESS_KEY": "secret/of/things"}

        def plan_with(statements):
            policy = {"Version": printed["Version"], "Statement": statements}
            sim.control("world", {"users": [{"account": "123456789012", "name": "things", "access_key": keys["AWS_ACCESS_KEY_ID"],
                                             "secret_key": keys["AWS_SECRET_ACCESS_KEY"], "policy": policy}]})
            return jobsweep(sim, match, "plan", keys=keys)

        result = plan_with(printed["Statement"])
        equal(result.returncode, 0, result.stderr)
        for action in ("iot:ListThingsInThingGroup", "iot:SearchIndex"):
            statements = [statement for statement in printed["Statement"] if action not in statement["Action"]]
            equal(len(statements), len(printed["Statement"]) - 1, action)
            result = plan_with(statements)
            assert result.returncode != 0 and action.split(":")[1] in result.stderr, result.stderr


main([each_key_selects_what_the_registry_says, a_protected_group_stays_whatever_a_policy_says,
      a_plan_in_a_file_is_applied_with_the_groups_of_then,
      what_the_registry_does_not_know_stays_where_a_no_would_release_it, what_cannot_be_found_out_deletes_nothing,
      the_printed_permissions_are_enough_and_each_is_needed])
