#!/usr/bin/env python3
"""What a policy says of when it runs and of what comes after a run, on the whole program against iotsim."""
import contextlib
import datetime
import json
import os
import signal
import sqlite3
import subprocess

from harness import LIMIT_S, Iotsim, Place, equal, main, run, wait_until

FLEET = ("--things", 20, "--jobs", 3, "--executions", 120, "--quota", "all=-1")


def window(begins, ends):
    """So many hours from now, in UTC; far enough from both ends for any machine."""
    now = datetime.datetime.now(datetime.timezone.utc)
    begin, end = (now + datetime.timedelta(hours=hours) for hours in (begins, ends))
    return f'schedule: {{cron: "* * * * *", window: "{begin:%H:%M}-{end:%H:%M}"}}'


def report_of(result):
    return json.loads(result.stdout.splitlines()[-1])


def a_closed_window_lets_no_sweep_delete_and_every_plan_be_made():
    with Iotsim(*FLEET) as sim:
        place = Place(sim, more=window(3, 6))
        result = place.sweep()
        equal((result.returncode, report_of(result)["selected"], sim.counts()["deleted"]), (6, 0, 0), result.stderr)
        target = [event for event in map(json.loads, result.stdout.splitlines()) if event["event"] == "target"]
        equal([event["end"] for event in target], ["window"])
        shown = run(place.command("sweep", "old"), place.environment)
        equal(shown.returncode, 6, shown.stderr)
        assert "stopped by the window\n" in shown.stdout, shown.stdout
        planned = run(place.command("--format", "json", "plan", "old"), place.environment)
        equal(planned.returncode, 0, planned.stderr)
        assert report_of(planned)["selected"] > 0, planned.stdout
        once = run(place.command("--once", name="jobsweepd"), place.environment)
        equal((once.returncode, sim.counts()["deleted"]), (6, 0), once.stderr)
        assert "end=window" in once.stderr, once.stderr


def an_open_window_changes_nothing():
    with Iotsim(*FLEET) as sim:
        result = Place(sim, more=window(-3, 3)).sweep()
        equal(result.returncode, 0, result.stderr)
        equal(report_of(result)["outcomes"]["deleted"], sim.counts()["deleted"])
        assert sim.counts()["deleted"] > 0


def the_program_of_a_policy_is_told_of_its_runs_and_changes_nothing():
    with Iotsim(*FLEET) as sim:
        place = Place(sim)
        told = os.path.join(place.folder, "told")
        script = f'cat >> {told}; env >> {told}.env; echo noise; exit 3'
        place.write(more=f"on_finish: {{exec: [/bin/sh, -c, '{script}'], when: [success, limited]}}\n    limits: {{per_run: 7}}")
        once = run(place.command("--once", name="jobsweepd"), place.environment)
        equal((once.returncode, sim.counts()["deleted"]), (6, 7), once.stderr)
        assert "on_finish failed" in once.stderr and "exit=3" in once.stderr and "output=noise" in once.stderr, once.stderr
        with open(told, encoding="utf-8") as file:
            report = json.loads(file.read())
        equal((report["policy"], report["target"], report["outcome"], report["end"]), ("old", "sim", "limited", "limit"))
        equal((report["region"], report["outcomes"]["deleted"], report["remaining"] > 0), ("us-east-1", 7, True))
        with open(told + ".env", encoding="utf-8") as file:
            environment = file.read()
        assert "JOBSWEEP_OUTCOME=limited\n" in environment and "AWS_" not in environment, environment
        equal(place.sweep().returncode, 6)  # a person's sweep starts none, nor does an end that is not asked for
        place.write(more=f"on_finish: {{exec: [/bin/sh, -c, '{script}'], when: [failure]}}")
        equal(run(place.command("--once", name="jobsweepd"), place.environment).returncode, 0)
        with open(told, encoding="utf-8") as file:
            equal(len(file.read().splitlines()), 1)


def a_program_that_goes_on_does_not_keep_the_daemon():
    with Iotsim(*FLEET) as sim:
        place = Place(sim)
        began = os.path.join(place.folder, "began")
        place.write(more=f"on_finish: {{exec: [/bin/sh, -c, 'echo $$ > {began}; exec sleep 600']}}")
        process = place.start("--once", name="jobsweepd")
        try:
            pid = int(wait_until(lambda: os.path.exists(began) and open(began, encoding="ascii").read(), "the program"))
            # the second signal counts, and two at once may be one
            wait_until(lambda: process.send_signal(signal.SIGTERM) or process.poll() is not None, "the end")
            errors = process.communicate(timeout=LIMIT_S)[1]
        finally:
            process.kill()
            process.communicate()
        assert "on_finish failed" in errors and "canceled" in errors, errors
        assert not os.path.exists(f"/proc/{pid}"), "it runs on"


@contextlib.contextmanager
def daemon(place):
    """jobsweepd, until the end of the block; gives a function that says what it has logged."""
    log = os.path.join(place.folder, "log")
    with open(log, "wb") as file:
        process = subprocess.Popen(place.command(name="jobsweepd"), env=place.environment, stdin=subprocess.DEVNULL, stderr=file)
    try:
        yield lambda: open(log, encoding="utf-8").read()
        process.send_signal(signal.SIGTERM)
        equal(process.wait(LIMIT_S), 0)
    finally:
        process.kill()
        process.wait()


def aged(place, days):
    """The runs of the ledger, so much earlier: as if the daemon had been down since then."""
    with contextlib.closing(sqlite3.connect(os.path.join(place.state, "ledger.db"))) as ledger, ledger:
        ledger.execute("UPDATE run SET started_ms = started_ms - ?", (days * 86400000,))


def what_came_while_the_daemon_was_down_is_made_up_for_as_the_policy_says():
    once_a_year = (datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(days=2)).strftime("0 0 %-d %-m *")
    for catch_up, runs in (("once", 1), ("asleep", 0), ("never", 0)):
        with Iotsim(*FLEET) as sim:
            place = Place(sim, more=f'schedule: {{cron: "{once_a_year}", catch_up: {catch_up}}}')
            equal(run(place.command("--once", name="jobsweepd"), place.environment).returncode, 0)
            deleted = sim.counts()["deleted"]
            assert deleted > 0
            with daemon(place) as said:
                wait_until(lambda: "ready" in said(), "the start")
            assert "sweep was missed" not in said(), said()
            aged(place, 10)
            with daemon(place) as said:
                wait_until(lambda: "sweep ended" in said() if runs else "ready" in said(), "the sweep")
            equal((said().count("sweep was missed"), said().count("sweep ended")), (runs, runs), said())


if __name__ == "__main__":
    main([a_closed_window_lets_no_sweep_delete_and_every_plan_be_made, an_open_window_changes_nothing,
          the_program_of_a_policy_is_told_of_its_runs_and_changes_nothing,
          a_program_that_goes_on_does_not_keep_the_daemon,
          what_came_while_the_daemon_was_down_is_made_up_for_as_the_policy_says])
