#!/usr/bin/env python3
"""jobsweep plan -o and jobsweep apply against iotsim: exactly the planned rows go; stale, foreign and damaged plans are
refused; faults, kill -9 in the middle, and a large plan in bounded memory. JOBSWEEP_SEED is printed, JOBSWEEP_ROWS is how
many rows the large plan has.
"""
import concurrent.futures
import hashlib
import json
import os
import random
import time

import witness
from harness import ACCOUNT, REGION, Iotsim, Place, equal, main, measure, note, run, scratch, wait_until

SEED = int(os.environ.get("JOBSWEEP_SEED", str(random.randrange(1 << 32))))
FLEET = ("--things", 30, "--jobs", 6, "--executions", 600, "--quota", "all=-1")
KILLS = 12
MANY = int(os.environ.get("JOBSWEEP_ROWS", "200000"))
FEW = 2000
MEMORY_MORE = 16 * 1024 * 1024  # for many rows than for few
MEMORY_MAX = 64 * 1024 * 1024


def plan(place, *words):
    """Writes a plan; its lines as objects."""
    path = os.path.join(place.folder, "plan.jsonl")
    result = run(place.command("plan", "-q", "-o", path, *words), place.environment)
    equal(result.returncode, 0, result.stderr)
    return path, [json.loads(line) for line in open(path, encoding="utf-8")]


def apply(place, path, *words, **more):
    return run(place.command("--format", "json", "apply", path, *words), place.environment, **more)


def report(result):
    last = json.loads(result.stdout.splitlines()[-1])
    equal(last["event"], "report")
    equal(sum(last["outcomes"].values()), last["selected"], "the sum of the outcomes")
    equal(last["exit"], result.returncode, "exit")
    return {name: count for name, count in last["outcomes"].items() if count}


def keys(lines):
    return {(row["job_id"], row["thing_name"], row["execution_number"]) for row in lines if row.get("event") == "row"}


def deleted(sim):
    return {(row["job"], row["thing"], row["number"]) for row in sim.deleted()}


def nothing_deleted(sim):
    equal(sim.counts()["operations"]["DeleteJobExecution"]["received"], 0, "deletions received")


def refused(place, path, status, *words):
    result = apply(place, path)
    equal(result.returncode, status, result.stderr)
    for word in (*words, "nothing was deleted"):
        assert word in result.stderr, (word, result.stderr)
    equal(report(result), {})
    nothing_deleted(place.sim)


def test_a_plan_is_applied_once_and_then_its_rows_are_gone():
    with Iotsim(*FLEET) as sim:
        place = Place(sim)
        path, lines = plan(place)
        head, middle, end = lines[0], lines[1], lines[-1]
        rows = keys(lines)
        equal((head["jobsweep_plan"], head["plans"], head["rows"]), (1, 1, len(rows)))
        equal((middle["policy"], middle["target"], middle["account"], middle["region"]), ("old", "sim", ACCOUNT, REGION))
        equal((end["event"], end["rows"]), ("end", len(rows)))
        equal(os.stat(path).st_mode & 0o777, 0o600)
        equal([name for name in os.listdir(place.folder) if "plan" in name], ["plan.jsonl"])
        nothing_deleted(sim)
        result = apply(place, path)
        equal((result.returncode, report(result)), (0, {"deleted": len(rows)}), result.stderr)
        equal(deleted(sim), rows)
        again = apply(place, path)
        equal((again.returncode, report(again)), (0, {"gone": len(rows)}), again.stderr)
        told = [json.loads(line) for line in run(place.command("history", "--format", "json"), place.environment).stdout.splitlines()]
        assert all(event["origin"].startswith(f"plan {end['sha256']} until 20") for event in told)
        equal({event["policy"] for event in told}, {"old"})
        shown = run(place.command("history"), place.environment).stdout
        assert f"old in sim (plan {end['sha256'][:12]})" in shown, shown[:500]
        assert '"whole":true' in run(place.command("history", "verify", "--format", "json"), place.environment).stdout


def test_the_sums_are_what_the_manual_page_of_the_format_says():
    """Each line's sum by other code than ours: the digest of the digest before and of the line without its sum."""
    with Iotsim(*FLEET) as sim:
        path, lines = plan(Place(sim))
        digest, before = bytes(32), bytes(32)
        for line in open(path, encoding="utf-8"):
            text = line[:-len(',"sum":"0123456789abcdef"}\n')]
            before, digest = digest, hashlib.sha256(digest + text.encode()).digest()
            equal(json.loads(line)["sum"], digest.hex()[:16])
        equal(lines[-1]["sha256"], before.hex())


def test_detailed_exitcode_and_output_go_together():
    with Iotsim(*FLEET) as sim:
        place = Place(sim)
        path = os.path.join(place.folder, "p")
        equal(run(place.command("plan", "-qo", path, "--detailed-exitcode"), place.environment).returncode, 3)
        assert os.path.exists(path)
        os.unlink(path)
        place.write(age="3000d")
        equal(run(place.command("plan", "-qo", path, "--detailed-exitcode"), place.environment).returncode, 0)
        equal(apply(place, path).returncode, 0)


def test_rows_that_changed_since_are_left_alone():
    with Iotsim(*FLEET, "--rebirth", 1, "--reuse-numbers") as sim:
        place = Place(sim)
        path, lines = plan(place)
        rows = sorted(keys(lines))
        chosen = rows[::4]  # somebody else deletes these, and they are made anew
        for job, thing, number in chosen:
            status, _, body = sim.request("DELETE", f"/things/{thing.replace(':', '%3A')}/jobs/{job}/executionNumber/{number}")
            equal(status, 200, body)
        sim_deleted = len(sim.deleted())
        result = apply(place, path)
        equal(result.returncode, 0, result.stderr)
        equal(report(result), {"deleted": len(rows) - len(chosen), "replaced": len(chosen)})
        equal(len(sim.deleted()) - sim_deleted, len(rows) - len(chosen))


def test_a_stale_plan_deletes_nothing():
    with Iotsim(*FLEET) as sim:
        place = Place(sim)
        path, _ = plan(place)
        for changed, words in (({"age": "31d"}, "the policy is not what it was"), ({"mode": "observe"}, "is not what it was"),
                               ({"more": "limits: {per_run: 7}"}, "is not what it was")):
            place.write(**changed)
            refused(place, path, 9, "stale", words)
        with open(place.path, encoding="utf-8") as file:
            text = file.read()
        with open(place.path, "w", encoding="utf-8") as file:
            file.write(text.replace("name: old", "name: older"))
        refused(place, path, 9, "no such policy there any more")
        place.write(mode="observe")
        warned = run(place.command("plan", "-q", "-o", path), place.environment).stderr
        assert "apply will refuse this plan" in warned and "plan again then" in warned, warned
        refused(place, path, 9, "observes")
        place.write()
        path, _ = plan(place, "--expires", "1ms")
        refused(place, path, 9, "expired 20")
        equal(run(place.command("plan", "-o", path, "--expires", "soon"), place.environment).returncode, 2)


def test_what_is_protected_since_stays():
    with Iotsim(*FLEET) as sim:
        place = Place(sim)
        path, lines = plan(place)
        with open(place.path, "a", encoding="utf-8") as file:
            file.write("protect:\n  - {job_id: fw-0000, reason: legal hold}\n")
        rows = keys(lines)
        held = {key for key in rows if key[0] == "fw-0000"}
        assert held and held != rows
        result = apply(place, path)
        equal((result.returncode, report(result)), (0, {"protected": len(held), "deleted": len(rows - held)}), result.stderr)
        equal(deleted(sim), rows - held)


def test_a_plan_of_another_account_or_region_deletes_nothing():
    with Iotsim(*FLEET) as sim:
        place = Place(sim)
        path, _ = plan(place)
        place.write(account="999999999999")
        refused(place, path, 2, ACCOUNT, REGION)
        place.write(target="renamed")  # where it is says more than what it is called
        result = apply(place, path)
        equal(result.returncode, 9, result.stderr)  # but the policy names its targets
        nothing_deleted(sim)


def test_a_damaged_plan_names_its_line():
    with Iotsim(*FLEET) as sim:
        place = Place(sim)
        path, lines = plan(place)
        with open(path, encoding="utf-8") as file:
            text = file.read().splitlines(keepends=True)
        other = text[7].replace('"execution_number":1', '"execution_number":2') if '"execution_number":1' in text[7] else text[7].replace("gw-", "gx-")
        for changed, line in ((text[:7] + [other] + text[8:], 8), (text[:-1], len(text)), (text[:7] + text[8:], 8), (text + text[-1:], len(text) + 1),
                              ([""], 1), (text[:9] + [text[9][:20]], 10)):
            with open(path, "w", encoding="utf-8") as file:
                file.writelines(changed)
            refused(place, path, 2, f"{path}:{line}: ")
        with open(path, "w", encoding="utf-8") as file:
            file.writelines(text)
        os.chmod(path, 0o666)
        refused(place, path, 2, "can be written by everybody")
        os.chmod(path, 0o600)
        equal(apply(place, path).returncode, 0)
        equal(deleted(sim), keys(lines))


def test_several_policies_and_guards_in_one_file():
    with Iotsim(*FLEET) as sim:
        place = Place(sim, more="""limits: {per_run: 10}
  - name: second
    targets: [sim]
    mode: enforce
    match: {status: [FAILED], age: {older_than: 60d}}
    abort_if: {selected_over: 100000}""")
        path, lines = plan(place)
        equal((lines[0]["plans"], [line["policy"] for line in lines if line.get("event") == "plan"]), (2, ["old", "second"]))
        result = apply(place, path)
        equal(result.returncode, 0, result.stderr)
        equal(deleted(sim), keys(lines))
        equal(report(result)["deleted"], len(keys(lines)))


def test_a_guard_counts_what_limits_left_out_of_the_plan_too():
    """A sweep of this policy would delete nothing, so its plan must not either."""
    with Iotsim(*FLEET) as sim:
        place = Place(sim, more="limits: {per_run: 10}\n    abort_if: {selected_over: 50}")
        path, lines = plan(place)
        equal(len(keys(lines)), 10)
        assert lines[1]["remaining"] > 50, lines[1]
        result = apply(place, path)
        equal((result.returncode, report(result)), (4, {"not_attempted": 10}), result.stderr)
        nothing_deleted(sim)
        equal(place.sweep().returncode, 4)


def test_a_plan_without_rows_holds_nothing_up():
    with Iotsim(*FLEET) as sim:
        place = Place(sim, more="""limits: {per_run: 10}
  - name: second
    targets: [sim]
    mode: enforce
    match: {status: [FAILED], age: {older_than: 6000d}}""")
        path, lines = plan(place)
        equal([line["policy"] for line in lines if line.get("event") == "plan"], ["old", "second"])
        with open(place.path, encoding="utf-8") as file:
            text = file.read()
        with open(place.path, "w", encoding="utf-8") as file:
            file.write(text.replace("6000d", "6001d"))
        result = apply(place, path)
        equal((result.returncode, report(result)), (0, {"deleted": len(keys(lines))}), result.stderr)
        equal([event["policy"] for event in map(json.loads, result.stdout.splitlines()) if event["event"] == "target"], ["old"])


def test_a_plan_that_cannot_be_made_or_written_leaves_the_one_before():
    with Iotsim(*FLEET, "--fault", "denied=1", "--fault-ops", "ListJobs") as sim:
        place = Place(sim)
        path = os.path.join(place.folder, "plan.jsonl")
        with open(path, "w", encoding="utf-8") as file:
            file.write('{"jobsweep_plan":before')
        result = run(place.command("plan", "-qo", path), place.environment)
        equal(result.returncode, 8, result.stderr)
        assert "no plan was written" in result.stderr, result.stderr
        equal(open(path, encoding="utf-8").read(), '{"jobsweep_plan":before')


def test_a_place_that_is_no_place_for_a_plan_is_refused_at_once():
    with Iotsim(*FLEET) as sim:
        place = Place(sim)
        configuration = open(place.path, encoding="utf-8").read()
        for path, words in ((place.path, "is no plan of jobsweep"), (place.folder, "is no regular file"), ("-", "name of a file"),
                            ("/dev/null", "is no regular file"), ("/nonexistent/plan", "No such file"),
                            ("/dev/full/plan", "Not a directory")):
            result = run(place.command("plan", "-o", path), place.environment)
            equal((result.returncode, words in result.stderr), (2, True), result.stderr)
        equal(open(place.path, encoding="utf-8").read(), configuration)
        equal(sim.counts()["operations"]["ListJobs"]["received"], 0, "lists")
        equal(sorted(os.listdir(place.folder)), ["jobsweep.yaml"])


def test_a_plan_that_was_written_is_told_and_may_be_replaced():
    with Iotsim(*FLEET) as sim:
        place = Place(sim)
        path, lines = plan(place)
        result = run(place.command("plan", "-o", path), place.environment)
        equal(result.returncode, 0, result.stderr)
        head = json.loads(open(path, encoding="utf-8").readline())
        assert f"{len(keys(lines))} rows written to {path}, until {head['expires_at']}; jobsweep apply -c {place.path} {path}" in result.stderr, result.stderr
        assert "written" not in run(place.command("plan", "-qo", path), place.environment).stderr


def test_apply_needs_the_state_directory_and_says_who_has_it():
    with Iotsim(*FLEET, "--fault", "stall=1", "--fault-ops", "DeleteJobExecution") as sim:
        place = Place(sim)
        path, _ = plan(place)
        first = place.start("apply", path)
        try:
            wait_until(lambda: sim.counts()["operations"]["DeleteJobExecution"]["received"] > 0, "a deletion")
            result = apply(place, path)
            equal(result.returncode, 7, result.stderr)
            assert "jobsweep apply" in result.stderr, result.stderr
        finally:
            first.kill()
            first.communicate()


def test_what_cannot_begin_shows_no_numbers_that_look_like_a_result():
    with Iotsim(*FLEET) as sim:
        place = Place(sim, more="\n  - {name: older, targets: [sim], mode: enforce, match: {age: {older_than: 60d}}}")
        path, _ = plan(place)
        rows = os.path.join(place.folder, "rows.csv")
        with open(rows, "w", encoding="utf-8") as file:
            file.write("job_id,thing_name,execution_number\nfw-0000,gw-000000,1\n")
        nobody = {name: value for name, value in place.environment.items() if name != "AWS_ACCESS_KEY_ID"}
        for words in (("apply", path), ("sweep", "--yes"), ("plan",), ("delete-job-executions", "--yes", rows)):
            result = run(place.command(*words), nobody)
            equal(result.returncode, 8, result.stderr)
            assert "missing: AWS_ACCESS_KEY_ID" in result.stderr, result.stderr
            for word in ("selected", "SELECTED", "listed", "LISTED", "kept"):
                assert word not in result.stdout, (words, result.stdout)
        nothing_deleted(sim)


def test_a_plan_that_expires_while_it_is_applied_ends():
    with Iotsim(*FLEET) as sim:
        place = Place(sim, rate=5)
        for seconds in (2, 4, 8, 16):  # on a busy machine it may have expired before it is read
            path, lines = plan(place, "--expires", f"{seconds}s")
            result = apply(place, path)
            equal(result.returncode, 9, result.stderr)
            if report(result):
                break
        outcomes = report(result)
        assert outcomes["not_attempted"] > 0 and "expired" in result.stderr, (outcomes, result.stderr)
        equal(outcomes.get("deleted", 0), len(deleted(sim)))
        assert deleted(sim) <= keys(lines)


def test_lost_answers_are_settled_and_never_sent_twice():
    with Iotsim(*FLEET, "--reuse-numbers", "--signature-life", 2, "--fault", "reset-after=0.05,500-executed=0.05,reset-before=0.005",
                "--fault-ops", "DeleteJobExecution") as sim:
        place = Place(sim)
        path, lines = plan(place)
        result = apply(place, path)
        equal(result.returncode, 0, result.stderr)
        equal(set(report(result)), {"deleted", "deleted_presumed"})
        equal(deleted(sim), keys(lines))
        equal(sim.counts()["double_deletes"], 0, "double deletes")


# --- kill -9 ------------------------------------------------------------------------------------------------------


def one_kill(service, jobs, number):
    """Killed in the middle, then applied again: it goes on with what was interrupted, and all that was planned goes."""
    chance = random.Random(f"{SEED} {number}")
    job = jobs.next()
    place = witness.Place(service, job, rate=chance.choice([20, 200]))
    try:
        path = os.path.join(place.folder, "plan.jsonl")
        place.words = ("plan", "-o", path)
        equal(place.sweep(), 0, place.said)
        with open(path, encoding="utf-8") as file:
            rows = keys(map(json.loads, file))
        place.words = ("apply", path)
        status = place.sweep(place.faults("kill-after", 10 + number, ("sync",)))
        witness.check(place, whole=False)
        at_death = witness.ledger(place.state)
        begun = any(row.intents for row in at_death)
        daemon = number % 3 == 0 and begun and witness.open_runs(place.state)[0] > 0
        again = place.sweep(daemon=daemon)  # a daemon goes on with it too
        equal(again, 0, place.said)
        events, told = service.settled(job), witness.ledger(place.state)
        witness.check_requests(events, told)
        witness.check_history(place, told)
        witness.check_deletions(events, [row for row in told if row.outcome != "gone"])
        equal(witness.open_runs(place.state)[0], 0, "open runs")
        first = {row.outcome for row in told if row.run == 1}
        wanted = {"deleted", "deleted_presumed"} if begun or not at_death else {"not_attempted", "pending"}
        assert first <= wanted, (begun, first)
        equal({(event["job"], event["thing"], event["number"]) for event in events if event["event"] == "executed"}, rows)
        return status == witness.KILLED, daemon
    except Exception as why:
        raise AssertionError(f"JOBSWEEP_SEED={SEED}, kill {number}, {job}: {why}") from why
    finally:
        place.remove()


def test_an_application_that_was_killed_is_gone_on_with():
    note(f"JOBSWEEP_SEED={SEED}")
    jobs = witness.Jobs()
    with witness.Service("--things", 40, *jobs.FLEET) as service, concurrent.futures.ThreadPoolExecutor(KILLS) as pool:
        killed = list(pool.map(lambda number: one_kill(service, jobs, number), range(KILLS)))
        assert sum(was for was, _ in killed) >= KILLS // 2, killed


# --- a large plan -------------------------------------------------------------------------------------------------


def write_large(path, header, count):
    """A plan of so many rows as `jobsweep plan -o` writes them, by other code."""
    digest = bytes(32)
    expires = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 86400))
    with open(path, "w", encoding="utf-8") as file:
        os.fchmod(file.fileno(), 0o600)

        def line(text):
            nonlocal digest
            digest = hashlib.sha256(digest + text.encode()).digest()
            file.write(f'{text},"sum":"{digest.hex()[:16]}"}}\n')

        line(f'{{"jobsweep_plan":1,"created_at":"2026-01-01T00:00:00Z","expires_at":"{expires}","plans":1,"rows":{count}')
        line(json.dumps({**header, "listed": count, "remaining": 0, "rows": count})[:-1])
        for number in range(count):
            line(f'{{"event":"row","job_id":"job-{number % 50}","thing_name":"thing-{number // 50}","execution_number":1,'
                 f'"status":"SUCCEEDED","queued_at":1560787023.{number},"started_at":null,"last_updated_at":1560787023.{number},'
                 '"version_number":0,"force":false,"reason":"status SUCCEEDED, age over 30d"')
        line(f'{{"event":"end","plans":1,"rows":{count},"sha256":"{digest.hex()}"')


def peak_of_large(place, header, count):
    """The greatest resident size, in bytes, as far as the guard, which refuses the plan."""
    folder = scratch()
    path = os.path.join(folder, "large")
    write_large(path, header, count)
    command = [witness.release("jobsweep"), "-c", place.path, "--format", "json", "apply", path]
    done = measure(command, dict(place.environment, TMPDIR=folder))
    equal(done.returncode, 4, done.stderr)
    equal(json.loads(done.stdout.splitlines()[-1])["selected"], count)
    os.unlink(path)
    return done.peak_bytes


def test_a_large_plan_is_applied_in_bounded_memory():
    """As far as the ledger's plan and the guard: deleting its rows would take a day."""
    with Iotsim("--things", 1, "--jobs", 1, "--executions", 1, "--quota", "all=-1") as sim:
        place = Place(sim, more="abort_if: {selected_over: 1000}")
        _, lines = plan(place)
        header = {key: lines[1][key] for key in ("event", "policy", "policy_sha256", "target", "account", "region", "planned_at")}
        few, many = peak_of_large(place, header, FEW), peak_of_large(place, header, MANY)
        note(f"{few >> 20} MiB for {FEW} rows, {many >> 20} MiB for {MANY}")
        assert many - few < MEMORY_MORE and many < MEMORY_MAX, (few, many)
        nothing_deleted(sim)


main([test_a_plan_is_applied_once_and_then_its_rows_are_gone, test_the_sums_are_what_the_manual_page_of_the_format_says,
      test_detailed_exitcode_and_output_go_together, test_rows_that_changed_since_are_left_alone, test_a_stale_plan_deletes_nothing,
      test_what_is_protected_since_stays, test_a_plan_of_another_account_or_region_deletes_nothing, test_a_damaged_plan_names_its_line,
      test_several_policies_and_guards_in_one_file, test_a_plan_that_cannot_be_made_or_written_leaves_the_one_before,
      test_a_place_that_is_no_place_for_a_plan_is_refused_at_once, test_a_plan_that_was_written_is_told_and_may_be_replaced,
      test_apply_needs_the_state_directory_and_says_who_has_it, test_a_plan_that_expires_while_it_is_applied_ends,
      test_a_plan_without_rows_holds_nothing_up, test_a_guard_counts_what_limits_left_out_of_the_plan_too,
      test_lost_answers_are_settled_and_never_sent_twice, test_an_application_that_was_killed_is_gone_on_with,
      test_a_large_plan_is_applied_in_bounded_memory],
     at_once=4)
