#!/usr/bin/env python3
"""jobsweep delete-job-executions against iotsim: rows in every form, what is refused, faults, kill -9 in the middle,
and a file of a million rows in bounded memory. JOBSWEEP_SEED is printed.
"""
import concurrent.futures
import json
import os
import random
import sqlite3
import subprocess

import witness
from harness import ACCOUNT, REGION, Iotsim, Place, Skip, answered, equal, main, measure, note, program, run, scratch

SEED = int(os.environ.get("JOBSWEEP_SEED", str(random.randrange(1 << 32))))
FLEET = ("--things", 30, "--jobs", 6, "--executions", 600, "--quota", "all=-1")
KILLS = 12
MANY = 1000000
MEMORY_MAX = 64 * 1024 * 1024
TERMINAL = {"SUCCEEDED", "FAILED", "TIMED_OUT", "REJECTED", "REMOVED", "CANCELED"}


def rows_of(place):
    """Every execution that a plan lists, as its row."""
    result = run(place.command("--format", "json", "plan", "old"), place.environment)
    equal(result.returncode, 0, result.stderr)
    return [row for row in map(json.loads, result.stdout.splitlines()) if row["event"] == "row"]


def csv(rows, header="job_id,thing_name,execution_number\n"):
    return header + "".join(f"{row['job_id']},{row['thing_name']},{row['execution_number']}\n" for row in rows)


def write(place, text, name="rows.csv"):
    path = os.path.join(place.folder, name)
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
    return path


def delete(place, *words, text=None, env=None, cwd=None, config=True):
    """Runs the command; text goes to its standard input."""
    command = place.command("delete-job-executions", *words) if config else [program("jobsweep"), "delete-job-executions", *words]
    return subprocess.run(command, env=env or place.environment, input=text or "", capture_output=True, text=True, timeout=120,
                          check=False, cwd=cwd)


def report(result):
    last = json.loads(result.stdout.splitlines()[-1])
    equal(last["event"], "report")
    equal(sum(last["outcomes"].values()), last["selected"], "the sum of the outcomes")
    equal(last["exit"], result.returncode, "exit")
    return {name: count for name, count in last["outcomes"].items() if count}


def keys(rows):
    return {(row["job_id"], row["thing_name"], row["execution_number"]) for row in rows}


def deleted(sim):
    return {(row["job"], row["thing"], row["number"]) for row in sim.deleted()}


def nothing_deleted(sim):
    equal(sim.counts()["operations"]["DeleteJobExecution"]["received"], 0, "deletions received")


def test_the_rows_of_a_csv_go_and_no_others():
    with Iotsim(*FLEET) as sim:
        place = Place(sim)
        chosen = [row for row in rows_of(place) if row["status"] in TERMINAL][::3]
        result = delete(place, write(place, csv(chosen)), "--yes", "--format", "json")
        equal(result.returncode, 0, result.stderr)
        equal(report(result), {"deleted": len(chosen)})
        equal(deleted(sim), keys(chosen))
        equal((sim.counts()["forced"], sim.counts()["double_deletes"]), (0, 0))
        again = delete(place, write(place, csv(chosen)), "--yes", "--format", "json")
        equal((again.returncode, report(again)), (0, {"gone": len(chosen)}))


def test_a_plan_that_is_piped_in_deletes_what_it_says_and_keeps_the_rest():
    with Iotsim(*FLEET) as sim:
        place = Place(sim)
        rows = rows_of(place)
        plan = run(place.command("--format", "json", "plan", "old"), place.environment).stdout
        result = delete(place, "--yes", "--format", "json", "-", text=plan)
        equal(result.returncode, 0, result.stderr)
        equal(deleted(sim), keys(row for row in rows if row["verdict"] == "delete"))
        assert deleted(sim) and "verdict keep" in result.stderr, result.stderr


def test_what_the_aws_command_lists_is_taken():
    with Iotsim(*FLEET) as sim:
        place = Place(sim)
        rows = [row for row in rows_of(place) if row["job_id"] == "fw-0000" and row["status"] in TERMINAL]
        arn = f"arn:aws:iot:{REGION}:{ACCOUNT}:thing/"
        document = {"executionSummaries": [{"thingArn": arn + row["thing_name"], "jobExecutionSummary": {
            "status": row["status"], "executionNumber": row["execution_number"]}} for row in rows]}
        result = delete(place, "--yes", "--job", "fw-0000", "--format", "json", text=json.dumps(document, indent=4))
        equal((result.returncode, report(result)), (0, {"deleted": len(rows)}), result.stderr)
        equal(deleted(sim), keys(rows))


def test_what_was_listed_in_another_account_or_region_is_refused():
    with Iotsim(*FLEET) as sim:
        place = Place(sim)
        row = next(row for row in rows_of(place) if row["status"] in TERMINAL)
        for where in (f"us-gov-west-1:{ACCOUNT}", f"{REGION}:999999999999"):
            item = {"thingArn": f"arn:aws:iot:{where}:thing/{row['thing_name']}", "jobExecutionSummary": {"executionNumber": 1}}
            result = delete(place, "--yes", "--job", row["job_id"], text=json.dumps({"executionSummaries": [item]}))
            equal(result.returncode, 2, result.stderr)
            assert f'thingArn begins with "arn:aws:iot:{where}", not with' in result.stderr, result.stderr
        nothing_deleted(sim)


def test_what_is_not_finished_stays_and_is_said():
    with Iotsim(*FLEET) as sim:
        place = Place(sim)
        listed = statuses(sim)
        unfinished = [{"job_id": job, "thing_name": thing, "execution_number": number}
                      for (job, thing, number), status in listed.items() if status in ("QUEUED", "IN_PROGRESS")]
        running = {key for key, status in listed.items() if status == "IN_PROGRESS"}
        assert running and len(running) < len(unfinished)
        path = write(place, csv(unfinished))
        result = delete(place, path, "--yes", "--format", "json")
        equal((result.returncode, report(result)), (5, {"state_changed": len(unfinished)}), result.stderr)
        assert "state_changed: NotFinished: its status is QUEUED" in result.stderr, result.stderr
        nothing_deleted(sim)
        forced = delete(place, path, "--yes", "--force", "--format", "json")
        equal(report(forced), {"state_changed": len(unfinished) - len(running), "deleted": len(running)})
        equal(forced.returncode, 5)
        equal(deleted(sim), running)
        equal(sim.counts()["forced"], len(running))


def statuses(sim):
    """Of every execution of the first jobs, by the list operation itself."""
    found = {}
    for number in range(6):
        job, token = f"fw-{number:04d}", ""
        while token is not None:
            status, _, body = sim.request("GET", f"/jobs/{job}/things?maxResults=250" + (f"&nextToken={token}" if token else ""))
            answer = json.loads(body)
            if status != 200:
                break
            for item in answer["executionSummaries"]:
                summary = item["jobExecutionSummary"]
                found[job, item["thingArn"].split("/")[-1], summary.get("executionNumber", 1)] = summary["status"]
            token = answer.get("nextToken")
    return found


def test_a_dry_run_shows_what_would_go():
    with Iotsim(*FLEET) as sim:
        place = Place(sim)
        rows = rows_of(place)
        text = csv(rows[:10]) + "no-such-job,gw-000000,1\n"
        result = delete(place, "--dry-run", "--format", "json", text=text)
        equal(result.returncode, 0, result.stderr)
        shown = [event for event in map(json.loads, result.stdout.splitlines()) if event["event"] == "row"]
        equal(keys(row for row in shown if row["verdict"] == "delete"), keys(rows[:10]))
        equal(report(result), {"not_attempted": 10, "gone": 1})
        plain = delete(place, "--dry-run", text=text)
        assert "10 of 11 job executions would be deleted" in plain.stdout, plain.stdout
        assert "given in standard input:2" in plain.stdout, plain.stdout
        nothing_deleted(sim)
        assert not os.path.exists(place.state)


def test_nothing_goes_without_a_yes_where_nobody_can_be_asked():
    with Iotsim(*FLEET) as sim:
        place = Place(sim)
        result = delete(place, write(place, csv(rows_of(place))), "--format", "json")
        equal(result.returncode, 2)
        assert "--yes" in result.stderr and "nothing was deleted" in result.stderr, result.stderr
        equal(report(result), {})
        nothing_deleted(sim)


def test_rows_without_a_number_are_said():
    with Iotsim(*FLEET) as sim:
        place = Place(sim)
        rows = [row for row in rows_of(place) if row["status"] in TERMINAL][:6]
        text = csv(rows[:3]) + "".join(f"{row['job_id']},{row['thing_name']},\n" for row in rows[3:] + rows[5:])
        wanted = len({(row["job_id"], row["thing_name"]) for row in rows[3:]})
        words = f"{wanted} rows have no number: the newest of each is meant"
        dry = delete(place, "--dry-run", text=text.replace("execution_number", "execution_number,site", 1).replace("\n", ",x\n")
                     .replace("site,x", "site"))
        equal(dry.returncode, 0, dry.stderr)
        for said in (words, "is given in standard input:", "and also given in standard input:", "columns that are not looked at: site", f"dry run in {ACCOUNT}, {REGION} (target sim)"):
            assert said in dry.stderr, (said, dry.stderr)
        assert "rows have no number: the newest of each is meant" in dry.stdout, dry.stdout
        status, seen = asked(place, write(place, text), b"n\n")
        assert status == 1 and f"(target sim); {words}?" in seen, seen
        done = delete(place, "--yes", "--quiet", text=text)
        assert f"without a number   {wanted:10}" in done.stdout, done.stdout
        told = [json.loads(line) for line in delete(place, "--dry-run", "--format", "json", text=text).stdout.splitlines()]
        equal([event["without_number"] for event in told if event["event"] == "target"], [wanted])
        wrong = delete(place, "--yes", text=text.replace("execution_number", "exec_number", 1))
        assert wrong.returncode == 2 and "did you mean execution_number?" in wrong.stderr, wrong.stderr


def asked(place, path, answer):
    return answered(place.command("delete-job-executions", path), place.environment, answer)


def test_on_a_terminal_it_asks():
    with Iotsim(*FLEET) as sim:
        place = Place(sim)
        rows = [row for row in rows_of(place) if row["status"] in TERMINAL][:7]
        path = write(place, csv(rows))
        for answer in (b"n\n", b"\n", b"yess\n", b"\x04"):
            status, seen = asked(place, path, answer)
            equal(status, 1, seen)
            assert f"Delete these 7 job executions in {ACCOUNT}, {REGION} (target sim)?" in seen, seen
            nothing_deleted(sim)
        status, seen = asked(place, write(place, csv(rows[:1])), b"n\n")
        assert status == 1 and f"Delete this job execution in {ACCOUNT}, {REGION} (target sim)?" in seen, seen
        nothing_deleted(sim)
        status, seen = asked(place, write(place, csv(rows)), b"y\n")
        equal(status, 0, seen)
        equal(deleted(sim), keys(rows))


def test_one_wrong_row_and_nothing_goes():
    with Iotsim(*FLEET) as sim:
        place = Place(sim)
        rows = rows_of(place)
        path = write(place, csv(rows[:50]) + "fw-0000,gw 1,1\n" + csv(rows[50:60], header="") + "fw-0000,gw-000001,0\n")
        result = delete(place, path, "--yes")
        equal(result.returncode, 2)
        for words in (f"{path}:52:9: error: thing_name takes", f"{path}:63:19: error: execution_number takes",
                      "2 errors; nothing was deleted"):
            assert words in result.stderr, (words, result.stderr)
        result = delete(place, path, "--yes", "--format", "json")
        wrong = [event for event in map(json.loads, result.stdout.splitlines()) if event["event"] == "diagnostic"]
        equal([(event["line"], event["column"], event["severity"]) for event in wrong], [(52, 9, "error"), (63, 19, "error")])
        equal(report(result), {})
        nothing_deleted(sim)
        for words, message in ((("/nonexistent",), "No such file"), ((place.folder,), "Is a directory"),
                               (("--job", "a b"), "--job takes"), (("--target", "smi"), "did you mean sim?")):
            result = delete(place, "--yes", *words, text=csv(rows[:1]))
            equal(result.returncode, 2, result.stderr)
            assert message in result.stderr, (message, result.stderr)
        nothing_deleted(sim)


def test_the_target_has_to_be_one_that_may_be_deleted_in():
    with Iotsim(*FLEET) as sim:
        place = Place(sim)
        text = csv(rows_of(place)[:3])
        with open(place.path, encoding="utf-8") as file:
            configuration = file.read()
        two = configuration.replace("targets:\n", f"targets:\n  other: {{account: \"{ACCOUNT}\", region: {REGION}, allow: plan}}\n")
        for changed, words, message in (
                (two, (), "name one with --target"), (two, ("--target", "other"), "can only be looked at"),
                (configuration.replace(f"    account: \"{ACCOUNT}\"\n", "").replace("enforce", "observe"), (), "has no account"),
                (configuration.replace(ACCOUNT, "999999999999"), (), "999999999999")):
            with open(place.path, "w", encoding="utf-8") as file:
                file.write(changed)
            result = delete(place, "--yes", *words, text=text)
            equal(result.returncode, 8 if "9999" in message else 2, result.stderr)
            assert message in result.stderr, (message, result.stderr)
        nothing_deleted(sim)


def test_without_a_configuration_the_environment_says_where():
    with Iotsim(*FLEET) as sim:
        place = Place(sim)
        rows = [row for row in rows_of(place) if row["status"] in TERMINAL][:20]
        env = dict(place.environment, AWS_ENDPOINT_URL=sim.url, HOME=scratch(), XDG_CONFIG_HOME=scratch())
        if os.geteuid() == 0 and os.path.exists("/etc/jobsweep/jobsweep.yaml"):
            raise Skip("root has a configuration here")
        result = delete(place, "--yes", "--format", "json", text=csv(rows), env=env, cwd=scratch(), config=False)
        equal((result.returncode, report(result)), (0, {"deleted": 20}), result.stderr)
        assert "no configuration: no protection rules" in result.stderr, result.stderr
        dry = delete(place, "--dry-run", text=csv(rows), env=env, cwd=scratch(), config=False)
        assert f"dry run in {ACCOUNT}, {REGION}\n" in dry.stderr, dry.stderr
        assert "no configuration: no protection rules" in dry.stderr, dry.stderr
        equal(deleted(sim), keys(rows))
        assert os.path.exists(os.path.join(env["HOME"], ".local/state/jobsweep/ledger.db"))
        planned = "".join(json.dumps(row) + "\n" for row in rows)
        result = delete(place, "--yes", text=planned, env=env, cwd=scratch(), config=False)
        equal(result.returncode, 2, result.stderr)
        assert 'standard input:1:1: error: the row is of target "sim"; without a configuration' in result.stderr, result.stderr
        del env["AWS_SECRET_ACCESS_KEY"]
        result = delete(place, "--yes", text=csv(rows), env=env, cwd=scratch(), config=False)
        equal(result.returncode, 8, result.stderr)


def test_what_the_configuration_protects_stays():
    with Iotsim(*FLEET) as sim:
        place = Place(sim)
        rows = [row for row in rows_of(place) if row["status"] in TERMINAL]
        with open(place.path, "a", encoding="utf-8") as file:
            file.write("protect:\n  - {job_id: fw-0000, reason: legal hold}\n")
        held = {key for key in keys(rows) if key[0] == "fw-0000"}
        assert held and held != keys(rows)
        result = delete(place, "--dry-run", "--format", "json", text=csv(rows))
        equal(report(result), {"protected": len(held), "not_attempted": len(keys(rows) - held)})
        shown = [event for event in map(json.loads, result.stdout.splitlines()) if event["event"] == "row"]
        equal({event["reason"] for event in shown if event["verdict"] == "keep"}, {"protected: legal hold"})
        equal(keys(event for event in shown if event["verdict"] == "keep"), held)
        result = delete(place, "--yes", "--format", "json", text=csv(rows))
        equal((result.returncode, report(result)), (5, {"protected": len(held), "deleted": len(keys(rows) - held)}), result.stderr)
        equal(deleted(sim), keys(rows) - held)
        assert f"protected: Protected: legal hold, by {place.path}:" in result.stderr, result.stderr


def test_the_ledger_tells_where_a_row_was_given():
    with Iotsim(*FLEET) as sim:
        place = Place(sim)
        rows = [row for row in rows_of(place) if row["status"] in TERMINAL][:5]
        path = write(place, csv(rows) + "no-such-job,gw-000000,\n")
        equal(delete(place, path, "--yes").returncode, 0)
        told = [json.loads(line) for line in run(place.command("history", "--format", "json"), place.environment).stdout.splitlines()]
        equal(sorted(event["outcome"] for event in told), ["deleted"] * 5 + ["gone"])
        equal({event["origin"] for event in told}, {f"rows of {path}"})
        equal({event["policy"] for event in told}, {"delete-job-executions"})
        equal(sorted(event["reason"] for event in told), [f"given in {path}:{line}" for line in range(2, 8)])
        assert '"whole":true' in run(place.command("history", "verify", "--format", "json"), place.environment).stdout
        with sqlite3.connect(os.path.join(place.state, "ledger.db")) as ledger: # names alone are looked after when rows go
            names = {text for text, in ledger.execute("SELECT text FROM name")}
        ledger.close()
        equal(names, {row[key] for row in rows for key in ("job_id", "thing_name")} | {"no-such-job", "gw-000000"})


def test_lost_answers_are_settled_and_never_sent_twice():
    with Iotsim(*FLEET, "--reuse-numbers", "--signature-life", 2, "--fault", "reset-after=0.05,500-executed=0.05,reset-before=0.005",
                "--fault-ops", "DeleteJobExecution") as sim:
        place = Place(sim)
        rows = [row for row in rows_of(place) if row["status"] in TERMINAL]
        result = delete(place, "--yes", "--format", "json", text=csv(rows))
        equal(result.returncode, 0, result.stderr)
        outcomes = report(result)
        equal(set(outcomes), {"deleted", "deleted_presumed"})
        equal(deleted(sim), keys(rows))
        equal(sim.counts()["double_deletes"], 0, "double deletes")


def test_reads_that_fail_delete_nothing():
    with Iotsim(*FLEET, "--fault", "denied=1", "--fault-ops", "DescribeJobExecution") as sim:
        place = Place(sim)
        result = delete(place, "--yes", "--format", "json", text=csv(rows_of(place)[:40]))
        equal(result.returncode, 8, result.stderr)
        assert "DescribeJobExecution" in result.stderr and "nothing was deleted" in result.stderr, result.stderr
        report(result)
        nothing_deleted(sim)


# --- kill -9 ------------------------------------------------------------------------------------------------------


def one_kill(service, jobs, number):
    """Killed at its n-th deletion; the next run settles what was sent, leaves the rest, and begins anew."""
    chance = random.Random(f"{SEED} {number}")
    job = jobs.next()
    place = witness.Place(service, job, rate=chance.choice([20, 200]))
    try:
        answer = run([witness.release("jobsweep"), "-c", place.config, "--format", "json", "plan", "old"], place.env).stdout
        rows = [row for row in map(json.loads, answer.splitlines()) if row["event"] == "row" and row["verdict"] == "delete"]
        with open(os.path.join(place.folder, "rows.csv"), "w", encoding="utf-8") as file:
            file.write(csv(rows))
        place.words = ("delete-job-executions", file.name, "--yes")
        status = place.sweep(place.faults("kill-after", 10 + number, ("sync",)))
        witness.check(place, whole=False)
        place.words = ("delete-job-executions", file.name, "--yes")
        again = place.sweep()
        events, told = witness.check(place)
        assert again == 0, (again, place.said)
        equal({row.run for row in told if row.outcome == "not_attempted"} - {1}, set(), "runs that left something")
        equal(witness.open_runs(place.state)[0], 0, "open runs")
        equal({(event["job"], event["thing"], event["number"]) for event in events if event["event"] == "executed"}, keys(rows))
        return status == witness.KILLED, any(row.open or row.intents for row in told if row.run == 1)
    except Exception as why:
        raise AssertionError(f"JOBSWEEP_SEED={SEED}, kill {number}, {job}: {why}") from why
    finally:
        place.remove()


def test_a_kill_leaves_nothing_unsettled_and_the_rest_to_the_user():
    note(f"JOBSWEEP_SEED={SEED}")
    jobs = witness.Jobs()
    with witness.Service("--things", 40, *jobs.FLEET) as service, concurrent.futures.ThreadPoolExecutor(KILLS) as pool:
        killed = list(pool.map(lambda number: one_kill(service, jobs, number), range(KILLS)))
        assert sum(was for was, _ in killed) >= KILLS // 2, killed
        assert any(begun for _, begun in killed), killed


# --- a large file -------------------------------------------------------------------------------------------------


def test_a_million_rows_are_read_in_bounded_memory():
    folder = scratch()
    with Iotsim("--things", 1, "--jobs", 1, "--executions", 1) as sim:
        place = Place(sim)
        for name, make in (("csv", lambda n: f"job-{n % 50},thing-{n // 50},{n % 9 + 1}\n"),
                           ("jsonl", lambda n: f'{{"job_id":"job-{n % 50}","thing_name":"thing-{n // 50}","execution_number":{n % 9 + 1}}}\n')):
            path = os.path.join(folder, name)
            with open(path, "w", encoding="utf-8") as file:
                file.write("job_id,thing_name,execution_number\n" if name == "csv" else "")
                file.writelines(make(n) for n in range(MANY))
                file.writelines(make(n) for n in range(0, MANY, 1000))  # again
            command = [witness.release("jobsweep"), "-c", place.path, "delete-job-executions"]
            with open(path, encoding="utf-8") as file:
                done = measure(command, dict(place.environment, TMPDIR=folder), file)
            equal(done.returncode, 2, done.stderr)
            assert f"warning: {MANY // 1000} rows are there more than once" in done.stderr, done.stderr
            assert done.peak_bytes < MEMORY_MAX, f"{name}: {done.peak_bytes} bytes for {MANY} rows"
            note(f"{name}: {done.peak_bytes >> 20} MiB for {MANY} rows")


main([test_the_rows_of_a_csv_go_and_no_others, test_a_plan_that_is_piped_in_deletes_what_it_says_and_keeps_the_rest,
      test_what_the_aws_command_lists_is_taken, test_what_is_not_finished_stays_and_is_said, test_a_dry_run_shows_what_would_go,
      test_rows_without_a_number_are_said, test_nothing_goes_without_a_yes_where_nobody_can_be_asked, test_on_a_terminal_it_asks, test_one_wrong_row_and_nothing_goes,
      test_the_target_has_to_be_one_that_may_be_deleted_in, test_without_a_configuration_the_environment_says_where,
      test_what_the_configuration_protects_stays, test_the_ledger_tells_where_a_row_was_given, test_lost_answers_are_settled_and_never_sent_twice,
      test_reads_that_fail_delete_nothing, test_a_kill_leaves_nothing_unsettled_and_the_rest_to_the_user,
      test_a_million_rows_are_read_in_bounded_memory], at_once=4)
