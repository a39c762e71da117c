#!/usr/bin/env python3
"""jobsweepd as its manager sees it: what it is told while the daemon stops, and that stopping always ends."""
import contextlib
import os
import re
import signal
import socket
import subprocess

from harness import ACCOUNT, LIMIT_S, REGION, Iotsim, equal, main, program, scratch, wait_until

# Every deletion is carried out, and its answer lost.
LOSING = ("--things", 20, "--jobs", 3, "--executions", 60, "--quota", "all=-1", "--fault", "reset-after=1",
          "--fault-ops", "DeleteJobExecution")
POLICY = """version: 1
state_directory: {state}
targets:
  sim: {{account: "{account}", region: {region}, endpoint_url: "{url}", ca_bundle: {ca}, signature_life: {life}}}
policies:
  - {{name: old, targets: [sim], mode: enforce, match: {{age: {{older_than: 30d}}}}}}
"""


class Daemon:
    """jobsweepd --once under a manager's socket, up to the moment when answers were lost."""

    def __init__(self, sim, stack, life):
        folder = scratch()
        path = os.path.join(folder, "jobsweep.yaml")
        with open(path, "w", encoding="utf-8") as file:
            file.write(POLICY.format(state=folder, account=ACCOUNT, region=REGION, url=sim.url, ca=sim.ca, life=life))
        os.chmod(path, 0o600)
        self.manager = stack.enter_context(socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM))
        self.manager.bind(os.path.join(folder, "notify"))
        self.manager.settimeout(LIMIT_S)
        self.log = os.path.join(folder, "log")
        environment = {**sim.environment(), "AWS_ENDPOINT_URL_STS": sim.url,
                       "NOTIFY_SOCKET": os.path.join(folder, "notify")}
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen([program("jobsweepd"), "-c", path, "--once"], stdin=subprocess.DEVNULL,
                                            stderr=log, env=environment)
        stack.callback(self.kill)
        equal(self.told(), "READY=1")
        wait_until(lambda: sim.counts()["deleted"] > 0, "the first deletion")

    def kill(self):
        self.process.kill()
        self.process.wait()

    def told(self):
        return self.manager.recv(4096).decode()

    def stop(self):
        """The first signal; how many microseconds the manager is asked for."""
        self.process.send_signal(signal.SIGTERM)
        told = re.fullmatch(r"STOPPING=1\nEXTEND_TIMEOUT_USEC=(\d+)", self.told())
        assert told, "the manager is not asked for time"
        return int(told.group(1))

    def end(self):
        """Its outcomes, once it has ended."""
        self.process.wait(LIMIT_S)
        text = open(self.log, encoding="utf-8").read()
        ended = [line for line in text.splitlines() if "sweep ended" in line]
        equal(len(ended), 1, text)
        numbers = {key: int(value) for key, value in re.findall(r"(\w+)=(\d+)", ended[0])}
        outcomes = ("deleted", "deleted_presumed", "gone", "state_changed", "replaced", "failed", "unknown", "not_attempted")
        equal(sum(numbers[name] for name in outcomes), numbers["selected"], "the sum of the outcomes")
        return numbers, text


def begin(stack, life="2s"):
    sim = stack.enter_context(Iotsim(*LOSING))
    return sim, Daemon(sim, stack, life)


def test_stopping_asks_for_time_and_settles_what_was_lost():
    with contextlib.ExitStack() as stack:
        sim, daemon = begin(stack)
        equal(daemon.stop(), 43_000_000, "one and a half lives of a signature, ten seconds, and half a minute to end")
        numbers, text = daemon.end()
        equal(numbers["deleted_presumed"], sim.counts()["deleted"])
        equal((numbers["unknown"], numbers["deleted"]), (0, 0))
        assert "takes too long" not in text


def test_stopping_ends_by_itself_where_nothing_can_be_verified():
    with contextlib.ExitStack() as stack:
        sim, daemon = begin(stack)
        deleted = sim.counts()["deleted"]
        sim.process.kill()
        daemon.stop()
        numbers, text = daemon.end()
        assert "stopping takes too long" in text, text
        assert numbers["unknown"] >= deleted, (numbers, deleted)


def test_a_second_signal_does_not_wait():
    with contextlib.ExitStack() as stack:
        sim, daemon = begin(stack, life="300s")
        equal(daemon.stop(), 490_000_000)
        deleted = sim.counts()["deleted"]
        daemon.process.send_signal(signal.SIGTERM)
        numbers, text = daemon.end()
        equal(numbers["deleted_presumed"], 0)
        assert numbers["unknown"] >= deleted and "takes too long" not in text, (numbers, deleted, text)


main([value for name, value in list(globals().items()) if name.startswith("test_")])
