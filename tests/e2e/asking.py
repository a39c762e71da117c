#!/usr/bin/env python3
"""jobsweep sweep on a terminal, without the name of a policy: it shows what would go, asks once, and deletes what was
shown and nothing else.
"""
import datetime
import json
import os
import signal
import subprocess
import tempfile
import threading

import boto3
from harness import ACCESS_KEY, ACCOUNT, Iotsim, Place, answered, equal, main, run, wait_until

FLEET = ("--things", 30, "--jobs", 6, "--executions", 600, "--quota", "all=-1", "--seed", 5)
TWO = """    abort_if: {{selected_over: 1000}}
  - name: second
    targets: [sim]
    mode: enforce
    match: {{job_id: {{include: ["fw-0003"]}}, age: {{older_than: 30d}}}}
    {more}
  - name: looks
    targets: [sim]
    match: {{age: {{older_than: 30d}}}}
"""


def policies(more=""):
    """Two that enforce, for jobs of their own, and one that observes."""
    return {"match": 'job_id: {include: ["fw-0001"]}, ', "more": TWO.format(more=more).lstrip()}


def sweep(place, answer, *words, **more):
    """Its exit status, what was seen on the terminal, and its standard output."""
    with tempfile.TemporaryFile("w+") as out:
        status, seen = answered(place.command(*words, "sweep"), place.environment, answer, stdout=out, **more)
        out.seek(0)
        return status, seen, out.read()


def planned(place, *names):
    """The rows that a plan of these policies selects."""
    result = run(place.command("--format", "json", "plan", "-q", *names), place.environment)
    equal(result.returncode, 0, result.stderr)
    rows = [row for row in map(json.loads, result.stdout.splitlines()) if row["event"] == "row"]
    return {(row["job_id"], row["thing_name"], row["execution_number"]) for row in rows if row["verdict"] == "delete"}


def deleted(sim):
    return {(row["job"], row["thing"], row["number"]) for row in sim.deleted()}


def report(output, status):
    """The outcomes of the report that ends a stream of JSON."""
    events = [json.loads(line) for line in output.splitlines()]
    ends = [event for event in events if event["event"] == "report"]
    equal(len(ends), 1, "reports")
    equal(events[-1], ends[0])
    equal(ends[0]["exit"], status)
    equal(sum(ends[0]["outcomes"].values()), ends[0]["selected"])
    return {name: count for name, count in ends[0]["outcomes"].items() if count}


def verified(place):
    result = run(place.command("history", "verify"), place.environment)
    equal(result.returncode, 0, result.stderr)


def test_it_shows_the_plans_and_asks_once_for_all_of_them():
    with Iotsim(*FLEET) as sim:
        place = Place(sim, **policies())
        wanted = planned(place, "old", "second")
        first, second = len(planned(place, "old")), len(planned(place, "second"))
        assert first > 10 and second > 10, (first, second)

        def look(_):
            equal(sim.counts()["operations"]["DeleteJobExecution"]["received"], 0, "deletions before the answer")
            return b"y\n"

        status, seen, output = sweep(place, look)
        equal(status, 0, seen)
        equal(seen.count("[y/N]"), 1)
        shown = seen.split("[y/N]")[0]
        for words in (f"old in sim: {first} of ", f"second in sim: {second} of ", "and 66 more", "status   ", "2 plans",
                      f"Delete these {first + second} job executions?"):
            assert words in shown, (words, shown)
        assert "looks in sim" not in seen, seen
        equal(deleted(sim), wanted)
        for words in ("old in sim: finished", "second in sim: finished", "2 runs"):
            assert words in output, (words, output)
        assert "would be deleted" not in output, output
        verified(place)


def test_what_two_policies_select_is_one_execution_in_the_question():
    with Iotsim(*FLEET) as sim:
        place = Place(sim, match='job_id: {include: ["fw-0001", "fw-0003"]}, ', more=TWO.format(more="").lstrip())
        old, second = planned(place, "old"), planned(place, "second")
        assert second and second < old, (len(old), len(second))
        status, seen, output = sweep(place, b"y\n", "--format", "json")
        equal(status, 0, seen)
        rows = len(old) + len(second)
        assert f"Delete these {len(old)} job executions (the plans have {rows} rows; what several select goes once)?" in seen, seen
        equal(report(output, 0), {"deleted": len(old), "gone": len(second)})
        equal(deleted(sim), old)


def test_how_far_it_is_can_be_seen_while_it_lists():
    with Iotsim("--things", 30, "--jobs", 60, "--executions", 1200, "--quota", "all=-1") as sim:
        status, seen, _ = sweep(Place(sim, lists=30), b"n\n")
        equal(status, 1, seen)
        lines = seen.split("\r\x1b[K")
        assert any(" lists done" in line for line in lines), seen
        assert lines.count("") <= 1, "a line is taken away, and no other text comes in its place"


def test_anything_but_a_yes_deletes_nothing():
    with Iotsim(*FLEET) as sim:
        place = Place(sim, **policies())
        for answer in (b"n\n", b"\n", b"yess\n", b"\x04"):
            status, seen, output = sweep(place, answer, "--format", "json")
            equal(status, 1, seen)
            assert "jobsweep: nothing was deleted" in seen, seen
            equal(report(output, 1), {})
        equal(sim.counts()["operations"]["DeleteJobExecution"]["received"], 0)
        verified(place)


def test_a_no_leaves_the_run_before_as_the_last_one():
    with Iotsim(*FLEET) as sim:
        place = Place(sim, more='schedule: {cron: "@yearly", catch_up: once}')
        equal(run(place.command("sweep", "old"), place.environment).returncode, 0)
        place.write(more='schedule: {cron: "@yearly", catch_up: once}', age="1d")  # something more may go
        equal(sweep(place, b"n\n")[0], 1)
        records = [json.loads(line) for line in
                   run(place.command("history", "-v", "--format", "json"), place.environment).stdout.splitlines()]
        equal([record["note"] for record in records if record["kind"] == "end"], ["finished", "shown"])
        daemon = place.start(name="jobsweepd")
        try:
            def told():
                lines = [json.loads(line) for line in
                         run(place.command("status", "-v", "--format", "json"), place.environment).stdout.splitlines()]
                return [line for line in lines if line["event"] == "result"]
            (last,) = wait_until(told, "what the ledger tells of the last run")
            equal((last["by"], last["end"]), ("ledger", "finished"))
        finally:
            daemon.kill()
            daemon.communicate()


def test_a_yes_that_was_typed_before_the_question_counts_for_nothing():
    with Iotsim(*FLEET) as sim:
        status, seen, _ = sweep(Place(sim), b"n\n", typed=b"y\ny\n")
        equal(status, 1, seen)
        equal(deleted(sim), set())


def test_a_signal_while_it_asks_ends_it():
    with Iotsim(*FLEET) as sim:
        place = Place(sim)
        for number, expected in ((signal.SIGINT, 130), (signal.SIGTERM, 1)):
            status, seen, output = sweep(place, lambda process, number=number: process.send_signal(number),
                                         "--format", "json")
            equal(status, expected, seen)
            assert "stopping: nothing was sent" in seen, seen
            equal(report(output, expected), {})
        equal(deleted(sim), set())
        verified(place)


def test_who_comes_back_to_it_after_a_stop_is_asked_again():
    with Iotsim(*FLEET) as sim:
        place = Place(sim)
        wanted, questions = planned(place, "old"), []

        def come_back(process):
            questions.append(process.pid)
            if len(questions) > 1:
                return b"y\n"
            process.send_signal(signal.SIGSTOP)
            os.waitid(os.P_PID, process.pid, os.WSTOPPED)
            process.send_signal(signal.SIGCONT)
            return None

        status, seen, _ = sweep(place, come_back)
        equal((status, len(questions)), (0, 2), seen)
        equal(deleted(sim), wanted)


def test_what_changes_while_it_asks_is_left_alone():
    with Iotsim(*FLEET, "--rebirth", 1, "--reuse-numbers") as sim:
        place = Place(sim)
        wanted = sorted(planned(place, "old"))
        others = boto3.client("iot", endpoint_url=sim.url, region_name=sim.region, verify=sim.ca,
                              aws_access_key_id=ACCESS_KEY, aws_secret_access_key=sim.secret_key)

        def meddle(_):
            for job, thing, number in wanted[:7]:
                others.delete_job_execution(jobId=job, thingName=thing, executionNumber=number)
            return b"y\n"

        status, seen, output = sweep(place, meddle, "--format", "json")
        equal(status, 0, seen)
        outcomes = report(output, 0)
        equal(outcomes, {"deleted": len(wanted) - 7, "replaced": 7}, seen)
        equal(deleted(sim), set(wanted), "each once, seven of them by somebody else")
        equal(len(sim.deleted()), len(wanted))


def test_a_plan_that_a_guard_stops_is_not_asked_about():
    with Iotsim(*FLEET) as sim:
        place = Place(sim, **policies("abort_if: {selected_over: 3}"))
        wanted = planned(place, "old")
        status, seen, output = sweep(place, b"y\n", "--format", "json")
        equal(status, 4, seen)
        assert "this plan would not be applied" in seen and f"these {len(wanted)} job" in seen, seen
        equal(deleted(sim), wanted)
        ends = {event["policy"]: event["end"] for event in map(json.loads, output.splitlines()) if event["event"] == "target"}
        equal(ends, {"old": "finished", "second": "guard"})
        report(output, 4)
        place.write(more="abort_if: {selected_over: 3}")
        before = len(sim.deleted())
        status, seen, _ = sweep(place, b"y\n")
        equal(status, 4, seen)
        assert "[y/N]" not in seen, seen
        equal(len(sim.deleted()), before)


def test_limits_leave_the_rest_for_the_next_time():
    with Iotsim(*FLEET) as sim:
        place = Place(sim, more="limits: {per_run: 20}")
        status, seen, output = sweep(place, b"y\n")
        equal(status, 6, seen)
        assert "Delete these 20 job executions?" in seen, seen
        assert "stopped by a limit, more remains" in output and "left for later" in output, output
        equal(len(deleted(sim)), 20)


def test_a_window_that_is_closed_is_not_asked_about():
    now = datetime.datetime.now(datetime.timezone.utc)
    begin, end = (now + datetime.timedelta(hours=hours) for hours in (3, 4))
    with Iotsim(*FLEET) as sim:
        place = Place(sim, more=f'schedule: {{cron: "30 * * * *", window: "{begin:%H}:00-{end:%H}:00"}}')
        status, seen, output = sweep(place, b"y\n")
        equal(status, 6, seen)
        assert "[y/N]" not in seen and "stopped by the window" in output, (seen, output)
        equal(deleted(sim), set())


def test_one_row_and_none():
    with Iotsim(*FLEET) as sim:
        place = Place(sim, more="limits: {per_run: 1}")
        status, seen, _ = sweep(place, b"n\n")
        equal(status, 1, seen)
        assert "Delete this job execution?" in seen, seen
        place.write(age="9000d")
        status, seen, output = sweep(place, b"y\n")
        equal(status, 0, seen)
        assert "[y/N]" not in seen and "old in sim: finished" in output, (seen, output)


def test_the_grace_of_what_it_shows_begins():
    with Iotsim(*FLEET) as sim:
        place = Place(sim, more="grace: 1h")
        status, seen, output = sweep(place, b"y\n")
        equal(status, 0, seen)
        assert "[y/N]" not in seen and "in their grace" in output, (seen, output)
        place.write(more="grace: 1h")
        result = run(place.command("--format", "json", "plan", "-q", "old"), place.environment)
        waiting = [row["reason"] for row in map(json.loads, result.stdout.splitlines())
                   if row["event"] == "row" and "grace" in row["reason"]]
        assert waiting and all("selected since" in reason for reason in waiting), waiting[:3]


def test_what_an_earlier_process_left_is_settled_and_its_rest_is_asked_about():
    with Iotsim(*FLEET, "--signature-life", 2) as sim:
        place = Place(sim)
        wanted = planned(place, "old")
        place.interrupt()
        gone = []

        def look(_):
            gone.extend(deleted(sim))
            return b"y\n"

        status, seen, _ = sweep(place, look)
        equal(status, 0, seen)
        assert "settling the run of" in seen and f"Delete these {len(wanted) - len(gone)} job executions?" in seen, seen
        equal(deleted(sim), wanted)
        verified(place)


def test_a_kill_behind_the_answer_leaves_what_a_sweep_by_name_goes_on_with():
    with Iotsim(*FLEET, "--signature-life", 2) as sim:
        place = Place(sim, rate=50)
        wanted = planned(place, "old")

        def kill_soon(process):
            def wait_and_kill():
                wait_until(lambda: sim.counts()["deleted"] >= 20, "deletions")
                process.kill()
            threading.Thread(target=wait_and_kill).start()
            return b"y\n"

        status, seen, _ = sweep(place, kill_soon)
        equal(status, -signal.SIGKILL, seen)
        assert deleted(sim) < wanted, "all had gone"
        place.write()
        result = place.sweep()
        assert result.returncode in (0, 5), result.stderr
        assert "going on with the run of" in result.stderr, result.stderr
        equal(deleted(sim), wanted)
        verified(place)


def test_where_another_has_the_state_directory_nothing_is_listed():
    with Iotsim(*FLEET) as sim:
        place = Place(sim, rate=5)
        other = place.start("--quiet", "sweep", "old")
        try:
            wait_until(lambda: sim.counts()["deleted"] >= 1, "deletions")
            before = sim.counts()["operations"]["ListJobs"]["received"]
            status, seen, _ = sweep(place, b"y\n")
            equal(status, 7, seen)
            assert "[y/N]" not in seen and "is in use by jobsweep sweep" in seen, seen
            assert "jobsweep run" not in seen, seen  # that is for a daemon
            equal(sim.counts()["operations"]["ListJobs"]["received"], before)
        finally:
            other.kill()
            other.communicate()


def test_credentials_that_end_while_it_asks_are_renewed():
    with Iotsim(*FLEET) as sim:
        sim.control("world", {"roles": [{"account": ACCOUNT, "name": "sweep", "trust": [f"arn:aws:iam::{ACCOUNT}:root"]}]})
        place = Place(sim, life=f"2s\n    role_arn: arn:aws:iam::{ACCOUNT}:role/sweep")
        wanted = planned(place, "old")

        def expire(_):
            sim.control("expire-sessions", {})
            return b"y\n"

        status, seen, _ = sweep(place, expire)
        equal(status, 0, seen)
        equal(deleted(sim), wanted)


def test_what_was_shown_and_could_not_begin_to_go_is_in_the_report():
    with Iotsim(*FLEET) as sim:
        def trust(who):
            sim.control("world", {"roles": [{"account": ACCOUNT, "name": "sweep", "trust": [f"arn:aws:iam::{who}:root"]}]})

        def refuse(_):
            trust("999999999999")
            sim.control("expire-sessions", {})
            return b"y\n"

        trust(ACCOUNT)
        place = Place(sim, life=f"2s\n    role_arn: arn:aws:iam::{ACCOUNT}:role/sweep")
        wanted = planned(place, "old")
        status, seen, output = sweep(place, refuse, "--format", "json")
        equal(status, 8, seen)
        equal(report(output, 8), {"not_attempted": len(wanted)})
        equal(deleted(sim), set())


def test_with_yes_or_a_name_it_goes_straight_on():
    for words in (("--yes",), ("old",)):
        with Iotsim(*FLEET) as sim:
            place = Place(sim)
            wanted = planned(place, "old")
            status, seen = answered(place.command("sweep", *words), place.environment, b"n\n")
            equal(status, 0, seen)
            assert "[y/N]" not in seen, seen
            equal(deleted(sim), wanted)


def test_what_only_observes_is_said_behind_its_plan():
    with Iotsim(*FLEET) as sim:
        place = Place(sim)
        place.write(**policies())
        words = "looks in sim: nothing was deleted: the policy observes"
        for command, wanted in (("sweep", True), ("plan", False)):
            seen = answered(place.command(command, "looks"), place.environment, b"")[1]
            equal(words in seen, wanted, seen)
        equal(deleted(sim), set())


def test_a_host_that_does_not_answer_is_named_in_front_only_where_the_error_does_not():
    with Iotsim(*FLEET) as sim:
        place = Place(sim)
        wrong = dict(place.environment, AWS_SECRET_ACCESS_KEY="wrong")
        refused = run(place.command("plan", "old"), wrong).stderr
        assert f"jobsweep: old in sim: 127.0.0.1:{sim.port}: the account of the credentials is not known: " in refused, refused
    away = run(place.command("plan", "old"), place.environment).stderr
    assert away.startswith("jobsweep: old in sim: the account of the credentials is not known: GetCallerIdentity: Connect: "), away


def test_where_nobody_can_be_asked_it_refuses():
    with Iotsim(*FLEET) as sim:
        place = Place(sim)
        result = subprocess.run(place.command("sweep"), env=place.environment, input="y\n", capture_output=True, text=True,
                                timeout=60, check=False)
        equal(result.returncode, 2)
        assert "sweep needs the names of policies, or --yes" in result.stderr, result.stderr
        assert not os.path.exists(place.state), "a state directory"
        equal(sim.counts()["operations"]["ListJobs"]["received"], 0)


main([test for name, test in list(globals().items()) if name.startswith("test_")], at_once=3)
