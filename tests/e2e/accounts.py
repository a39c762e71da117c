#!/usr/bin/env python3
"""Several accounts and regions in one iotsim, STS's sessions, and what policies let them do, seen from the wire."""
import json

from harness import ACCOUNT, Iotsim, equal, main, run, program, scratch, wait_until, clean_environment

OTHER = "222233334444"
ROLE = f"arn:aws:iam::{OTHER}:role/sweep"
EXECUTION = "/things/gw-000000/jobs/fw-0000"
DELETION = EXECUTION + "/executionNumber/1?force=true"


def make(*options, **world):
    """A fleet of the command line's account in us-east-1, and OTHER's in two regions, of other sizes."""
    sim = Iotsim("--things", 4, "--jobs", 1, "--executions", 4, *options)
    sim.control("world", {
        "fleets": [{"account": OTHER, "region": "us-east-1", "things": 3, "jobs": 1, "executions": 3},
                   {"account": OTHER, "region": "eu-west-1", "things": 2, "jobs": 1, "executions": 2}],
        "roles": [{"account": OTHER, "name": "sweep"}]})
    sim.control("world", world)
    return sim


def code(headers):
    return headers["x-amzn-ErrorType"].rstrip(":")


def allow(actions, resources="*", effect="Allow"):
    return {"Version": "2012-10-17", "Statement": [{"Effect": effect, "Action": actions, "Resource": resources}]}


def ask(sim, method, target, keys=None, region=None):
    return sim.request(method, target, headers=sim.signed(method, target, keys=keys, region=region))


def things(sim, keys=None, region=None):
    status, _, body = ask(sim, "GET", "/things", keys, region)
    equal(status, 200, body)
    return [thing["thingArn"] for thing in json.loads(body)["things"]]


# --- places ---

def each_account_and_region_has_its_own_fleet():
    with make() as sim:
        keys = sim.session(ROLE)
        equal(len(things(sim)), 4)
        equal(len(things(sim, keys)), 3)
        equal(things(sim, keys, "eu-west-1"), [f"arn:aws:iot:eu-west-1:{OTHER}:thing/gw-00000{i}" for i in range(2)])
        equal(ask(sim, "DELETE", DELETION, keys, "eu-west-1")[0], 200)
        equal(ask(sim, "DELETE", DELETION, keys, "eu-west-1")[0], 404)
        equal(ask(sim, "GET", EXECUTION)[0], 200, "another account's execution")
        equal(ask(sim, "GET", EXECUTION, keys)[0], 200, "another region's execution")
        equal([(gone["account"], gone["region"]) for gone in sim.deleted()], [(OTHER, "eu-west-1")])
        equal(sim.counts(f"{OTHER}/eu-west-1")["deleted"], 1)
        equal(sim.counts(f"{OTHER}/us-east-1")["deleted"], 0)
        equal((sim.counts()["deleted"], sim.counts()["executions"]), (1, 8))


def an_account_without_a_fleet_finds_nothing():
    with make() as sim:
        equal(things(sim, region="eu-west-1"), [])
        status, headers, _ = ask(sim, "DELETE", DELETION, region="eu-west-1")
        equal((status, code(headers)), (404, "ResourceNotFoundException"))
        equal(json.loads(ask(sim, "GET", "/jobs", region="eu-west-1")[2]), {"jobs": []})


def a_region_that_nobody_is_in_is_no_region():
    with make() as sim:
        status, headers, body = ask(sim, "GET", "/things", region="ap-south-1")
        equal((status, code(headers)), (403, "InvalidSignatureException"))
        assert "valid region" in json.loads(body)["message"], body


def the_quotas_of_two_accounts_are_apart():
    with Iotsim("--things", 1, "--jobs", 1, "--executions", 1, "--quota", "DescribeJobExecution=1") as sim:
        sim.control("world", {"fleets": [{"account": OTHER, "things": 1, "jobs": 1, "executions": 1, "quotas": {
            "DescribeJobExecution": -1}}], "roles": [{"account": OTHER, "name": "sweep"}]})
        keys = sim.session(ROLE)
        answers = [ask(sim, "GET", EXECUTION)[0] for _ in range(20)]
        assert 400 in answers, answers
        equal([ask(sim, "GET", EXECUTION, keys)[0] for _ in range(20)], [200] * 20)
        equal(sim.counts(f"{OTHER}/us-east-1")["operations"]["DescribeJobExecution"]["executed"], 20)
        equal(sim.counts(f"{OTHER}/us-east-1")["operations"]["DescribeJobExecution"]["throttled"], 0)


def a_thousand_accounts_come_from_one_line():
    with make() as sim:
        sim.control("world", {"fleets": [{"account": "300000000000", "count": 1000, "things": 1, "jobs": 1, "executions": 1}],
                              "roles": [{"account": "300000000000", "name": "sweep", "count": 1000}]})
        keys = sim.session("arn:aws:iam::300000000999:role/sweep")
        equal(things(sim, keys), ["arn:aws:iot:us-east-1:300000000999:thing/gw-000000"])
        equal(len(sim.control("places").splitlines()), 1003)


def what_is_wrong_with_a_world_is_said():
    with make() as sim:
        for world, word in (({"flets": []}, "flets"), ({"fleets": [{"thingz": 1}]}, "thingz"),
                            ({"fleets": [{"account": "1"}]}, "account"), ({"fleets": [{"region": "a b"}]}, "region"),
                            ({"roles": [{"name": "r", "policy": {"Statement": []}}]}, "policy"),
                            ({"quotas": {"DeleteThings": 1}}, "DeleteThings"), ({"web_identity": {"mode": "x"}}, "x")):
            status, _, body = sim.request("POST", "/_iotsim/world", json.dumps(world), headers={"Accept": "*/*"})
            assert status == 400 and word in body.decode(), (world, status, body)
        path = scratch() + "/world.json"
        with open(path, "w", encoding="utf-8") as file:
            file.write("{")
        done = run([program("iotsim"), "--plain", "--world", path], clean_environment())
        equal(done.returncode, 1)
        assert path in done.stderr, done.stderr


# --- sessions ---

def a_session_is_who_it_says():
    with make() as sim:
        status, found = sim.sts("AssumeRole", RoleArn=ROLE, RoleSessionName="a+b@c", DurationSeconds=900)
        equal((status, found["Arn"]), (200, f"arn:aws:sts::{OTHER}:assumed-role/sweep/a+b@c"))
        assert found["AssumedRoleId"].startswith("AROA") and found["AccessKeyId"].startswith("ASIA"), found
        keys = found["AccessKeyId"], found["SecretAccessKey"], found["SessionToken"]
        status, identity = sim.sts("GetCallerIdentity", keys)
        equal((identity["Arn"], identity["Account"], identity["UserId"]), (found["Arn"], OTHER, found["AssumedRoleId"]))
        equal(sim.sts("GetCallerIdentity")[1]["Arn"], f"arn:aws:iam::{ACCOUNT}:user/sweeper")
        equal(len({sim.session(ROLE) for _ in range(10)}), 10)


def a_session_needs_its_token():
    with make() as sim:
        access, secret, token = sim.session(ROLE)
        for wrong in (None, token[:-1], sim.session(ROLE)[2]):
            status, headers, _ = ask(sim, "GET", EXECUTION, (access, secret, wrong))
            equal((status, code(headers)), (403, "UnrecognizedClientException"), wrong)
        equal(sim.sts("GetCallerIdentity", (access, secret, None))[1]["Code"], "InvalidClientTokenId")


def what_an_assumption_asks_is_checked():
    with make(roles=[{"account": OTHER, "name": "long", "max_session_s": 7200}]) as sim:
        long = f"arn:aws:iam::{OTHER}:role/long"
        for parameters, expected in (({"DurationSeconds": 899}, "ValidationError"), ({"DurationSeconds": 3601}, "ValidationError"),
                                     ({"RoleSessionName": "a b"}, "ValidationError"), ({"RoleSessionName": "x"}, "ValidationError"),
                                     ({"RoleArn": "arn:short"}, "ValidationError"), ({"RoleArn": ROLE + "x"}, "AccessDenied"),
                                     ({"DurationSeconds": 7200, "RoleArn": long}, None)):
            status, found = sim.sts("AssumeRole", **{"RoleArn": ROLE, "RoleSessionName": "test", **parameters})
            equal((status == 200, found.get("Code")), (expected is None, expected), parameters)
        chained = sim.sts("AssumeRole", sim.session(ROLE), RoleArn=long, RoleSessionName="test", DurationSeconds=7200)
        equal((chained[0], "chaining" in chained[1]["Message"]), (400, True))
        equal(sim.sts("AssumeRoleWithSAML")[1]["Code"], "InvalidAction")


def a_role_chooses_who_assumes_it():
    roles = [{"account": OTHER, "name": "closed", "trust": ["111111111111", f"arn:aws:iam::{OTHER}:role/sweep"]},
             {"account": OTHER, "name": "outside", "trust": [f"arn:aws:iam::{ACCOUNT}:root"], "external_id": "s3cret"}]
    with make(roles=roles) as sim:
        closed, outside = (f"arn:aws:iam::{OTHER}:role/{name}" for name in ("closed", "outside"))
        status, found = sim.sts("AssumeRole", RoleArn=closed, RoleSessionName="test")
        equal((status, found["Code"]), (403, "AccessDenied"))
        equal(found["Message"], f"User: arn:aws:iam::{ACCOUNT}:user/sweeper is not authorized to perform: sts:AssumeRole "
              f"on resource: {closed}")
        equal(len(sim.session(closed, sim.session(ROLE))), 3)
        for external_id, expected in ((None, 403), ("secret", 403), ("s3cret", 200)):
            more = {"ExternalId": external_id} if external_id else {}
            equal(sim.sts("AssumeRole", RoleArn=outside, RoleSessionName="test", **more)[0], expected, external_id)


def sessions_end_when_they_are_told_to():
    with make(sessions={"life_s": 3600}) as sim:
        keys = sim.session(ROLE)
        equal(len(things(sim, keys)), 3)
        sim.control("expire-sessions")
        status, headers, body = ask(sim, "GET", "/things", keys)
        equal((status, code(headers)), (403, "ExpiredTokenException"))
        equal(json.loads(body)["message"], "The security token included in the request is expired")
        equal(sim.sts("GetCallerIdentity", keys)[1]["Code"], "ExpiredToken")
        equal(len(things(sim, sim.session(ROLE))), 3)
        equal(len(things(sim)), 4, "a user's key does not end")


def sessions_end_by_the_clock_of_the_service():
    with make(sessions={"life_s": 2}) as sim:
        keys = sim.session(ROLE)
        wait_until(lambda: ask(sim, "GET", "/things", keys)[0] == 403, "a session of two seconds ends")
        sim.control("world", {"sessions": {"life_s": 900, "early_s": 900}})
        equal(ask(sim, "GET", "/things", sim.session(ROLE))[0], 403, "it ends before it says")


def sts_is_throttled_by_account():
    with make("--quota", "AssumeRole=2") as sim:
        found = [sim.sts("AssumeRole", RoleArn=ROLE, RoleSessionName="test") for _ in range(20)]
        throttled = [answer for status, answer in found if status == 400]
        assert throttled and all(answer["Code"] == "Throttling" for answer in throttled), throttled
        count = sim.counts()["operations"]["AssumeRole"]
        equal((count["received"], count["throttled"], count["executed"]), (20, len(throttled), 20 - len(throttled)))
        sim.control("world", {"quotas": {"AssumeRole": -1}})
        equal(len({sim.session(ROLE) for _ in range(20)}), 20)


def faults_of_sts_have_its_own_codes():
    for kind, status, expected in (("throttle", 400, "Throttling"), ("500", 500, "InternalFailure"), ("503", 503, "ServiceUnavailable"),
                                   ("expired", 403, "ExpiredToken"), ("denied", 403, "AccessDenied")):
        with make("--fault", f"{kind}=1", "--fault-ops", "AssumeRole", "--fault-limit", 1) as sim:
            found = sim.sts("AssumeRole", RoleArn=ROLE, RoleSessionName="test")
            equal((found[0], found[1]["Code"]), (status, expected))
            equal((sim.counts()["sessions"], len(sim.session(ROLE))), (0, 3), "the next one is answered")


# --- policies ---

def refusal(sim, method, target, keys, expected):
    status, headers, body = ask(sim, method, target, keys)
    equal((status, code(headers)), (403, "AccessDeniedException"), body)
    equal(json.loads(body)["message"], expected)


def a_session_policy_limits_its_session():
    arn = f"arn:aws:iot:us-east-1:{OTHER}:"
    with make() as sim:
        keys = sim.session(ROLE, Policy=json.dumps(allow(["iot:List*", "iot:describejobexecution"])))
        equal(len(things(sim, keys)), 3)
        equal(ask(sim, "GET", EXECUTION, keys)[0], 200, "actions have no case")
        refusal(sim, "DELETE", DELETION, keys, f"User: arn:aws:sts::{OTHER}:assumed-role/sweep/test is not authorized to perform: "
                f"iot:DeleteJobExecution on resource: {arn}job/fw-0000 because no session policy allows the "
                "iot:DeleteJobExecution action")
        equal(sim.counts(f"{OTHER}/us-east-1")["operations"]["DeleteJobExecution"],
              {"received": 1, "executed": 0, "throttled": 0, "denied": 1})
        one = allow("iot:DeleteJobExecution", [f"{arn}job/fw-*", f"{arn}thing/gw-00000?"])
        keys = sim.session(ROLE, Policy=json.dumps(one))
        equal(ask(sim, "DELETE", DELETION, keys)[0], 200)
        refusal(sim, "GET", "/things", keys, f"User: arn:aws:sts::{OTHER}:assumed-role/sweep/test is not authorized to "
                "perform: iot:ListThings on resource: * because no session policy allows the iot:ListThings action")
        job_only = sim.session(ROLE, Policy=json.dumps(allow("iot:DeleteJobExecution", f"{arn}job/*")))
        refusal(sim, "DELETE", DELETION, job_only, f"User: arn:aws:sts::{OTHER}:assumed-role/sweep/test is not authorized to "
                f"perform: iot:DeleteJobExecution on resource: {arn}thing/gw-000000 because no session policy allows the "
                "iot:DeleteJobExecution action")


def what_a_role_lacks_no_session_policy_gives():
    roles = [{"account": OTHER, "name": "reader", "policy": allow(["iot:List*", "iot:Describe*"])},
             {"account": OTHER, "name": "denied", "policy": {"Statement": allow("*")["Statement"] + allow(
                 "iot:Delete*", effect="Deny")["Statement"]}}]
    with make(roles=roles) as sim:
        everything = json.dumps(allow("*"))
        reader = sim.session(f"arn:aws:iam::{OTHER}:role/reader", Policy=everything)
        equal(len(things(sim, reader)), 3)
        refusal(sim, "DELETE", DELETION, reader, f"User: arn:aws:sts::{OTHER}:assumed-role/reader/test is not authorized to "
                f"perform: iot:DeleteJobExecution on resource: arn:aws:iot:us-east-1:{OTHER}:job/fw-0000 because no "
                "identity-based policy allows the iot:DeleteJobExecution action")
        denied = sim.session(f"arn:aws:iam::{OTHER}:role/denied", Policy=everything)
        refusal(sim, "DELETE", DELETION, denied, f"User: arn:aws:sts::{OTHER}:assumed-role/denied/test is not authorized to "
                f"perform: iot:DeleteJobExecution on resource: arn:aws:iot:us-east-1:{OTHER}:job/fw-0000 with an explicit "
                "deny in an identity-based policy")
        explicit = json.dumps({"Statement": allow("*")["Statement"] + allow("iot:Delete*", effect="Deny")["Statement"]})
        refusal(sim, "DELETE", DELETION, sim.session(ROLE, Policy=explicit), f"User: arn:aws:sts::{OTHER}:assumed-role/sweep/test "
                f"is not authorized to perform: iot:DeleteJobExecution on resource: arn:aws:iot:us-east-1:{OTHER}:job/fw-0000 "
                "with an explicit deny in a session policy")
        equal(sim.deleted(), [])


def a_user_may_lack_the_right_to_assume():
    user = {"access_key": "AKIDREADER", "secret_key": "secret", "name": "reader", "policy": allow("iot:*")}
    with make(users=[user]) as sim:
        keys = "AKIDREADER", "secret", None
        equal(len(things(sim, keys)), 4)
        status, found = sim.sts("AssumeRole", keys, RoleArn=ROLE, RoleSessionName="test")
        equal((status, found["Code"]), (403, "AccessDenied"))
        assert found["Message"].endswith("because no identity-based policy allows the sts:AssumeRole action"), found


def policies_that_are_no_policies_are_refused():
    spaced = json.dumps(allow("iot:*"), indent=8)
    with make(sessions={"packed_policy_max": 120}) as sim:
        statement = allow("iot:*")["Statement"][0]
        for policy, expected in (("{", "MalformedPolicyDocument"), ("[]", "MalformedPolicyDocument"),
                                 ({"Statement": []}, "MalformedPolicyDocument"), (allow([]), "MalformedPolicyDocument"),
                                 ({"Version": "2020", "Statement": statement}, "MalformedPolicyDocument"),
                                 ({"Statement": {**statement, "NotAction": "x"}}, "MalformedPolicyDocument"),
                                 ({"Statement": {**statement, "NotResource": "x"}}, "MalformedPolicyDocument"),
                                 ({"Statement": {**statement, "Condition": {}}}, "MalformedPolicyDocument"),
                                 ({"Statement": {**statement, "Effect": "allow"}}, "MalformedPolicyDocument"),
                                 ({"Statement": {"Effect": "Allow", "Action": "*"}}, "MalformedPolicyDocument"),
                                 ({"Statement": {**statement, "Sid": "s" * 100}}, "PackedPolicyTooLarge"),
                                 ({"Statement": {**statement, "Sid": "s" * 2048}}, "ValidationError"),
                                 (spaced, None), ({"Statement": statement}, None)):
            text = policy if isinstance(policy, str) else json.dumps(policy)
            status, found = sim.sts("AssumeRole", RoleArn=ROLE, RoleSessionName="test", Policy=text)
            equal((status == 200, found.get("Code")), (expected is None, expected), text)


# --- with a token instead of a signature ---

def a_web_identity_assumes_a_role():
    with make(roles=[{"account": OTHER, "name": "web", "web_identity": True}], web_identity={"token": "header.claims.mark"}) as sim:
        web = {"RoleArn": f"arn:aws:iam::{OTHER}:role/web", "RoleSessionName": "test"}

        def assume(token="header.claims.mark", **more):
            return sim.sts("AssumeRoleWithWebIdentity", signed=False, WebIdentityToken=token, **{**web, **more})

        status, found = assume()
        equal((status, found["Arn"]), (200, f"arn:aws:sts::{OTHER}:assumed-role/web/test"))
        equal(len(things(sim, (found["AccessKeyId"], found["SecretAccessKey"], found["SessionToken"]))), 3)
        equal(assume("another.token.here")[1]["Code"], "InvalidIdentityToken")
        equal(assume(RoleArn=ROLE)[1]["Message"], "Not authorized to perform: sts:AssumeRoleWithWebIdentity")
        limited = assume(Policy=json.dumps(allow("iot:ListJobs")))[1]
        equal(ask(sim, "GET", "/things", (limited["AccessKeyId"], limited["SecretAccessKey"], limited["SessionToken"]))[0], 403)
        for mode, status, expected in (("idp-down", 400, "IDPCommunicationError"), ("expired", 400, "ExpiredTokenException"),
                                       ("invalid", 400, "InvalidIdentityToken"), ("rejected", 403, "IDPRejectedClaim")):
            sim.control("world", {"web_identity": {"mode": mode}})
            answer = assume()
            equal((answer[0], answer[1]["Code"]), (status, expected), mode)
        sim.control("world", {"web_identity": {"mode": "ok"}})
        equal(assume()[0], 200)


main([each_account_and_region_has_its_own_fleet, an_account_without_a_fleet_finds_nothing, a_region_that_nobody_is_in_is_no_region,
      the_quotas_of_two_accounts_are_apart, a_thousand_accounts_come_from_one_line, what_is_wrong_with_a_world_is_said,
      a_session_is_who_it_says, a_session_needs_its_token, what_an_assumption_asks_is_checked, a_role_chooses_who_assumes_it,
      sessions_end_when_they_are_told_to, sessions_end_by_the_clock_of_the_service, sts_is_throttled_by_account, faults_of_sts_have_its_own_codes,
      a_session_policy_limits_its_session, what_a_role_lacks_no_session_policy_gives, a_user_may_lack_the_right_to_assume,
      policies_that_are_no_policies_are_refused, a_web_identity_assumes_a_role])
