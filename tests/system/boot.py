#!/usr/bin/env python3
"""The installed service under a real systemd: DynamicUser, seccomp, credentials, schedule, reload, watchdog, stop.

Run by `make check-systemd`. Each test goes on where the one before it left the machine.
"""
import json
import os
import re
import subprocess

from machine import BUILD_NAME, ROOT, Machine, equal, wait_until
from harness import ACCESS_KEY, ACCOUNT, REGION, SECRET_KEY, main

JOBSWEEP = "/usr/local/bin/jobsweep"
FIRING_S = 150  # a schedule of every minute, and the sweep
URL = "https://127.0.0.1:8443"
IOTSIM = f"""[Service]
ExecStart=/usr/local/bin/iotsim --port 8443 --ca-file /var/lib/iotsim/ca.pem --account {ACCOUNT} --region {REGION} \\
    --access-key {ACCESS_KEY} --secret-key {SECRET_KEY} --things 60 --jobs 8 --executions 1200 --quota all=-1 --seed 3 {{more}}
StandardOutput=truncate:/var/lib/iotsim/words
"""
CONFIGURATION = f"""version: 1
targets:
  sim:
    account: "{ACCOUNT}"
    region: {REGION}
    endpoint_url: {URL}
    ca_bundle: /var/lib/iotsim/ca.pem
    signature_life: 2s
    quotas: {{{{DeleteJobExecution: 2000, DescribeJobExecution: 2000, ListJobExecutionsForJob: 500, ListJobs: 500}}}}
policies:
  - name: {{name}}
    targets: [sim]
    mode: enforce
    schedule: {{{{cron: "* * * * *"}}}}
    match: {{{{age: {{{{older_than: 30d}}}}}}}}
{{more}}"""
KEYS = f"[default]\naws_access_key_id = {ACCESS_KEY}\naws_secret_access_key = {SECRET_KEY}\n"
ASK = """import ssl, urllib.request
context = ssl.create_default_context(cafile={ca!r})
print(urllib.request.urlopen("{url}/_iotsim/counts", timeout=20, context=context).read().decode())
"""

machine = Machine()


def configure(name="old", more=""):
    machine.write("/etc/jobsweep/jobsweep.yaml", CONFIGURATION.format(name=name, more=more))


def counts():
    text = machine.python(ASK.format(ca=machine.path("/var/lib/iotsim/ca.pem"), url=URL))
    return json.loads(text) if text else None


def start_iotsim(more=""):
    machine.write("/etc/systemd/system/iotsim.service", IOTSIM.format(more=more))
    machine.must("systemctl", "daemon-reload")
    machine.must("systemctl", "restart", "iotsim")
    return wait_until(counts, "iotsim listens")


def journal(unit="jobsweepd"):
    """Its messages, and the manager's about it."""
    lines = machine.must("journalctl", "--no-pager", "-o", "json", "-u", unit).splitlines()
    return [json.loads(line) for line in lines]


def messages():
    return [entry["MESSAGE"] for entry in journal()]


def said(pattern, after=0):
    """The first message behind the first `after` ones that matches."""
    return next((found for found in (re.search(pattern, text) for text in messages()[after:]) if found), None)


def state():
    return machine.run("systemctl", "is-active", "jobsweepd").stdout.strip()


def running():
    return "jobsweepd" in machine.must("sh", "-c", "cat /proc/[0-9]*/comm").split()


def test_a_minimal_debian_with_the_installed_service_boots():
    made = subprocess.run(["make", "-s", "-C", ROOT, "install", f"DESTDIR={machine.root}", f"BUILD={BUILD_NAME}",
                           "VARIANT=" + os.path.basename(BUILD_NAME)], capture_output=True, text=True, check=False)
    equal(made.returncode, 0, made.stderr)
    subprocess.run(["install", "-m", "755", os.path.join(ROOT, BUILD_NAME, "iotsim"), machine.path("/usr/local/bin/iotsim")],
                   check=True)
    os.mkdir(machine.path("/var/lib/iotsim"))
    machine.write("/etc/systemd/system/jobsweepd.service.d/test.conf",
                  f"[Service]\nEnvironment=AWS_ENDPOINT_URL_STS={URL}\n")
    assert machine.boot()
    equal(machine.must("systemctl", "list-unit-files", "jobsweepd.service", "--no-legend").split()[:2],
          ["jobsweepd.service", "disabled"])
    assert not os.path.exists(machine.path("/bin/kill")), "this Debian is not minimal"


def test_with_the_shipped_configuration_and_without_keys_it_is_ready():
    machine.must("systemctl", "enable", "--now", "jobsweepd")
    equal(state(), "active")
    assert said(r"\bready\b"), messages()
    machine.must("systemctl", "stop", "jobsweepd")


def test_it_runs_as_nobody_in_particular_with_nothing_to_spare():
    start_iotsim()
    configure()
    machine.write("/etc/jobsweep/aws-credentials", KEYS, 0o600)
    machine.must("systemctl", "start", "jobsweepd")
    pid, user = machine.show("jobsweepd", "MainPID", "DynamicUser")
    equal(user, "yes")
    status = dict(line.split(":\t", 1) for line in machine.must("cat", f"/proc/{pid}/status").splitlines() if ":\t" in line)
    assert int(status["Uid"].split()[0]) >= 61184, status["Uid"]
    equal((status["Seccomp"], status["NoNewPrivs"]), ("2", "1"))
    equal({status[name] for name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb")}, {"0" * 16})
    equal(machine.must("stat", "-L", "-c", "%a", "/var/lib/jobsweep").strip(), "700")
    assert running()
    passed = machine.must("stat", "-c", "%a", "/run/credentials/jobsweepd.service/aws-credentials").strip()
    assert passed in ("400", "440"), passed  # its own, or by an access control list, as the file system allows


def test_root_asks_it_over_its_socket_and_nobody_else_does():
    pid, uid = machine.show("jobsweepd", "MainPID", "UID")
    equal(machine.must("stat", "-c", "%a %u", "/run/jobsweep/control.sock").split(), ["600", uid])
    assert f"process {pid}, since" in machine.must(JOBSWEEP, "status")
    other = machine.run("setpriv", "--reuid", "65534", "--clear-groups", JOBSWEEP, "status", "--socket",
                        "/run/jobsweep/control.sock")
    equal(other.returncode, 7)
    assert "Permission denied" in other.stderr, other.stderr
    machine.must(JOBSWEEP, "pause")
    assert machine.show("jobsweepd", "StatusText")[0].startswith("paused since "), machine.show("jobsweepd", "StatusText")
    machine.must("systemctl", "restart", "jobsweepd")
    assert "nothing is deleted (jobsweep resume)" in machine.must(JOBSWEEP, "status")
    machine.must(JOBSWEEP, "resume")
    equal(machine.show("jobsweepd", "StatusText"), [""])


def test_it_fires_by_its_schedule_and_deletes_what_it_reports():
    ended = wait_until(lambda: said(r"sweep ended.*"), "the sweep of a firing", FIRING_S).group(0)
    numbers = {key: int(value) for key, value in re.findall(r"(\w+)=(\d+)", ended)}
    seen = counts()
    assert numbers["deleted"] > 0 and numbers["deleted"] == numbers["selected"], ended
    equal(seen["deleted"], numbers["deleted"])
    equal((seen["forced"], seen["double_deletes"], seen["signature_failures"]), (0, 0, 0))


def test_a_reload_takes_the_new_set():
    configure(more="  - {name: second, targets: [sim], match: {age: {older_than: 60d}}}\n")
    machine.must("systemctl", "reload", "jobsweepd")
    wait_until(lambda: said(r"reloaded.*policies=2"), "the reload")
    wait_until(lambda: state() == "active", "the end of the reload")


def test_a_broken_configuration_fails_the_reload_and_the_old_set_stays():
    machine.write("/etc/jobsweep/jobsweep.yaml", "version: 1\nnonsense: 1\n")
    before = len(messages())
    assert machine.run("systemctl", "reload", "jobsweepd").returncode != 0
    assert said(r"jobsweep\.yaml:2:1.*nonsense", before), messages()[before:]
    assert not said(r"^reload", before), "the daemon was told"
    equal(state(), "active")
    equal(machine.run("systemctl", "is-failed", "jobsweepd").stdout.strip(), "active")
    refused = machine.run(JOBSWEEP, "reload")
    equal(refused.returncode, 2)
    assert "jobsweep.yaml:2:1: error: " in refused.stderr, refused.stderr
    assert "jobsweep.yaml:2:1: error: " in machine.must(JOBSWEEP, "status")
    wait_until(lambda: said(r"sweep ended.*policy=old", before), "a firing of the old set", FIRING_S)


def test_it_does_not_start_with_a_broken_configuration_and_does_not_try_again():
    machine.must("systemctl", "stop", "jobsweepd")
    assert machine.run("systemctl", "start", "jobsweepd").returncode != 0
    equal(machine.run("systemctl", "is-failed", "jobsweepd").stdout.strip(), "failed")
    equal(machine.show("jobsweepd", "Result", "ExecMainStatus", "NRestarts"), ["exit-code", "2", "0"])
    configure()
    machine.must("systemctl", "start", "jobsweepd")
    equal(state(), "active")


def test_a_daemon_that_hangs_is_started_again():
    machine.write("/etc/systemd/system/jobsweepd.service.d/watchdog.conf", "[Service]\nWatchdogSec=2s\nRestartSec=100ms\n")
    machine.must("systemctl", "daemon-reload")
    machine.must("systemctl", "restart", "jobsweepd")
    pid, _ = machine.show("jobsweepd", "MainPID", "NRestarts")
    machine.must("systemctl", "kill", "--kill-whom=main", "--signal=STOP", "jobsweepd")
    wait_until(lambda: machine.show("jobsweepd", "NRestarts", "ActiveState") == ["1", "active"], "the restart")
    assert machine.show("jobsweepd", "MainPID") != [pid]
    assert said(r"Watchdog timeout"), messages()
    os.unlink(machine.path("/etc/systemd/system/jobsweepd.service.d/watchdog.conf"))
    machine.must("systemctl", "daemon-reload")


def archived(directory):
    """A run that archives there: its exit status, report, and what was said; and what the service saw."""
    start_iotsim()
    configure(more=f"    archive: {{directory: {directory}}}\n")
    machine.must("systemctl", "restart", "jobsweepd")

    def ended():
        """Not while a firing of the schedule is under way."""
        ran = machine.run(JOBSWEEP, "run", "old", "--format", "json")
        return None if "has not ended" in ran.stderr else ran
    ran = wait_until(ended, "a run", FIRING_S)
    return ran.returncode, [json.loads(line) for line in ran.stdout.splitlines()], ran.stderr, counts()


def check_archive(directory, deleted):
    """The file of each run can be read, and has a line for each execution that is gone and for its job."""
    lines = []
    for name in os.listdir(machine.path(directory)):
        path = os.path.join(machine.path(directory), name)
        equal(os.stat(path).st_mode & 0o777, 0o600, name)
        read = subprocess.run(["zstd", "-dcq", path], capture_output=True, text=True, check=False)
        equal(read.returncode, 0, name + ": " + read.stderr)
        lines += [json.loads(line) for line in read.stdout.splitlines()]
    executions = [line for line in lines if "execution_number" in line]
    equal(len({(line["job_id"], line["thing_name"], line["execution_number"]) for line in executions}), deleted)
    assert len(lines) > len(executions), "no job was archived"


def test_it_archives_into_its_state_directory_as_it_is():
    status, report, told, seen = archived("/var/lib/jobsweep/archive")
    equal(status, 0, told)
    assert seen["deleted"] > 0, report
    check_archive("/var/lib/private/jobsweep/archive", seen["deleted"])


OUTSIDE = "/srv/jobsweep-archive"
DROP_IN = "/etc/systemd/system/jobsweepd.service.d/archive.conf"


def test_an_archive_elsewhere_that_it_may_not_write_stops_deletion_and_says_so():
    os.mkdir(machine.path(OUTSIDE), 0o700)
    status, report, told, seen = archived(OUTSIDE)
    equal((status, seen["deleted"]), (1, 0), (report, told))
    assert f"archive directory '{OUTSIDE}'" in json.dumps(report), report


def test_an_archive_elsewhere_needs_a_user_that_stays_and_a_path_to_write():
    machine.must("useradd", "--system", "--user-group", "--no-create-home", "--shell", "/usr/sbin/nologin", "jobsweepd")
    machine.must("chown", "jobsweepd:", OUTSIDE)
    machine.write(DROP_IN, f"[Service]\nReadWritePaths={OUTSIDE}\n")
    machine.must("systemctl", "daemon-reload")
    status, report, told, seen = archived(OUTSIDE)
    equal(status, 0, (report, told))
    assert seen["deleted"] > 0, report
    check_archive(OUTSIDE, seen["deleted"])
    machine.must("systemctl", "stop", "jobsweepd")
    os.unlink(machine.path(DROP_IN))
    machine.must("userdel", "jobsweepd")
    configure()
    machine.must("systemctl", "daemon-reload")
    machine.must("systemctl", "start", "jobsweepd")
    assert f"process {machine.show('jobsweepd', 'MainPID')[0]}, since" in machine.must(JOBSWEEP, "status")


def test_stopping_lasts_as_long_as_lost_answers_need():
    start_iotsim("--fault reset-after=1 --fault-ops DeleteJobExecution")
    machine.write("/etc/systemd/system/jobsweepd.service.d/stop.conf", "[Service]\nTimeoutStopSec=1s\n")
    machine.must("systemctl", "daemon-reload")
    machine.must("systemctl", "restart", "jobsweepd")
    before = len(messages())
    wait_until(lambda: counts()["deleted"] > 0, "a deletion", FIRING_S)
    machine.must("systemctl", "stop", "jobsweepd")
    equal(machine.show("jobsweepd", "Result", "ActiveState"), ["success", "inactive"])
    ended = said(r"sweep ended.* deleted_presumed=(\d+).* unknown=0 ", before)
    assert ended, messages()[before:]
    equal(int(ended.group(1)), counts()["deleted"])
    equal(counts()["double_deletes"], 0)


def test_it_stops_cleanly_and_leaves_nothing_behind():
    machine.must("systemctl", "start", "jobsweepd")
    machine.must("systemctl", "stop", "jobsweepd")
    equal(machine.show("jobsweepd", "Result", "ExecMainStatus", "ActiveState"), ["success", "0", "inactive"])
    equal(machine.run("systemctl", "is-failed", "jobsweepd").stdout.strip(), "inactive")
    assert not running()
    last = counts()
    machine.must("systemctl", "stop", "iotsim")
    words = open(machine.path("/var/lib/iotsim/words"), encoding="utf-8").read().splitlines()
    equal(json.loads(words[-1])["deleted"], last["deleted"], "iotsim's last words")


def test_the_journal_has_no_complaint_of_the_manager():
    odd = [text for text in messages() if re.search(r"Failed at step|SIGSYS|seccomp|not permitted|code=(exited|killed|dumped)|"
                                                    r"timed out|Unknown key|ignoring", text)]
    provoked = [f"jobsweepd.service: {end}" for end in (
        "Control process exited, code=exited, status=2/INVALIDARGUMENT", "Main process exited, code=exited, status=2/INVALIDARGUMENT",
        "Main process exited, code=killed, status=6/ABRT")]
    equal(odd, provoked)
    assert {entry["PRIORITY"] for entry in journal() if entry.get("_COMM") == "jobsweepd"} >= {"6"}


def tell_journal():
    """What a person needs who looks for the reason of a failure."""
    result = machine.run("journalctl", "--no-pager", "-o", "short-precise", "-u", "jobsweepd", "-u", "iotsim")
    print("".join(f"# {line}\n" for line in result.stdout.splitlines()[-200:]), end="", flush=True)


try:
    main([value for name, value in list(globals().items()) if name.startswith("test_")])
except SystemExit as end:
    if end.code and machine.leader:
        tell_journal()
    raise
