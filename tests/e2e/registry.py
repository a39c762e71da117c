#!/usr/bin/env python3
"""Things, groups, searching and whole job objects, through botocore, which checks every answer against the service
model, and with the real `aws`."""
import json
import os
import shutil

import botocore.session
from botocore.config import Config
from botocore.exceptions import ClientError

from harness import ACCESS_KEY, ACCOUNT, SECRET_KEY, Iotsim, Skip, equal, main, run

AWS = "/usr/bin/aws" if os.access("/usr/bin/aws", os.X_OK) else shutil.which("aws")  # Debian's first
THINGS = 300
SIM = Iotsim("--things", THINGS, "--jobs", 30, "--executions", 3600, "--groups", 7, "--thing-types", 3, "--thing-attributes", 4,
             "--quota", "all=-1")
ARN = f"arn:aws:iot:us-east-1:{ACCOUNT}:"


def client_of(sim):
    return botocore.session.Session().create_client(
        "iot", endpoint_url=sim.url, verify=sim.ca, region_name="us-east-1", aws_access_key_id=ACCESS_KEY,
        aws_secret_access_key=SECRET_KEY, config=Config(retries={"max_attempts": 0}))


IOT = client_of(SIM)


def pages(call, member, **asked):
    """All rows, and how many pages they came in."""
    rows, count, token = [], 0, None
    while True:
        answer = call(**asked, **({"nextToken": token} if token else {}))
        rows += answer[member]
        count += 1
        assert len(answer[member]) <= asked.get("maxResults", 250) and count < 1000
        if token == answer.get("nextToken"):
            return rows, count
        token = answer.get("nextToken")
        if not token:
            return rows, count


def names(rows, key="thingName"):
    return {row[key] for row in rows}


def refused(code, call, **asked):
    try:
        call(**asked)
    except ClientError as error:
        equal(error.response["Error"]["Code"], code, asked)
        return error.response["ResponseMetadata"]["HTTPStatusCode"]
    raise AssertionError(f"{asked} was taken")


THE_THINGS = pages(IOT.list_things, "things", maxResults=250)[0]


def where(**wanted):
    """The names of the things that have all these."""
    def fits(thing):
        return all((thing["thingTypeName"] if name == "type" else thing["attributes"][name]) == value
                   for name, value in wanted.items())
    return {thing["thingName"] for thing in THE_THINGS if fits(thing)}


# --- things ---

def things_have_types_and_attributes():
    equal(len(THE_THINGS), THINGS)
    equal(names(THE_THINGS, "thingTypeName"), {"type-0", "type-1", "type-2"})
    equal({tuple(sorted(thing["attributes"])) for thing in THE_THINGS}, {("firmware", "ring", "serial", "site")})
    thing = IOT.describe_thing(thingName="gw-000005:radio")
    listed = next(row for row in THE_THINGS if row["thingName"] == "gw-000005:radio")
    equal((thing["thingTypeName"], thing["attributes"], thing["thingArn"], thing["version"]),
          (listed["thingTypeName"], listed["attributes"], ARN + "thing/gw-000005:radio", 1))
    equal(IOT.describe_thing(thingName="gw-000005:radio")["thingId"], thing["thingId"])
    refused("ResourceNotFoundException", IOT.describe_thing, thingName="nobody")


def things_are_listed_by_type_and_attribute():
    for asked, expected in (({"thingTypeName": "type-1"}, where(type="type-1")), ({"thingTypeName": "none"}, set()),
                            ({"attributeName": "site", "attributeValue": "lima"}, where(site="lima")),
                            ({"attributeName": "site"}, where()),
                            ({"attributeName": "site", "attributeValue": "lima", "thingTypeName": "type-2"},
                             where(site="lima", type="type-2")),
                            ({"attributeName": "ring", "attributeValue": "ca", "usePrefixAttributeValue": True}, where(ring="canary")),
                            ({"attributeName": "ring", "attributeValue": "ca"}, set())):
        rows, count = pages(IOT.list_things, "things", maxResults=7, **asked)
        equal((names(rows), len(rows)), (expected, len(expected)), asked)
        assert count > 2, "a page looks at some things only"
    refused("InvalidRequestException", IOT.list_things, attributeValue="x")


def a_token_belongs_to_its_filters():
    token = IOT.list_things(maxResults=7, thingTypeName="type-1")["nextToken"]
    IOT.list_things(maxResults=7, thingTypeName="type-1", nextToken=token)
    refused("InvalidRequestException", IOT.list_things, maxResults=7, thingTypeName="type-2", nextToken=token)
    refused("InvalidRequestException", IOT.list_things, maxResults=7, nextToken=token)
    token = IOT.search_index(queryString="*", maxResults=7)["nextToken"]
    refused("InvalidRequestException", IOT.search_index, queryString="gw*", maxResults=7, nextToken=token)


def things_are_made_and_changed():
    with Iotsim("--things", 0) as sim:
        iot = client_of(sim)
        iot.create_thing(thingName="a:b", thingTypeName="meter", attributePayload={"attributes": {"site": "x", "ring": "y"}})
        iot.update_thing(thingName="a:b", attributePayload={"attributes": {"ring": "z"}, "merge": True})
        equal(iot.describe_thing(thingName="a:b")["attributes"], {"site": "x", "ring": "z"})
        iot.update_thing(thingName="a:b", attributePayload={"attributes": {"new": "1"}}, removeThingType=True)
        found = iot.search_index(queryString="attributes.new:1")["things"]
        equal([(thing["thingName"], thing.get("thingTypeName"), thing["attributes"], thing["thingGroupNames"]) for thing in found],
              [("a:b", None, {"new": "1"}, [])])
        iot.create_thing_group(thingGroupName="above")
        iot.create_thing_group(thingGroupName="below", parentGroupName="above")
        iot.add_thing_to_thing_group(thingName="a:b", thingGroupName="below")
        equal(iot.list_things_in_thing_group(thingGroupName="above", recursive=True)["things"], ["a:b"])
        equal(names(iot.search_index(queryString="thingGroupNames:below")["things"]), {"a:b"})
        iot.remove_thing_from_thing_group(thingName="a:b", thingGroupName="below")
        equal(iot.list_things_in_thing_group(thingGroupName="below")["things"], [])
        refused("ResourceNotFoundException", iot.add_thing_to_thing_group, thingName="a:b", thingGroupName="none")
        refused("ResourceNotFoundException", iot.create_thing_group, thingGroupName="x", parentGroupName="none")


# --- groups ---

def groups_are_listed_by_parent_and_prefix():
    for asked, expected in (({}, range(7)), ({"parentGroup": "group-0"}, (1, 2)), ({"parentGroup": "group-0", "recursive": True}, range(1, 7)),
                            ({"parentGroup": "group-1"}, (3, 4)), ({"parentGroup": "group-6"}, ()), ({"recursive": False}, (0,)),
                            ({"namePrefixFilter": "group-3"}, (3,)), ({"namePrefixFilter": "x"}, ())):
        rows, _ = pages(IOT.list_thing_groups, "thingGroups", maxResults=2, **asked)
        equal(names(rows, "groupName"), {f"group-{i}" for i in expected}, asked)
    refused("ResourceNotFoundException", IOT.list_thing_groups, parentGroup="none")


def a_group_tells_what_is_above_it():
    group = IOT.describe_thing_group(thingGroupName="group-5")
    equal(group["thingGroupArn"], ARN + "thinggroup/group-5")
    metadata = group["thingGroupMetadata"]
    equal((metadata["parentGroupName"], names(metadata["rootToParentThingGroups"], "groupName")), ("group-2", {"group-0", "group-2"}))
    equal(metadata["rootToParentThingGroups"][0]["groupArn"], ARN + "thinggroup/group-0")
    assert metadata["creationDate"].year >= 2026 and group["thingGroupId"]
    assert "parentGroupName" not in IOT.describe_thing_group(thingGroupName="group-0")["thingGroupMetadata"]
    refused("ResourceNotFoundException", IOT.describe_thing_group, thingGroupName="none")


# --- the index ---

def searching_finds_what_listing_finds():
    for query, expected in (("*", where()), ("thingTypeName:type-1", where(type="type-1")), ("attributes.site:lima", where(site="lima")),
                            ("attributes.site:lima AND NOT thingTypeName:type-0", where(site="lima") - where(type="type-0")),
                            ("thingTypeName:(type-0 OR type-1) attributes.ring:ca*",
                             (where(type="type-0") | where(type="type-1")) & where(ring="canary")),
                            ("thingName:gw-00001*", {f"gw-00001{i}" for i in range(10)}),
                            ("thingName:*radio", {name for name in where() if name.endswith("radio")}),
                            ("thingGroupNames:group-3", set(pages(IOT.list_things_in_thing_group, "things", thingGroupName="group-3")[0])),
                            ("thingName:nobody", set())):
        rows, count = pages(IOT.search_index, "things", queryString=query, maxResults=10)
        equal((names(rows), len(rows)), (expected, len(expected)), query)
        assert count > 2, "a page looks at some things only"
    equal(len(IOT.search_index(queryString="*", indexName="AWS_Things")["things"]), 100, "the default page")


def what_cannot_be_searched_is_refused():
    equal(refused("InvalidQueryException", IOT.search_index, queryString="thingName:(a"), 400)
    equal(refused("InvalidQueryException", IOT.search_index, queryString="thingname:a"), 400)
    equal(refused("InvalidRequestException", IOT.search_index, queryString="a", maxResults=101), 400)
    equal(refused("ResourceNotFoundException", IOT.search_index, queryString="a", indexName="AWS_Nothing"), 404)
    SIM.control("world", {"index": {"ready": False}})
    equal(refused("IndexNotReadyException", IOT.search_index, queryString="a"), 400)
    SIM.control("world", {"index": {"ready": True}})
    IOT.search_index(queryString="a")


def each_operation_has_its_quota():
    with Iotsim("--things", 1, "--groups", 1) as sim:
        iot = client_of(sim)

        def taken(call, count, **asked):
            found = 0
            for _ in range(count):
                try:
                    call(**asked)
                    found += 1
                except ClientError as error:
                    equal(error.response["Error"]["Code"], "ThrottlingException")
            return found

        assert taken(iot.search_index, 60, queryString="*") < 60
        assert taken(iot.list_thing_groups, 60) < 60
        equal(taken(iot.describe_thing, 60, thingName="gw-000000"), 60)
        counts = sim.counts()["operations"]
        assert counts["SearchIndex"]["throttled"] > 0 and counts["SearchIndex"]["executed"] >= 15, counts["SearchIndex"]
        equal(counts["DescribeThing"]["throttled"], 0)


# --- jobs ---

def a_job_is_described_whole():
    listed = {job["jobId"]: job for job in pages(IOT.list_jobs, "jobs", maxResults=7)[0]}
    jobs = {job_id: IOT.describe_job(jobId=job_id)["job"] for job_id in listed}
    equal(len(jobs), 30)
    for job_id, job in jobs.items():
        equal({name: job.get(name) for name in ("status", "targetSelection", "createdAt", "completedAt", "isConcurrent")},
              {name: listed[job_id].get(name) for name in ("status", "targetSelection", "createdAt", "completedAt", "isConcurrent")})
        assert all(target.startswith((ARN + "thinggroup/", ARN + "thing/")) for target in job["targets"]), job
        equal("completedAt" in job, job["status"] in ("COMPLETED", "CANCELED"))
        equal("schedulingConfig" in job, job["status"] == "SCHEDULED")
        equal("thingGroupId" in listed[job_id], job["targetSelection"] == "CONTINUOUS")
    assert any(job["targets"] and ":thing/" in job["targets"][0] for job in jobs.values())
    assert any(job["jobProcessDetails"]["processingTargets"] for job in jobs.values())
    equal({job["namespaceId"] for job in jobs.values() if "namespaceId" in job}, {"aws-gg-deployment"})
    retrying = [job for job in jobs.values() if "jobExecutionsRetryConfig" in job]
    equal({job["timeoutConfig"]["inProgressTimeoutInMinutes"] for job in retrying}, {60})


def jobs_are_listed_by_their_filters():
    everything = pages(IOT.list_jobs, "jobs")[0]
    for name, key, value in (("status", "status", "COMPLETED"), ("targetSelection", "targetSelection", "CONTINUOUS"),
                             ("status", "status", "SCHEDULED")):
        equal(names(pages(IOT.list_jobs, "jobs", maxResults=4, **{name: value})[0], "jobId"),
              {job["jobId"] for job in everything if job[key] == value}, value)
    group = IOT.describe_thing_group(thingGroupName="group-2")
    by_name = names(pages(IOT.list_jobs, "jobs", thingGroupName="group-2")[0], "jobId")
    equal(by_name, names(pages(IOT.list_jobs, "jobs", thingGroupId=group["thingGroupId"])[0], "jobId"))
    assert by_name and by_name < names(everything, "jobId")
    equal(len(pages(IOT.list_jobs, "jobs", namespaceId="aws-gg-deployment")[0]), 1)


def a_job_has_a_document():
    equal(json.loads(IOT.get_job_document(jobId="fw-0000")["document"]), {"operation": "install", "package": "fw-0000"})
    refused("ResourceNotFoundException", IOT.get_job_document, jobId="none")
    IOT.create_job(jobId="with-document", targets=[ARN + "thing/gw-000000"], document='{"a": "b\\n"}')
    equal(IOT.get_job_document(jobId="with-document")["document"], '{"a": "b\\n"}')
    IOT.cancel_job(jobId="with-document", reasonCode="TEST", comment='no "more"', force=True)
    job = IOT.describe_job(jobId="with-document")["job"]
    equal((job["reasonCode"], job["comment"], job["forceCanceled"], job["targets"]),
          ("TEST", 'no "more"', True, [ARN + "thing/gw-000000"]))
    IOT.delete_job(jobId="with-document")


def an_execution_is_described_whole():
    row = {status: IOT.list_job_executions_for_job(jobId="fw-0001", status=status)["executionSummaries"][0]
           for status in ("IN_PROGRESS", "FAILED", "CANCELED", "SUCCEEDED")}
    for status, summary in row.items():
        thing = summary["thingArn"].split(":thing/")[1]
        found = IOT.describe_job_execution(jobId="fw-0001", thingName=thing)["execution"]
        equal((found["status"], found["thingArn"], found["executionNumber"]),
              (status, summary["thingArn"], summary["jobExecutionSummary"]["executionNumber"]))
        equal("approximateSecondsBeforeTimedOut" in found, status == "IN_PROGRESS")
        equal("forceCanceled" in found, status == "CANCELED")
        equal(bool(found["statusDetails"]["detailsMap"]), status != "CANCELED")
    thing = row["IN_PROGRESS"]["thingArn"].split(":thing/")[1]
    IOT.cancel_job_execution(jobId="fw-0001", thingName=thing, force=True)
    equal(IOT.describe_job_execution(jobId="fw-0001", thingName=thing)["execution"]["forceCanceled"], True)


def executions_of_a_thing_are_listed_by_namespace():
    job = pages(IOT.list_jobs, "jobs", namespaceId="aws-gg-deployment")[0][0]["jobId"]
    thing = IOT.list_job_executions_for_job(jobId=job)["executionSummaries"][0]["thingArn"].split(":thing/")[1]
    asked = {"thingName": thing, "namespaceId": "aws-gg-deployment"}
    equal(names(pages(IOT.list_job_executions_for_thing, "executionSummaries", **asked)[0], "jobId"), {job})


# --- the command ---

def the_aws_command_understands_it_all():
    if not AWS:
        raise Skip("there is no aws command")
    for words, expected in ((["search-index", "--query-string", "attributes.site:lima", "--query", "things[].thingName"], where(site="lima")),
                            (["list-things", "--thing-type-name", "type-1", "--query", "things[].thingName"], where(type="type-1")),
                            (["list-thing-groups", "--parent-group", "group-0", "--query", "thingGroups[].groupName"],
                             {"group-1", "group-2"}),
                            (["describe-job", "--job-id", "fw-0001", "--query", "[job.targetSelection]"], {"SNAPSHOT"}),
                            (["get-job-document", "--job-id", "fw-0000", "--query", "[document]"],
                             {'{"operation":"install","package":"fw-0000"}'})):
        done = run([AWS, "iot", *words, "--endpoint-url", SIM.url, "--output", "json"], SIM.environment())
        equal(done.returncode, 0, done.stderr)
        equal(set(json.loads(done.stdout)), expected, words)
    done = run([AWS, "iot", "search-index", "--query-string", "a AND", "--endpoint-url", SIM.url], SIM.environment())
    assert done.returncode == 254 and "An error occurred (InvalidQueryException) when calling the SearchIndex" in done.stderr, done


main([things_have_types_and_attributes, things_are_listed_by_type_and_attribute, a_token_belongs_to_its_filters,
      things_are_made_and_changed, groups_are_listed_by_parent_and_prefix, a_group_tells_what_is_above_it,
      searching_finds_what_listing_finds, what_cannot_be_searched_is_refused, each_operation_has_its_quota,
      a_job_is_described_whole, jobs_are_listed_by_their_filters, a_job_has_a_document, an_execution_is_described_whole,
      executions_of_a_thing_are_listed_by_namespace, the_aws_command_understands_it_all])
