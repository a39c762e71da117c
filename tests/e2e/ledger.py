#!/usr/bin/env python3
"""The durable ledger under the programs: what an interrupted run left is settled, one engine at a time has it, and
without it nothing is deleted."""
import json
import os
import signal
import stat
import subprocess

from harness import LIMIT_S, Iotsim, Place, Skip, equal, main, run, wait_until

FLEET = ("--things", 60, "--jobs", 8, "--executions", 400, "--quota", "all=-1", "--seed", 3, "--reuse-numbers")


def report(result):
    last = json.loads(result.stdout.splitlines()[-1])
    equal(last["event"], "report", result.stderr)
    equal(sum(last["outcomes"].values()), last["selected"], "the sum of the outcomes")
    equal(last["exit"], result.returncode, "exit")
    return last


def all_that_went(outcomes):
    return outcomes["deleted"] + outcomes["deleted_presumed"]


def test_what_a_killed_sweep_left_is_settled_by_the_next():
    with Iotsim(*FLEET) as sim:
        place = Place(sim)
        place.interrupt()
        result = place.sweep()
        equal(result.returncode, 0, result.stderr)
        assert "going on with the run" in result.stderr, result.stderr
        last = report(result)
        equal(all_that_went(last["outcomes"]), sim.counts()["deleted"], last)
        equal(last["outcomes"]["unknown"] + last["outcomes"]["failed"] + last["outcomes"]["not_attempted"], 0, last)
        equal(sim.counts()["double_deletes"], 0)
        again = place.sweep()
        assert "going on" not in again.stderr
        equal(report(again)["selected"], 0)


def test_the_daemon_resumes_before_it_begins():
    with Iotsim(*FLEET) as sim:
        place = Place(sim)
        place.interrupt()
        result = run(place.command("--once", name="jobsweepd"), place.environment)
        equal(result.returncode, 0, result.stderr)
        lines = result.stderr.splitlines()
        resumed = next(i for i, line in enumerate(lines) if "sweep resumed" in line)
        ends = [i for i, line in enumerate(lines) if "sweep ended" in line]
        equal(len(ends), 2, result.stderr)
        assert resumed < ends[0], result.stderr
        equal(sim.counts()["double_deletes"], 0)


def test_a_policy_that_changed_deletes_nothing_more_of_an_old_plan():
    with Iotsim(*FLEET) as sim:
        place = Place(sim)
        place.interrupt()
        before = sim.counts()["deleted"]
        place.write(age="30000d")
        result = place.sweep()
        equal(result.returncode, 0, result.stderr)
        last = report(result)
        equal(sim.counts()["deleted"], before, "deleted")
        equal(all_that_went(last["outcomes"]), before, last)
        assert last["outcomes"]["not_attempted"] > 0, last


def test_a_run_whose_target_is_not_configured_stays_open_and_is_told():
    with Iotsim(*FLEET) as sim:
        place = Place(sim)
        place.interrupt()
        place.write(account="999999999999")
        result = place.sweep()
        equal(result.returncode, 8, result.stderr)
        assert "stays open" in result.stderr and "123456789012" in result.stderr, result.stderr
        place.write(target="renamed")
        result = place.sweep()
        equal(result.returncode, 0, result.stderr)
        last = report(result)
        equal(all_that_went(last["outcomes"]), sim.counts()["deleted"], last)
        equal(sim.counts()["double_deletes"], 0)


def test_two_targets_that_name_one_account_and_region_are_swept_one_after_the_other():
    with Iotsim(*FLEET) as sim:
        place = Place(sim, rate=200)
        text = open(place.path, encoding="utf-8").read()
        target = text[text.index("  sim:\n"):text.index("policies:")]
        with open(place.path, "w", encoding="utf-8") as file:
            file.write(text.replace(target, target + target.replace("  sim:", "  again:"))
                       .replace("[sim]", "[sim, again]"))
        result = place.sweep()
        equal(result.returncode, 0, result.stderr)
        equal(all_that_went(report(result)["outcomes"]), sim.counts()["deleted"])
        told = run(place.command("--format", "json", "history", "--verbose"), place.environment).stdout.splitlines()
        records = sorted((json.loads(line) for line in told), key=lambda record: record["sequence"])
        runs = [record["run"] for record in records]
        equal(runs, sorted(runs), "no record of one run stands between those of another")
        equal({record["target"] for record in records}, {"sim", "again"})


def test_a_second_engine_ends_with_7_and_says_who_has_it():
    with Iotsim(*FLEET) as sim:
        place = Place(sim, more='schedule: {cron: "0 0 1 1 *"}')
        daemon = place.start(name="jobsweepd")
        try:
            wait_until(lambda: os.path.exists(os.path.join(place.state, "ledger.db")), "the daemon's ledger")
            result = place.sweep()
            equal(result.returncode, 7, result.stderr)
            assert f"jobsweepd (pid {daemon.pid})" in result.stderr, result.stderr
            equal(run(place.command("--once", name="jobsweepd"), place.environment).returncode, 7)
            equal(run(place.command("--quiet", "plan"), place.environment).returncode, 0)
            equal(run(place.command("check"), place.environment).returncode, 0)
            equal(sim.counts()["deleted"], 0)
        finally:
            daemon.send_signal(signal.SIGTERM)
            equal(daemon.wait(20), 0)
            daemon.communicate()


def test_nobody_else_may_read_what_was_recorded():
    with Iotsim(*FLEET) as sim:
        place = Place(sim)
        equal(place.sweep().returncode, 0)
        equal(stat.S_IMODE(os.stat(place.state).st_mode), 0o700)
        for name in os.listdir(place.state):
            equal(stat.S_IMODE(os.stat(os.path.join(place.state, name)).st_mode), 0o600, name)


def test_a_user_without_a_state_directory_gets_one():
    with Iotsim(*FLEET) as sim:
        place = Place(sim)
        text = open(place.path, encoding="utf-8").read()
        with open(place.path, "w", encoding="utf-8") as file:
            file.write("".join(line for line in text.splitlines(True) if not line.startswith("state_directory")))
        equal(run(place.command("--quiet", "sweep", "old"), place.environment).returncode, 0)
        assert os.path.exists(os.path.join(place.environment["HOME"], ".local/state/jobsweep/ledger.db"))
        env = dict(place.environment, XDG_STATE_HOME=os.path.join(place.folder, "other"))
        equal(run(place.command("--quiet", "sweep", "old"), env).returncode, 0)
        assert os.path.exists(os.path.join(place.folder, "other/jobsweep/ledger.db"))


def test_a_ledger_that_cannot_be_written_stops_everything():
    for name, words in (("jobsweep", ("--format", "json", "sweep", "old")), ("jobsweepd", ("--once",))):
        with Iotsim(*FLEET, "--executions", 3000) as sim:
            place = Place(sim)
            result = run(["prlimit", "--fsize=1114112", *place.command(*words, name=name)], place.environment)
            equal(result.returncode, 70, result.stderr)
            assert "the ledger is frozen" in result.stderr, result.stderr
            first = sim.counts()["deleted"]
            result = place.sweep()
            equal(result.returncode, 0, result.stderr)
            report(result)
            assert sim.counts()["deleted"] > first
            equal(sim.counts()["double_deletes"], 0)


class SmallDisk:
    """A state directory on a file system of its own, with as little room as is said."""

    def __init__(self, path, size):
        os.mkdir(path, 0o700)
        self.path = path
        self.mount("tmpfs", f"size={size},mode=0700")

    def mount(self, source, options):
        result = subprocess.run(["mount", "-t", "tmpfs", "-o", options, source, self.path], capture_output=True, check=False)
        if result.returncode != 0:
            raise Skip("no file system can be mounted here")

    def fill(self):
        with open(os.path.join(self.path, "ballast"), "wb", buffering=0) as file:
            try:
                while True:
                    file.write(bytes(4096))
            except OSError:
                pass

    def empty(self):
        os.remove(os.path.join(self.path, "ballast"))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        subprocess.run(["umount", self.path], check=False)


def test_a_full_disk_stops_deletion_and_still_keeps_what_was_sent():
    for name, words in (("jobsweep", ("--format", "json", "sweep", "old")), ("jobsweepd", ("--once",))):
        with Iotsim(*FLEET, "--executions", 2000) as sim:
            place = Place(sim, rate=100)
            with SmallDisk(place.state, "64m") as disk:
                engine = place.start(*words, name=name)
                wait_until(lambda: sim.counts()["deleted"] >= 50, "deletions")
                disk.fill()
                output, errors = engine.communicate(timeout=LIMIT_S)
                equal(engine.returncode, 70, errors)
                assert "the ledger is frozen" in errors, errors
                first = sim.counts()["deleted"]
                assert f'"deleted":{first},' in output or f"deleted={first} " in errors, (first, output, errors)
                equal(place.sweep().returncode, 70, "while there is no room")
                disk.empty()
                place.write()
                first = sim.counts()["deleted"]
                result = place.sweep()
                equal(result.returncode, 0, result.stderr)
                equal(first + all_that_went(report(result)["outcomes"]), sim.counts()["deleted"])
                assert sim.counts()["deleted"] > first
                equal(sim.counts()["double_deletes"], 0)


main([value for name, value in list(globals().items()) if name.startswith("test_")], at_once=4)
