#!/usr/bin/env python3
"""jobsweepd and its manager: what the manager passes, what it is told, and that stopping always ends."""
import contextlib
import os
import re
import signal
import types

import managed
from harness import ACCESS_KEY, ACCOUNT, LIMIT_S, REGION, SECRET_KEY, Iotsim, equal, main, program, run, scratch, wait_until

# Every deletion is carried out, and its answer lost.
LOSING = ("--things", 20, "--jobs", 3, "--executions", 60, "--quota", "all=-1", "--fault", "reset-after=1",
          "--fault-ops", "DeleteJobExecution")
POLICY = """version: 1
state_directory: {state}
targets:
  sim: {{account: "{account}", region: {region}, endpoint_url: "{url}", ca_bundle: {ca}, signature_life: {life}}}
policies:
  - {{name: old, targets: [sim], mode: enforce, match: {{age: {{older_than: 30d}}}}{more}}}
"""


def write_policy(sim, life, folder=None, more=""):
    folder = folder or scratch()
    path = os.path.join(folder, "jobsweep.yaml")
    with open(path, "w", encoding="utf-8") as file:
        file.write(POLICY.format(state=folder, account=ACCOUNT, region=REGION, url=sim.url, ca=sim.ca, life=life, more=more))
    os.chmod(path, 0o600)
    return path


class Daemon(managed.Daemon):
    def __init__(self, sim, stack, path, *options):
        environment = {**sim.environment(), "AWS_ENDPOINT_URL_STS": sim.url}
        super().__init__(stack, types.SimpleNamespace(folder=os.path.dirname(path), path=path, environment=environment), *options)

    def stop(self):
        """The first signal; how many microseconds the manager is asked for."""
        self.process.send_signal(signal.SIGTERM)
        told = re.fullmatch(r"STOPPING=1\nEXTEND_TIMEOUT_USEC=(\d+)", self.told())
        assert told, "the manager is not asked for time"
        return int(told.group(1))

    def end(self):
        """The outcomes of its one sweep, once it has ended."""
        self.process.wait(LIMIT_S)
        text = self.said()
        ended = [line for line in text.splitlines() if "sweep ended" in line]
        equal(len(ended), 1, text)
        numbers = {key: int(value) for key, value in re.findall(r"(\w+)=(\d+)", ended[0])}
        outcomes = ("deleted", "deleted_presumed", "gone", "state_changed", "replaced", "protected", "failed", "unknown", "not_attempted")
        equal(sum(numbers[name] for name in outcomes), numbers["selected"], "the sum of the outcomes")
        return numbers, text


def begin(stack, life="2s"):
    """A daemon in the middle of its sweep, when answers were lost."""
    sim = stack.enter_context(Iotsim(*LOSING))
    daemon = Daemon(sim, stack, write_policy(sim, life), "--once")
    wait_until(lambda: sim.counts()["deleted"] > 0, "the first deletion")
    return sim, daemon


class Scheduled:
    """A daemon whose firing comes while the other tests run: up to a minute passes until then."""
    stack = contextlib.ExitStack()
    sim = daemon = None


def test_a_reload_brings_a_schedule():
    Scheduled.sim = Scheduled.stack.enter_context(Iotsim("--things", 20, "--jobs", 3, "--executions", 60, "--quota", "all=-1"))
    path = write_policy(Scheduled.sim, "2s")
    Scheduled.daemon = Daemon(Scheduled.sim, Scheduled.stack, path)
    write_policy(Scheduled.sim, "2s", os.path.dirname(path), ', schedule: {cron: "* * * * *", jitter: 2s}')
    Scheduled.daemon.process.send_signal(signal.SIGHUP)
    assert Scheduled.daemon.told().startswith("RELOADING=1\nMONOTONIC_USEC=")
    equal(Scheduled.daemon.told(), "READY=1")


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


def test_keys_that_the_manager_passed_may_be_open_to_their_group():
    with Iotsim("--things", 20, "--jobs", 3, "--executions", 60, "--quota", "all=-1") as sim:
        folder = scratch()
        keys = os.path.join(folder, "aws-credentials")
        with open(keys, "w", encoding="utf-8") as file:
            file.write(f"[default]\naws_access_key_id = {ACCESS_KEY}\naws_secret_access_key = {SECRET_KEY}\n")
        os.chmod(keys, 0o440)
        os.chmod(folder, 0o750)
        environment = {**sim.environment(), "AWS_ENDPOINT_URL_STS": sim.url, "AWS_SHARED_CREDENTIALS_FILE": keys}
        del environment["AWS_ACCESS_KEY_ID"], environment["AWS_SECRET_ACCESS_KEY"]
        command = [program("jobsweepd"), "-c", write_policy(sim, "2s"), "--once"]
        refused = run(command, environment)
        equal(refused.returncode, 8, refused.stderr)
        assert "others may read this file (mode 0440)" in refused.stderr, refused.stderr
        equal(sim.counts()["deleted"], 0)
        passed = run(command, {**environment, "CREDENTIALS_DIRECTORY": folder})
        equal(passed.returncode, 0, passed.stderr)
        assert sim.counts()["deleted"] > 0


def test_the_schedule_fires_and_its_sweep_deletes():
    with Scheduled.stack:
        daemon, sim = Scheduled.daemon, Scheduled.sim
        wait_until(lambda: "sweep ended" in daemon.said(), "the sweep of a firing", 2 * LIMIT_S)
        daemon.process.send_signal(signal.SIGTERM)
        equal(daemon.process.wait(LIMIT_S), 0)
        deleted = sum(int(number) for number in re.findall(r"sweep ended.* deleted=(\d+)", daemon.said()))
        assert deleted > 0, daemon.said()
        equal(sim.counts()["deleted"], deleted)
        delays = re.findall(r"sweep put off.* delay_ms=(\d+)", daemon.said())
        assert delays and all(int(delay) <= 2000 for delay in delays), daemon.said()


main([value for name, value in list(globals().items()) if name.startswith("test_")])
