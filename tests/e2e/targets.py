#!/usr/bin/env python3
"""Many accounts and regions in one configuration: each target for itself, and what IAM has to allow."""
import json
import os
import subprocess

from harness import Iotsim, equal, main, program, run, scratch, wait_until

ACCOUNTS = ["111111111111", "222222222222", "333333333333"]
REGIONS = ["us-east-1", "eu-west-1"]
THINGS, JOBS = 6, 4

CONFIGURATION = """version: 1
state_directory: {state}
defaults: {{abort_if: {{selected_over: {over}}}}}
targets:
  prod:
    accounts: {accounts}
    regions: {regions}
    {credentials}
    endpoint_url: {sim.url}
    ca_bundle: {sim.ca}
    signature_life: 2s
    quotas: {{DeleteJobExecution: {rate}, DescribeJobExecution: 2000, ListJobExecutionsForJob: 500, ListJobs: 500, DescribeJob: 500}}
policies:
  - name: old
    targets: [prod]
    mode: enforce
    match: {{age: {{older_than: 30d}}{match}}}
"""


def user(account, **more):
    return {"account": account, "name": "hub", "access_key": "AKIA" + account, "secret_key": "secret" + account, **more}


def make(*options, users=ACCOUNTS, executions=20, **world):
    """A fleet in each account and region; a user in those of users."""
    sim = Iotsim(*options)
    sim.control("world", {
        "fleets": [{"account": account, "region": region, "seed": 7, "things": THINGS, "jobs": JOBS, "executions": executions}
                   for account in ACCOUNTS for region in REGIONS],
        "users": [user(account) for account in users]})
    if world:
        sim.control("world", world)
    return sim


class Fleet:
    """A configuration of all accounts, whose profiles are called as the accounts."""

    def __init__(self, sim, accounts=ACCOUNTS, regions=REGIONS, credentials='profile: "{account}"', over=10000, match="",
                 rate=2000):
        folder = scratch()
        self.path = os.path.join(folder, "jobsweep.yaml")
        with open(self.path, "w", encoding="utf-8") as file:
            file.write(CONFIGURATION.format(sim=sim, state=os.path.join(folder, "state"), accounts=json.dumps(accounts),
                                            regions=json.dumps(regions), credentials=credentials, over=over, match=match,
                                            rate=rate))
        os.chmod(self.path, 0o600)
        self.environment = dict(sim.environment(), AWS_ENDPOINT_URL_STS=sim.url)
        os.mkdir(os.path.join(self.environment["HOME"], ".aws"))
        shared = os.path.join(self.environment["HOME"], ".aws/credentials")
        with open(shared, "w", encoding="utf-8") as file:
            for account in ACCOUNTS:
                file.write(f"[{account}]\naws_access_key_id = AKIA{account}\naws_secret_access_key = secret{account}\n")
        os.chmod(shared, 0o600)

    def run(self, *words, name="jobsweep"):
        return run([program(name), "-c", self.path, *words], self.environment)

    def start(self, *words):
        return subprocess.Popen([program("jobsweep"), "-c", self.path, *words], env=self.environment, stdin=subprocess.DEVNULL,
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def events(self, *words):
        done = self.run("--format", "json", *words)
        return done, [json.loads(line) for line in done.stdout.splitlines()]


def deleted(sim, account, region):
    return sim.counts(f"{account}/{region}")["deleted"]


def by_target(events, kind):
    return {event["target"]: event for event in events if event["event"] == kind}


# --- each for itself ---

def all_pairs_of_accounts_and_regions_are_swept():
    with make() as sim:
        done, events = Fleet(sim).events("sweep", "old")
        equal(done.returncode, 0, done.stderr)
        ended = by_target(events, "target")
        equal(sorted(ended), sorted(f"prod/{account}/{region}" for account in ACCOUNTS for region in REGIONS))
        for account in ACCOUNTS:
            for region in REGIONS:
                one = ended[f"prod/{account}/{region}"]
                equal((one["end"], one["exit"], one["error"]), ("finished", 0, None))
                equal(deleted(sim, account, region), one["selected"], one)
        assert sum(one["selected"] for one in ended.values()) == events[-1]["selected"] > 0, events[-1]


def a_name_and_a_pattern_choose_targets():
    with make() as sim:
        done, events = Fleet(sim).events("sweep", "old", "--target", "prod/*/eu-west-1")
        equal(done.returncode, 0, done.stderr)
        equal(sorted(by_target(events, "target")), [f"prod/{account}/eu-west-1" for account in ACCOUNTS])
        equal([deleted(sim, account, "us-east-1") for account in ACCOUNTS], [0, 0, 0])
        equal(Fleet(sim).run("plan", "--target", "prdo").returncode, 2)


def one_without_credentials_stops_no_other():
    with make(users=ACCOUNTS[:2]) as sim:
        fleet = Fleet(sim, regions=["eu-west-1"])
        done, events = fleet.events("sweep", "old")
        equal(done.returncode, 8, done.stderr)
        ended = by_target(events, "target")
        equal([ended[f"prod/{account}/eu-west-1"]["end"] for account in ACCOUNTS], ["finished", "finished", "failed"])
        equal([ended[f"prod/{account}/eu-west-1"]["exit"] for account in ACCOUNTS], [0, 0, 8])
        assert all(deleted(sim, account, "eu-west-1") > 0 for account in ACCOUNTS[:2])
        equal(deleted(sim, ACCOUNTS[2], "eu-west-1"), 0)
        done = fleet.run("sweep", "old")
        equal(done.returncode, 8, done.stderr)
        assert "1 of 3 did not end well:\n  old in prod/333333333333/eu-west-1: failed: " in done.stdout, done.stdout


def the_worst_end_is_the_exit_status():
    with make(users=ACCOUNTS[:2]) as sim:
        sim.control("world", {"fleets": [{"account": ACCOUNTS[1], "region": "us-east-1", "seed": 8, "things": 10, "jobs": JOBS,
                                          "executions": 40}]})
        two = Fleet(sim, accounts=ACCOUNTS[:2], regions=["us-east-1"], over=20)
        done, events = two.events("sweep", "old")
        equal([by_target(events, "target")[f"prod/{account}/us-east-1"]["exit"] for account in ACCOUNTS[:2]], [0, 4], events)
        equal(done.returncode, 4, done.stderr)
        done, events = Fleet(sim, regions=["us-east-1"], over=20).events("sweep", "old")
        equal([by_target(events, "target")[f"prod/{account}/us-east-1"]["exit"] for account in ACCOUNTS], [0, 4, 8], events)
        equal(done.returncode, 8, done.stderr)


def credentials_of_another_account_delete_nothing():
    with make() as sim:
        fleet = Fleet(sim, regions=["us-east-1"], credentials=f'profile: "{ACCOUNTS[0]}"')
        done, events = fleet.events("sweep", "old")
        equal(done.returncode, 8, done.stderr)
        equal([event["end"] for event in by_target(events, "target").values()].count("failed"), 2)
        equal([deleted(sim, account, "us-east-1") > 0 for account in ACCOUNTS], [True, False, False])


def the_daemon_sweeps_the_others_too():
    with make(users=ACCOUNTS[:2]) as sim:
        done = Fleet(sim, regions=["eu-west-1"]).run("--once", name="jobsweepd")
        equal(done.returncode, 8, done.stderr)
        assert all(deleted(sim, account, "eu-west-1") > 0 for account in ACCOUNTS[:2]), done.stderr
        equal(deleted(sim, ACCOUNTS[2], "eu-west-1"), 0)


# --- whoami ---

def whoami_shows_every_target_and_what_is_wrong_with_it():
    with make(users=ACCOUNTS[:2]) as sim:
        fleet = Fleet(sim, regions=["eu-west-1"])
        done, events = fleet.events("whoami")
        equal(done.returncode, 8, done.stderr)
        first, _, third, last = events
        equal((first["target"], first["account"], first["arn"], first["region"]),
              ("prod/111111111111/eu-west-1", ACCOUNTS[0], f"arn:aws:iam::{ACCOUNTS[0]}:user/hub", "eu-west-1"))
        equal((first["role_arn"], first["expires_at"], first["error"]), (None, None, None))
        equal(first["host"], sim.url.removeprefix("https://"))
        assert ACCOUNTS[0] in first["source"], first
        equal((third["account"], third["arn"]), (None, None))
        assert third["error"], third
        equal(last, {"event": "whoami", "targets": 3, "failed": 1, "exit": 8})
        done = fleet.run("whoami", "--target", "prod/111111111111/*")
        equal(done.returncode, 0, done.stderr)
        titles, first, *_ = done.stdout.splitlines()
        equal(titles.split(), ["TARGET", "ACCOUNT", "ARN", "CREDENTIALS", "ENDPOINT"])
        for title, cell in (("ACCOUNT", ACCOUNTS[0]), ("ARN", f"arn:aws:iam::{ACCOUNTS[0]}:user/hub"),
                            ("ENDPOINT", sim.url.removeprefix("https://"))):
            assert first[titles.index(title):].startswith(cell), (title, done.stdout)
        quiet = fleet.run("whoami", "--quiet", "--target", "prod/111111111111/*")
        assert quiet.stdout.startswith("prod/111111111111/eu-west-1  "), quiet.stdout


def whoami_tells_another_account():
    with make() as sim:
        done, events = Fleet(sim, accounts=ACCOUNTS[1:2], regions=["eu-west-1"], credentials=f'profile: "{ACCOUNTS[0]}"').events("whoami")
        equal(done.returncode, 8, done.stderr)
        equal(events[0]["account"], ACCOUNTS[0])
        assert f"not to {ACCOUNTS[1]}" in events[0]["error"], events[0]


# --- IAM ---

MATCH = ', job_id: {include: ["fw-000[01]", fw-0001, "fw-0002"], exclude: [fw-0002]}, thing: {exclude: ["gw-*5"]}'.replace(
    '"fw-000[01]", ', '"fw-???0", ')


def document(fleet, *words):
    done = fleet.run("iam-policy", *words)
    equal(done.returncode, 0, done.stderr)
    return json.loads(done.stdout)


def what_iam_policy_prints_is_all_that_a_sweep_needs():
    with make() as sim:
        fleet = Fleet(sim, match=MATCH)
        for account in ACCOUNTS:
            policy = document(fleet, "--target", f"prod/{account}/*")
            sim.control("world", {"users": [user(account, policy=policy)]})
        done, events = fleet.events("sweep", "old")
        equal(done.returncode, 0, done.stderr)
        assert events[-1]["selected"] > 0, events
        equal(events[-1]["outcomes"]["deleted"], events[-1]["selected"])


def a_policy_for_another_place_is_not_enough():
    with make() as sim:
        fleet = Fleet(sim, accounts=ACCOUNTS[:1])
        policy = document(fleet, "--target", "prod/*/us-east-1")
        sim.control("world", {"users": [user(ACCOUNTS[0], policy=policy)]})
        done, events = fleet.events("sweep", "old")
        equal(done.returncode, 8, done.stderr)
        ends = {name: event["end"] for name, event in by_target(events, "target").items()}
        equal(ends, {"prod/111111111111/us-east-1": "finished", "prod/111111111111/eu-west-1": "failed"})


# --- roles ---

ROLE = 'role_arn: "arn:aws:iam::{account}:role/sweep"'
EXTERNAL = ROLE + '\n    external_id: "example-{account}"'


def role(account, **more):
    return {"account": account, "name": "sweep", "external_id": "example-" + account, **more}


def make_roles(*options, accounts=ACCOUNTS, **more):
    """As make(), where the keys of the environment may assume a role in each account that may do everything."""
    return make(*options, roles=[role(account, **more) for account in accounts])


def sessions(sim):
    found = [json.loads(line) for line in sim.control("sessions").splitlines()]
    return [session for session in found if "assumed-role/sweep" in session["arn"]]


def ask(sim, session, region, method, target):
    keys = session["access_key"], session["secret_key"], session["session_token"]
    return sim.request(method, target, headers=sim.signed(method, target, keys=keys, region=region))[0]


def a_role_is_assumed_in_each_account():
    with make_roles() as sim:
        done, events = Fleet(sim, credentials=EXTERNAL).events("sweep", "old")
        equal(done.returncode, 0, done.stderr)
        for account in ACCOUNTS:
            for region in REGIONS:
                assert deleted(sim, account, region) > 0, (account, region)
        equal(sorted({session["arn"].split(":")[4] for session in sessions(sim)}), ACCOUNTS)
        equal(denied(sim), {})


def denied(sim):
    return {name: counts["denied"] for name, counts in sim.counts()["operations"].items() if counts["denied"]}


def a_session_that_ends_is_followed_by_another_of_the_same_scope():
    with make_roles() as sim:
        fleet = Fleet(sim, accounts=ACCOUNTS[:1], regions=["us-east-1"], credentials=EXTERNAL, rate=5)
        with fleet.start("--format", "json", "sweep", "old") as sweep:
            wait_until(lambda: sim.counts()["deleted"] >= 3, "deletions")
            sim.control("expire-sessions")
            output, errors = sweep.communicate()
        equal(sweep.returncode, 0, errors)
        last = json.loads(output.splitlines()[-1])
        equal(last["outcomes"]["deleted"], last["selected"], output)
        equal([session["scoped"] for session in sessions(sim)], [True])


def what_a_killed_sweep_left_can_be_settled_with_a_scoped_session():
    with make_roles() as sim:
        match = ', job_id: {include: ["fw-*"], exclude: [fw-0000]}'
        fleet = Fleet(sim, accounts=ACCOUNTS[:1], regions=["us-east-1"], credentials=EXTERNAL, match=match, rate=5)
        planned = fleet.events("plan")[1][-1]["selected"]
        with fleet.start("--quiet", "sweep", "old") as sweep:
            wait_until(lambda: sim.counts()["deleted"] >= 3, "deletions")
            sweep.kill()
        done = fleet.run("sweep", "old")
        equal(done.returncode, 0, done.stderr)
        equal(len(sim.deleted()), planned)
        equal(denied(sim), {})


def one_role_that_may_not_be_assumed_stops_no_other():
    for kind in ("missing", "distrusted", "powerless"):
        with make_roles(accounts=ACCOUNTS[:2]) as sim:
            if kind == "distrusted":
                sim.control("world", {"roles": [role(ACCOUNTS[2], trust=[ACCOUNTS[1]])]})
            elif kind == "powerless":
                sim.control("world", {"roles": [role(ACCOUNTS[2], policy={"Version": "2012-10-17", "Statement": [
                    {"Effect": "Allow", "Action": "iot:ListThings", "Resource": "*"}]})]})
            done, events = Fleet(sim, regions=["us-east-1"], credentials=EXTERNAL).events("sweep", "old")
            equal(done.returncode, 8, (kind, done.stderr))
            ended = by_target(events, "target")
            equal([ended[f"prod/{account}/us-east-1"]["exit"] for account in ACCOUNTS], [0, 0, 8], kind)
            equal([deleted(sim, account, "us-east-1") > 0 for account in ACCOUNTS], [True, True, False], kind)
            assert "prod/333333333333/us-east-1" in done.stderr, (kind, done.stderr)


def a_wrong_external_id_is_refused_and_told():
    with make_roles() as sim:
        done, events = Fleet(sim, regions=["us-east-1"], credentials=ROLE).events("sweep", "old")
        equal(done.returncode, 8, done.stderr)
        assert all("AccessDenied" in event["error"] for event in by_target(events, "target").values()), events


def a_session_can_do_no_more_than_its_policy():
    """The keys of the very session that a sweep had ask for what only a bug would ask for."""
    with make_roles() as sim:
        fleet = Fleet(sim, accounts=ACCOUNTS[:1], credentials=EXTERNAL, match=', job_id: {include: ["fw-0001"]}')
        done, events = fleet.events("sweep", "old")
        equal(done.returncode, 0, done.stderr)
        assert events[-1]["outcomes"]["deleted"] > 0, events[-1]
        equal({row["job"] for row in sim.deleted()}, {"fw-0001"})
        found = sessions(sim)
        equal([session["scoped"] for session in found], [True] * len(REGIONS))
        session = found[0]
        allowed = [region for region in REGIONS if ask(sim, session, region, "GET", "/jobs/fw-0001") == 200]
        equal(len(allowed), 1, "the regions where the session may read its job")
        [region], [other] = allowed, [name for name in REGIONS if name not in allowed]
        for method, target, status in [
                ("GET", "/jobs/fw-0001", 200),
                ("GET", "/things/gw-000000/jobs/fw-0001?executionNumber=1", None),
                ("GET", "/jobs/fw-0002", 403), ("GET", "/jobs/fw-0002/things", 403),
                ("DELETE", "/things/gw-000000/jobs/fw-0002/executionNumber/1", 403),
                ("DELETE", "/things/gw-000000/jobs/fw-0002/executionNumber/1?force=true", 403)]:
            answer = ask(sim, session, region, method, target)
            assert answer == status or (status is None and answer != 403), (method, target, answer)
        equal(ask(sim, session, other, "DELETE", "/things/gw-000000/jobs/fw-0001/executionNumber/1"), 403)
        equal({row["job"] for row in sim.deleted()}, {"fw-0001"})


def patterns_that_do_not_fit_into_a_session_are_told():
    with make_roles() as sim:
        many = ", ".join(f"a-long-pattern-that-fits-nothing-{i}" for i in range(60))
        match = f', job_id: {{include: ["fw-0001", {many}]}}'
        done = Fleet(sim, accounts=ACCOUNTS[:1], regions=["us-east-1"], credentials=EXTERNAL, match=match).run("sweep", "old")
        equal(done.returncode, 0, done.stderr)
        assert "do not fit into the 2048 characters of a session policy" in done.stderr, done.stderr
        equal({row["job"] for row in sim.deleted()}, {"fw-0001"})
        [session] = sessions(sim)
        equal(ask(sim, session, "us-east-1", "GET", "/jobs/fw-0002"), 200)
        equal(ask(sim, session, "eu-west-1", "GET", "/jobs/fw-0002"), 403)


def a_plan_has_a_session_that_cannot_delete():
    with make_roles() as sim:
        done = Fleet(sim, accounts=ACCOUNTS[:1], regions=["us-east-1"], credentials=EXTERNAL).run("plan", "--quiet")
        equal(done.returncode, 0, done.stderr)
        [session] = sessions(sim)
        equal(ask(sim, session, "us-east-1", "GET", "/jobs/fw-0001"), 200)
        equal(ask(sim, session, "us-east-1", "DELETE", "/things/gw-000000/jobs/fw-0001/executionNumber/1"), 403)


def the_session_of_a_dry_run_can_look_at_its_rows_and_delete_none():
    with make_roles() as sim:
        fleet = Fleet(sim, accounts=ACCOUNTS[:1], regions=["us-east-1"], credentials=EXTERNAL)
        path = os.path.join(os.path.dirname(fleet.path), "rows.csv")
        with open(path, "w", encoding="utf-8") as file:
            file.write("job_id,thing_name,execution_number\nno-such-job,gw-000000,1\n")
        done, events = fleet.events("delete-job-executions", "--dry-run", path)
        equal(done.returncode, 0, done.stderr)
        equal(events[-1]["outcomes"]["gone"], 1, events[-1])
        equal(denied(sim), {})
        [session] = sessions(sim)
        equal(ask(sim, session, "us-east-1", "DELETE", "/things/gw-000000/jobs/fw-0001/executionNumber/1"), 403)


def what_a_policy_leaves_out_can_be_explained_with_a_role():
    with make_roles() as sim:
        match = ', job_id: {include: [fw-0001]}, thing: {include: [gw-000001]}'
        fleet = Fleet(sim, accounts=ACCOUNTS[:1], regions=["us-east-1"], credentials=EXTERNAL, match=match)
        done = fleet.run("explain", "--thing", "gw-000000", "--job", "fw-0000")
        assert done.returncode == 0 and "fw-0000" in done.stdout, (done.stdout, done.stderr)
        equal(denied(sim), {})
        equal(ask(sim, sessions(sim)[0], "us-east-1", "DELETE", "/things/gw-000001/jobs/fw-0001/executionNumber/1"), 403)


def a_session_is_not_limited_where_the_target_says_so():
    with make_roles() as sim:
        credentials = EXTERNAL + "\n    scoped_session: false"
        done = Fleet(sim, accounts=ACCOUNTS[:1], regions=["us-east-1"], credentials=credentials).run("sweep", "old")
        equal(done.returncode, 0, done.stderr)
        equal([session["scoped"] for session in sessions(sim)], [False])


def whoami_shows_roles_and_when_their_sessions_end():
    with make_roles(accounts=ACCOUNTS[:2]) as sim:
        done, events = Fleet(sim, regions=["us-east-1"], credentials=EXTERNAL + "\n    session_name: me").events("whoami")
        equal(done.returncode, 8, done.stderr)
        for account, event in zip(ACCOUNTS[:2], events):
            equal((event["account"], event["arn"]), (account, f"arn:aws:sts::{account}:assumed-role/sweep/me"))
            equal(event["role_arn"], f"arn:aws:iam::{account}:role/sweep")
            assert event["expires_at"].endswith("Z") and event["source"], event
        assert "AccessDenied" in events[2]["error"], events[2]
        equal(ask(sim, sessions(sim)[0], "us-east-1", "GET", "/jobs/fw-0001"), 403)


def two_policies_of_a_target_have_a_session_each():
    with make_roles() as sim:
        fleet = Fleet(sim, accounts=ACCOUNTS[:1], regions=["us-east-1"], credentials=EXTERNAL, match=", job_id: {include: [fw-0000]}")
        with open(fleet.path, "a", encoding="utf-8") as file:
            file.write("  - {name: other, targets: [prod], mode: enforce, "
                       "match: {age: {older_than: 30d}, job_id: {include: [fw-0001]}}}\n")
        done, events = fleet.events("sweep", "old", "other")
        equal(done.returncode, 0, done.stderr)
        equal({row["job"] for row in sim.deleted()}, {"fw-0000", "fw-0001"})
        reads = [[ask(sim, session, "us-east-1", "GET", f"/jobs/fw-000{i}") for i in range(2)] for session in sessions(sim)]
        equal(sorted(reads), [[200, 403], [403, 200]])


TESTS = [all_pairs_of_accounts_and_regions_are_swept, a_name_and_a_pattern_choose_targets,
         one_without_credentials_stops_no_other, the_worst_end_is_the_exit_status,
         credentials_of_another_account_delete_nothing, the_daemon_sweeps_the_others_too,
         whoami_shows_every_target_and_what_is_wrong_with_it, whoami_tells_another_account,
         what_iam_policy_prints_is_all_that_a_sweep_needs, a_policy_for_another_place_is_not_enough,
         a_role_is_assumed_in_each_account, a_session_that_ends_is_followed_by_another_of_the_same_scope,
         what_a_killed_sweep_left_can_be_settled_with_a_scoped_session, one_role_that_may_not_be_assumed_stops_no_other,
         a_wrong_external_id_is_refused_and_told, a_session_can_do_no_more_than_its_policy,
         patterns_that_do_not_fit_into_a_session_are_told, a_plan_has_a_session_that_cannot_delete,
         the_session_of_a_dry_run_can_look_at_its_rows_and_delete_none, what_a_policy_leaves_out_can_be_explained_with_a_role, a_session_is_not_limited_where_the_target_says_so,
         whoami_shows_roles_and_when_their_sessions_end, two_policies_of_a_target_have_a_session_each]

if __name__ == "__main__":
    main(TESTS, at_once=4)
