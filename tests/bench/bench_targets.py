#!/usr/bin/env python3
"""Memory and CPU time of a daemon with one target and with a thousand: while nothing is due, and while all of them
delete at once, each at its own slow pace, so that what is measured is the cost of having them. The accounts have keys
of their own in the shared files. How fast STS is asked at the start is printed beside it.
"""
import json
import os
import signal
import subprocess
import time

from bench import equal, program, scratch, simulator, table

MANY = 1000
FIRST = 300000000000
EXECUTIONS = 60  # of a target; more than go while it is looked at
SAMPLE_S = 10
LIMIT_S = 150
CONFIGURATION = """version: 1
state_directory: {state}
targets:
  all:
    accounts: {accounts}
    region: us-east-1
    profile: "{{account}}"
    endpoint_url: {sim.url}
    ca_bundle: {sim.ca}
    quotas: {{DeleteJobExecution: 0.2, DescribeJobExecution: 0.2}}
policies:
  - name: old
    targets: [all]
    mode: enforce
    schedule: {{cron: "0 0 29 2 *"}}
    match: {{age: {{older_than: 30d}}}}
"""


def accounts(count):
    return [str(FIRST + i) for i in range(count)]


def prepare(sim, count):
    """A configuration of so many targets, and its environment."""
    folder = scratch()
    path = os.path.join(folder, "jobsweep.yaml")
    os.makedirs(os.path.join(folder, ".aws"))
    os.mkdir(os.path.join(folder, "state"), 0o700)
    with open(path, "w", encoding="utf-8") as file:
        file.write(CONFIGURATION.format(state=os.path.join(folder, "state"), accounts=json.dumps(accounts(count)), sim=sim))
    shared = os.path.join(folder, ".aws/credentials")
    with open(shared, "w", encoding="utf-8") as file:
        file.writelines(f"[{account}]\naws_access_key_id = AKIA{account}\naws_secret_access_key = s{account}\n"
                        for account in accounts(count))
    for name in (path, shared):
        os.chmod(name, 0o600)
    return path, dict(sim.environment(), HOME=folder, AWS_ENDPOINT_URL_STS=sim.url)


class Daemon:
    def __init__(self, sim, count, *words):
        path, environment = prepare(sim, count)
        log = os.path.join(scratch(), "log")
        with open(log, "w", encoding="utf-8") as file:
            self.process = subprocess.Popen([program("jobsweepd"), "-c", path, *words], env=environment,
                                            stdin=subprocess.DEVNULL, stdout=file, stderr=file)
        wait(lambda: "ready" in open(log, encoding="utf-8").read(), "the daemon")

    def memory_kb(self):
        with open(f"/proc/{self.process.pid}/smaps_rollup", encoding="ascii") as file:
            return next(int(line.split()[1]) for line in file if line.startswith("Private_Dirty:"))

    def cpu_seconds(self):
        with open(f"/proc/{self.process.pid}/stat", encoding="ascii") as file:
            fields = file.read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def sample(self):
        """kB, and seconds of CPU time a second."""
        start, cpu = time.monotonic(), self.cpu_seconds()
        time.sleep(SAMPLE_S)
        return self.memory_kb(), (self.cpu_seconds() - cpu) / (time.monotonic() - start)

    def end(self):
        for _ in range(2):
            self.process.send_signal(signal.SIGTERM)
        self.process.wait(LIMIT_S)


def wait(question, what, each=lambda: None):
    end = time.monotonic() + LIMIT_S
    while not question():
        assert time.monotonic() < end, f"waited {LIMIT_S} s for {what}"
        each()
        time.sleep(0.5)


def deleting(sim):
    """How many accounts have seen a deletion."""
    places = (json.loads(line) for line in sim.control("places").splitlines())
    return sum(place["executed"].get("DeleteJobExecution", 0) > 0 for place in places if place["account"] >= str(FIRST))


def idle(sim, count):
    daemon = Daemon(sim, count)
    sample = daemon.sample()
    daemon.end()
    return sample


def active(sim, count):
    """As idle(), and the calls on STS a second until all were active."""
    asked = []
    before = sim.counts()["operations"]["GetCallerIdentity"]["executed"]
    daemon = Daemon(sim, count, "--once")
    wait(lambda: deleting(sim) == count, f"{count} targets that delete",
         lambda: asked.append((time.monotonic(), sim.counts()["operations"]["GetCallerIdentity"]["executed"])))
    sample = daemon.sample()
    equal(sim.counts()["operations"]["GetCallerIdentity"]["executed"] - before, count, "calls on STS")
    daemon.end()
    pairs = [(asked[i + 4][1] - asked[i][1]) / (asked[i + 4][0] - asked[i][0]) for i in range(len(asked) - 4)]
    return sample, max(pairs, default=0)


def fresh(count):
    sim = simulator()
    sim.control("world", {
        "fleets": [{"account": account, "region": "us-east-1", "things": 20, "jobs": 5, "executions": EXECUTIONS}
                   for account in accounts(count)],
        "users": [{"account": account, "name": "sweeper", "access_key": "AKIA" + account, "secret_key": "s" + account}
                  for account in accounts(count)]})
    return sim


def line(name, count, sample, one):
    kb, cpu = sample
    each = ["", ""] if count == 1 else [f"{(kb - one[0]) / (count - 1):.1f}", f"{(cpu - one[1]) * 1e6 / (count - 1):.0f}"]
    return [name, count, f"{kb / 1024:.1f}", each[0], f"{cpu * 100:.1f} %", each[1]]


def main():
    rows = []
    with fresh(MANY) as sim:
        one, many = idle(sim, 1), idle(sim, MANY)
        rows += [line("idle", 1, one, one), line("idle", MANY, many, one)]
    with fresh(1) as sim:
        one, _ = active(sim, 1)
    with fresh(MANY) as sim:
        many, pace = active(sim, MANY)
    rows += [line("active", 1, one, one), line("active", MANY, many, one)]
    print(f"targets: one daemon, {MANY} accounts; active: each checks and deletes 0.2 executions a second")
    table([["", "targets", "MB", "kB each", "CPU", "us CPU a second each"]] + rows)
    print(f"calls on STS while {MANY} targets began: {pace:.1f} a second at most")


main()
