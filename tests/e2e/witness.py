"""What the tests of a process that dies or fails share: a service whose deletions are followed as they happen, a
place for one ledger, the library of faults, and the equalities between what the service saw and what the ledger
says.
"""
import calendar
import collections
import json
import os
import shutil
import sqlite3
import subprocess
import tempfile
import threading
import time

from harness import BUILD, LIMIT_S, ROOT, Iotsim, configure, equal, run, scratch, wait_until

LIFE_S = 2  # of a signature: short, so that quarantines are; its date has whole seconds
KILLED = -9
# enum outcome, enum record_kind and enum answer_class, as the ledger writes them
OUTCOMES = ("pending", "deleted", "deleted_presumed", "gone", "state_changed", "replaced", "protected", "failed",
            "unknown", "not_attempted")
START, SEAL, INTENT, RESULT, END = range(5)


class Service(Iotsim):
    """An iotsim whose journal is read line by line while it runs."""

    def __init__(self, *options):
        path = os.path.join(scratch(), "journal")
        os.mkfifo(path)
        self._fifo = os.open(path, os.O_RDWR | os.O_CLOEXEC)
        self._lock, self._watch, self._control = threading.Lock(), Watch(None, 0, None), None
        self._events, self._job_of = collections.defaultdict(list), {}  # by job; of a request's number
        self._received, self._under_way = 0, collections.Counter()  # requests; by job
        threading.Thread(target=self._follow, daemon=True).start()
        super().__init__("--journal", path, "--signature-life", LIFE_S, "--quota", "all=-1", *options)

    def _follow(self):
        rest = b""
        while True:
            *lines, rest = (rest + os.read(self._fifo, 65536)).split(b"\n")
            for line in lines:
                event = json.loads(line)
                with self._lock:
                    self._note(event)
                    act = self._watch.act if self._watch.sees(event) else None
                if act:
                    act()

    def _note(self, event):
        if event["event"] == "received":
            self._job_of[event["n"]] = event["target"].split("/")[4]
            self._received += 1
        job = self._job_of[event["n"]]
        self._under_way[job] += (event["event"] == "received") - (event["event"] == "closed")
        self._events[job].append(event)

    def watch(self, kind, count, act):
        """Calls act, from another thread, at the count-th event of this kind from now on."""
        with self._lock:
            self._watch = Watch(kind, count, act)

    def received(self):
        """How many deletions were asked for, by the service's own count."""
        with self._lock:
            self._control = self._control or self.connect()
            body = self.request("GET", "/_iotsim/counts", connection=self._control, headers={"Accept": "*/*"})[2]
        return json.loads(body)["operations"]["DeleteJobExecution"]["received"]

    def settled(self, job=None):
        """The events (of one job), once every exchange that began is over: a request outlives its client."""
        asked = self.received()
        wait_until(lambda: self._received >= asked, "the journal")
        return wait_until(lambda: self._over(job), "requests under way")[0]

    def _over(self, job):
        with self._lock:
            jobs = [job] if job else list(self._events)
            if any(self._under_way[job] for job in jobs):
                return None
            return (sorted((event for job in jobs for event in self._events.get(job, [])), key=lambda event: event["n"]),)


class Watch:
    def __init__(self, kind, left, act):
        self.kind, self.left, self.act = kind, left, act

    def sees(self, event):
        self.left -= event["event"] == self.kind
        return self.left == 0 and event["event"] == self.kind


class Jobs:
    """One job after another of a fleet that has many, each with a few executions: a fleet of its own for each try
    would take longer."""
    FLEET = ("--jobs", 4000, "--executions", 20000)

    def __init__(self):
        self._numbers = (number for number in range(3990) if number % 9 != 8)  # the ninth has not begun
        self._lock = threading.Lock()

    def next(self):
        with self._lock:
            return f"fw-{next(self._numbers):04d}"


class Place:
    """A state directory, a configuration and what programs said there."""

    def __init__(self, service, job=None, rate=2000, archives=None):
        """archives: whether its policy's archive is required; None: it has none."""
        self.service, self.job = service, job
        self.folder = tempfile.mkdtemp(dir=_scratch())
        self.state = os.path.join(os.path.realpath(self.folder), "state")
        os.mkdir(self.state, 0o700)
        self.archive = os.path.join(os.path.realpath(self.folder), "archive")
        more = f"archive: {{directory: {self.archive}, required: {str(archives).lower()}}}" if archives is not None else ""
        self.config = configure(self.folder, service.url, service.ca, state=self.state, life=f"{LIFE_S}s", rate=rate, more=more,
                                match=f"job_id: {{include: [{job}]}}, " if job else "", age="1d")
        self.env = dict(service.environment(), AWS_ENDPOINT_URL_STS=service.url)
        self.report = os.path.join(self.folder, "faults")
        self.words, self.said = ("sweep", "old"), ""  # of the command that is started

    def faults(self, do, at, calls=None, file="", folder=None):
        """An environment in which the at-th call (on this file of the state directory, or on any; or of another folder) or
        allocation fails, or is where the process dies."""
        if os.path.exists(self.report):
            os.unlink(self.report)
        env = dict(self.env, LD_PRELOAD=preload(), FAULTS_DO=do, FAULTS_AT=str(at),
                   FAULTS_DIR=os.path.join(folder or self.state, file) if file else folder or self.state,
                   FAULTS_REPORT=self.report)
        return dict(env, FAULTS_CALLS=",".join(calls)) if calls else env

    def happened(self):
        """What the library of faults says: the line of the fault, or None; and how many it counted, or None."""
        fault = count = None
        if os.path.exists(self.report):
            with open(self.report, encoding="utf-8") as file:
                for line in file:
                    if line.startswith("end "):
                        count = int(line.split()[1])
                    else:
                        fault = line.strip()
        return fault, count

    def start(self, env=None, daemon=False, files=None, user=None):
        """files: how many descriptors it may have open. user: an id."""
        command = [release("jobsweepd"), "-c", self.config, "--once"] if daemon else \
            [release("jobsweep"), "-c", self.config, "--format", "json", *self.words]
        output = tempfile.TemporaryFile(dir=self.folder)
        command = ["prlimit", f"--nofile={files}:{files}", *command] if files else command
        process = subprocess.Popen(command, env=env or self.env, stdin=subprocess.DEVNULL, stdout=output,
                                   stderr=subprocess.STDOUT, user=user)
        process.output = output
        return process

    def end(self, process):
        """Waits for the process; its exit status, negative for a signal."""
        try:
            status = process.wait(LIMIT_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            raise
        process.output.seek(0)
        self.said = process.output.read().decode("utf-8", "replace")
        process.output.close()
        return status

    def sweep(self, env=None, daemon=False, **more):
        return self.end(self.start(env, daemon, **more))

    def interrupt(self, sync):
        """A sweep that is killed when the ledger has been synced so often: from 16 on there are intents."""
        self.sweep(self.faults("kill-after", sync, ("sync",)))

    def sweep_to_the_end(self, most=12, daemon=False):
        """Without faults, again and again: a row that was tried three times is left for the next sweep."""
        for _ in range(most):
            status = self.sweep(daemon=daemon)
            if status == 0:
                return
            assert status == 5, (status, self.said)
        raise AssertionError(f"not done after {most} sweeps: {self.said}")

    def remove(self):
        shutil.rmtree(self.folder, ignore_errors=True)

    def history(self, *words):
        result = run([release("jobsweep"), "-c", self.config, "--format", "json", "history", *words], self.env)
        equal(result.returncode, 0, result.stdout + result.stderr)
        return [json.loads(line) for line in result.stdout.splitlines()]


def _scratch():
    if not hasattr(_scratch, "path"):
        _scratch.path = scratch()
    return _scratch.path


def release(name):
    """Faults are for the release build: a sanitizer's allocator would not be asked, and checks before ours."""
    path = os.path.join(ROOT, os.path.dirname(BUILD), "release", name)
    assert os.path.exists(path), f"{path}: build it first"
    return path


def preload():
    return release("e2e/preload_faults.so")


# --- the ledger, read by other code than ours ------------------------------------------------------------------

Row = collections.namedtuple("Row", "run job thing number times outcome intents open")


def ledger(state):
    """All rows of all plans. `open`: an intent has no result."""
    path = os.path.join(state, "ledger.db")
    if not os.path.exists(path) or os.path.getsize(path) == 0:
        return []
    with sqlite3.connect(path, timeout=LIMIT_S) as database:
        if not database.execute("SELECT 1 FROM sqlite_master WHERE name = 'plan'").fetchone():
            return []
        equal(database.execute("PRAGMA integrity_check").fetchall(), [("ok",)])
        told = collections.defaultdict(list)
        for run, row, kind, outcome in database.execute(
                "SELECT run, row, kind, outcome FROM record WHERE row >= 0 ORDER BY sequence"):
            told[run, row].append((kind, OUTCOMES[outcome or 0]))
        rows = [_row(values, told) for values in database.execute(
            "SELECT plan.run, plan.row, job.text, thing.text, number, queued_at, started_at, last_updated_at FROM plan"
            " JOIN name AS job ON job.id = plan.job JOIN name AS thing ON thing.id = plan.thing")]
    database.close()
    return rows


def open_runs(state):
    """How many runs have no end yet, and how many there are."""
    path = os.path.join(state, "ledger.db")
    if not ledger(state):
        return 0, 0
    with sqlite3.connect(path, timeout=LIMIT_S) as database:
        counts = database.execute("SELECT count(*) FILTER (WHERE ended_ms IS NULL), count(*) FROM run").fetchone()
    database.close()
    return counts


def _row(values, told):
    run, row, job, thing, number, *times = values
    records = told[run, row]
    settled = [outcome for kind, outcome in records if kind == RESULT and outcome != "pending"]
    assert len(settled) < 2, f"settled more than once: {values} {records}"
    assert not settled or records[-1] == (RESULT, settled[0]), f"records after the end: {values} {records}"
    return Row(run, job, thing, number, tuple(times), settled[0] if settled else "pending",
               sum(kind == INTENT for kind, _ in records), bool(records) and records[-1][0] == INTENT)


# --- the equalities -------------------------------------------------------------------------------------------

def _seconds(date):
    return calendar.timegm(time.strptime(date, "%Y%m%dT%H%M%SZ"))


def _refused_at_the_door(events):
    """Answered without having come to an execution: a signature that was too old when it was looked at."""
    reached = {event["n"] for event in events if event["event"] in ("executed", "refused")}
    return {event["n"] for event in events if event["event"] == "answered" and event["status"] == 403} - reached


def check_requests(events, rows):
    """Each transmission has an intent of its own, no signature comes twice, and none comes while the one before
    may still be executed."""
    received = [event for event in events if event["event"] == "received"]
    harmless = _refused_at_the_door(events)
    intents, seen = collections.Counter(), {}
    for row in rows:
        intents[row.job, row.thing, row.number] += row.intents
    signatures = [event["signature"] for event in received]
    equal(len(set(signatures)), len(signatures), "different signatures")
    for event in received:
        _, _, thing, _, job, _, number = event["target"].replace("%3A", ":").split("/")
        key, date = (job, thing, int(number)), _seconds(event["date"])
        assert intents[key] > 0, f"sent without an intent: {event}"
        intents[key] -= 1
        assert key not in seen or date - seen[key] >= LIFE_S, f"sent again within the signature's life: {event}"
        if event["n"] not in harmless:
            seen[key] = date


def check_deletions(events, rows):
    """What the service deleted is what the ledger says was deleted, incarnation by incarnation."""
    found, said = collections.Counter(), collections.Counter()
    for event in events:
        if event["event"] == "executed":
            times = (event["queued_at"], event["started_at"], event["last_updated_at"])
            found[event["job"], event["thing"], event["number"], times] += 1
    for row in rows:
        if row.outcome in ("deleted", "deleted_presumed"):
            said[row.job, row.thing, row.number, row.times] += 1
    equal(sorted(found - said), [], "deleted, but the ledger does not say so")
    equal(sorted(said - found), [], "said to be deleted, but it was not")
    for row in rows:
        assert row.outcome not in ("gone", "replaced", "state_changed") or \
            (row.job, row.thing, row.number, row.times) not in found, f"deleted by us, and the ledger says: {row}"


def check_history(place, rows):
    """The ledger's chain is whole, and what it shows is what it holds."""
    assert place.history("verify")[0]["whole"]
    shown = [(event["run"], event["job_id"], event["thing_name"], event["execution_number"], event["outcome"])
             for event in place.history()]
    held = [(row.run, row.job, row.thing, row.number, row.outcome) for row in rows if row.outcome != "pending"]
    equal(sorted(shown), sorted(held), "history")


def check(place, whole=True):
    """Everything, for the place's job (all jobs if it has none). whole: nothing is left open."""
    events, rows = place.service.settled(place.job), ledger(place.state)
    check_requests(events, rows)
    if whole:
        check_deletions(events, rows)
        equal([row for row in rows if row.open], [], "intents without a result")
        check_history(place, rows)
    return events, rows
