#!/usr/bin/env python3
"""What jobsweepd tells those who watch it: its log, as the configuration and the options want it."""
import contextlib
import json

from harness import Iotsim, Place, equal, main, run, wait_until
from managed import Daemon

FLEET = ("--things", 20, "--jobs", 3, "--executions", 60, "--quota", "all=-1")
OUTCOMES = ("deleted", "deleted_presumed", "gone", "state_changed", "replaced", "protected", "failed", "unknown",
            "not_attempted")


@contextlib.contextmanager
def place(**values):
    with Iotsim(*FLEET) as sim:
        yield Place(sim, **values)


def log(**keys):
    return "\nlog: {" + ", ".join(f"{key}: {value}" for key, value in keys.items()) + "}"


def lines(text):
    """Every line is an object."""
    return [json.loads(line) for line in text.splitlines()]


def test_a_reload_changes_level_and_form():
    with place(more=log(level="error")) as here, contextlib.ExitStack() as stack:
        daemon = Daemon(stack, here)
        equal(daemon.said(), "")
        assert " info reloaded policies=1 targets=1\n" in daemon.reload(), daemon.said()
        told = lines(daemon.reload(more=log(format="json")))
        equal([(line["level"], line["event"], line["policies"]) for line in told], [("info", "reloaded", 1)])
        equal(daemon.reload(more=log(format="journal")), "<6>reloaded policies=1 targets=1\n")
        equal(daemon.reload(more=log(level="warning")), "")


def test_options_win_over_the_configuration():
    with place(more=log(level="error", format="json")) as here, contextlib.ExitStack() as stack:
        daemon = Daemon(stack, here, "--log-level", "info", "--log-format", "auto")
        assert " info ready " in daemon.said(), daemon.said()
        assert " info reloaded " in daemon.reload(more=log(level="warning", format="journal")), daemon.said()


def test_mistakes_are_lines_of_json_where_the_log_is():
    with place(more=log(format="json")) as here, contextlib.ExitStack() as stack:
        daemon = Daemon(stack, here)
        told = lines(daemon.reload(more=log(format="xml", level='"\\xff\\e[0m"')))
        equal([line["event"] for line in told], ["configuration", "configuration", "reload refused"])
        equal([line["level"] for line in told], ["error"] * 3)
        assert "Allowed: auto, text" in told[0]["message"] or "allowed: auto, text" in told[0]["message"], told
        assert told[0]["file"].endswith("/jobsweep.yaml") and told[0]["line"] > 10 and told[0]["column"] == 15, told
        equal(lines(daemon.reload(more=log(format="json")))[-1]["event"], "reloaded")


def test_a_run_tells_its_number_and_its_outcomes():
    with place(more=log(format="json")) as here:
        ran = run(here.command("--once", name="jobsweepd"), here.environment)
        equal(ran.returncode, 0, ran.stderr)
        ended = [line for line in lines(ran.stderr) if line["event"] == "sweep ended"]
        equal([(line["policy"], line["target"], line["run"], line["end"]) for line in ended], [("old", "sim", 1, "finished")])
        equal(sum(ended[0][outcome] for outcome in OUTCOMES), ended[0]["selected"])
        equal(ended[0]["deleted"], here.sim.counts()["deleted"])
        assert ended[0]["deleted"] > 0


def test_a_manager_that_does_not_listen_for_a_while_is_told_later():
    with place() as here, contextlib.ExitStack() as stack:
        daemon = Daemon(stack, here, full=True, WATCHDOG_USEC="400000")
        wait_until(lambda: daemon.told() == "WATCHDOG=1", "a life sign")
        for _ in range(2):
            daemon.fill()
            daemon.listen_again()
            wait_until(lambda: daemon.told() == "WATCHDOG=1", "a life sign")
        assert "service manager told " in daemon.said(), daemon.said()


main([value for name, value in list(globals().items()) if name.startswith("test_")])
