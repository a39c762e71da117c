#!/usr/bin/env python3
"""What a policy archives: every execution that the service deleted has its document there, as the service had it, and so
has its job; whatever the disk does, and whenever the process is killed.

JOBSWEEP_KILLS is how many kills (20), JOBSWEEP_EVERY the step through the system calls on the archive (4), JOBSWEEP_SEED is
printed. Archives are read with zstd(1), as people do.
"""
import concurrent.futures
import json
import os
import random
import re
import stat
import subprocess

from harness import ACCOUNT, Iotsim, Place, equal, main, run
from witness import KILLED, Jobs, Service, check
from witness import Place as WitnessPlace

KILLS = int(os.environ.get("JOBSWEEP_KILLS", "20"))
EVERY = int(os.environ.get("JOBSWEEP_EVERY", "4"))
SEED = int(os.environ.get("JOBSWEEP_SEED", str(random.randrange(1 << 32))))
SIDE_BY_SIDE = 8
FLEET = ("--things", 20, "--jobs", 8, "--executions", 300, "--quota", "all=-1")
NAME = re.compile(r"old-\d{8}T\d{6}Z-run-\d+(-\d+)?\.jsonl\.zst")


def read(folder, whole=True):
    """The lines of all files, as objects. whole: each is complete; else the last may be torn."""
    lines = []
    for name in sorted(os.listdir(folder)) if os.path.isdir(folder) else []:
        assert NAME.fullmatch(name), name
        path = os.path.join(folder, name)
        status = os.lstat(path)
        assert stat.S_ISREG(status.st_mode), name
        equal(status.st_mode & 0o777, 0o600, name)
        found = subprocess.run(["zstd", "-dcq", path], capture_output=True, check=False)
        if whole:
            equal((found.returncode, found.stderr), (0, b""), name)
        *text, rest = found.stdout.split(b"\n")
        assert rest == b"" or not whole, (name, rest)
        lines += [dict(json.loads(line), file=path) for line in text]
    return lines


def archiving(place, required="true"):
    place.archive = os.path.join(place.folder, "archive")
    place.write(more=f"archive: {{directory: {place.archive}, required: {required}}}")
    return place


def test_check_looks_at_the_directory():
    with Iotsim(*FLEET) as sim:
        place = archiving(Place(sim))

        def warned():
            checked = run(place.command("check"), place.environment)
            equal(checked.returncode, 0, checked.stderr)
            return re.findall(r"warning: (archive directory .*)", checked.stderr)
        equal(warned(), [])
        os.mkdir(place.archive, 0o777)
        os.chmod(place.archive, 0o777)
        equal(warned(), [f"archive directory '{place.archive}' can be written by everybody (chmod go-w)"])
        os.chmod(place.archive, 0o700)
        equal(warned(), [])
        if os.geteuid() == 0:
            os.makedirs(place.state, 0o700, exist_ok=True)
            os.chown(place.archive, 65534, 65534)
            equal(warned(), [f"archive directory '{place.archive}' belongs to nobody, and the state directory to root"])
        os.rmdir(place.archive)
        os.symlink(place.folder, place.archive)
        equal(warned(), [f"archive directory '{place.archive}' is a symbolic link"])
        place.write(more="archive: {directory: /none/archive}")
        equal(warned(), ["archive directory '/none/archive': what it is in does not exist"])


def test_a_place_that_is_not_there_is_the_only_reason():
    with Iotsim(*FLEET) as sim:
        place = archiving(Place(sim))
        place.write(more="archive: {directory: /none/archive}")
        swept = run(place.command("sweep", "old"), place.environment)
        equal(swept.returncode, 1, swept.stderr)
        assert "\njobsweep: old in sim: archive directory '/none/archive'" in swept.stderr, swept.stderr  # of no host
        assert re.search(r"\n +not_attempted +\d+\n +\d+ archive directory '/none/archive'[^\n]*\n  [a-z]", swept.stdout), swept.stdout
        equal(sim.deleted(), [])


def events(result):
    return [json.loads(line) for line in result.stdout.splitlines()]


def every_document(sim):
    """What the service says of each job and each execution that is listed."""
    jobs, executions = {}, {}
    for job in json.loads(sim.request("GET", "/jobs?maxResults=250")[2])["jobs"]:
        name = job["jobId"]
        jobs[name] = json.loads(sim.request("GET", f"/jobs/{name}")[2])
        for row in json.loads(sim.request("GET", f"/jobs/{name}/things?maxResults=250")[2])["executionSummaries"]:
            thing, number = row["thingArn"].split("/")[-1], row["jobExecutionSummary"]["executionNumber"]
            target = f"/things/{thing}/jobs/{name}?executionNumber={number}"
            executions[name, thing, number] = sim.request("GET", target)[2].decode()
    return jobs, executions


def key(line):
    return line["job_id"], line["thing_name"], line["execution_number"]


def test_what_is_deleted_is_archived_as_the_service_had_it():
    with Iotsim(*FLEET) as sim:
        place = archiving(Place(sim))
        jobs, executions = every_document(sim)
        result = place.sweep()
        equal(result.returncode, 0, result.stderr)
        lines = read(place.archive)
        found = {key(line): line for line in lines if line["kind"] == "execution"}
        deleted = sorted((event["job"], event["thing"], event["number"]) for event in sim.deleted())
        assert len(deleted) > 50
        equal(sorted(found), deleted)
        for name, line in found.items():
            equal(line["document"], json.loads(executions[name]), name)
            equal((line["run"], line["policy"], line["target"], line["account"], line["region"]),
                  (1, "old", "sim", ACCOUNT, "us-east-1"))
            assert "age over 30d" in line["reason"] and re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", line["archived_at"]), line
        raw = subprocess.run(["zstd", "-dcq", lines[0]["file"]], capture_output=True, check=True).stdout.decode()
        for name in deleted:
            assert f'"document":{executions[name]}}}\n' in raw, name  # byte for byte
        of_jobs = {line["job_id"]: line["document"] for line in lines if line["kind"] == "job"}
        equal(of_jobs, {job: jobs[job] for job, _, _ in deleted})
        equal(len(of_jobs), sum(line["kind"] == "job" for line in lines))
        report = [event for event in events(result) if event["event"] == "target"][0]["archive"]
        equal(report, {"file": lines[0]["file"], "executions": len(deleted), "jobs": len(of_jobs), "missing": 0})
        equal(os.stat(place.archive).st_mode & 0o777, 0o700)
        history = run(place.command("--format", "json", "history"), place.environment)
        equal({event["run"] for event in events(history)}, {1})


def test_people_are_told():
    with Iotsim(*FLEET) as sim:
        place = archiving(Place(sim))
        plan = run(place.command("plan"), place.environment)
        assert f"  archive  {place.archive}, required\n" in plan.stdout, plan.stdout
        assert not os.path.exists(place.archive)  # who only looks makes nothing
        result = run(place.command("sweep", "old"), place.environment)
        file = os.path.join(place.archive, os.listdir(place.archive)[0])
        assert re.search(r"^  archived +\d+  and \d of their jobs, in " + re.escape(file) + "$", result.stdout, re.M), result.stdout


def test_people_read_it_as_the_manual_says():
    with Iotsim(*FLEET) as sim:
        place = archiving(Place(sim))
        equal(place.sweep().returncode, 0)
        script = """zstd -dc "$1"/*.zst |
            jq -r 'select(.kind == "execution") | [.job_id, .thing_name, .document.execution.status] | @tsv'"""
        found = subprocess.run(["sh", "-c", script, "sh", place.archive], capture_output=True, text=True, check=True)
        equal(len(found.stdout.splitlines()), sim.counts()["deleted"])


def test_the_daemon_archives_too_and_its_programs_are_told():
    with Iotsim(*FLEET) as sim:
        place = Place(sim)
        place.archive, told = os.path.join(place.folder, "archive"), os.path.join(place.folder, "told")
        place.write(more=f'archive: {{directory: {place.archive}}}\n    schedule: {{cron: "@yearly", catch_up: never}}\n'
                    f"    on_finish: {{exec: [/bin/sh, -c, 'cat >{told}']}}")
        result = run(place.command("--once", name="jobsweepd"), place.environment)
        equal(result.returncode, 0, result.stdout + result.stderr)
        lines = read(place.archive)
        count = sum(line["kind"] == "execution" for line in lines)
        equal(count, sim.counts()["deleted"])
        assert count > 50 and f"file={lines[0]['file']} executions={count}" in result.stdout + result.stderr, result.stderr
        with open(told, encoding="utf-8") as file:
            equal(json.load(file)["archive"]["executions"], count)


def test_a_plan_that_is_applied_is_archived_and_rows_that_are_named_are_not():
    with Iotsim(*FLEET) as sim:
        place = archiving(Place(sim))
        plan = os.path.join(place.folder, "plan.jsonl")
        equal(run(place.command("plan", "-o", plan), place.environment).returncode, 0)
        rows = os.path.join(place.folder, "rows.csv")
        execution = next(key for key in every_document(sim)[1])
        with open(rows, "w", encoding="utf-8") as file:
            file.write("job_id,thing_name,execution_number\n" + ",".join(map(str, execution)) + "\n")
        run(place.command("--target", "sim", "delete-job-executions", rows), place.environment)
        equal(read(place.archive), [])
        before = sim.counts()["deleted"]
        result = run(place.command("apply", plan), place.environment)
        assert result.returncode in (0, 5), result.stderr
        equal(sum(line["kind"] == "execution" for line in read(place.archive)), sim.counts()["deleted"] - before)


def test_a_session_that_is_limited_to_its_policy_may_read_what_is_archived():
    with Iotsim(*FLEET) as sim:
        sim.control("world", {"roles": [{"account": ACCOUNT, "name": "sweep"}]})
        place = Place(sim)
        place.archive = os.path.join(place.folder, "archive")
        place.write(life=f"2s\n    role_arn: arn:aws:iam::{ACCOUNT}:role/sweep", match='job_id: {include: ["fw-000?"]}, ',
                    more=f"verify: risky\n    archive: {{directory: {place.archive}}}")
        result = place.sweep()
        equal(result.returncode, 0, result.stderr)
        lines = read(place.archive)
        equal(sum(line["kind"] == "execution" for line in lines), sim.counts()["deleted"])
        assert sum(line["kind"] == "job" for line in lines) > 1
        equal({name: counts["denied"] for name, counts in sim.counts()["operations"].items() if counts["denied"]}, {})


# --- where it cannot be written ---------------------------------------------------------------------------------

def spoil_link(folder):
    os.mkdir(folder + "-elsewhere", 0o700)
    os.symlink(folder + "-elsewhere", folder)


def spoil_mode(folder):
    os.mkdir(folder)
    os.chmod(folder, 0o777)


def spoil_file(folder):
    with open(folder, "w", encoding="utf-8"):
        pass


SPOILS = [(spoil_link, "is a symbolic link"), (spoil_mode, "can be written by everybody (chmod go-w)"),
          (spoil_file, "Not a directory")]


def test_without_an_archive_nothing_is_deleted():
    with Iotsim(*FLEET) as sim:
        for spoil, words in SPOILS:
            place = archiving(Place(sim))
            spoil(place.archive)
            result = place.sweep()
            equal(result.returncode, 1, result.stderr)
            assert words in result.stderr and place.archive in result.stderr, result.stderr
            outcomes = events(result)[-1]["outcomes"]
            equal({name for name, count in outcomes.items() if count}, {"not_attempted"})
        equal(sim.counts()["operations"]["DeleteJobExecution"]["received"], 0)
        assert not os.listdir(place.archive + "-elsewhere") if os.path.isdir(place.archive + "-elsewhere") else True


def test_a_policy_that_cannot_archive_stops_no_other():
    with Iotsim(*FLEET) as sim:
        place = Place(sim)
        place.archive = os.path.join(place.folder, "archive")
        place.write(match='status: [SUCCEEDED], ', more=f"""archive: {{directory: {place.archive}}}
    schedule: {{cron: "@yearly"}}
  - name: other
    targets: [sim]
    mode: enforce
    schedule: {{cron: "@yearly"}}
    match: {{status: [FAILED], age: {{older_than: 30d}}}}""")
        spoil_mode(place.archive)
        result = run(place.command("--once", name="jobsweepd"), place.environment)
        equal(result.returncode, 1, result.stderr)
        assert sim.counts()["deleted"] > 5
        equal(os.listdir(place.archive), [])
        os.chmod(place.archive, 0o700)
        result = run(place.command("--once", name="jobsweepd"), place.environment)  # it is tried anew
        equal(result.returncode, 0, result.stderr)
        assert len(read(place.archive)) > 5


def test_where_it_is_optional_all_goes_and_that_is_said_once():
    with Iotsim(*FLEET) as sim:
        place = archiving(Place(sim), "false")
        spoil_mode(place.archive)
        result = place.sweep()
        equal(result.returncode, 0, result.stderr)
        report = [event for event in events(result) if event["event"] == "target"][0]["archive"]
        equal(report, {"file": None, "executions": 0, "jobs": 0, "missing": sim.counts()["deleted"]})
        assert report["missing"] > 50
        equal(result.stderr.count("deletion goes on without an archive"), 1, result.stderr)


# --- a disk that fails, and a process that dies ------------------------------------------------------------------

def every_deletion_is_there(place, whole):
    """By the service's own word of what it carried out, incarnation by incarnation."""
    documents = {}
    for line in read(place.archive, whole):
        if line["kind"] == "execution":
            told = line["document"]["execution"]
            documents.setdefault(key(line), set()).add((told["queuedAt"], told.get("startedAt"), told["lastUpdatedAt"]))
    executed = [event for event in place.service.settled(place.job) if event["event"] == "executed"]
    for event in executed:
        name = event["job"], event["thing"], event["number"]
        times = tuple(float(event[member]) if event[member] else None for member in ("queued_at", "started_at", "last_updated_at"))
        assert times in documents.get(name, ()), f"{name} was deleted and is not in the archive: {documents.get(name)} {times}"
    return len(executed)


def one_fault(service, job, error, number, required):
    """None when the sweep ended before its number-th call."""
    place = WitnessPlace(service, job, archives=required)
    status = place.sweep(place.faults(error, number, folder=place.archive))
    fault, _ = place.happened()
    what = f"JOBSWEEP_SEED={SEED}, {error} at {fault or number}, required {required}"
    try:
        if required:
            assert status in ((0, 1) if fault else (0,)), f"exit status {status}: {place.said}"
            equal(status == 1, place.said.count("archive '") + place.said.count("archive directory '") > 0, place.said)
            every_deletion_is_there(place, whole=not fault)
        else:
            equal(status, 0, place.said)
        place.sweep_to_the_end()
        check(place)
    except Exception as why:
        raise AssertionError(f"{what}: {why}") from why
    return fault


def test_each_call_on_the_archive_fails_once():
    print(f"# JOBSWEEP_SEED={SEED}", flush=True)
    found, problems = {}, []
    with Service("--things", 40, *Jobs.FLEET) as service, concurrent.futures.ThreadPoolExecutor(SIDE_BY_SIDE) as pool:
        jobs, first = Jobs(), 1 + random.Random(SEED).randrange(EVERY)
        tries = [pool.submit(one_fault, service, jobs.next(), error, number, required)
                 for error in ("EIO", "ENOSPC") for number in range(first, 14, EVERY) for required in (True, False)]
        for one in tries:
            if one.exception():
                problems.append(str(one.exception()))
            elif one.result():
                call = one.result().split()[1]
                found[call] = found.get(call, 0) + 1
    print(f"# calls that failed: {found}", flush=True)
    assert not problems, f"{len(problems)} problems:\n" + "\n".join(problems[:5])
    assert sum(found.values()) >= (4 if EVERY > 1 else 20), found


def one_kill(service, job, number):
    draw = random.Random(f"{SEED} {number}")
    place = WitnessPlace(service, job, rate=draw.choice([20, 200]), archives=True)
    kills = 0
    for _ in range(3):
        do, on_archive = draw.choice(["kill", "kill-half", "kill-after"]), draw.random() < 0.6
        at = draw.randint(1, 10) if on_archive else draw.randint(5, 40)
        status = place.sweep(place.faults(do, at, ("write", "sync", "open", "mkdir") if on_archive else ("write", "sync"),
                                          folder=place.archive if on_archive else None))
        every_deletion_is_there(place, whole=False)
        kills += status == KILLED
        if status != KILLED:
            break
    place.sweep_to_the_end()
    check(place)
    return kills, every_deletion_is_there(place, whole=False)


def test_whenever_it_is_killed_what_went_is_there():
    print(f"# JOBSWEEP_SEED={SEED}", flush=True)
    with Service("--things", 40, *Jobs.FLEET) as service, concurrent.futures.ThreadPoolExecutor(SIDE_BY_SIDE) as pool:
        jobs, killed, deleted = Jobs(), 0, 0
        tries = [pool.submit(one_kill, service, jobs.next(), number) for number in range(max(KILLS // 2, 2))]
        for number, one in enumerate(tries):
            if one.exception():
                raise AssertionError(f"JOBSWEEP_SEED={SEED}, number {number}") from one.exception()
            kills, count = one.result()
            killed, deleted = killed + kills, deleted + count
    print(f"# {killed} kills, {deleted} deletions", flush=True)
    assert killed >= len(tries) / 2 and deleted > len(tries), (killed, deleted)


main([test_what_is_deleted_is_archived_as_the_service_had_it, test_check_looks_at_the_directory, test_people_are_told,
      test_a_place_that_is_not_there_is_the_only_reason,
      test_people_read_it_as_the_manual_says,
      test_the_daemon_archives_too_and_its_programs_are_told,
      test_a_plan_that_is_applied_is_archived_and_rows_that_are_named_are_not,
      test_a_session_that_is_limited_to_its_policy_may_read_what_is_archived,
      test_without_an_archive_nothing_is_deleted, test_a_policy_that_cannot_archive_stops_no_other,
      test_where_it_is_optional_all_goes_and_that_is_said_once, test_each_call_on_the_archive_fails_once,
      test_whenever_it_is_killed_what_went_is_there])
