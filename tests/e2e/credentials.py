#!/usr/bin/env python3
"""Sweeps with credentials from every source that there is, against iotsim: each with sessions that end several times
while the sweep runs, and with a secret of its own that must turn up nowhere."""
import http.server
import json
import os
import shutil
import signal
import stat
import subprocess
import threading
import urllib.parse

import homes
from harness import LIMIT_S, SECRET_KEY, equal, main, program, run, wait_until
from homes import CONTAINER_TOKEN, IDENTITY, OTHER, ROLE, SSO

EXECUTIONS = 110

MORE_CONFIG = """[profile process]
credential_process = sh "{folder}/the helper" 'container/credentials'
[profile instance]
role_arn = {outer}
credential_source = Ec2InstanceMetadata
[profile login]
login_session = arn:aws:sts::{other}:assumed-role/x/y
[profile loop]
role_arn = {role}
source_profile = loop
[profile failing]
credential_process = sh -c 'echo no luck today >&2; exit 1'
"""
CONFIGURATION = """version: 1
state_directory: {folder}/state
targets:
  sim:
    account: "{other}"
    region: us-east-1
    endpoint_url: {sim.url}
    ca_bundle: {sim.ca}
    signature_life: 2s
    {profile}
    quotas: {{DeleteJobExecution: {rate}, DescribeJobExecution: 2000, ListJobExecutionsForJob: 500, ListJobs: 500, DescribeJob: 500}}
policies:
  - name: old
    targets: [sim]
    mode: enforce
    match: {{age: {{older_than: 1d}}}}
"""
# Prints what the container endpoint hands out as a credential_process has to.
HELPER = """exec python3 -c '
import json, sys, urllib.request
request = urllib.request.Request("{metadata}/" + sys.argv[1], headers=dict(Authorization="{token}"))
keys = json.load(urllib.request.urlopen(request))
print(json.dumps(dict(Version=1, AccessKeyId=keys["AccessKeyId"], SecretAccessKey=keys["SecretAccessKey"],
                      SessionToken=keys["Token"], Expiration=keys["Expiration"])))
' "$1"
"""


class Home(homes.Home):
    """With every kind of profile, and a configuration that sweeps with one of them."""

    def __init__(self, executions=EXECUTIONS, life_s=0, early_s=0, options=()):
        super().__init__({"things": 40, "jobs": 4, "executions": executions}, *options, more_config=MORE_CONFIG,
                         sessions={"life_s": life_s, "early_s": early_s})
        self.write("container-token", CONTAINER_TOKEN)
        self.write("the helper", HELPER.format(metadata=self.sim.metadata, token=CONTAINER_TOKEN))

    def command(self, profile, rate, *words, name="jobsweep"):
        self.write("jobsweep.yaml", CONFIGURATION.format(folder=self.folder, other=OTHER, sim=self.sim, rate=rate,
                                                         profile=f"profile: {profile}" if profile else ""))
        return [program(name), "-c", os.path.join(self.folder, "jobsweep.yaml"), *words]

    def sweep(self, profile=None, rate=2000, **more):
        return run(self.command(profile, rate, "--format", "json", "sweep", "old"), self.environment(**more))


SOURCES = {
    "a_role_of_a_profile": ("assume", {}),
    "a_role_assumed_by_a_role": ("chained", {}),
    "a_token_of_a_web_identity": ("web", {}),
    "sso_of_an_older_profile": ("sso", {}),
    "an_sso_session_that_is_renewed": ("renewed", {}),
    "a_program": ("process", {}),
    "a_role_assumed_from_an_instance": ("instance", {"imds": True}),
    "an_instance": (None, {"imds": True}),
    "a_container": (None, {"container": True}),
    "a_web_identity_of_the_environment": (None, {"web": True}),
}


def variables(home, imds=False, container=False, web=False, keys=False):
    if keys:
        return {"AWS_ACCESS_KEY_ID": CANARY["AccessKeyId"], "AWS_SECRET_ACCESS_KEY": CANARY["SecretAccessKey"],
                "AWS_SESSION_TOKEN": CANARY["Token"]}
    if imds:
        return {"AWS_EC2_METADATA_DISABLED": "false", "AWS_EC2_METADATA_SERVICE_ENDPOINT": home.sim.metadata}
    if container:
        return {"AWS_CONTAINER_CREDENTIALS_FULL_URI": home.sim.metadata + "/container/credentials",
                "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE": os.path.join(home.folder, "container-token")}
    if web:
        return {"AWS_WEB_IDENTITY_TOKEN_FILE": os.path.join(home.folder, "token"), "AWS_ROLE_ARN": ROLE}
    return {}


def check_all_deleted(home, done):
    equal(done.returncode, 0, done.stderr)
    report = json.loads(done.stdout.splitlines()[-1])
    gone = [row for row in home.sim.deleted() if row["account"] == OTHER]
    assert report["selected"] > EXECUTIONS / 4, report
    outcomes = report["outcomes"]
    equal((outcomes["deleted"], outcomes["failed"], len(gone)), (report["selected"], 0, report["selected"]), report)


# --- they work ---

def sweeps_with(name, profile, options):
    """Sessions are told that they live 8 s, and end 4 s later: what is used that long was not refreshed."""
    def test():
        with Home(life_s=8, early_s=-4) as home:
            done = home.sweep(profile, rate=5, AWS_METADATA_SERVICE_TIMEOUT="10", **variables(home, **options))
            check_all_deleted(home, done)
            assert home.sim.counts()["sessions"] >= 3, "16 s of deletions"
    test.__name__ = f"{name}_serves_a_sweep_that_outlives_its_sessions"
    return test


def sessions_that_end_sooner_than_told_are_renewed_when_the_service_says_so():
    # A row forgives one ended session; on a busy machine it must not live through two of them.
    with Home(life_s=60, early_s=50) as home:
        done = home.sweep("assume", rate=5)
        check_all_deleted(home, done)
        assert home.sim.counts()["sessions"] >= 2


def a_refresh_that_fails_for_a_while_costs_no_deletion():
    with Home(life_s=24, early_s=-24) as home:
        sweep = subprocess.Popen(home.command(None, 3, "--format", "json", "sweep", "old"),
                                 env=home.environment(**variables(home, container=True)), stdin=subprocess.DEVNULL,
                                 stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        try:
            container = {"role": ROLE, "authorization": CONTAINER_TOKEN}
            wait_until(lambda: home.sim.counts()["metadata"]["container"] >= 1, "the first session")
            home.sim.control("world", {"metadata": {"container": {**container, "answer": "500"}}})
            wait_until(lambda: home.sim.counts()["metadata"]["container"] >= 4, "a refresh that fails three times")
            home.sim.control("world", {"metadata": {"container": {**container, "answer": "ok"}}})
            output, errors = sweep.communicate(timeout=LIMIT_S)
        finally:
            sweep.kill()
        check_all_deleted(home, subprocess.CompletedProcess([], sweep.returncode, output, errors))


# --- they turn out to be another account's ---

THIRD = "333344445555"
LIVING = """who=$(cat "{folder}/who")
echo "$who" >> "{folder}/asked"
printf '{{"Version":1,"AccessKeyId":"AKIA%s","SecretAccessKey":"secret","Expiration":"%s"}}' "$who" \\
    "$(date -u -d '+4 seconds' +%Y-%m-%dT%H:%M:%SZ)"
"""


class Switching(Home):
    """A credential_process whose keys end after 4 s, and are whose `who` says; two accounts with the same fleet."""

    def __init__(self, *options, lists=500, third=True):
        super().__init__(options=options)
        self.write(".aws/config", f'[profile process]\ncredential_process = sh "{self.folder}/the helper"\n')
        fleet = {"region": "us-east-1", "seed": 7, "things": 40, "jobs": 30, "executions": 2 * EXECUTIONS, "quotas": {"DeleteJobExecution": -1}}
        self.lists = lists
        self.sim.control("world", {
            "fleets": [{"account": account, **fleet} for account in ([OTHER, THIRD] if third else [OTHER])],
            "users": [{"account": account, "name": "both", "access_key": "AKIA" + account, "secret_key": "secret"}
                      for account in (OTHER, THIRD)]})
        self.write("the helper", LIVING.format(folder=self.folder))
        self.switch(OTHER)

    def switch(self, account):
        self.write("who.new", account)
        os.rename(os.path.join(self.folder, "who.new"), os.path.join(self.folder, "who"))

    def start(self, rate):
        command = self.command("process", rate, "--format", "json", "sweep", "old")
        path = os.path.join(self.folder, "jobsweep.yaml")
        with open(path, encoding="utf-8") as file:
            text = file.read()
        self.write("jobsweep.yaml", text.replace("ListJobExecutionsForJob: 500", f"ListJobExecutionsForJob: {self.lists}"))
        return subprocess.Popen(command, env=self.environment(), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                stderr=subprocess.PIPE, text=True)

    def asked(self):
        return read(os.path.join(self.folder, "asked")).decode().split()

    def sweep_until(self, stage, rate=2000, hurry=0):
        """Starts a sweep, has the keys become THIRD's at this stage, and waits for its end: the report. With hurry it is
        ended when they have been asked for so often, unless it has."""
        sweep = self.start(rate)
        try:
            wait_until(lambda: stage(self.sim.counts()), "the stage")
            self.switch(THIRD)
            if hurry > 0:
                wait_until(lambda: self.asked().count(THIRD) >= hurry or sweep.poll() is not None, "keys of the other account")
                sweep.send_signal(signal.SIGINT)
                wait_until(lambda: (line := sweep.stderr.readline()) == "" or "stopping" in line, "its answer to the signal")
                sweep.send_signal(signal.SIGINT)
            output, errors = sweep.communicate(timeout=LIMIT_S)
        finally:
            sweep.kill()
        said = output + errors
        assert sweep.returncode not in (0, 70), said
        assert hurry > 0 or f"belong to account {THIRD}, not to {OTHER}" in said, said
        equal([row for row in self.sim.deleted() if row["account"] == THIRD], [], "deleted in the other account")
        return json.loads(output.splitlines()[-1])


def keys_that_become_another_accounts_while_it_lists_delete_nothing():
    with Switching(lists=1) as home:
        report = home.sweep_until(lambda counts: counts["operations"]["ListJobExecutionsForJob"]["received"] >= 1)
        equal((report["outcomes"]["not_attempted"], home.sim.deleted()), (report["selected"], []), report)


def keys_that_become_another_accounts_while_it_deletes_delete_nothing_there():
    for third in (True, False):
        with Switching(third=third) as home:
            report = home.sweep_until(lambda counts: counts["deleted"] >= 1, rate=4)
            outcomes = report["outcomes"]
            equal((outcomes["deleted"], outcomes["gone"], outcomes["deleted_presumed"]), (len(home.sim.deleted()), 0, 0), report)
            assert outcomes["not_attempted"] > 0, report
            equal(outcomes["failed"], 0, "rows that were only the first to meet the other keys")


def a_lost_answer_is_settled_with_keys_of_its_own_account_alone():
    with Switching("--fault", "reset-before=1", "--fault-ops", "DeleteJobExecution", "--fault-limit", 1, third=False) as home:
        report = home.sweep_until(lambda counts: counts["faults"]["reset-before"] >= 1, rate=4, hurry=3)
        outcomes = report["outcomes"]
        equal((outcomes["deleted"], outcomes["gone"], outcomes["deleted_presumed"]), (len(home.sim.deleted()), 0, 0), report)


# --- they fail, and say why ---

REFUSALS = [  # profile, variables, what is set up in the simulator, what is said
    ("nosuch", {}, {}, "The config profile (nosuch) could not be found"),
    ("mfa", {}, {}, "the profile 'mfa' has mfa_serial"),
    ("login", {}, {}, "credential_process = aws configure export-credentials --profile login --format process"),
    ("loop", {}, {}, "Infinite loop in credential configuration detected."),
    ("failing", {}, {}, "Error when retrieving credentials from custom-process: no luck today"),
    (None, {}, {}, "no credentials found; environment: AWS_ACCESS_KEY_ID is not set; "),
    (None, {"AWS_ACCESS_KEY_ID": "x"}, {}, "Partial credentials found in env, missing: AWS_SECRET_ACCESS_KEY"),
    (None, {"imds": True}, {"imds": {"role": ROLE, "answer": "no-role"}}, "instance metadata: the name of the role did not come"),
    (None, {"imds": True}, {"imds": {"role": ROLE, "answer": "failed"}}, "no credentials found; "),
    (None, {"imds": True}, {"imds": {"role": ROLE, "put": "hang", "answer": "500"}}, "no credentials found; "),
    (None, {"imds": True, "AWS_EC2_METADATA_V1_DISABLED": "true"}, {"imds": {"role": ROLE, "put": "403"}},
     "Unable to retrieve token for use in IMDSv2 call and IMDSv1 has been disabled"),
    (None, {"container": True}, {"container": {"role": ROLE, "authorization": "another"}}, "Received non 200 response 40"),
    (None, {"container": True}, {"container": {"role": ROLE, "authorization": CONTAINER_TOKEN, "answer": "malformed"}},
     "Unable to parse JSON returned from container metadata services"),
    (None, {"container": True}, {"container": {"role": ROLE, "authorization": CONTAINER_TOKEN, "answer": "missing"}},
     "Missing required key in response: 'SecretAccessKey'"),
    (None, {"container": True}, {"container": {"role": ROLE, "authorization": CONTAINER_TOKEN, "answer": "huge"}},
     "the answer's body is larger than 65536 bytes"),
    (None, {"container": True}, {"container": {"role": ROLE, "authorization": CONTAINER_TOKEN, "answer": "expired"}},
     "the credentials of the container have expired"),
    ("sso", {}, {"sso": {**SSO, "answer": "401"}}, "run aws sso login with the corresponding profile"),
    ("sso", {}, {"sso": {**SSO, "answer": "403"}}, "when calling the GetRoleCredentials operation"),
    ("renewed", {}, {"sso": {**SSO, "oidc": "invalid-grant"}}, "Token has expired and refresh failed"),
    ("web", {}, {"web_identity": {"token": "another"}}, "when calling the AssumeRoleWithWebIdentity operation"),
    ("assume", {"AWS_ENDPOINT_URL_STS": "http://127.0.0.1:1"}, {}, "Error when retrieving credentials from assume-role: 127.0.0.1:1"),
]


def each_broken_form_gives_its_sentence():
    with Home(executions=10) as home:
        for profile, given, setup, said in REFUSALS:
            world = {key: setup[key] for key in setup if key == "web_identity"}
            metadata = {key: setup[key] for key in setup if key != "web_identity"}
            home.sim.control("world", {**world, "metadata": metadata} if metadata else world or {"web_identity": {"token": IDENTITY}})
            more = {name: value for name, value in given.items() if name.startswith("AWS_")}
            done = home.sweep(profile, **variables(home, **{name: True for name in given if not name.startswith("AWS_")}), **more)
            assert done.returncode not in (0, 70), (profile, given, setup, done.returncode)
            assert said in done.stderr + done.stdout, (profile, given, setup, done.stdout, done.stderr)
        equal(home.sim.deleted(), [], "what was deleted")


def a_fault_of_sts_that_may_pass_is_no_denial():
    with Home(executions=10, options=("--fault", "503=1", "--fault-ops", "AssumeRole")) as home:
        done = home.sweep("assume")
        equal(done.returncode, 1, done.stdout + done.stderr)
        assert "CredentialsUnavailable: An error occurred" in done.stdout + done.stderr, done.stdout + done.stderr
        assert "access keys" not in done.stderr, done.stderr


# --- and keep their secrets ---

def what_a_program_traces_is_not_in_the_daemons_log():
    with Home(executions=10) as home:
        done = run(home.command("failing", 5, "--once", name="jobsweepd"), home.environment())
        said = done.stdout + done.stderr
        assert "it ended with status 1; what it said is left out of logs" in said and "no luck" not in said, said


CANARY = {"AccessKeyId": "AKIDCANARY", "SecretAccessKey": "canary-secret-access-key", "Token": "canary-session-token"}
END = "2099-01-01T00:00:00Z"


class Canaries(http.server.BaseHTTPRequestHandler):
    """Hands out the same keys from every service."""

    def do_PUT(self):
        self.answer("canary-imds-token")

    def do_GET(self):
        if self.path.endswith("/security-credentials/"):
            self.answer("sweep")
        elif self.path.startswith("/federation/"):
            self.answer(json.dumps({"roleCredentials": {
                "accessKeyId": CANARY["AccessKeyId"], "secretAccessKey": CANARY["SecretAccessKey"],
                "sessionToken": CANARY["Token"], "expiration": 4070908800000}}))
        else:
            self.answer(json.dumps({"Code": "Success", **CANARY, "Expiration": END}))

    def do_POST(self):
        form = self.rfile.read(int(self.headers["Content-Length"])).decode()
        if self.path == "/token":
            self.answer(json.dumps({"accessToken": "canary-sso-access-2", "refreshToken": "canary-sso-refresh-2", "expiresIn": 28800}))
            return
        action = urllib.parse.parse_qs(form)["Action"][0]
        if action == "GetCallerIdentity":
            self.answer(f"<{action}Response><{action}Result><Arn>arn:aws:iam::{OTHER}:user/canary</Arn><Account>{OTHER}</Account>"
                        f"</{action}Result></{action}Response>")
            return
        self.answer(f"<{action}Response><{action}Result><Credentials><AccessKeyId>{CANARY['AccessKeyId']}</AccessKeyId>"
                    f"<SecretAccessKey>{CANARY['SecretAccessKey']}</SecretAccessKey><SessionToken>{CANARY['Token']}</SessionToken>"
                    f"<Expiration>{END}</Expiration></Credentials></{action}Result></{action}Response>")

    def answer(self, text):
        self.send_response(200)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, *words):
        pass


def read(path):
    with open(path, "rb") as file:
        return file.read()


def look_for_canaries(texts):
    """Nothing secret in any of these, and the search would find it."""
    secrets = [b"canary-", SECRET_KEY.encode()]
    for name, text in texts.items():
        for secret in secrets:
            assert secret not in text, f"{secret!r} in {name}: {text[:2000]!r}"


def of_process(pid):
    """What others can see of it; and it leaves no core."""
    limit = [line.split() for line in read(f"/proc/{pid}/limits").decode().splitlines() if line.startswith("Max core file size")]
    equal(limit[0][4:6], ["0", "0"], "core file size")
    return {"its arguments": read(f"/proc/{pid}/cmdline")}


def watch(home, profile, given):
    """All that the daemon leaves and shows, at its most talkative, from a sweep to its end."""
    folder = os.path.join(home.folder, "state")
    shutil.rmtree(folder, ignore_errors=True)
    command = home.command(profile, 12, "--once", "--log-level", "debug", name="jobsweepd")
    daemon = subprocess.Popen(command, env=home.environment(**given), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE)
    try:
        before = home.sim.counts()["deleted"]
        wait_until(lambda: home.sim.counts()["deleted"] > before or daemon.poll() is not None, "deletions")
        assert daemon.poll() is None, daemon.communicate()
        seen = of_process(daemon.pid)
        output, errors = daemon.communicate(timeout=LIMIT_S)
    finally:
        daemon.kill()
    equal(daemon.returncode, 0, errors)
    files = {name: read(os.path.join(folder, name)) for name in os.listdir(folder)
             if stat.S_ISREG(os.stat(os.path.join(folder, name)).st_mode)}
    assert "ledger.db" in files, files.keys()
    return {**seen, **files, "standard output": output, "standard error": errors}


def debug(home, profile, given):
    """What the command that stands in for the AWS CLI tells when it is asked for everything."""
    words = ["--debug", "--endpoint-url", home.sim.url, "--region", "us-east-1", *(["--profile", profile] if profile else [])]
    done = run([program("jobsweep"), "delete-job-execution", *words, "--job-id", "fw-0000", "--thing-name", "nosuch",
                "--execution-number", "1"], home.environment(**given))
    assert "credentials of " in done.stderr and "ResourceNotFoundException" in done.stderr, done.stderr
    return {"--debug": (done.stdout + done.stderr).encode()}


def keeps_secrets_of(name, profile, options):
    def test():
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Canaries)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_address[1]}"
        with Home(executions=40) as home:
            home.sim.control("world", {"users": [{"account": OTHER, "name": "canary", "access_key": CANARY["AccessKeyId"],
                                                  "secret_key": CANARY["SecretAccessKey"], "session_token": CANARY["Token"]}]})
            home.sim.metadata = url
            home.write("the helper", HELPER.format(metadata=url, token=CONTAINER_TOKEN))
            given = {**variables(home, **options), "AWS_ENDPOINT_URL_STS": url}
            texts = watch(home, profile, given)
            look_for_canaries(texts)
            assert CANARY["AccessKeyId"].encode() not in texts["its arguments"]
            look_for_canaries(debug(home, profile, given))
        server.shutdown()
    test.__name__ = f"no_secret_of_{name}_is_in_a_log_a_ledger_or_the_arguments"
    return test


def the_search_for_secrets_finds_them():
    try:
        look_for_canaries({"a text": b"... canary-secret-access-key ..."})
    except AssertionError:
        return
    raise AssertionError("the search finds nothing")


TESTS = [sweeps_with(name, *given) for name, given in SOURCES.items()]
main([*TESTS, sessions_that_end_sooner_than_told_are_renewed_when_the_service_says_so,
      a_refresh_that_fails_for_a_while_costs_no_deletion,
      keys_that_become_another_accounts_while_it_lists_delete_nothing,
      keys_that_become_another_accounts_while_it_deletes_delete_nothing_there,
      a_lost_answer_is_settled_with_keys_of_its_own_account_alone, each_broken_form_gives_its_sentence, a_fault_of_sts_that_may_pass_is_no_denial,
      what_a_program_traces_is_not_in_the_daemons_log, *[keeps_secrets_of(name, *given) for name, given in SOURCES.items()],
      keeps_secrets_of("the_environment", None, {"keys": True}), the_search_for_secrets_finds_them], at_once=12)
