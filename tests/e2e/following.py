#!/usr/bin/env python3
"""What a daemon that ends, has just begun or hangs leaves to be told: who follows runs gets the ends of all of them, or is
told that he does not."""
import contextlib
import json
import os
import signal

from harness import LIMIT_S, equal, main, wait_until
from listening import daemon, part

ACCOUNTS, REGIONS = 500, 10
CONFIGURATION = """version: 1
state_directory: {it.folder}
targets:
  many: {{accounts: [{accounts}], regions: [{regions}], endpoint_url: "{it.sim.url}", ca_bundle: {it.sim.ca}}}
policies:
  - {{name: old, targets: [many], mode: enforce, match: {{age: {{older_than: 30d}}}}}}
"""
STATUSES = (1, 8)  # canceled; refused, because it is another account, before it could be
RUN = {"command": "run", "policies": ["old"]}


@contextlib.contextmanager
def many_runs():
    """A daemon with five thousand targets, of which few can begin at once."""
    accounts = ", ".join(f'"{account:012}"' for account in range(1, ACCOUNTS + 1))
    regions = ", ".join(f"eu-west-{number}" for number in range(1, REGIONS + 1))
    with daemon() as it:
        it.write(text=CONFIGURATION.format(it=it, accounts=accounts, regions=regions))
        equal(it.jobsweep("reload").returncode, 0)
        yield it


def begun(it):
    wait_until(lambda: it.status()[0]["runs"] > ACCOUNTS * REGIONS * 9 // 10, "the runs")


def ended_all(lines):
    results = part(lines, "result")
    equal(len(results), ACCOUNTS * REGIONS)
    equal(len({line["target"] for line in results}), ACCOUNTS * REGIONS)
    assert "canceled" in {line["end"] for line in results}, results[-1]


def test_a_follower_gets_the_ends_of_all_runs_when_the_daemon_is_told_to_stop():
    with many_runs() as it:
        client = it.begin("run", "old", "--format", "json")
        begun(it)
        it.process.send_signal(signal.SIGTERM)
        output, said = client.communicate(timeout=LIMIT_S)
        lines = [json.loads(line) for line in output.splitlines()]
        equal((len(part(lines, "target")), lines[-1]["exit"]), (ACCOUNTS * REGIONS, client.returncode), said)
        assert client.returncode in STATUSES, client.returncode
        equal(it.process.wait(LIMIT_S), 0, it.said())
        assert "ends early" not in it.said(), it.said()


def test_the_daemon_waits_for_who_reads_late():
    with many_runs() as it, it.connect() as client:
        client.sendall(json.dumps(RUN).encode() + b"\n")
        begun(it)
        it.process.send_signal(signal.SIGTERM)
        wait_until(lambda: it.said().count(" sweep ended ") == ACCOUNTS * REGIONS, "the ends of all")
        equal(it.process.poll(), None, "there is something to be read")
        text = b""
        while piece := client.recv(65536):
            text += piece
        lines = [json.loads(line) for line in text.splitlines()]
        ended_all(lines)
        assert lines[-1]["event"] == "end" and lines[-1]["exit"] in STATUSES, lines[-1]
        equal(it.process.wait(LIMIT_S), 0, it.said())


def test_who_reads_nothing_does_not_keep_the_daemon():
    with many_runs() as it, it.connect() as client:
        client.sendall(json.dumps(RUN).encode() + b"\n")
        begun(it)
        it.process.send_signal(signal.SIGTERM)
        equal(it.process.wait(LIMIT_S), 0, it.said())


def test_a_daemon_that_is_gone_in_the_middle_is_told_of():
    with daemon(rate=20) as it:
        client = it.begin("run", "old", "--format", "json")
        wait_until(lambda: it.sim.counts()["deleted"] >= 3, "deletions")
        it.process.kill()
        output, said = client.communicate(timeout=LIMIT_S)
        report = json.loads(output.splitlines()[-1])
        equal((client.returncode, report["event"], report["exit"]), (7, "report", 7))
        assert "ended the connection before its answer was complete" in said and "jobsweep history" in said, said


def test_who_follows_a_run_that_waits_for_another_is_told_so():
    with daemon(rate=20) as it, it.connect() as client:
        it.begin("run", "old")
        wait_until(lambda: it.sim.counts()["deleted"] >= 3, "deletions")
        client.sendall(json.dumps({"command": "run", "policies": ["looks"]}).encode() + b"\n")
        lines = client.makefile()
        told = next(line for line in map(json.loads, lines) if line["event"] == "progress")
        equal((told["waits_turn"], told["calls"]), (True, 0))


def test_who_was_stopped_and_goes_on_follows_on():
    with daemon(rate=20) as it:
        client = it.begin("run", "old")
        wait_until(lambda: it.sim.counts()["deleted"] >= 3, "deletions")
        for _ in range(3):
            client.send_signal(signal.SIGSTOP)
            os.waitid(os.P_PID, client.pid, os.WSTOPPED)
            client.send_signal(signal.SIGCONT)
            os.waitid(os.P_PID, client.pid, os.WCONTINUED)
        output, said = client.communicate(timeout=LIMIT_S)
        equal(client.returncode, 0, said)
        assert "old in sim: finished" in output, output


def test_an_interrupt_ends_the_following_and_not_the_run():
    with daemon(rate=20) as it:
        client = it.begin("run", "old")
        wait_until(lambda: it.sim.counts()["deleted"] >= 3, "deletions")
        client.send_signal(signal.SIGINT)
        _, said = client.communicate(timeout=LIMIT_S)
        equal(client.returncode, 130, said)
        assert "the run goes on in the daemon" in said and it.running(), said


def test_after_a_restart_the_last_runs_are_told_from_the_ledger():
    with daemon(more=", limits: {per_run: 10}") as it:
        equal(it.jobsweep("run", "old").returncode, 6)
        it.stop()
        it.start()

        def pairs():
            return part(it.ask({"command": "status", "all": True})[1], "result")
        found = wait_until(pairs, "what the ledger tells")
        equal([(line["policy"], line["by"], line["end"], line["selected"]) for line in found], [("old", "ledger", "limit", 10)])
        assert found[0]["took_ms"] > 0 and "outcomes" not in found[0], found
        assert ", selected 10, by an earlier process (jobsweep history)\n" in it.jobsweep("status", "-v").stdout
        it.write(more=", abort_if: {selected_over: 10}")
        equal(it.jobsweep("reload").returncode, 0)
        equal(it.jobsweep("run", "old").returncode, 4)
        it.stop()
        it.start()
        wait_until(pairs, "what the ledger tells")
        assert "last runs that did not end well:\n  old in sim: guard, " in it.jobsweep("status").stdout


def test_schedule_does_not_wait_for_a_daemon_that_hangs():
    with daemon(more=', schedule: {cron: "@yearly"}') as it:
        it.process.send_signal(signal.SIGSTOP)
        computed = it.jobsweep("schedule")
        it.process.send_signal(signal.SIGCONT)
        equal(computed.returncode, 0)
        assert "  old  enforce  1 target\n" in computed.stdout, computed.stdout
        assert "computed from the configuration" in computed.stderr and "nothing for 5 s" in computed.stderr, computed.stderr


main([value for name, value in list(globals().items()) if name.startswith("test_")], at_once=3)
