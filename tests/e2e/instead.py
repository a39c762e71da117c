#!/usr/bin/env python3
"""`jobsweep delete-job-execution` and Debian's `aws` in one home, one in the place of the other: the region of the instance
that both are on, and the sessions that each leaves for the next."""
import calendar
import json
import os
import random
import shlex
import shutil
import subprocess
import time

from answering import closed_url
from harness import Skip, equal, main, note, program, run
from homes import OTHER, ROLE, Home, environment_for_aws

AWS = "/usr/bin/aws" if os.access("/usr/bin/aws", os.X_OK) else shutil.which("aws")  # Debian's first
EXECUTIONS = 40
NO_REGION = "You must specify a region. You can also configure your region by running \"aws configure\"."


class Both(Home):
    """An execution for each deletion, and both commands to delete it with."""

    def __init__(self, **more):
        super().__init__({"things": EXECUTIONS, "jobs": 1, "executions": EXECUTIONS}, **more)
        self.used = 0

    def words(self):
        number, self.used = self.used, self.used + 1
        return ["delete-job-execution", "--job-id", "fw-0000", "--thing-name",
                f"gw-{number:06d}" + (":radio" if number % 16 == 5 else ""), "--execution-number", "1", "--force"]

    def ours(self, *options, **more):
        return run([program("jobsweep"), *self.words(), "--endpoint-url", self.sim.url, *options], self.environment(**more),
                   start_new_session=True)

    def theirs(self, *options, **more):
        if not AWS:
            raise Skip("there is no aws command")
        return run([AWS, "iot", *self.words(), *options], environment_for_aws(self, **more), start_new_session=True)

    def deleted(self):
        return [(gone["account"], gone["region"]) for gone in self.sim.deleted()]


def read(home, name):
    with open(os.path.join(home.folder, name), encoding="utf-8") as file:
        return file.read()


def fine(done):
    equal((done.returncode, done.stdout, done.stderr), (0, "", ""))


# --- the region of the instance ---

def on_an_instance(home, **more):
    return {"AWS_EC2_METADATA_DISABLED": "false", "AWS_EC2_METADATA_SERVICE_ENDPOINT": home.sim.metadata + "/",
            "AWS_METADATA_SERVICE_TIMEOUT": "10", **more}


def without_another_region_it_is_that_of_the_instance():
    with Both(region="eu-west-3") as home:
        for command in (home.ours, home.theirs):
            fine(command(**on_an_instance(home)))
            fine(command("--profile", "assume", **on_an_instance(home)))
            home.sim.control("world", {"metadata": {"imds": {"v1": True, "put": "403"}}})
            fine(command("--profile", "web", **on_an_instance(home)))
            home.sim.control("world", {"metadata": {"imds": {"v1": False, "put": "ok"}}})
        equal(home.deleted(), [(OTHER, "eu-west-3")] * 6)
        equal(home.sim.counts()["metadata"]["imds_refused"], 0)


def the_instance_is_asked_for_no_region_that_something_else_names():
    with Both() as home:
        home.write(".aws/config", read(home, ".aws/config") + "[profile regional]\nregion = us-east-1\nsource_profile = base\n"
                   f"role_arn = {ROLE}\n")
        for command in (home.ours, home.theirs):
            fine(command("--profile", "assume", **on_an_instance(home, AWS_REGION="us-east-1")))
            fine(command("--profile", "assume", **on_an_instance(home, AWS_DEFAULT_REGION="us-east-1")))
            fine(command("--profile", "assume", "--region", "us-east-1", **on_an_instance(home)))
            fine(command("--profile", "regional", **on_an_instance(home)))
        equal((home.sim.counts()["metadata"]["imds_token"], home.sim.counts()["metadata"]["imds_other"]), (0, 0))


def where_the_instance_tells_none_there_is_no_region():
    with Both() as home:
        def refused(what, **more):
            for command in (home.ours, home.theirs):
                done = command("--profile", "assume", **on_an_instance(home, **more))
                equal((done.returncode, done.stdout), (253, ""), f"{what}: {done.stderr}")
                assert NO_REGION in done.stderr, done.stderr
        refused("it is disabled", AWS_EC2_METADATA_DISABLED="True")
        equal(home.sim.counts()["metadata"]["imds_token"], 0)
        refused("nobody is there", AWS_EC2_METADATA_SERVICE_ENDPOINT=closed_url() + "/")
        for put in ("hang", "404", "500"):  # and version 1 is off
            home.sim.control("world", {"metadata": {"imds": {"put": put}}})
            refused(put, AWS_METADATA_SERVICE_TIMEOUT="1")
        equal(home.deleted(), [])


# --- sessions that are kept ---

CACHE = ".aws/cli/cache"
REGION = {"AWS_REGION": "us-east-1", "AWS_DEFAULT_REGION": "us-east-1"}
PROFILES = {"assume": 1, "chained": 2, "web": 1, "sso": 1, "renewed": 1}  # and how many sessions it takes


def kept(home):
    folder = os.path.join(home.folder, CACHE)
    return sorted(os.listdir(folder)) if os.path.isdir(folder) else []


def used_by_the_other(home, first, second, profile, sessions):
    made = home.sim.counts()["sessions"]
    fine(first("--profile", profile, **REGION))
    equal(home.sim.counts()["sessions"], made + sessions, f"{profile}: sessions for the first")
    names = kept(home)
    equal(len(names), sessions, names)
    for command in (second, home.ours):
        fine(command("--profile", profile, **REGION))
    equal((home.sim.counts()["sessions"], kept(home)), (made + sessions, names), f"{profile}: sessions for the others")
    for name in names:
        path = os.path.join(home.folder, CACHE, name)
        equal(os.stat(path).st_mode & 0o7777, 0o600)
        os.unlink(path)


def each_uses_the_sessions_of_the_other():
    for first, second in (("ours", "theirs"), ("theirs", "ours")):
        with Both() as home:
            for profile, sessions in PROFILES.items():
                used_by_the_other(home, getattr(home, first), getattr(home, second), profile, sessions)


def with_a_code(words, env, code):
    """Without a terminal: the code is read from standard input."""
    return subprocess.run(words, env=env, input=code, capture_output=True, text=True, timeout=60, check=False,
                          start_new_session=True)


def the_code_of_a_device_is_asked_for_once():
    with Both() as home:
        words = [program("jobsweep"), *home.words(), "--endpoint-url", home.sim.url, "--profile", "mfa"]
        done = with_a_code(words, home.environment(**REGION), "654321\n")
        equal((done.returncode, kept(home)), (254, []), done.stderr)
        done = with_a_code(words, home.environment(**REGION), "123456\n")
        equal((done.returncode, done.stderr), (0, f"Enter MFA code for arn:aws:iam::{OTHER}:mfa/me: "))
        fine(home.ours("--profile", "mfa", **REGION))
        fine(home.theirs("--profile", "mfa", **REGION))
        shutil.rmtree(os.path.join(home.folder, CACHE))
        words = [AWS, "iot", *home.words(), "--profile", "mfa"]
        done = with_a_code(words, environment_for_aws(home, **REGION), "123456\n")
        equal(done.returncode, 0, done.stderr)
        fine(home.ours("--profile", "mfa", **REGION))


def session_file(home, name, session, left_s=3600, mode=0o600):
    access_key, secret_key, token = session
    end = subprocess.run(["date", "-u", "-d", f"+{left_s} seconds", "+%Y-%m-%dT%H:%M:%SUTC"], capture_output=True, text=True,
                         check=True).stdout.strip()
    home.write(f"{CACHE}/{name}.json", json.dumps({"Credentials": {
        "AccessKeyId": access_key, "SecretAccessKey": secret_key, "SessionToken": token, "Expiration": end}}))
    os.chmod(os.path.join(home.folder, CACHE, name + ".json"), mode)


TEXTS = ["a", "e/1", "two words", "q\"u\\o", "\u00e9\u20ac", "\U0001f642", "\x7f", "t\tb", "=;#", "a\\/b", "x" * 300]


def random_profile(chance):
    """Parameters by the names that botocore has for them, and as a profile says them."""
    from botocore.credentials import AssumeRoleCredentialFetcher, AssumeRoleWithWebIdentityCredentialFetcher, SSOCredentialFetcher
    text = lambda: chance.choice(TEXTS)
    kind = chance.choice(["role", "role", "role", "web", "sso", "session"])
    if kind in ("sso", "session"):
        role, account, url, name = text(), text(), "https://" + text(), text()
        key = SSOCredentialFetcher(url, "us-east-1", role, account, None, sso_session_name=name if kind == "session" else None)
        lines = {"sso_role_name": role, "sso_account_id": account, "sso_start_url": url, "sso_region": "us-east-1"}
        return key, {**lines, **({"sso_session": name} if kind == "session" else {})}
    arn = ROLE if chance.random() < 0.5 else "arn:" + text()
    given = {}
    for name, value in (("role_session_name", text), ("external_id", text), ("mfa_serial", text),
                        ("duration_seconds", lambda: str(chance.randrange(900, 43201)))):
        if chance.random() < 0.5 and (kind == "role" or name == "role_session_name"):
            given[name] = value()
    names = {"role_session_name": "RoleSessionName", "external_id": "ExternalId", "mfa_serial": "SerialNumber",
             "duration_seconds": "DurationSeconds"}
    parameters = {names[name]: int(value) if name == "duration_seconds" else value for name, value in given.items()}
    if kind == "web":
        return (AssumeRoleWithWebIdentityCredentialFetcher(None, None, arn, extra_args=parameters),
                {"role_arn": arn, "web_identity_token_file": "/none", **given})
    return AssumeRoleCredentialFetcher(None, None, arn, extra_args=parameters), {"role_arn": arn, "source_profile": "base", **given}


def sessions_are_found_by_botocores_keys():
    seed = int(os.environ.get("JOBSWEEP_SEED") or random.randrange(1 << 32))
    note(f"JOBSWEEP_SEED={seed}")
    chance = random.Random(seed)
    with Both() as home:
        session = home.sim.session(ROLE)
        made = home.sim.counts()["sessions"]
        for _ in range(EXECUTIONS - 1):
            fetcher, lines = random_profile(chance)
            config = "[profile odd]\n" + "".join(f"{key} = {value}\n" for key, value in lines.items())
            if "sso_session" in lines:
                config += f"[sso-session {shlex.quote(lines['sso_session'])}]\nsso_region = us-east-1\n"
            home.write(".aws/config", config)
            shutil.rmtree(os.path.join(home.folder, CACHE), ignore_errors=True)
            session_file(home, fetcher._cache_key, session)
            done = home.ours("--profile", "odd", **REGION)
            equal((done.returncode, done.stderr), (0, ""), config)
        equal(home.sim.counts()["sessions"], made)


def a_session_that_is_no_good_is_replaced():
    with Both() as home:
        fine(home.ours("--profile", "assume", **REGION))
        name, = kept(home)
        path = os.path.join(home.folder, CACHE, name)
        session = home.sim.session(ROLE)
        for spoil in (lambda: session_file(home, name[:-5], session, left_s=890), lambda: home.write(f"{CACHE}/{name}", ""),
                      lambda: home.write(f"{CACHE}/{name}", "[]"), lambda: home.write(f"{CACHE}/{name}", '{"Credentials": {}}'),
                      lambda: session_file(home, name[:-5], session, mode=0o640),
                      lambda: session_file(home, name[:-5], (session[0], session[1], "a b"))):
            spoil()
            made = home.sim.counts()["sessions"]
            for _ in range(2):
                fine(home.ours("--profile", "assume", **REGION))
            equal((home.sim.counts()["sessions"], kept(home)), (made + 1, [name]))
            equal(os.stat(path).st_mode & 0o7777, 0o600)
        session_file(home, name[:-5], session, left_s=960)
        made = home.sim.counts()["sessions"]
        fine(home.ours("--profile", "assume", **REGION))
        equal(home.sim.counts()["sessions"], made)


def a_session_is_kept_no_longer_than_aws_says():
    """By a clock that is two hours ahead, or behind, when it is kept: it may be set right before it is used."""
    for skew_s in (-7200, 7200):
        with Both() as home:
            home.sim.control("skew", skew_s)
            home.ours("--profile", "assume", **REGION)  # the deletion itself is refused: it is signed by our clock
            name, = kept(home)
            end = json.loads(read(home, f"{CACHE}/{name}"))["Credentials"]["Expiration"]
            left_s = calendar.timegm(time.strptime(end, "%Y-%m-%dT%H:%M:%SZ")) - time.time()
            assert left_s < 3700 + min(skew_s, 0), f"{end} is {left_s} s from now"


def where_nothing_can_be_kept_it_deletes_all_the_same():
    with Both() as home:
        home.write(".aws/cli", "in the way")
        fine(home.ours("--profile", "assume", **REGION))
        files = {name: os.path.join(home.folder, ".aws", file) for name, file in
                 (("AWS_CONFIG_FILE", "config"), ("AWS_SHARED_CREDENTIALS_FILE", "credentials"))}
        env = home.environment(**REGION, **files)
        del env["HOME"]
        fine(run([program("jobsweep"), *home.words(), "--endpoint-url", home.sim.url, "--profile", "assume"], env))
        assert not os.path.exists("/.aws"), "something was kept in the root"


def give(folder, user):
    for path, _, names in os.walk(folder):
        for name in ("", *names):
            os.chown(os.path.join(path, name), user, user)


def the_home_of_another_stays_his():
    """As root with `sudo -E`: what is kept can be read by whose home it is, or is not kept."""
    if os.geteuid() != 0:
        raise Skip("only root has the home of another")
    nobody = 65534
    with Both() as home:
        give(home.folder, nobody)
        fine(home.ours("--profile", "assume", **REGION))
        assert not os.path.exists(os.path.join(home.folder, ".aws/cli")), "a folder of root's"
        os.chown(os.path.join(home.folder, ".aws"), 0, 0)  # then it is root's, wherever it is
        fine(home.ours("--profile", "assume", **REGION))
        name, = kept(home)
        path = os.path.join(home.folder, CACHE, name)
        home.write(f"{CACHE}/{name}", "spoilt")
        give(home.folder, nobody)
        fine(home.ours("--profile", "assume", **REGION))
        status = os.stat(path)
        equal((status.st_uid, status.st_gid, status.st_mode & 0o7777), (nobody, nobody, 0o600))
        made = home.sim.counts()["sessions"]
        fine(home.theirs("--profile", "assume", **REGION))
        equal((home.sim.counts()["sessions"], kept(home)), (made, [name]))


def nothing_but_this_command_keeps_sessions():
    with Both() as home:
        home.write("jobsweep.yaml", f"version: 1\ntargets: {{sim: {{account: '{OTHER}', region: us-east-1, profile: chained, "
                   f"endpoint_url: '{home.sim.url}'}}}}\npolicies: [{{name: old, targets: [sim], match: {{age: {{older_than: 1d}}}}}}]\n")
        done = run([program("jobsweep"), "-c", os.path.join(home.folder, "jobsweep.yaml"), "whoami"], home.environment())
        equal((done.returncode, kept(home)), (0, []), done.stdout + done.stderr)


main([without_another_region_it_is_that_of_the_instance, the_instance_is_asked_for_no_region_that_something_else_names,
      where_the_instance_tells_none_there_is_no_region, each_uses_the_sessions_of_the_other,
      the_code_of_a_device_is_asked_for_once, sessions_are_found_by_botocores_keys, a_session_that_is_no_good_is_replaced,
      a_session_is_kept_no_longer_than_aws_says,
      where_nothing_can_be_kept_it_deletes_all_the_same, the_home_of_another_stays_his, nothing_but_this_command_keeps_sessions], at_once=4)
