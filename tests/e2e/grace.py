#!/usr/bin/env python3
"""grace: what a run has selected waits until it has been selected for so long, over processes, in plans, in files with plans
and in explanations. The service's clock is set, nobody waits: it may be a minute beside the machine's either way."""
import fcntl
import json
import os

from harness import Iotsim, Place, equal, main, run, wait_until

FLEET = ("--things", 20, "--jobs", 8, "--executions", 400, "--quota", "all=-1", "--seed", 5)
BEFORE, AFTER = -50, 50
GRACE = "grace: 90s"


class World:
    """A service with its clock behind, and a policy with a grace for it."""

    def __init__(self, **values):
        self.sim = Iotsim(*FLEET, "--skew", BEFORE)
        self.place = Place(self.sim, **{"more": GRACE, **values})

    def __enter__(self):
        return self

    def __exit__(self, *ignored):
        self.sim.stop()

    def later(self):
        self.sim.control("skew", AFTER)

    def ask(self, *words, status=0):
        result = run(self.place.command("--format", "json", *words), self.place.environment)
        equal(result.returncode, status, result.stderr)
        return [json.loads(line) for line in result.stdout.splitlines()]

    def sweep(self, status=0):
        return [line for line in self.ask("sweep", "old", status=status) if line["event"] == "target"][-1]

    def plan(self):
        return [line for line in self.ask("plan", "old") if line["event"] == "row"]


def waiting(rows):
    return [row for row in rows if row["reason"].startswith("in its grace")]


def deleted(rows):
    return [row for row in rows if row["verdict"] == "delete"]


def a_policy_observes_and_a_while_after_enforces():
    with World(mode="observe") as world:
        first = world.sweep()
        equal(first["selected"], 0)
        count = first["in_grace"]
        assert count > 50, first
        rows = world.plan()
        equal((len(waiting(rows)), len(deleted(rows))), (count, 0))
        reasons = {row["reason"] for row in waiting(rows)}
        equal(len(reasons), 1)
        assert "in its grace (1m30s) until " in min(reasons) and ", selected since " in min(reasons), reasons
        world.place.write(mode="enforce", more=GRACE)
        equal((world.sweep()["in_grace"], world.sim.counts()["deleted"]), (count, 0))
        world.later()
        rows = world.plan()
        equal((len(waiting(rows)), len(deleted(rows))), (0, count))
        assert all(row["reason"].endswith(", grace of 1m30s over") for row in deleted(rows))
        last = world.sweep()
        equal((last["selected"], "in_grace" in last, world.sim.counts()["deleted"]), (count, False, count))


def a_plan_records_nothing():
    with World() as world:
        for _ in range(2):
            rows = world.plan()
            equal({row["reason"] for row in waiting(rows)}, {"in its grace (1m30s): no earlier run selected it"})
            equal(deleted(rows), [])
            world.later()
        assert not os.path.exists(world.place.state)


def a_plan_in_words_counts_what_waits_apart():
    with World() as world:
        count = len(waiting(world.plan()))
        result = run(world.place.command("plan", "old"), world.place.environment)
        assert ": 0 of " in result.stdout and f"  waiting  {count:>10}  match and are in their grace, which begins with a run, not with a plan\n" in result.stdout, result.stdout
        result = run(world.place.command("sweep", "old"), world.place.environment)
        assert f"  in their grace     {count:>10}\n" in result.stdout, result.stdout


def somebody_who_has_the_ledger_is_in_no_plans_way():
    with World() as world:
        count = world.sweep()["in_grace"]
        with open(os.path.join(world.place.state, "lock"), "r+") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            world.later()
            equal(len(deleted(world.plan())), count)


def a_ledger_that_cannot_be_read_is_told_and_knows_nothing():
    with World() as world:
        world.sweep()
        world.later()
        for name in os.listdir(world.place.state):
            os.unlink(os.path.join(world.place.state, name))
        with open(os.path.join(world.place.state, "ledger.db"), "w") as file:
            file.write("no database, " * 1000)
        result = run(world.place.command("--format", "json", "plan", "old"), world.place.environment)
        equal(result.returncode, 0, result.stderr)
        assert "so nothing counts as selected by an earlier run" in result.stderr, result.stderr
        rows = [json.loads(line) for line in result.stdout.splitlines()]
        assert '"verdict":"delete"' not in result.stdout and len(waiting([row for row in rows if "reason" in row])) > 50


def a_file_holds_what_has_its_grace_behind_it():
    with World() as world:
        count = world.sweep()["in_grace"]
        path = os.path.join(world.place.folder, "plan.jsonl")

        def planned():
            world.ask("plan", "-o", path, "old")
            with open(path, encoding="utf-8") as file:
                return sum(json.loads(line).get("event") == "row" for line in file)
        equal(planned(), 0)
        world.later()
        equal(planned(), count)
        world.ask("apply", path)
        equal(world.sim.counts()["deleted"], count)


def explain_names_the_clause():
    with World() as world:
        world.sweep()
        row = waiting(world.plan())[0]
        found = world.ask("explain", "--thing", row["thing_name"], "--job", row["job_id"],
                          "--execution-number", str(row["execution_number"]))[0]
        with open(world.place.path, encoding="utf-8") as file:
            line = next(number for number, text in enumerate(file, 1) if "grace:" in text)
        equal((found["verdict"], found["reason"], found["file"], found["line"], found["column"]),
              ("keep", row["reason"], world.place.path, line, 5))


def a_run_that_was_killed_before_its_plan_stood_counts_for_nothing():
    with World() as world:
        world.place.write(more=GRACE, lists=3)
        before = sum(world.sim.counts()["operations"]["ListJobExecutionsForJob"].values())
        sweep = world.place.start("--quiet", "sweep", "old")
        try:
            wait_until(lambda: sum(world.sim.counts()["operations"]["ListJobExecutionsForJob"].values()) > before, "a listing")
        finally:
            sweep.kill()
            sweep.communicate()
        world.place.write(more=GRACE)
        world.later()
        assert world.sweep()["in_grace"] > 50
        equal(world.sim.counts()["deleted"], 0)


def what_selects_has_changed_and_what_does_not_select():
    with World() as world:
        count = world.sweep()["in_grace"]
        world.later()
        world.place.write(more="grace: 89s\n    limits: {per_run: 1000}\n    abort_if: {selected_over: 500}\n    order: oldest_first")
        equal(len(deleted(world.plan())), count)
        world.place.write(more=GRACE, age="31d")
        rows = world.plan()
        equal(deleted(rows), [])
        assert len(waiting(rows)) > 50


if __name__ == "__main__":
    main([a_policy_observes_and_a_while_after_enforces, a_plan_records_nothing, a_plan_in_words_counts_what_waits_apart,
          somebody_who_has_the_ledger_is_in_no_plans_way, a_ledger_that_cannot_be_read_is_told_and_knows_nothing,
          a_file_holds_what_has_its_grace_behind_it, explain_names_the_clause,
          a_run_that_was_killed_before_its_plan_stood_counts_for_nothing, what_selects_has_changed_and_what_does_not_select])
