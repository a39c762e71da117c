#!/usr/bin/env python3
"""The control socket: what jobsweep asks a daemon that runs, and what it is told."""
import json
import os
import signal
import subprocess

from harness import ACCOUNT, LIMIT_S, REGION, equal, main, program, run, scratch, wait_until
from listening import CONFIGURATION, SELECTED, daemon, journal_deletions, part
from witness import preload, release


def test_status_tells_of_a_run_while_it_deletes():
    with daemon(rate=10) as it:
        client = it.begin("run", "old", "--quiet")
        wait_until(lambda: it.sim.counts()["deleted"] >= 3, "deletions")
        it.status()
        found = it.running()
        equal(len(found), 1)
        equal({key: found[0][key] for key in ("policy", "target", "mode", "state", "selected", "pace_per_1000s")},
              {"policy": "old", "target": "sim", "mode": "enforce", "state": "deleting", "selected": SELECTED,
               "pace_per_1000s": 9950})
        assert 0 < found[0]["settled"] < SELECTED and found[0]["remaining_ms"] > 0, found
        text = it.jobsweep("status").stdout
        assert "\nnow:\n  old in sim: deleting, settled " in text and f" of {SELECTED}" in text and "nothing is scheduled" in text, text
        client.kill()
        client.communicate()


def test_status_says_what_is_next_and_what_failed():
    with daemon(head="# a comment", more=', schedule: {cron: "@yearly"}') as it:
        it.sim.process.kill()
        equal(it.jobsweep("run", "old").returncode, 1)
        lines = it.status()
        equal([(line["policy"], line["next_at"] is not None) for line in part(lines, "policy")], [("old", True), ("looks", False)])
        equal(part(lines, "failures"), [{"event": "failures", "count": 1}])
        failed = part(lines, "result")
        equal([(line["policy"], line["target"], line["end"]) for line in failed], [("old", "sim", "failed")])
        text = it.jobsweep("status").stdout
        assert "last runs that did not end well:\n  old in sim: failed, " in text and "\nnext:\n  old: " in text, text
        lines = [json.loads(line) for line in it.jobsweep("status", "-v", "--format", "json").stdout.splitlines()]
        equal([(line["policy"], line["runs"]) for line in part(lines, "pair")], [("old", False), ("looks", False)])


def test_status_watches_over_one_connection():
    with daemon() as it:
        watch = it.begin("status", "--watch", "--format", "json")
        try:
            seen = 0
            while seen < 2:
                seen += '"event":"daemon"' in watch.stdout.readline()
        finally:
            watch.kill()
            watch.communicate()


def settled(it):
    """Once the run under way has nothing more on its way."""
    before = -1
    while True:
        now = it.running()[0]["settled"]
        if now == before and now == journal_deletions(it.sim):
            return now
        before = now


def test_a_pause_holds_deletions_and_resume_lets_them_go_on():
    with daemon(rate=20) as it:
        client = it.begin("run", "old", "--format", "json")
        wait_until(lambda: journal_deletions(it.sim) >= 3, "deletions")
        paused = it.jobsweep("pause")
        equal(paused.returncode, 0, paused.stderr)
        assert "nothing is deleted until jobsweep resume" in paused.stderr
        held = settled(it)
        wait_until(lambda: it.status()[0]["now"] > it.status()[0]["paused_at"], "a second of the pause")
        equal((journal_deletions(it.sim), it.running()[0]["state"]), (held, "deleting"))
        assert held < SELECTED
        daemon_line = it.status()[0]
        equal((daemon_line["paused"], daemon_line["paused_by"]), (True, os.geteuid()))
        assert "nothing is deleted (jobsweep resume)" in it.jobsweep("status").stdout
        equal(it.jobsweep("resume").returncode, 0)
        output, _ = client.communicate(timeout=LIMIT_S)
        report = json.loads(output.splitlines()[-1])
        equal((client.returncode, report["outcomes"]["deleted"], journal_deletions(it.sim)), (0, SELECTED, SELECTED))


def test_a_pause_and_a_resume_say_where_it_was_so_already():
    with daemon() as it:
        idle = it.jobsweep("resume")
        equal((idle.returncode, idle.stderr), (0, "jobsweep: the daemon was not paused: nothing waited\n"))
        equal([it.ask({"command": word})[1][0]["already"] for word in ("resume", "pause", "pause", "resume")],
              [True, False, True, False])
        equal(it.jobsweep("pause", "-q").returncode, 0)
        since = it.status()[0]["paused_at"]
        again = it.jobsweep("pause")
        equal((again.returncode, again.stderr),
              (0, f"jobsweep: paused already, since {since}: nothing is deleted until jobsweep resume\n"))
        equal(it.jobsweep("resume").stderr, "jobsweep: resumed: what waited goes on\n")


def test_a_pause_outlives_the_daemon_and_nothing_begins_meanwhile():
    with daemon(rate=20) as it:
        client = it.begin("run", "old", "--no-wait")
        client.communicate(timeout=LIMIT_S)
        wait_until(lambda: journal_deletions(it.sim) >= 3, "deletions")
        equal(it.jobsweep("pause", "-q").returncode, 0)
        held = settled(it)
        it.process.kill()
        it.process.wait()
        it.start()
        equal(it.status()[0]["paused"], True)
        refused = it.jobsweep("run", "looks")
        equal(refused.returncode, 1)
        assert "the daemon is paused since " in refused.stderr and "jobsweep resume" in refused.stderr, refused.stderr
        wait_until(lambda: [line for line in it.running() if line["resumed"]], "the run that was interrupted")
        equal(journal_deletions(it.sim), held)
        once = run([program("jobsweepd"), "--once", "-c", it.path], it.environment)
        equal(once.returncode, 1, once.stderr)
        assert "paused since " in once.stderr and "/paused says so" in once.stderr, once.stderr
        equal(it.jobsweep("resume").returncode, 0)
        wait_until(lambda: journal_deletions(it.sim) == SELECTED, "the rest")
        wait_until(lambda: not it.running(), "the end of the run")
        it.stop()
        assert not os.path.exists(os.path.join(it.folder, "paused")) and not os.path.exists(it.socket)


def test_a_run_that_could_not_be_gone_on_with_is_taken_up_before_the_next_begins_there():
    with daemon(rate=20) as it:
        it.begin("run", "old", "--no-wait").communicate(timeout=LIMIT_S)
        wait_until(lambda: journal_deletions(it.sim) >= 3, "deletions")
        it.process.kill()
        it.process.wait()
        keys = os.path.join(it.folder, "keys")
        access, secret = (it.environment.pop(name) for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"))
        it.environment.update(AWS_SHARED_CREDENTIALS_FILE=keys, AWS_EC2_METADATA_DISABLED="true")
        it.start()
        wait_until(lambda: "end=failed" in it.said() and not it.running(), "the run that was interrupted, without keys")
        barred = it.jobsweep("run", "old")
        equal(barred.returncode, 1, barred.stderr)
        assert "must be settled first" in barred.stdout + barred.stderr, barred
        with open(keys, "w", encoding="utf-8", opener=lambda path, flags: os.open(path, flags, 0o600)) as file:
            file.write(f"[default]\naws_access_key_id = {access}\naws_secret_access_key = {secret}\n")
        taken_up = it.jobsweep("run", "old")
        equal((taken_up.returncode, journal_deletions(it.sim)), (0, SELECTED), taken_up.stderr)
        equal((it.said().count("sweep resumed"), it.sim.counts()["double_deletes"]), (3, 0), it.said())
        it.stop()


def test_a_pause_that_comes_while_the_next_daemon_starts_counts():
    with daemon() as it:
        environment = {**it.environment, "LD_PRELOAD": preload(), "FAULTS_DO": "stop", "FAULTS_AT": "1", "FAULTS_CALLS": "flock",
                       "FAULTS_DIR": os.path.realpath(it.folder), "FAULTS_REPORT": os.path.join(scratch(), "faults")}
        following = subprocess.Popen([release("jobsweepd"), "-c", it.path], env=environment, stdin=subprocess.DEVNULL,
                                     stderr=subprocess.DEVNULL)
        try:
            equal(os.waitid(os.P_PID, following.pid, os.WSTOPPED | os.WEXITED | os.WNOWAIT).si_code, os.CLD_STOPPED)
            equal(it.jobsweep("pause", "-q").returncode, 0)
            it.stop()
        finally:
            it.kill()
            it.process = following
        following.send_signal(signal.SIGCONT)
        wait_until(it.answers, "the next daemon's socket")
        equal(it.status()[0]["paused"], True)


def test_stopping_a_paused_daemon_does_not_wait_for_what_it_holds():
    with daemon(rate=20) as it:
        equal(it.jobsweep("run", "old", "--no-wait").returncode, 0)
        wait_until(lambda: journal_deletions(it.sim) >= 3, "deletions")
        equal(it.jobsweep("pause", "-q").returncode, 0)
        held = settled(it)
        it.stop()
        equal(journal_deletions(it.sim), held)


def test_what_is_due_during_a_pause_is_left_out_or_made_up_for_as_its_policy_says():
    with daemon(more=', schedule: {cron: "* * * * *", catch_up: once}') as it:
        it.write(more=', schedule: {cron: "* * * * *", catch_up: once}', head="# two of them\n")
        text = open(it.path, encoding="utf-8").read().replace(
            "name: looks, targets: [sim],", 'name: looks, targets: [sim], schedule: {cron: "* * * * *"},')
        it.write(text=text)
        equal(it.jobsweep("reload").returncode, 0)
        for name in ("old", "looks"):  # what never ran has missed nothing
            wait_until(lambda: it.jobsweep("run", name).returncode == 0, "a run, which a firing may be in the way of")
        equal(it.jobsweep("pause", "-q").returncode, 0)
        before = len(it.said())
        for name in ("old", "looks"):
            wait_until(lambda: f"sweep skipped policy={name} reason=\"the daemon is paused\"" in it.said()[before:],
                       "a firing", 2 * LIMIT_S)
        equal(it.running(), [])
        before = len(it.said())
        equal(it.jobsweep("resume").returncode, 0)
        wait_until(lambda: "sweep was missed policy=old target=sim" in it.said()[before:], "what is made up for")
        assert "sweep was missed policy=looks" not in it.said()


def test_run_follows_the_run_to_its_report():
    with daemon() as it:
        done = it.jobsweep("run", "old")
        equal(done.returncode, 0, done.stderr)
        assert str(SELECTED) in done.stdout and "deleted" in done.stdout, done.stdout
        looked = it.jobsweep("run", "looks")
        assert "took     0 ms" not in looked.stdout and "  calls    " in looked.stdout and "ListJobs 1" in looked.stdout, looked.stdout
        status = it.status()
        result = part(it.ask({"command": "status", "all": True})[1], "result")[0]
        equal((result["calls"]["DeleteJobExecution"], status[0]["runs"]), (SELECTED, 0))
        assert result["took_ms"] > 0, result
        looked = it.jobsweep("run", "looks", "--format", "json")
        lines = [json.loads(line) for line in looked.stdout.splitlines()]
        equal([line["event"] for line in lines], ["target", "report"])
        equal((lines[0]["end"], lines[1]["selected"], lines[1]["exit"], looked.returncode), ("planned", 0, 0, 0))
        assert "observes" in looked.stderr, looked.stderr


def test_run_ends_with_the_status_of_a_sweep():
    with daemon(more=", limits: {per_run: 10}") as it:
        limited = it.jobsweep("run", "old")
        equal(limited.returncode, 6, limited.stderr)
        it.write(more=", abort_if: {selected_over: 10}")
        equal(it.jobsweep("reload").returncode, 0)
        guarded = it.jobsweep("run", "old")
        equal((guarded.returncode, journal_deletions(it.sim)), (4, 10))
        unknown = it.jobsweep("run", "odl")
        equal(unknown.returncode, 2)
        assert "did you mean" in unknown.stderr and "old" in unknown.stderr, unknown.stderr


def test_who_follows_may_leave_and_the_run_goes_on():
    with daemon(rate=40) as it:
        client = it.begin("run", "old")
        wait_until(lambda: journal_deletions(it.sim) >= 3, "deletions")
        again = it.jobsweep("run", "old")
        equal(again.returncode, 1)
        assert "the one before has not ended" in again.stderr, again.stderr
        client.send_signal(signal.SIGINT)
        _, said = client.communicate(timeout=LIMIT_S)
        equal(client.returncode, 130)
        assert "the run goes on in the daemon" in said, said
        wait_until(lambda: journal_deletions(it.sim) == SELECTED, "the rest")


def test_a_command_without_a_daemon_says_where_it_looked():
    with daemon() as it:
        locked = run([program("jobsweep"), "sweep", "-c", it.path, "old"], it.environment)
        equal(locked.returncode, 7)
        assert "jobsweep run POLICY" in locked.stderr, locked.stderr
        rows = os.path.join(it.folder, "rows.csv")
        with open(rows, "w", encoding="utf-8") as file:
            file.write("job_id,thing_name,execution_number\nfw-0000,gw-000000,1\n")
        given = it.jobsweep("delete-job-executions", "--yes", rows)
        equal((given.returncode, given.stdout), (7, ""))
        assert "the daemon takes no rows" in given.stderr and "jobsweep run POLICY" in given.stderr, given.stderr
        it.stop()
        for words in (["status"], ["run", "old"], ["pause"], ["resume"], ["reload"]):
            alone = it.jobsweep(*words)
            equal(alone.returncode, 7, words)
            assert it.socket in alone.stderr and "is jobsweepd running?" in alone.stderr, alone.stderr
        report = json.loads(it.jobsweep("run", "old", "--format", "json").stdout)
        equal((report["event"], report["exit"]), ("report", 7))


def test_a_reload_that_is_refused_is_told_to_who_asked_and_to_who_asks_later():
    with daemon() as it:
        fine = open(it.path, encoding="utf-8").read()
        it.write(text=fine.replace("older_than: 30d", "older_than: 30", 1))
        check = run([program("jobsweep"), "check", "-c", it.path], it.environment)
        refused = it.jobsweep("reload")
        equal((refused.returncode, check.returncode), (2, 2))
        place = f"{it.path}:7:"
        diagnostics = check.stderr[:check.stderr.index("jobsweep: ")]
        assert place in diagnostics and "^" in diagnostics and diagnostics in refused.stderr, (diagnostics, refused.stderr)
        lines = it.status()
        assert lines[0]["reload_failed_at"], lines[0]
        found = part(lines, "diagnostic")
        equal([(line["file"], line["line"], line["severity"]) for line in found], [(it.path, 7, "error")])
        text = it.jobsweep("status").stdout
        assert "was refused, and this configuration stays in force:\n" in text and diagnostics in text, text
        equal(it.jobsweep("run", "looks").returncode, 0, "the old one is in force")
        it.write(text=fine)
        equal(it.jobsweep("reload").returncode, 0)
        equal((it.status()[0]["reload_failed_at"], part(it.status(), "diagnostic")), (None, []))
        it.write(text="version: 1\ntargets: [\n")
        it.process.send_signal(signal.SIGHUP)
        wait_until(lambda: it.status()[0]["reload_failed_at"], "the signal's reload")
        lost = it.jobsweep("status")
        equal(lost.returncode, 7)
        assert "the configuration cannot be read" in lost.stderr and "--socket" in lost.stderr, lost.stderr
        assert f"{it.path}:3:1: error: " in it.jobsweep("status", "--socket", it.socket).stdout


def test_a_reload_warns_that_a_pause_stays_where_the_state_was():
    with daemon() as it:
        equal(it.jobsweep("pause", "-q").returncode, 0)
        equal("state_directory" in it.jobsweep("reload").stderr, False)
        elsewhere = scratch()
        it.write(state=elsewhere)
        moved = it.jobsweep("reload", "--socket", it.socket)
        equal(moved.returncode, 0, moved.stderr)
        told = f"{elsewhere}, without the ledger and the pause of {it.folder}"
        assert told in moved.stderr and told in it.said(), moved.stderr
        before, it.socket = it.socket, os.path.join(elsewhere, "control.sock")
        equal(os.path.exists(before), False)
        equal(it.jobsweep("status").returncode, 0)
        equal(it.status()[0]["paused"], True)
        it.stop()
        assert os.path.exists(os.path.join(it.folder, "paused"))


def test_a_pause_that_a_restart_would_not_find_is_told_of():
    with daemon() as it:
        equal(it.said().count("new state directory"), 1, "the first start")
        equal(it.jobsweep("pause", "-q").returncode, 0)
        it.stop()
        assert "the pause stays behind" not in it.said(), it.said()
        it.start()
        elsewhere = scratch()
        it.write(state=elsewhere)  # and no reload
        it.stop()
        assert f"the pause stays behind state_directory={it.folder} next={elsewhere}\n" in it.said(), it.said()
        equal(it.said().count("new state directory"), 1)
        it.socket = os.path.join(elsewhere, "control.sock")
        it.start()
        assert f"new state directory directory={elsewhere} " in it.said(), it.said()
        equal(it.status()[0]["paused"], False)


def test_schedule_reads_the_configuration_alone():
    folder = scratch()
    path = os.path.join(folder, "jobsweep.yaml")
    with open(path, "w", encoding="utf-8") as file:
        file.write(CONFIGURATION.format(state=folder, head="", account=ACCOUNT, region=REGION, url="http://127.0.0.1:1",
                                        ca="/dev/null", rate=1, more=', schedule: {cron: "30 2 * * *", jitter: 10m}'))
    os.chmod(path, 0o600)
    found = run([program("jobsweep"), "schedule", "-c", path, "--next", "3", "--format", "json"], {"PATH": "/usr/bin"})
    lines = [json.loads(line) for line in found.stdout.splitlines()]
    equal([(line["policy"], line["at"][10:]) for line in lines], [("old", "T02:30:00Z")] * 3)
    assert lines[0]["at"] < lines[1]["at"] < lines[2]["at"]
    text = run([program("jobsweep"), "schedule", "-c", path], {"PATH": "/usr/bin"})
    assert "T02:30:00Z  in " in text.stdout and "up to 10m later" in text.stdout, text.stdout
    assert "looks has no schedule" in text.stderr, text.stderr
    assert "computed from the configuration, because no daemon answers: control socket" in text.stderr, text.stderr
    equal({line["by"] for line in lines}, {"configuration"})
    equal(run([program("jobsweep"), "schedule", "-c", path, "odl"], {"PATH": "/usr/bin"}).returncode, 2)


def test_schedule_tells_what_a_daemon_that_runs_will_do():
    with daemon(more=', schedule: {cron: "30 2 1 1 *", jitter: 10m}') as it:
        loaded = part(it.status(), "policy")[0]["next_at"]
        it.write(more=', schedule: {cron: "30 3 1 1 *"}')  # and no reload
        lines = [json.loads(line) for line in it.jobsweep("schedule", "--next", "2", "--format", "json").stdout.splitlines()]
        equal([(line["policy"], line["by"], line["at"][10:]) for line in lines],
              [("old", "daemon", "T02:30:00Z"), ("old", "configuration", "T03:30:00Z")])
        equal((lines[0]["at"], lines[0]["target"]), (loaded, None))
        text = it.jobsweep("schedule")
        assert f"as the daemon has it, process {it.process.pid}\n" in text.stderr and loaded in text.stdout, text
        it.write(text=open(it.path, encoding="utf-8").read().replace("name: old", "name: new"))
        text = it.jobsweep("schedule")
        assert f"old, at {loaded}: the daemon still has it, the configuration has not" in text.stderr, text.stderr
        assert "  new  enforce  1 target  by the configuration\n" in text.stdout and "looks" not in text.stdout, text.stdout
        equal(it.jobsweep("pause", "-q").returncode, 0)
        assert "it is paused, and leaves out what is due" in it.jobsweep("schedule").stderr


def test_schedule_tells_until_when_a_sweep_is_put_off():
    with daemon(more=', schedule: {cron: "* * * * *", jitter: 24h}') as it:
        def put_off():
            shown = it.jobsweep("schedule", "--format", "json").stdout
            return [line for line in map(json.loads, shown.splitlines()) if line["target"] == "sim"]
        found = wait_until(put_off, "a firing that is put off", 2 * LIMIT_S)
        equal([(line["policy"], line["by"], line["targets"]) for line in found], [("old", "daemon", 1)])
        text = it.jobsweep("schedule").stdout
        assert f"{found[0]['at'][:18]}" in text and "  old  enforce  in sim, put off until then\n" in text, text


if __name__ == "__main__":
    main([test for name, test in list(globals().items()) if name.startswith("test_")], at_once=4)
