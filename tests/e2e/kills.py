#!/usr/bin/env python3
"""kill -9 at any moment, again and again, then start once more until it ends by itself: what the service deleted
is what the ledger says, nothing is sent twice within the life of a signature, and nothing is deleted that no plan
selected.

JOBSWEEP_KILLS is how many (50), JOBSWEEP_SEED is printed. Moments are not waited for: they are the k-th deletion
that the service received, executed or answered, and the n-th system call on the ledger, before it, after it, or in
the middle of a write.
"""
import collections
import concurrent.futures
import os
import random

from harness import equal, main, note
from witness import KILLED, Place, Service, check, ledger, open_runs

KILLS = int(os.environ.get("JOBSWEEP_KILLS", "50"))
SEED = int(os.environ.get("JOBSWEEP_SEED", str(random.randrange(1 << 32))))
KILLS_A_FLEET = 4 if KILLS < 200 else 10
SIDE_BY_SIDE = 16  # fleets: they mostly wait for quarantines
FIRST_SYNCS = range(10, 19)  # of a new ledger: its schema, the run, its plan, the seal, the first intents, results
CALLS = ("open", "write", "sync", "truncate", "unlink", "mmap", "lock", "allocate", "chmod", "flock")
FLEET = ("--things", 12, "--jobs", 6, "--executions", 80, "--reuse-numbers", "--rebirth", 0.3, "--fault",
         "reset-after=0.05,500-executed=0.03,reset-before=0.03,truncate=0.02", "--fault-limit", 4, "--fault-ops",
         "DeleteJobExecution")


class Fleet:
    """One service, one state directory, and kills until it has had its share."""

    def __init__(self, number):
        self.random = random.Random(f"{SEED} {number}")
        self.number, self.kills, self.phases, self.resumes = number, 0, collections.Counter(), False
        self.service = Service("--seed", self.random.randrange(1 << 31), "--latency", self.random.choice(["0", "0..20", "5..40"]),
                               *FLEET)
        self.place = Place(self.service, rate=self.random.choice([20, 100, 2000]))

    def phase(self):
        """How far the latest run had come when the process died."""
        rows = ledger(self.place.state)
        if not rows:
            return "before the plan"
        if open_runs(self.place.state)[0] == 0:
            return "the end"
        last = [row for row in rows if row.run == max(row.run for row in rows)]
        if any(row.outcome != "pending" for row in last):
            return "results"
        return "intents" if any(row.intents for row in last) else "the plan"

    def kill_once(self):
        """False when the sweep ended before its moment came."""
        daemon, way = self.random.random() < 0.2, self.random.random()
        do = self.random.choice(["kill", "kill-half", "kill-after"])
        self.resumes = open_runs(self.place.state)[0] > 0
        if self.kills == 0:
            return self.kill_at_call(daemon, do, FIRST_SYNCS[self.number % len(FIRST_SYNCS)], ("sync",))
        if way < 0.1:  # most writes into the database itself are its checkpoints
            return self.kill_at_call(daemon, do, self.random.randint(1, 8), ("write", "sync"), "ledger.db")
        if way < 0.5:
            return self.kill_at_call(daemon, do, int(10 ** self.random.uniform(0, 2.7)), CALLS)
        return self.kill_at_deletion(daemon)

    def kill_at_deletion(self, daemon):
        count = self.random.choice([1, 2, 3, self.random.randint(1, 60)])
        kind = self.random.choice(["received", "executed", "answered"])
        process = self.place.start(daemon=daemon)
        self.service.watch(kind, count, process.kill)
        status = self.place.end(process)
        self.service.watch(None, 0, None)
        return self.judge(status, f"{kind} {count}")

    def kill_at_call(self, daemon, do, at, calls, file=""):
        status = self.place.sweep(self.place.faults(do, at, calls, file), daemon)
        return self.judge(status, f"{do} {self.place.happened()}")

    def judge(self, status, moment):
        if status == KILLED:
            self.kills += 1
            self.phases[self.phase() + (", of a run gone on with" if self.resumes else "")] += 1
            check(self.place, whole=False)
            return True
        assert status in (0, 5), f"fleet {self.number}, {moment}: exit {status}: {self.place.said}"
        return False

    def run(self, share):
        try:
            with self.service:
                while self.kills < share and self.kill_once():
                    pass
                self.place.sweep_to_the_end(daemon=self.random.random() < 0.2)
                events, rows = check(self.place)
                equal(sorted(row["identity"] for row in self.service.deleted()),
                      sorted(event["identity"] for event in events if event["event"] == "executed"))
                counts = self.service.counts()
                equal((counts["double_deletes"], counts["forced"]), (0, 0), "double deletes, forced")
                assert rows and any(row.outcome == "deleted" for row in rows)
        except Exception as error:
            raise AssertionError(f"JOBSWEEP_SEED={SEED}, fleet {self.number}, after {self.kills} kills: {error}") from error
        return self.kills, self.phases


def run_fleets():
    """Fleets until there were enough kills: a sweep may end before its moment came."""
    killed, phases, number = 0, collections.Counter(), 0
    note(f"JOBSWEEP_SEED={SEED}")
    with concurrent.futures.ThreadPoolExecutor(SIDE_BY_SIDE) as pool:
        running = set()
        while killed < KILLS or running:
            under_way = len(running) * KILLS_A_FLEET
            while killed + under_way * 7 // 8 < KILLS and len(running) < SIDE_BY_SIDE:
                running.add(pool.submit(Fleet(number).run, KILLS_A_FLEET))
                number, under_way = number + 1, under_way + KILLS_A_FLEET
            done, running = concurrent.futures.wait(running, return_when=concurrent.futures.FIRST_COMPLETED)
            for future in done:
                kills, where = future.result()
                killed += kills
                phases += where
    note(f"{killed} kills in {number} fleets: {dict(phases)}")
    return phases


def test_whenever_it_is_killed_it_settles_what_it_began():
    phases = run_fleets()
    missing = {"before the plan", "the plan", "intents", "results, of a run gone on with"} - set(phases)
    assert not missing or KILLS < 50, f"never killed in: {missing}"


main([test_whenever_it_is_killed_it_settles_what_it_began])
