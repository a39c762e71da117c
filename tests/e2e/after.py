#!/usr/bin/env python3
"""What a policy says of when it runs and of what comes after a run, on the whole program against iotsim."""
import datetime
import json

from harness import Iotsim, Place, equal, main, run

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


if __name__ == "__main__":
    main([a_closed_window_lets_no_sweep_delete_and_every_plan_be_made, an_open_window_changes_nothing])
