#!/usr/bin/env python3
"""What a person sees of plans and sweeps, and what programs read of them: the same numbers, against the rows themselves and
against boto3; terminals of any width; the sample in the manual.
"""
import collections
import fcntl
import http.server
import json
import os
import pty
import re
import select
import struct
import subprocess
import termios
import threading
import time

from harness import (ACCOUNT, LIMIT_S, ROOT, Iotsim, Place, clean_environment, configure, equal, main, program, run,
                     scratch, try_terminal)

FLEET = ("--things", 60, "--jobs", 40, "--executions", 2400, "--quota", "all=-1", "--seed", 3)
TERMINAL = ("SUCCEEDED", "FAILED", "TIMED_OUT", "REJECTED", "REMOVED", "CANCELED")
KEEPS = """keep: [{last: 2, per: thing}, {within: 40d}]
protect: [{job_id: fw-0001, reason: "legal hold ä"}]"""
ESCAPES = re.compile(r"\x1b\[[0-9;]*[mK]")


def events(result):
    return [json.loads(line) for line in result.stdout.splitlines()]


def of_kind(told, kind):
    return [event for event in told if event["event"] == kind]


def plan(place, *words, status=0):
    result = run(place.command("--format", "json", "plan", "-q", *words), place.environment)
    equal(result.returncode, status, result.stderr)
    return events(result)


def on_terminal(command, environment, columns, notes=False):
    """What the command prints to a terminal of this width, with its notes and progress or without, and its status."""
    child, terminal = try_terminal(pty.fork)
    if child == 0:
        if not notes:
            os.dup2(os.open("/dev/null", os.O_WRONLY), 2)
        fcntl.ioctl(1, termios.TIOCSWINSZ, struct.pack("HHHH", 50, columns, 0, 0))
        os.execvpe(command[0], command, dict(environment, TERM="xterm"))
    told = b""
    while select.select([terminal], [], [], LIMIT_S)[0]:
        try:
            more = os.read(terminal, 65536)
        except OSError:  # it has ended
            break
        told += more
    os.close(terminal)
    return told.decode().replace("\r\n", "\n"), os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def executions_of(sim):
    """By job: how many finished executions there are; and what the jobs are."""
    import boto3
    client = boto3.client("iot", endpoint_url=sim.url, region_name=sim.region, verify=sim.ca,
                          aws_access_key_id="AKIDEXAMPLE", aws_secret_access_key=sim.secret_key)
    jobs = {job["jobId"]: client.describe_job(jobId=job["jobId"])["job"]
            for page in client.get_paginator("list_jobs").paginate() for job in page["jobs"]}
    rows = collections.defaultdict(list)
    for job in jobs:
        for page in client.get_paginator("list_job_executions_for_job").paginate(jobId=job):
            for row in page["executionSummaries"]:
                if row["jobExecutionSummary"]["status"] in TERMINAL:
                    rows[job].append(row["thingArn"].rsplit("/", 1)[1])
    return rows, jobs


def kind_of(job):
    """What a policy that says nothing of the kind leaves out, and where it is found out by us."""
    if job["targetSelection"] == "CONTINUOUS" and job["status"] in ("IN_PROGRESS", "SCHEDULED"):
        return "running_continuous"
    return "afr_ota" if job["jobId"].startswith("AFR_OTA-") else "namespace" if job.get("namespaceId") else None


# --- for programs -------------------------------------------------------------------------------------------------


def test_the_numbers_of_a_plan_are_those_of_its_rows():
    with Iotsim(*FLEET) as sim:
        place = Place(sim, more=KEEPS)
        told = plan(place)
        rows, (shown,), (target,), (total,) = (of_kind(told, kind) for kind in ("row", "plan", "target", "sum"))
        going = [row for row in rows if row["verdict"] == "delete"]
        kept = [row for row in rows if row["verdict"] == "keep"]
        equal((shown["listed"], shown["selected"], shown["kept"]), (len(rows), len(going), len(kept)))
        equal(shown["by_status"], dict(collections.Counter(row["status"] for row in going)))
        jobs = sorted(collections.Counter(row["job_id"] for row in going).items(), key=lambda pair: (-pair[1], pair[0]))
        equal(list(shown["by_job"].items()), jobs[:10])
        equal((shown["other_jobs"], shown["of_other_jobs"]), (len(jobs[10:]), sum(count for _, count in jobs[10:])))
        equal(sum(shown["by_age"].values()), len(going))
        reasons = collections.Counter((row["cause"], row["reason"]) for row in kept)
        assert len(reasons) >= 4, reasons
        equal({(by["cause"], by["reason"]): by["count"] for by in shown["kept_by"] if by["count"]}, dict(reasons))
        equal([by["reason"] for by in shown["kept_by"][:2]], ["kept by last: 2, per: thing", "kept by within: 40d"])
        lines = open(place.path, encoding="utf-8").read().splitlines()
        for rule in shown["kept_by"][:2]:
            equal(rule["file"], place.path)
            assert lines[rule["line"] - 1][rule["column"] - 1:].startswith("{" + rule["reason"].split()[2]), rule
        deleting = shown["deleting"]
        equal((deleting["deletions"], deleting["looks"], deleting["calls"]), (len(going), len(going), 2 * len(going)))
        equal(deleting["ms"], len(going) * 1000 // 1990)
        equal((total["selected"], total["kept"], total["deleting_ms"]), (len(going), len(kept), deleting["ms"]))
        equal(shown["listing_calls"], total["calls"])
        equal((target["selected"], sum(target["outcomes"].values())), (len(going), len(going)))
        route = shown["route"]
        equal((route["by"], route["other_calls"]), ("job", None))
        assert route["jobs"] <= route["calls"] < shown["listing_calls"] and route["other_calls_at_least"] >= 40, route


def test_what_is_left_out_is_told_by_kind_and_by_job():
    with Iotsim(*FLEET) as sim:
        rows, jobs = executions_of(sim)
        kinds = collections.defaultdict(set)
        for job in jobs.values():
            kinds[kind_of(job)].add(job["jobId"])
        place = Place(sim)
        (shown,) = of_kind(plan(place), "plan")
        left = shown["left_out"]
        for kind in ("running_continuous", "afr_ota", "namespace"):
            equal({job["job_id"] for job in left[kind]["first"]}, kinds[kind], kind)
            equal(left[kind]["jobs"], len(kinds[kind]))
            assert all(job["executions"] is None for job in left[kind]["first"]), left  # ListJobs says enough
        assert kinds["running_continuous"] and kinds["afr_ota"], kinds
        text = run(place.command("plan", "-q"), place.environment).stdout
        assert f"those of {len(kinds['running_continuous'])} running CONTINUOUS jobs, not listed: " in text, text
        assert f"those of {len(kinds['afr_ota'])} AFR_OTA-* job" in text, text
        # where things are listed, their rows are counted
        things = sorted({thing for names in rows.values() for thing in names})[:3]
        place.write(match=f"thing: {{include: {json.dumps(things)}}}, ")
        (shown,) = of_kind(plan(place), "plan")
        equal(shown["route"]["by"], "thing")
        found = {job["job_id"]: job["executions"] for kind in shown["left_out"].values() for job in kind["first"]}
        expected = {job: sum(thing in things for thing in rows[job]) for job in kinds["running_continuous"] | kinds["afr_ota"]}
        equal({job: count or 0 for job, count in found.items()}, expected)
        assert any(found.values()), found
        # and what the hint says, takes them
        place.write(match="job_id: {include: [\"AFR_OTA-*\"]}, ")
        (shown,) = of_kind(plan(place), "plan")
        equal(shown["left_out"]["afr_ota"]["jobs"], 0)
        equal(set(shown["by_job"]) <= kinds["afr_ota"], True)
        place.write(match="job: {status: [IN_PROGRESS], target_selection: CONTINUOUS}, ")
        (shown,) = of_kind(plan(place), "plan")
        equal(shown["left_out"]["running_continuous"]["jobs"], 0)
        assert shown["listed"] > 0, shown


def test_a_sweep_tells_each_row_as_it_is_settled():
    with Iotsim(*FLEET, "--reuse-numbers", "--rebirth", "0.2") as sim:
        place = Place(sim, more="limits: {per_run: 300}")
        result = place.sweep()
        equal(result.returncode, 6, result.stderr)
        told = events(result)
        rows = of_kind(told, "row")
        (shown,), (report,) = of_kind(told, "plan"), of_kind(told, "report")
        equal(told[0]["event"], "plan")  # before anything goes
        equal((shown["selected"], shown["deleting"]["deletions"], shown["remaining"] > 0), (300, 300, True))
        equal(len({(row["job_id"], row["thing_name"], row["execution_number"]) for row in rows}), 300)
        equal(collections.Counter(row["outcome"] for row in rows), {name: count for name, count in report["outcomes"].items() if count})
        equal({(row["job"], row["thing"], row["number"]) for row in sim.deleted()} >=
              {(row["job_id"], row["thing_name"], row["execution_number"]) for row in rows if row["outcome"] == "deleted"}, True)


def test_what_apply_leaves_is_told_with_its_reason():
    with Iotsim(*FLEET) as sim:
        place = Place(sim)
        path = os.path.join(place.folder, "plan.jsonl")
        equal(run(place.command("plan", "-qo", path), place.environment).returncode, 0)
        with open(place.path, "a", encoding="utf-8") as file:
            file.write("protect: [{job_id: fw-0000, reason: \"hold, 42\"}, {job_id: fw-0001}]\n")
        held = f"hold, 42, by {place.path}:"
        result = run(place.command("--format", "json", "apply", path), place.environment)
        equal(result.returncode, 0, result.stderr)
        told = events(result)
        (target,) = of_kind(told, "target")
        rows = [row for row in of_kind(told, "row") if row["outcome"] == "protected"]
        equal({reason["outcome"] for reason in target["reasons"]}, {"protected"})
        equal(sum(reason["count"] for reason in target["reasons"]), len(rows))
        equal(target["outcomes"]["protected"], len(rows))
        assert any(reason["reason"].startswith(held) for reason in target["reasons"]), target
        equal(len({row["job_id"] for row in rows}), 2)
        text = run(place.command("apply", path), place.environment).stdout
        assert "hold, 42, by " in text, text
        assert re.search(r"^    protected +\d+\n +\d+ ", text, re.M), text


def test_many_targets_are_summed():
    with Iotsim(*FLEET) as sim:
        place = Place(sim, target="prod-b")
        with open(place.path, encoding="utf-8") as file:
            text = file.read()
        first = text[text.index("  prod-b:"):text.index("policies:")]
        more = first.replace("prod-b", "prod-a") + first.replace("prod-b", "far").replace("us-east-1", "eu-west-1").replace(
            sim.url, "https://127.0.0.1:1")
        text = text.replace(first, first + more).replace("targets: [prod-b]", "targets: [prod-b, prod-a, far]")
        with open(place.path, "w", encoding="utf-8") as file:
            file.write(text)
        environment = dict(place.environment, AWS_ENDPOINT_URL_STS=sim.url)
        result = run(place.command("plan", "-q", "--format", "json"), environment)
        told = events(result)
        (total,), plans = of_kind(told, "sum"), of_kind(told, "plan")
        equal((total["runs"], total["failed"], len(plans)), (3, 1, 2), result.stderr)
        equal(total["selected"], sum(each["selected"] for each in plans))
        equal(total["kept"], sum(each["kept"] for each in plans))
        equal(total["deleting_ms"], sum(each["deleting"]["ms"] for each in plans))  # one account and region
        equal(told[-1]["event"], "report")
        text = run(place.command("plan", "-q"), environment).stdout
        table = text[text.index("3 plans, 1 did not end well"):].splitlines()
        equal([line.split()[2] for line in table[2:5]], ["prod-a", "prod-b", "far"])
        assert table[5].startswith("  all ") and "side by side; the slowest is prod-" in text, table


class Odd(http.server.BaseHTTPRequestHandler):
    """One job of seven executions, of which two are as they should be; a job and a comment with escape sequences."""
    protocol_version = "HTTP/1.1"
    OLD = 1600000000.5

    def summary(self, thing, status="FAILED", number=1, at=OLD):
        return {"thingArn": f"arn:aws:iot:us-east-1:{ACCOUNT}:thing/{thing}",
                "jobExecutionSummary": {"status": status, "executionNumber": number, "queuedAt": self.OLD, "lastUpdatedAt": at}}

    def answer(self, value):
        body = value if isinstance(value, bytes) else json.dumps(value).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        self.answer(f"<GetCallerIdentityResponse><GetCallerIdentityResult><Arn>arn:aws:iam::{ACCOUNT}:user/x</Arn><Account>{ACCOUNT}</Account>"
                    "</GetCallerIdentityResult></GetCallerIdentityResponse>".encode())

    def do_GET(self):
        job = {"jobId": "fw-1", "status": "COMPLETED", "targetSelection": "SNAPSHOT", "comment": "\x1b]0;mine\x07"}
        if self.path.startswith("/jobs?"):
            self.answer({"jobs": [job, dict(job, jobId="fw\x1b[2J")]})
        elif "/things" in self.path:
            self.answer({"executionSummaries": [
                self.summary("gw-1"), self.summary("gw-2\x1b[2J"), self.summary("gw-3", number=0), self.summary("gw-4", number=-1),
                self.summary("gw-5", status="EXPLODED\x1b[2J"), self.summary("gw-6", at=time.time() + 86400),
                self.summary("gw-7", at=time.time())]})
        else:
            self.answer({"job": dict(job, jobProcessDetails={"numberOfFailedThings": 7})})

    def log_message(self, *words):
        pass


def test_what_makes_no_sense_is_counted_by_what_is_wrong_and_never_reaches_the_terminal():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Odd)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{server.server_address[1]}"
    path = configure(scratch(), url)
    environment = dict(clean_environment(), AWS_ENDPOINT_URL_STS=url, AWS_ACCESS_KEY_ID="AKIDEXAMPLE", AWS_SECRET_ACCESS_KEY="x")
    try:
        result = run([program("jobsweep"), "-c", path, "plan", "--format", "json"], environment)
        equal(result.returncode, 0, result.stderr)
        (shown,) = of_kind(events(result), "plan")
        equal((shown["listed"], shown["selected"], shown["kept"], shown["in_the_future"]), (3, 1, 2, 1))
        equal(shown["skipped_for"], {"executionNumber is no whole number above 0": 2, "the thing name is missing or breaks its rule": 1,
                                     "jobId is missing or breaks its rule": 1, "its status is none that is known": 1})
        equal(shown["skipped"], sum(shown["skipped_for"].values()))
        equal({row["cause"] for row in of_kind(events(result), "row")}, {"match", "future"})
        text, status = on_terminal([program("jobsweep"), "-c", path, "plan"], dict(environment, NO_COLOR="1"), 200, notes=True)
        equal(status, 0, text)
        equal([character for character in text.replace("\r\x1b[K", "") if ord(character) < 32 and character != "\n"], [], text)
        for line in ("skipped           2  rows of answers: executionNumber is no whole number above 0",
                     "future            1  kept, as a time of it lies in the future: a clock is wrong somewhere"):
            assert line in text, text
        assert "EXPLODED" not in text and "mine" not in text, text
    finally:
        server.shutdown()


# --- for people ---------------------------------------------------------------------------------------------------


def test_everything_fits_the_terminal():
    with Iotsim(*FLEET) as sim:
        place = Place(sim, more=KEEPS)
        equal(run(place.command("sweep", "-q", "old"), dict(place.environment)).returncode, 0)
        place.write(more="limits: {per_run: 5}", age="5d")
        for columns in (40, 57, 80, 132):
            for words in (["plan", "-q"], ["plan", "-v"], ["history"], ["history", "-v"]):
                text, status = on_terminal(place.command(*words), place.environment, columns)
                equal((status, words), (0, words), text)
                plain = ESCAPES.sub("", text)
                assert "\x1b" not in plain and len(plain) > 500, plain[:500]
                for line in plain.split("\n"):
                    assert len(line) <= columns, (columns, words, line)


def test_colours_are_for_those_who_want_them():
    with Iotsim(*FLEET) as sim:
        place = Place(sim, more=KEEPS)
        text, _ = on_terminal(place.command("plan", "-q"), place.environment, 100)
        assert "\x1b[36m" in text and "\x1b[1mold in sim:" in text, text
        text, _ = on_terminal(place.command("plan", "-q"), dict(place.environment, NO_COLOR="1"), 100)
        assert "\x1b" not in text and "protected: legal hold ä" in text, text
        text = run(place.command("plan", "-q"), dict(place.environment, COLUMNS="40")).stdout
        assert "\x1b" not in text and max(map(len, text.splitlines())) > 80, text  # no terminal: nothing is cut
        assert "█" * 30 in text, text


def test_progress_of_many_runs_says_how_many_are_done():
    with Iotsim(*FLEET) as sim:
        place = Place(sim, lists=20, more="""
  - name: second
    targets: [sim]
    match: {status: [FAILED], age: {older_than: 30d}}""")
        text, status = on_terminal(place.command("plan"), place.environment, 120, notes=True)
        equal(status, 0, text)
        assert re.search(r"[01] of 2 runs done, listed [\d,]+ on \d+ pages, \d+ of \d+ lists done", text), text[:3000]


# --- the manual ---------------------------------------------------------------------------------------------------


def shapes(text):
    """Lines with numbers, names, bars and blanks left out, those of one shape that follow each other once."""
    found = []
    for line in text.strip("\n").splitlines():
        line = re.sub(r"\(/[^:]*:\d+\)", "(F)", line)
        line = re.sub(r"fw-\d+|gw-\d+(:radio)?|AFR_OTA-ota-\d+", "W", re.sub(r"[#█▏▎▍▌▋▊▉]+", "B", line))
        line = re.sub(r" +", " ", re.sub(r"by thing: [^)]*", "by thing: T", line))
        line = re.sub(r" +", " ", re.sub(r"\d+(?:[,.]\d+)*(?: (?:min|s|h|ms))?", "N", line))
        line = re.sub(r"N (?:N )?at the quota", "N at the quota", re.sub(r"(?:SUCCEEDED|N d to N (?:d|y)|over N y) B", "L B", line))
        if not found or found[-1] != line:
            found.append(line)
    return found


def test_the_sample_in_the_manual_is_what_is_printed():
    page = subprocess.run(["mandoc", "-Tutf8", "-Owidth=200", os.path.join(ROOT, "man/jobsweep.1")], capture_output=True, text=True,
                          check=True, timeout=LIMIT_S, env=clean_environment()).stdout
    page = re.sub(r".\x08", "", page)
    sample = page[page.index("For example:"):page.index("Where there are several, a table")].split("\n", 1)[1]
    sample = "\n".join(line.strip("\n")[5:] for line in sample.strip("\n").splitlines())
    with Iotsim(*FLEET) as sim:
        place = Place(sim, age="10d", match="status: [SUCCEEDED], job_id: {include: [fw-0000, fw-0002, fw-0003, \"*-0039\"]}, ",
                      more="keep: [{last: 1, per: thing}, {within: 30d}]\nprotect: [{job_id: fw-0003, reason: legal hold 42}]")
        text = run(place.command("plan", "-q"), dict(place.environment, LANG="C")).stdout
    printed = [line for line in shapes(text) if "N more jobs" not in line]
    wanted = shapes(sample)
    equal([line for line in wanted if line not in printed], [], f"in the manual only, of\n{text}")
    equal([line for line in printed if line not in wanted], [], f"printed only, of\n{text}")


main([test_the_numbers_of_a_plan_are_those_of_its_rows, test_what_is_left_out_is_told_by_kind_and_by_job,
      test_a_sweep_tells_each_row_as_it_is_settled, test_what_apply_leaves_is_told_with_its_reason, test_many_targets_are_summed,
      test_what_makes_no_sense_is_counted_by_what_is_wrong_and_never_reaches_the_terminal,
      test_everything_fits_the_terminal, test_colours_are_for_those_who_want_them,
      test_progress_of_many_runs_says_how_many_are_done, test_the_sample_in_the_manual_is_what_is_printed], at_once=1)
