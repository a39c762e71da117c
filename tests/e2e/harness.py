"""What the end-to-end tests share: iotsim with its clients' environment, programs, TAP.

A test file is a list of functions named as sentences, given to main(): each is one result, "not ok" when it
raises, skipped when it raises Skip. The programs are those of the directory in BUILD (build/release if unset).
"""
import atexit
import concurrent.futures
import http.client
import json
import os
import pty
import select
import shutil
import signal
import ssl
import subprocess
import sys
import tempfile
import threading
import time
import traceback
import urllib.parse
from xml.etree import ElementTree

ROOT = os.path.abspath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "../.."))
BUILD = os.path.join(ROOT, os.environ.get("BUILD", "build/release"))
ACCESS_KEY = "AKIDEXAMPLE"
SECRET_KEY = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
ACCOUNT = "123456789012"
REGION = "us-east-1"
TELLING = threading.Lock()
LIMIT_S = 60  # for anything that a test waits for


# A shell that starts a job in the background has it ignore this, and so would every program started here.
signal.signal(signal.SIGINT, signal.default_int_handler)


class Skip(Exception):
    """Raised by a test that cannot run here, with the reason."""


def try_terminal(make):
    """pty.openpty() or pty.fork(), which a root without /dev/pts has not."""
    try:
        return make()
    except OSError as why:
        raise Skip(f"no terminal is to be had: {why}") from why


def equal(found, expected, what=""):
    assert found == expected, f"{what}: {found!r} is not {expected!r}" if what else f"{found!r} is not {expected!r}"


def tell(lines):
    """At once, so that they stay whole where tests run side by side."""
    with TELLING:
        sys.stdout.write(lines)
        sys.stdout.flush()


def note(text):
    """For people."""
    tell(f"# {text}\n")


def outcome(test):
    """None when it passed, else what is to be said of it."""
    try:
        test()
    except Skip as why:
        return why
    except Exception:  # whatever it is, it is this test's failure
        return traceback.format_exc()
    return None


def main(tests, at_once=1):
    """at_once: how many may run side by side, where most of their time is waiting."""
    failed = 0
    tell(f"1..{len(tests)}\n")
    with concurrent.futures.ThreadPoolExecutor(at_once) as pool:
        outcomes = map(outcome, tests) if at_once == 1 else pool.map(outcome, tests)
        for number, (test, found) in enumerate(zip(tests, outcomes), 1):
            name = test.__name__.removeprefix("test_").replace("_", " ")
            if found is None:
                tell(f"ok {number} - {name}\n")
            elif isinstance(found, Skip):
                tell(f"ok {number} - {name} # SKIP {found}\n")
            else:
                failed += 1
                tell(f"not ok {number} - {name}\n" + "".join("# " + line + "\n" for line in found.splitlines()))
    sys.exit(1 if failed else 0)


def program(name):
    path = os.path.join(BUILD, name)
    if not os.access(path, os.X_OK):
        raise FileNotFoundError(f"{path}: build it first")
    return path


def scratch():
    """A new directory that is gone when this test file ends."""
    path = tempfile.mkdtemp(prefix="jobsweep-e2e-")
    atexit.register(shutil.rmtree, path, ignore_errors=True)
    return path


def clean_environment():
    """Nothing of the user's own AWS settings, and no instance metadata."""
    home = scratch()
    return {"PATH": os.environ["PATH"], "HOME": home, "LANG": "C.UTF-8", "TZ": "UTC", "AWS_PAGER": "",
            "AWS_EC2_METADATA_DISABLED": "true"}


def run(arguments, env, timeout=LIMIT_S, **more):
    return subprocess.run(arguments, env=env, stdin=subprocess.DEVNULL, capture_output=True, text=True,
                          timeout=timeout, check=False, **more)


class Measured:
    """What a program said and took: see measure()."""

    def __init__(self, status, stdout, stderr, usage, seconds):
        self.returncode, self.stdout, self.stderr, self.seconds = os.waitstatus_to_exitcode(status), stdout, stderr, seconds
        self.peak_bytes = usage.ru_maxrss * 1024  # the greatest resident size
        self.cpu_seconds = usage.ru_utime + usage.ru_stime


def measure(arguments, env, stdin=subprocess.DEVNULL, timeout=LIMIT_S, **more):
    """As run(), and how much memory and time it took; one that does not end in time is killed."""
    began = time.monotonic()
    with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as err:
        process = subprocess.Popen(arguments, env=env, stdin=stdin, stdout=out, stderr=err, **more)
        timer = threading.Timer(timeout, os.kill, (process.pid, signal.SIGKILL))
        timer.start()
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
        timer.cancel()
        timer.join()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        seconds = time.monotonic() - began
        out.seek(0)
        err.seek(0)
        return Measured(status, out.read(), err.read(), usage, seconds)


class Iotsim:
    """A running iotsim: Iotsim("--things", 10, "--fault", "stall=1"). Use with `with`, or stop() it."""

    def __init__(self, *options, plain=False, secret_key=SECRET_KEY, session_token=None, region=REGION):
        self.secret_key, self.session_token, self.region = secret_key, session_token, region
        self.ca = None if plain else os.path.join(scratch(), "ca.pem")
        command = [program("iotsim"), "--region", region, "--access-key", ACCESS_KEY, "--secret-key", secret_key]
        command += ["--plain"] if plain else ["--ca-file", self.ca]
        command += ["--session-token", session_token] if session_token else []
        command += [str(option) for option in options]
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
        atexit.register(self._kill)
        line = self._line()
        assert line.startswith("iotsim: listening on "), f"iotsim did not start: {line!r}"
        self.url = line.split()[3]
        self.metadata = line.rsplit("metadata=", 1)[-1].strip() if " metadata=" in line else None
        self.port = urllib.parse.urlsplit(self.url).port
        self.context = None if plain else ssl.create_default_context(cafile=self.ca)

    def _line(self):
        ready, _, _ = select.select([self.process.stdout], [], [], LIMIT_S)
        return self.process.stdout.readline() if ready else ""

    def _kill(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()

    def stop(self):
        """Ends it as a service manager would; returns its last words, the counts."""
        self.process.send_signal(signal.SIGTERM)
        try:
            output, _ = self.process.communicate(timeout=LIMIT_S)
        finally:
            self._kill()
        equal(self.process.returncode, 0, "exit status of iotsim")
        return json.loads(output)

    def __enter__(self):
        return self

    def __exit__(self, kind, value, trace):
        if kind is None and self.process.poll() is None:
            self.stop()
        self._kill()

    def environment(self):
        """For a client of this iotsim; give it self.url as the endpoint."""
        env = clean_environment()
        env.update(AWS_ACCESS_KEY_ID=ACCESS_KEY, AWS_SECRET_ACCESS_KEY=self.secret_key, AWS_REGION=self.region,
                   AWS_DEFAULT_REGION=self.region)
        if self.session_token:
            env["AWS_SESSION_TOKEN"] = self.session_token
        if self.ca:
            env["AWS_CA_BUNDLE"] = self.ca
        return env

    def connect(self, timeout=LIMIT_S):
        if self.context:
            return http.client.HTTPSConnection("127.0.0.1", self.port, context=self.context, timeout=timeout)
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)

    def signed(self, method, target, body=None, service="iot", secret_key=None, keys=None, region=None):
        """The headers of a request, signed by botocore; keys: access key, secret key and token of somebody else."""
        from botocore.auth import SigV4Auth
        from botocore.awsrequest import AWSRequest
        from botocore.credentials import Credentials
        request = AWSRequest(method=method, url=self.url + target, data=body)
        credentials = Credentials(*(keys or (ACCESS_KEY, secret_key or self.secret_key, self.session_token)))
        SigV4Auth(credentials, service, region or self.region).add_auth(request)
        return dict(request.headers.items())

    def request(self, method, target, body=None, connection=None, headers=None):
        """One signed request (or one with these headers): status, headers, body. Breaks as the connection does."""
        own = connection or self.connect()
        try:
            own.request(method, target, body=body, headers=headers or self.signed(method, target, body))
            answer = own.getresponse()
            return answer.status, answer.headers, answer.read()
        finally:
            if not connection:
                own.close()

    def sts(self, action, keys=None, region=None, signed=True, **parameters):
        """One action of STS: status, and the texts of the answer by element name."""
        body = urllib.parse.urlencode({"Action": action, "Version": "2011-06-15", **parameters})
        headers = self.signed("POST", "/", body, "sts", keys=keys, region=region) if signed else {"Accept": "*/*"}
        status, _, answer = self.request("POST", "/", body, headers=headers)
        return status, {element.tag.split("}")[-1]: element.text for element in ElementTree.fromstring(answer).iter()}

    def session(self, role_arn, keys=None, **parameters):
        """AssumeRole: (access key, secret key, token)."""
        status, found = self.sts("AssumeRole", keys, RoleArn=role_arn, RoleSessionName="test", **parameters)
        equal(status, 200, found)
        return found["AccessKeyId"], found["SecretAccessKey"], found["SessionToken"]

    def control(self, word, value=None):
        """What a test asks of iotsim itself (tests/sim/iotsim_control.c); a value is sent as JSON."""
        body = json.dumps(value) if value is not None else None
        status, _, answer = self.request("POST" if body else "GET", "/_iotsim/" + word, body, headers={"Accept": "*/*"})
        equal(status, 200, f"{word}: {answer!r}")
        return answer

    def counts(self, place=None):
        return json.loads(self.control("counts" + (f"?place={place}" if place else "")))

    def deleted(self):
        body = self.request("GET", "/_iotsim/deleted", headers={"Accept": "*/*"})[2]
        return [json.loads(line) for line in body.decode().splitlines()]


def wait_until(question, what, limit=LIMIT_S):
    """Asks until the answer is true; the answer. For what another process does in its own time."""
    end = time.monotonic() + limit
    while True:
        answer = question()
        if answer:
            return answer
        assert time.monotonic() < end, f"waited {limit} s: {what}"
        time.sleep(0.02)


def answered(command, environment, answer, typed=b"", **more):
    """Runs it on a terminal, where somebody has typed something before it began, and answers its question, and again where
    it asks again; answer may be a function that says what, or None for nothing, and is called with the process while the
    question stands. The process's exit status, and what was seen there; its standard output is where `more` leads it."""
    ours, its = try_terminal(pty.openpty)
    os.write(ours, typed)
    process = subprocess.Popen(command, env=environment, stdin=its, stderr=its, **{"stdout": subprocess.DEVNULL, **more})
    os.close(its)
    seen, asked = b"", 0
    try:
        while select.select([ours], [], [], LIMIT_S)[0]:
            try:
                seen += os.read(ours, 65536)
            except OSError:  # it has ended
                break
            if seen.count(b"[y/N]") > asked:
                asked += 1
                os.write(ours, (answer(process) if callable(answer) else answer) or b"")
        return process.wait(LIMIT_S), seen.decode().replace("\r\n", "\n")
    finally:
        process.kill()
        process.wait()
        os.close(ours)


CONFIGURATION = """version: 1
state_directory: {state}
targets:
  {target}:
    account: "{account}"
    region: us-east-1
    endpoint_url: {url}
    ca_bundle: {ca}
    signature_life: {life}
    quotas: {{DeleteJobExecution: {rate}, DescribeJobExecution: {looks}, ListJobExecutionsForJob: {lists}, ListJobs: {lists}, DescribeJob: {lists}}}
policies:
  - name: old
    targets: [{target}]
    mode: {mode}
    match: {{{match}age: {{older_than: {age}}}}}
    {more}
"""


def configure(folder, url, ca="/dev/null", **values):
    """Writes a jobsweep.yaml in the folder, for a service there; its path."""
    path = os.path.join(folder, "jobsweep.yaml")
    defaults = {"state": os.path.join(folder, "state"), "target": "sim", "account": ACCOUNT, "life": "2s", "rate": 2000,
                "looks": 2000, "lists": 500, "mode": "enforce", "match": "", "age": "30d", "more": ""}
    with open(path, "w", encoding="utf-8") as file:
        file.write(CONFIGURATION.format(**{**defaults, **values, "url": url, "ca": ca}))
    os.chmod(path, 0o600)
    return path


class Place:
    """A state directory beside a configuration, for one simulator."""

    def __init__(self, sim, **values):
        self.sim, self.folder = sim, scratch()
        self.state = os.path.join(self.folder, "state")
        self.environment = dict(sim.environment(), AWS_ENDPOINT_URL_STS=sim.url)
        self.write(**values)

    def write(self, **values):
        self.path = configure(self.folder, self.sim.url, self.sim.ca, **values)

    def command(self, *words, name="jobsweep"):
        return [program(name), "-c", self.path, *words]

    def sweep(self, **more):
        return run(self.command("--format", "json", "sweep", "old"), self.environment, **more)

    def start(self, *words, name="jobsweep", **more):
        return subprocess.Popen(self.command(*words, name=name), env=self.environment, stdin=subprocess.DEVNULL,
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **more)

    def interrupt(self):
        """A sweep that is killed in the middle of its deletions."""
        self.write(rate=25)
        sweep = self.start("--quiet", "sweep", "old")
        try:
            wait_until(lambda: self.sim.counts()["deleted"] >= 20, "deletions")
        finally:
            sweep.kill()
            sweep.communicate()
        self.write()
