"""A jobsweepd that listens at its control socket, and asking it there."""
import contextlib
import json
import os
import signal
import socket
import subprocess

from harness import ACCOUNT, LIMIT_S, REGION, Iotsim, equal, program, run, scratch, wait_until

FLEET = ("--things", 40, "--jobs", 3, "--executions", 120, "--quota", "all=-1")
CONFIGURATION = """version: 1
state_directory: {state}
{head}
targets:
  sim: {{account: "{account}", region: {region}, endpoint_url: "{url}", ca_bundle: {ca}, signature_life: 2s, quotas: {{DeleteJobExecution: {rate}}}}}
policies:
  - {{name: old, targets: [sim], mode: enforce, match: {{age: {{older_than: 30d}}}}{more}}}
  - {{name: looks, targets: [sim], match: {{age: {{older_than: 30d}}}}}}
"""


class Daemon:
    """jobsweepd for one simulator, listening."""

    def __init__(self, sim, stack, **values):
        self.sim, self.folder = sim, scratch()
        self.path = os.path.join(self.folder, "jobsweep.yaml")
        self.socket = os.path.join(self.folder, "control.sock")
        self.log = os.path.join(self.folder, "log")
        self.environment = {**sim.environment(), "AWS_ENDPOINT_URL_STS": sim.url}
        self.write(**values)
        self.start()
        stack.callback(self.kill)

    def write(self, text=None, **values):
        values = {"state": self.folder, "head": "", "more": "", "rate": 2000, **values}
        text = text or CONFIGURATION.format(account=ACCOUNT, region=REGION, url=self.sim.url, ca=self.sim.ca, **values)
        with open(self.path, "w", encoding="utf-8") as file:
            file.write(text)
        os.chmod(self.path, 0o600)

    def launch(self):
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen([program("jobsweepd"), "-c", self.path], stdin=subprocess.DEVNULL, stderr=log,
                                            env=self.environment)

    def start(self):
        self.launch()
        wait_until(self.answers, "the daemon's socket")

    def answers(self):
        assert self.process.poll() is None, self.said()
        with contextlib.suppress(OSError):
            return bool(self.ask({"command": "status"}))
        return False

    def kill(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        equal(self.process.wait(LIMIT_S), 0, self.said())

    def said(self):
        return open(self.log, encoding="utf-8").read()

    def connect(self):
        client = socket.socket(socket.AF_UNIX)
        client.settimeout(LIMIT_S)
        client.connect(self.socket)
        return client

    def ask(self, request):
        """The lines of the reply, without the last, whose exit status comes first."""
        with self.connect() as client:
            client.sendall(json.dumps(request).encode() + b"\n")
            lines = [json.loads(line) for line in read_reply(client).splitlines()]
        equal(lines[-1]["event"], "end")
        return lines[-1]["exit"], lines[:-1]

    def status(self):
        return self.ask({"command": "status"})[1]

    def running(self):
        return [line for line in self.status() if line["event"] == "run"]

    def command(self, *words):
        return [program("jobsweep"), words[0], "-c", self.path, *words[1:]]

    def jobsweep(self, *words):
        return run(self.command(*words), self.environment)

    def begin(self, *words):
        return subprocess.Popen(self.command(*words), env=self.environment, stdin=subprocess.DEVNULL,
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def read_reply(client):
    """All up to the line that ends it."""
    text = b""
    while not (text.endswith(b"}\n") and b'{"event":"end"' in text):
        piece = client.recv(65536)
        assert piece, f"the reply is cut: {text[-200:]!r}"
        text += piece
    return text.decode()


@contextlib.contextmanager
def daemon(*fleet, **values):
    with contextlib.ExitStack() as stack:
        sim = stack.enter_context(Iotsim(*(fleet or FLEET)))
        yield Daemon(sim, stack, **values)


SELECTED = 102  # of the fleet's 120: the others have not finished


def part(lines, event):
    return [line for line in lines if line["event"] == event]


def journal_deletions(sim):
    return sim.counts()["deleted"]
