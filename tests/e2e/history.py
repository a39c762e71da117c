#!/usr/bin/env python3
"""jobsweep history: what the ledger tells of a thing, a job, last night; that it is whole, or where it is not; who may
read it; and that no secret is in it."""
import glob
import json
import os
import shutil
import signal
import sqlite3
import stat

from harness import Iotsim, Place, Skip, equal, main, run, scratch, wait_until

FLEET = ("--things", 40, "--jobs", 6, "--executions", 800, "--quota", "all=-1", "--seed", 5)
LOSSES = ("--fault", "reset-after=0.08", "--fault-ops", "DeleteJobExecution")
NOBODY = 65534


def history(place, *words, **more):
    return run(place.command("history", *words), place.environment, **more)


def records(place, *words):
    result = history(place, "--format", "json", *words)
    equal(result.returncode, 0, result.stderr)
    return [json.loads(line) for line in result.stdout.splitlines()]


def swept(sim, **values):
    place = Place(sim, **values)
    result = place.sweep()
    equal(result.returncode, 0, result.stderr)
    return place


def name_of(record):
    return record["job_id"], record["thing_name"], record["execution_number"]


def test_every_settled_execution_is_told_once_with_why_and_how():
    with Iotsim(*FLEET, *LOSSES) as sim:
        place = swept(sim)
        told = records(place)
        equal(sorted(name_of(record) for record in told),
              sorted((row["job"], row["thing"], row["number"]) for row in sim.deleted()))
        for record in told:
            assert record["outcome"] in ("deleted", "deleted_presumed"), record
            equal((record["policy"], record["target"], record["account"], record["region"]),
                  ("old", "sim", "123456789012", "us-east-1"))
            assert len(record["policy_sha256"]) == 64 and "age over 30d" in record["reason"], record
            assert record["request_id"] and record["http_status"] in (200, 404), record
        lost = records(place, "--outcome", "deleted_presumed")
        assert lost and len(lost) == len([row for row in told if row["outcome"] == "deleted_presumed"])
        attempts = records(place, "--verbose", "--thing", lost[0]["thing_name"], "--job", lost[0]["job_id"])
        of_one = [row for row in attempts if name_of(row) == name_of(lost[0])]
        equal([row["kind"] for row in of_one], ["intent", "result", "result"])
        equal((of_one[1]["class"], of_one[1]["outcome"], of_one[2]["class"]), ("AMBIGUOUS", None, "GONE"))
        assert of_one[1]["signed_at"] and of_one[0]["time"] <= of_one[1]["signed_at"] <= of_one[2]["time"], of_one


def test_questions_narrow_the_answer():
    with Iotsim(*FLEET) as sim:
        place = swept(sim)
        every = records(place)
        one = every[0]
        equal(records(place, "--thing", one["thing_name"]),
              [row for row in every if row["thing_name"] == one["thing_name"]])
        equal(records(place, "--job", one["job_id"]), [row for row in every if row["job_id"] == one["job_id"]])
        equal(records(place, "--policy", "old"), every)
        equal(records(place, "--policy", "other"), [])
        equal(records(place, "--since", "1h"), every)
        equal(records(place, "--since", "2000-01-01"), every)
        equal(records(place, "--since", "2100-01-01T00:00:00Z"), [])
        equal(records(place, "--outcome", "failed"), [])
        equal(records(place, "--thing", "nobody"), [])
        kinds = [row["kind"] for row in records(place, "--verbose") if "job_id" not in row]
        equal(kinds, ["start", "seal", "end"])
        lines = history(place, "--thing", one["thing_name"]).stdout.splitlines()
        assert all(one["thing_name"] in line and "deleted" in line and "old in sim" in line for line in lines), lines


def test_questions_that_cannot_be_meant_end_with_2_and_no_ledger_with_1():
    with Iotsim("--things", 1) as sim:
        place = Place(sim)
        for words in (("--outcome", "delete"), ("--since", "yesterday"), ("verify", "--thing", "x"), ("verfy",)):
            equal(history(place, *words).returncode, 2, str(words))
        assert "did you mean deleted?" in history(place, "--outcome", "delete").stderr
        assert "OUTCOMES" in history(place, "--outcome", "xyzzy").stderr
        result = history(place)
        equal(result.returncode, 1)
        assert "there is no ledger" in result.stderr, result.stderr


def change(place, statement):
    with sqlite3.connect(os.path.join(place.state, "ledger.db")) as ledger:
        ledger.execute(statement)
    ledger.close()


def test_verify_names_the_first_record_that_is_not_as_it_was():
    with Iotsim(*FLEET) as sim:
        place = swept(sim)
        result = history(place, "verify")
        equal(result.returncode, 0, result.stderr)
        assert "all as they were written" in result.stdout
        equal(json.loads(history(place, "--format", "json", "verify").stdout)["whole"], True)
        kept = scratch()
        shutil.copy(os.path.join(place.state, "ledger.db"), kept)
        with sqlite3.connect(os.path.join(place.state, "ledger.db")) as ledger:
            intent, result = (ledger.execute(f"SELECT min(sequence) FROM record WHERE sequence > 15 AND kind = {kind}")
                              .fetchone()[0] for kind in (2, 3))
        ledger.close()
        for statement, number in ((f"UPDATE entry SET outcome = 3 WHERE sequence = {result}", result),
                                  (f"UPDATE entry SET id = id + (999999 << 15) WHERE sequence = {result}", result),
                                  (f"UPDATE intent SET id = id + 1 WHERE sequence = {intent}", intent),
                                  (f"DELETE FROM intent WHERE sequence = {intent}", intent),
                                  (f"UPDATE intent SET sequence = -sequence WHERE sequence >= {intent}", intent),
                                  ("UPDATE plan SET number = number + 1 WHERE row = 3", 2)):
            change(place, statement)
            result = history(place, "verify")
            equal(result.returncode, 1, statement)
            assert f"record {number}: " in result.stderr, (statement, result.stderr)
            shutil.copy(os.path.join(kept, "ledger.db"), place.state)
        equal(history(place, "verify").returncode, 0)


def test_it_is_read_while_the_daemon_writes():
    with Iotsim(*FLEET) as sim:
        place = Place(sim, rate=40)
        daemon = place.start("--once", name="jobsweepd")
        try:
            wait_until(lambda: sim.counts()["deleted"] >= 20, "deletions")
            seen = len(records(place))
            equal(history(place, "verify").returncode, 0)
            assert daemon.poll() is None
            assert seen > 0
            wait_until(lambda: len(records(place)) > seen, "more of them")
        finally:
            daemon.send_signal(signal.SIGTERM)
            daemon.communicate(timeout=60)
        equal(history(place, "verify").returncode, 0)


def test_a_ledger_of_somebody_else_is_told_apart_from_none():
    if os.geteuid() != 0:
        raise Skip("only root can become somebody else")
    with Iotsim(*FLEET) as sim:
        place = swept(sim)
        for folder in (place.folder, os.path.dirname(sim.ca)):
            os.chmod(folder, 0o755)
        os.chmod(place.path, 0o644)
        command = place.command("history")
        command[0] = shutil.copy(command[0], place.folder) # the build may lie where only root may enter
        result = run(command, place.environment, user=NOBODY, group=NOBODY, extra_groups=[])
        equal(result.returncode, 1)
        assert "cannot be read" in result.stderr and "Permission denied" in result.stderr, result.stderr
        for path in [place.state] + glob.glob(os.path.join(place.state, "*")):
            os.chown(path, NOBODY, NOBODY)
        equal(history(place).returncode, 0)
        for path in glob.glob(os.path.join(place.state, "*")): # root reads, and nothing becomes root's
            equal((os.stat(path).st_uid, stat.S_IMODE(os.stat(path).st_mode)), (NOBODY, 0o600), path)


def test_no_secret_is_in_the_ledger_or_in_what_is_printed():
    token, secret = "TOKENcanaryTOKENcanaryTOKENcanary", "SECRETcanarySECRETcanarySECRETcanary0000"
    with Iotsim(*FLEET, *LOSSES, secret_key=secret, session_token=token) as sim:
        place = Place(sim, rate=200)
        texts = []
        for words, name in ((("--format", "json", "sweep", "old"), "jobsweep"),
                            (("--once", "--log-level", "debug"), "jobsweepd"),
                            (("history", "--verbose"), "jobsweep"),
                            (("history", "--verbose", "--format", "json"), "jobsweep")):
            result = run(place.command(*words, name=name), place.environment)
            equal(result.returncode, 0, result.stderr)
            texts += [result.stdout.encode(), result.stderr.encode()]
        for path in glob.glob(os.path.join(place.state, "*")):
            with open(path, "rb") as file:
                texts.append(file.read())
        assert any(b"gw-0000" in text for text in texts), "the right files"
        for canary in (token, secret, "Signature=", "Credential=", "AWS4-HMAC"):
            assert not any(canary.encode() in text for text in texts), canary


def test_a_pace_that_was_learned_is_not_probed_again():
    with Iotsim("--things", 80, "--jobs", 8, "--executions", 1600, "--seed", 5, "--quota", "all=-1", "--quota",
                "DeleteJobExecution=20") as sim:
        place = Place(sim, rate=100, more="limits: {per_run: 100}")
        first = place.sweep()
        assert "before 99000" in first.stderr, first.stderr
        second = place.sweep()
        equal(second.returncode, 6, second.stderr)
        assert "before 99000" not in second.stderr, second.stderr


main([value for name, value in list(globals().items()) if name.startswith("test_")], at_once=4)
