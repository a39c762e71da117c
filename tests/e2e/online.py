#!/usr/bin/env python3
"""jobsweep check --online: what each target's credentials may do, asked without changing anything."""
import re

from harness import equal, main
from targets import ACCOUNTS, EXTERNAL, Fleet, ask, document, make, make_roles, sessions, user

TARGET = f"prod/{ACCOUNTS[0]}/us-east-1"
NEEDED = ["ListJobs", "DescribeJob", "ListJobExecutionsForJob", "ListJobExecutionsForThing", "ListThings",
          "DescribeJobExecution"]


def asked(fleet, sim):
    fleet.environment["AWS_ENDPOINT_URL_SERVICE_QUOTAS"] = sim.url
    return fleet


def one(sim, match="", **more):
    return asked(Fleet(sim, accounts=ACCOUNTS[:1], regions=["us-east-1"], match=match, **more), sim)


QUOTAS = {"Effect": "Allow", "Action": "servicequotas:GetServiceQuota", "Resource": "*"}


def may(*actions, resource="*", deny=()):
    statements = [{"Effect": "Allow", "Action": [f"iot:{action}" for action in actions], "Resource": resource}, QUOTAS]
    if deny:
        statements.append({"Effect": "Deny", "Action": [f"iot:{action}" for action in deny], "Resource": "*"})
    return {"Version": "2012-10-17", "Statement": statements}


def allow(sim, policy):
    sim.control("world", {"users": [user(ACCOUNTS[0], policy=policy)]})


def check(fleet, *words):
    done, events = fleet.events("check", "--online", *words)
    return done, events[:-1], events[-1]


def results(event):
    return {(call["action"].removeprefix("iot:"), call["resource"]): call["result"] for call in event["calls"]}


def no_request_changed_anything(sim):
    changing = {name: count for name, count in sim.counts()["operations"].items()
                if re.match("Delete|Cancel|Create|Update|Add|Remove", name) and any(count.values())}
    equal(changing, {})


# --- permissions ---

def everything_that_is_needed_is_asked_for_and_nothing_else():
    with make() as sim:
        done, (event,), last = check(one(sim))
        equal(done.returncode, 0, done.stdout)
        equal({action for action, _ in results(event)}, set(NEEDED))
        equal(set(results(event).values()), {"allowed"})
        equal((event["account"], event["error"], event["exit"]), (ACCOUNTS[0], None, 0))
        equal(event["not_tested"], ["iot:DeleteJobExecution"])
        equal(last, {"event": "check", "errors": 0, "warnings": last["warnings"], "targets": 1, "failed": 0, "exit": 0})
        no_request_changed_anything(sim)


def what_iam_policy_prints_passes_and_each_action_less_fails():
    with make() as sim:
        fleet = one(sim, ', job_id: {include: ["fw-*", gone]}, thing: {include: ["gw-?"]}')
        least = document(fleet)
        allow(sim, least)
        done, (event,), _ = check(fleet)
        equal(done.returncode, 0, done.stdout)
        equal(results(event)["DescribeJobExecution", "job/fw-* and thing/gw-?"], "allowed")
        for action in NEEDED:
            allow(sim, {**least, "Statement": [*least["Statement"], {"Effect": "Deny", "Action": f"iot:{action}", "Resource": "*"}]})
            done, (event,), last = check(fleet)
            equal((done.returncode, last["failed"]), (8, 1), action)
            denied = {name for (name, _), result in results(event).items() if result == "denied"}
            equal(denied, {action})
        no_request_changed_anything(sim)


def a_permission_for_other_jobs_is_not_enough():
    with make() as sim:
        allow(sim, may("*", resource=["arn:aws:iot:*:*:job/fw-*", "arn:aws:iot:*:*:thing/*"]))
        done, (event,), _ = check(one(sim, ', job_id: {include: ["fw-*", "hw-*"]}'))
        equal(done.returncode, 8, done.stdout)
        found = results(event)
        equal((found["DescribeJob", "job/fw-*"], found["DescribeJob", "job/hw-*"]), ("allowed", "denied"))
        equal(found["ListJobs", "*"], "denied")


def deletion_is_never_tested_and_its_denial_not_seen():
    with make() as sim:
        allow(sim, may("*", deny=["DeleteJobExecution"]))
        done = one(sim).run("check", "--online")
        equal(done.returncode, 0, done.stdout)
        assert "not tested: iot:DeleteJobExecution, because AWS has no dry run of it" in done.stdout, done.stdout
        no_request_changed_anything(sim)


def a_policy_that_only_observes_does_not_speak_of_deletion():
    with make() as sim:
        fleet = one(sim)
        with open(fleet.path, encoding="utf-8") as file:
            text = file.read()
        with open(fleet.path, "w", encoding="utf-8") as file:
            file.write(text.replace("mode: enforce", "mode: observe"))
        done, (event,), _ = check(fleet)
        equal((done.returncode, event["not_tested"]), (0, []))
        assert "DescribeJobExecution" not in {action for action, _ in results(event)}, event


def a_thing_group_that_is_not_there_is_told():
    with make() as sim:
        done, (event,), _ = check(one(sim, ", thing: {group: nowhere}"))
        equal(done.returncode, 1, done.stdout)
        equal(results(event)["ListThingsInThingGroup", "thinggroup/nowhere"], "missing")


def many_patterns_are_tried_in_part_and_the_rest_is_counted():
    with make() as sim:
        names = ", ".join(f"job-{i}" for i in range(30))
        done, (event,), _ = check(one(sim, f", job_id: {{include: [{names}]}}"))
        equal(done.returncode, 0, done.stdout)
        equal(sum(action == "DescribeJob" for action, _ in results(event)), 20)
        equal(event["calls_left_out"], 30)  # ten each of DescribeJob, ListJobExecutionsForJob and DescribeJobExecution


def the_session_of_a_role_cannot_delete():
    with make_roles() as sim:
        done, (event,), _ = check(one(sim, credentials=EXTERNAL))
        equal(done.returncode, 0, done.stdout)
        equal((event["role_arn"], event["account"]), (f"arn:aws:iam::{ACCOUNTS[0]}:role/sweep", ACCOUNTS[0]))
        [session] = sessions(sim)
        equal(ask(sim, session, "us-east-1", "GET", "/jobs/fw-0001"), 200)
        equal(ask(sim, session, "us-east-1", "DELETE", "/things/gw-000000/jobs/fw-0001/executionNumber/1"), 403)
        equal(ask(sim, session, "us-east-1", "PUT", "/jobs/fw-0001/cancel"), 403)


def a_role_that_may_too_little_or_cannot_be_assumed_is_told():
    with make_roles(accounts=ACCOUNTS[:2], policy=may("List*", "Describe*", deny=["DescribeJob"])) as sim:
        done, events, _ = check(asked(Fleet(sim, regions=["us-east-1"], credentials=EXTERNAL), sim))
        equal((done.returncode, [event["exit"] for event in events]), (8, [8, 8, 8]))
        equal(results(events[0])["DescribeJob", "job/*"], "denied")
        equal((events[2]["account"], events[2]["calls"]), (None, []))
        assert "AccessDenied" in events[2]["error"], events[2]


# --- quotas ---

def rates(event):
    return {quota["operation"]: (quota["used"], quota["account"]) for quota in event["quotas"]}


def the_quotas_of_the_account_are_compared_with_those_that_are_used():
    with make("--quota", "DeleteJobExecution=50", "--quota", "DescribeJob=5", "--quota", "ListJobs=-1", "--quota", "SearchIndex=7") as sim:
        fleet = one(sim, ", thing: {query: \"attributes.a:b\"}")
        done, (event,), _ = check(fleet)
        equal(done.returncode, 0, done.stdout)
        found = rates(event)
        equal(found["DeleteJobExecution"], (2000, 50))
        equal(found["DescribeJob"], (500, 5))
        equal(found["ListThings"], (10, 10))
        equal(found["ListJobs"], (500, None))
        equal(found["SearchIndex"], (15, 7))
        shown = fleet.run("check", "--online").stdout
        assert "  warning: the quota of DeleteJobExecution is 50 a second in this account, less than in the configuration" in shown, shown
        assert "  warning: the quota of SearchIndex is 7 a second in this account, less than AWS's default" in shown, shown


def a_quota_that_is_not_made_use_of_is_told():
    with make("--quota", "DeleteJobExecution=50") as sim:
        done = one(sim, rate=10).run("check", "--online")
        equal(done.returncode, 0, done.stdout)
        wanted = ("  the account has 50 a second of DeleteJobExecution, 10 are used: quotas: {DeleteJobExecution: 50} would "
                  "use all\n")
        assert wanted in done.stdout, done.stdout


def quotas_that_may_not_be_read_make_nothing_fail():
    with make() as sim:
        policy = may("*")
        policy["Statement"].remove(QUOTAS)
        allow(sim, policy)
        done, (event,), _ = check(one(sim))
        equal((done.returncode, event["quotas"]), (0, []))
        assert "AccessDeniedException" in event["quotas_error"], event
        assert "servicequotas:GetServiceQuota" in event["quotas_error"], event


# --- credentials, the way, the clock ---

def nothing_is_asked_with_the_credentials_of_another_account():
    with make() as sim:
        done, (event,), _ = check(asked(Fleet(sim, accounts=ACCOUNTS[1:2], regions=["us-east-1"], credentials=f'profile: "{ACCOUNTS[0]}"'), sim))
        equal((done.returncode, event["calls"], event["account"]), (8, [], ACCOUNTS[0]))
        assert f"belong to account {ACCOUNTS[0]}, not to {ACCOUNTS[1]}" in event["error"], event


def expired_credentials_are_told():
    with make("--fault", "expired=1") as sim:
        done, (event,), _ = check(one(sim))
        equal(done.returncode, 8, done.stdout)
        assert "ExpiredToken" in event["error"], event


def an_endpoint_that_does_not_answer_is_told():
    with make() as sim:
        fleet = one(sim)
        with open(fleet.path, encoding="utf-8") as file:
            text = file.read()
        with open(fleet.path, "w", encoding="utf-8") as file:
            file.write(text.replace(f"endpoint_url: {sim.url}", "endpoint_url: https://127.0.0.1:9"))
        done, (event,), _ = check(fleet)
        equal(done.returncode, 1, done.stdout)
        equal(set(results(event).values()), {"unknown"})
        assert "Connect" in event["calls"][0]["error"], event


def a_clock_that_is_wrong_is_told():
    with make("--skew", "90") as sim:
        done, (event,), _ = check(one(sim))
        equal(done.returncode, 1, done.stdout)
        assert 85000 < event["clock_skew_ms"] < 95000, event
        assert "behind the service's (60 s are allowed)" in event["clock_error"], event


def a_profile_that_does_not_exist_is_a_mistake_of_the_configuration():
    with make() as sim:
        fleet = one(sim, credentials="profile: nobody")
        for words in (["check", "--online"], ["whoami"], ["plan"]):
            done = fleet.run(*words)
            equal(done.returncode, 2, f"{words}: {done.stdout} {done.stderr}")


# --- many ---

def one_target_that_fails_hides_no_other():
    with make(users=ACCOUNTS[:2]) as sim:
        allow(sim, may("List*", "Describe*", deny=["ListJobs"]))
        fleet = asked(Fleet(sim, regions=["us-east-1"]), sim)
        done, events, last = check(fleet)
        equal([event["exit"] for event in events], [8, 0, 8])
        equal((done.returncode, last["targets"], last["failed"], last["exit"]), (8, 3, 2, 8))
        done = fleet.run("check", "--online", "--target", f"prod/{ACCOUNTS[1]}/*", "--quiet")
        equal((done.returncode, done.stdout), (0, ""))
        done = fleet.run("check", "--online", "--target", "pord")
        equal(done.returncode, 2)
        assert "did you mean prod?" in done.stderr, done.stderr
        done = fleet.run("whoami", "--target", f"prod/{ACCOUNTS[1]}/us-eats-1")
        equal(done.returncode, 2)
        assert f"did you mean prod/{ACCOUNTS[1]}/us-east-1?" in done.stderr, done.stderr


def the_text_is_as_people_know_it():
    with make("--quota", "all=-1", "--quota", "DeleteJobExecution=50", users=ACCOUNTS[:2]) as sim:
        allow(sim, may("List*", "Describe*", deny=["ListJobs"]))
        fleet = asked(Fleet(sim, accounts=ACCOUNTS[:2], regions=["us-east-1"]), sim)
        done = fleet.run("check", "--online")
        host = sim.url.removeprefix("https://")
        shown = done.stdout.replace(host, "HOST").replace(fleet.path, "FILE").replace(fleet.environment["HOME"], "HOME")
        equal(shown, GOLDEN)


GOLDEN = """FILE: fine
2 targets, 1 policy (1 enforcing), 0 warnings
prod/111111111111/us-east-1: failed: account 111111111111 (profile '111111111111') at HOST, 5 of 6 calls allowed
  iot:ListJobs on *: AccessDeniedException: User: arn:aws:iam::111111111111:user/hub is not authorized to perform: \
iot:ListJobs on resource: * with an explicit deny in an identity-based policy
  warning: the quota of DeleteJobExecution is 50 a second in this account, less than in the configuration: it will be \
throttled down
prod/222222222222/us-east-1: fine: account 222222222222 (profile '222222222222') at HOST, 6 of 6 calls allowed
  warning: the quota of DeleteJobExecution is 50 a second in this account, less than in the configuration: it will be \
throttled down
2 targets asked, 1 failed
not tested: iot:DeleteJobExecution, because AWS has no dry run of it and a check sends no deletion; compare with \
jobsweep iam-policy
"""


def without_the_option_nothing_is_asked():
    with make() as sim:
        done, events = one(sim).events("check")
        equal((done.returncode, events[-1]["event"], "targets" in events[-1]), (0, "check", False))
        equal([name for name, count in sim.counts()["operations"].items() if count["received"]], [])
        done = one(sim).run("check", "--target", "prod")
        equal((done.returncode, done.stdout), (2, ""))
        assert "check takes --target only with --online" in done.stderr, done.stderr


TESTS = [the_quotas_of_the_account_are_compared_with_those_that_are_used, a_quota_that_is_not_made_use_of_is_told,
         quotas_that_may_not_be_read_make_nothing_fail,
         everything_that_is_needed_is_asked_for_and_nothing_else, what_iam_policy_prints_passes_and_each_action_less_fails,
         a_permission_for_other_jobs_is_not_enough, deletion_is_never_tested_and_its_denial_not_seen,
         a_policy_that_only_observes_does_not_speak_of_deletion, a_thing_group_that_is_not_there_is_told,
         many_patterns_are_tried_in_part_and_the_rest_is_counted, the_session_of_a_role_cannot_delete, a_role_that_may_too_little_or_cannot_be_assumed_is_told,
         nothing_is_asked_with_the_credentials_of_another_account, expired_credentials_are_told,
         an_endpoint_that_does_not_answer_is_told, a_clock_that_is_wrong_is_told,
         a_profile_that_does_not_exist_is_a_mistake_of_the_configuration, one_target_that_fails_hides_no_other,
         the_text_is_as_people_know_it, without_the_option_nothing_is_asked]

if __name__ == "__main__":
    main(TESTS, at_once=4)
