#!/usr/bin/env python3
"""The real `aws` command as a client of iotsim over TLS: what it lists, describes, deletes and is refused."""
import json
import os
import shutil

from harness import ACCOUNT, Iotsim, Skip, equal, main, run

AWS = "/usr/bin/aws" if os.access("/usr/bin/aws", os.X_OK) else shutil.which("aws")  # Debian's first
SIM = Iotsim("--things", 60, "--jobs", 12, "--executions", 1320, "--groups", 5, "--reuse-numbers")
ENV = SIM.environment()


def aws(*arguments, service="iot", env=None):
    if not AWS:
        raise Skip("there is no aws command")
    return run([AWS, service, *arguments, "--endpoint-url", SIM.url, "--output", "json"], env or ENV)


def answer(*arguments, **more):
    done = aws(*arguments, **more)
    equal(done.returncode, 0, done.stderr)
    return json.loads(done.stdout)


def refusal(done, code, operation):
    equal(done.returncode, 254, done.stderr)
    assert f"An error occurred ({code}) when calling the {operation} operation: " in done.stderr, done.stderr


def executions(job, status):
    found = answer("list-job-executions-for-job", "--job-id", job, "--status", status, "--page-size", "50")
    return [(row["thingArn"].split(":thing/", 1)[1], row["jobExecutionSummary"]["executionNumber"])
            for row in found["executionSummaries"]]


def delete(job, thing, number, *more):
    return aws("delete-job-execution", "--job-id", job, "--thing-name", thing, "--execution-number", str(number), *more)


def jobs_are_listed_through_all_pages():
    jobs = answer("list-jobs", "--page-size", "5")["jobs"]
    equal(len({job["jobId"] for job in jobs}), 12)
    equal({job["targetSelection"] for job in jobs}, {"SNAPSHOT", "CONTINUOUS"})
    assert any(job["jobId"].startswith("AFR_OTA-") for job in jobs)


def a_job_tells_its_counts():
    job = answer("describe-job", "--job-id", "fw-0001")["job"]
    counts = job["jobProcessDetails"]
    equal(sum(value for name, value in counts.items() if name.startswith("numberOf")), 120)
    equal(len(executions("fw-0001", "QUEUED")), counts["numberOfQueuedThings"])
    assert job["jobExecutionsRetryConfig"]["criteriaList"]


def the_executions_of_a_thing_with_a_colon_are_listed():
    rows = answer("list-job-executions-for-thing", "--thing-name", "gw-000005:radio", "--page-size", "7")
    equal(len(rows["executionSummaries"]), 22)
    assert all(row["jobExecutionSummary"]["queuedAt"] for row in rows["executionSummaries"])


def things_are_listed_through_all_pages():
    things = answer("list-things", "--page-size", "25")["things"]
    equal(len({thing["thingName"] for thing in things}), 60)
    equal(things[0]["thingArn"], f"arn:aws:iot:us-east-1:{ACCOUNT}:thing/gw-000000")


def a_group_has_its_members_and_those_of_its_children():
    equal(len(answer("list-things-in-thing-group", "--thing-group-name", "group-1")["things"]), 12)
    equal(len(answer("list-things-in-thing-group", "--thing-group-name", "group-1", "--recursive")["things"]), 36)


def an_execution_is_deleted_once():
    thing, number = executions("fw-0000", "SUCCEEDED")[0]
    found = answer("describe-job-execution", "--job-id", "fw-0000", "--thing-name", thing, "--execution-number",
                   str(number))["execution"]
    equal((found["status"], found["executionNumber"]), ("SUCCEEDED", number))
    done = delete("fw-0000", thing, number)
    equal((done.returncode, done.stdout, done.stderr), (0, "", ""))
    refusal(delete("fw-0000", thing, number), "ResourceNotFoundException", "DeleteJobExecution")
    gone = SIM.deleted()[-1]
    equal((gone["job"], gone["thing"], gone["number"], gone["forced"]), ("fw-0000", thing, number, False))
    equal(SIM.counts()["double_deletes"], 1)


def a_running_execution_goes_with_force_only():
    thing, number = executions("fw-0001", "IN_PROGRESS")[0]
    refusal(delete("fw-0001", thing, number), "InvalidStateTransitionException", "DeleteJobExecution")
    equal(delete("fw-0001", thing, number, "--force").returncode, 0)
    equal(SIM.counts()["forced"], 1)


def a_wrong_secret_key_is_refused():
    before = SIM.counts()["signature_failures"]
    done = aws("describe-job", "--job-id", "fw-0000", env={**ENV, "AWS_SECRET_ACCESS_KEY": "wrong"})
    refusal(done, "InvalidSignatureException", "DescribeJob")
    equal(SIM.counts()["signature_failures"], before + 1)


def sts_tells_the_account():
    equal(answer("get-caller-identity", service="sts")["Account"], ACCOUNT)
    done = aws("get-caller-identity", service="sts", env={**ENV, "AWS_SECRET_ACCESS_KEY": "wrong"})
    refusal(done, "SignatureDoesNotMatch", "GetCallerIdentity")


def what_is_made_by_hand_can_be_taken_away_by_hand():
    thing = answer("create-thing", "--thing-name", "by:hand")["thingArn"]
    answer("create-job", "--job-id", "by-hand", "--targets", thing, "--document", "{}")
    equal(executions("by-hand", "QUEUED"), [("by:hand", 1)])
    equal(aws("cancel-job-execution", "--job-id", "by-hand", "--thing-name", "by:hand").returncode, 0)
    equal(executions("by-hand", "CANCELED"), [("by:hand", 1)])
    refusal(aws("delete-job", "--job-id", "by-hand"), "InvalidStateTransitionException", "DeleteJob")
    equal(aws("delete-job", "--job-id", "by-hand", "--force").returncode, 0)
    equal(aws("delete-thing", "--thing-name", "by:hand").returncode, 0)
    refusal(aws("describe-thing", "--thing-name", "by:hand"), "ResourceNotFoundException", "DescribeThing")
    equal(len(answer("list-thing-groups")["thingGroups"]), 5)


def nothing_else_was_deleted():
    counts = SIM.stop()
    equal((counts["deleted"], counts["forced"], counts["double_deletes"]), (2, 1, 1))
    equal(counts["executions"], 1318)


main([jobs_are_listed_through_all_pages, a_job_tells_its_counts, the_executions_of_a_thing_with_a_colon_are_listed,
      things_are_listed_through_all_pages, a_group_has_its_members_and_those_of_its_children,
      an_execution_is_deleted_once, a_running_execution_goes_with_force_only, a_wrong_secret_key_is_refused,
      sts_tells_the_account, what_is_made_by_hand_can_be_taken_away_by_hand, nothing_else_was_deleted])
