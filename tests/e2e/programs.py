#!/usr/bin/env python3
"""jobsweep and jobsweepd against iotsim over TLS: what they report is what happened, and what is refused deletes
nothing."""
import json
import os
import signal
import socket
import subprocess

from harness import Iotsim, Place, clean_environment, equal, main, program, run, scratch, wait_until

FLEET = ("--things", 60, "--jobs", 8, "--executions", 400, "--quota", "all=-1", "--seed", 3)
POLICY = """version: 1
targets:
  sim:
    account: "{account}"
    region: {region}
    endpoint_url: {url}
    ca_bundle: {ca}
    signature_life: 2s
    quotas: {{DeleteJobExecution: 2000, DescribeJobExecution: 2000, ListJobExecutionsForJob: 500, ListJobs: 500, DescribeJob: 500}}
policies:
  - name: old
    targets: [sim]
    mode: {mode}
    match: {{age: {{older_than: {age}}}}}
    {more}
"""


def configuration(sim, mode="enforce", age="30d", more="", **changes):
    values = dict(account="123456789012", region="us-east-1", url=sim.url if sim else "https://127.0.0.1:9",
                  ca=sim.ca if sim else "/dev/null", mode=mode, age=age, more=more)
    values.update(changes)
    path = os.path.join(scratch(), "jobsweep.yaml")
    with open(path, "w", encoding="utf-8") as file:
        file.write(POLICY.format(**values))
    os.chmod(path, 0o600)
    return path


def jobsweep(sim, path, *words, env=None, name="jobsweep"):
    environment = dict(sim.environment(), AWS_ENDPOINT_URL_STS=sim.url) if sim else {}
    return run([program(name), "-c", path, *words], {**environment, **(env or {})})


def events(result):
    return [json.loads(line) for line in result.stdout.splitlines()]


def report(result):
    last = events(result)[-1]
    equal(last["event"], "report")
    equal(sum(last["outcomes"].values()), last["selected"], "the sum of the outcomes")
    equal(last["exit"], result.returncode, "exit")
    return last


def nothing_deleted(sim):
    equal(sim.counts()["deleted"], 0, "deleted")


def test_a_plan_names_every_row_and_deletes_nothing():
    with Iotsim(*FLEET) as sim:
        result = jobsweep(sim, configuration(sim), "--format", "json", "plan")
        equal(result.returncode, 0, result.stderr)
        rows = [event for event in events(result) if event["event"] == "row"]
        chosen = [row for row in rows if row["verdict"] == "delete"]
        equal(len(chosen), report(result)["selected"])
        assert chosen and all(row["reason"] for row in rows)
        assert not {row["status"] for row in chosen} & {"QUEUED", "IN_PROGRESS"}
        nothing_deleted(sim)
        equal(jobsweep(sim, configuration(sim), "--detailed-exitcode", "plan").returncode, 3)


def test_a_sweep_deletes_what_its_plan_said():
    with Iotsim(*FLEET) as sim:
        plan = jobsweep(sim, configuration(sim), "--format", "json", "plan")
        planned = {(row["job_id"], row["thing_name"], row["execution_number"]) for row in events(plan)
                   if row["event"] == "row" and row["verdict"] == "delete"}
        result = jobsweep(sim, configuration(sim), "--format", "json", "sweep", "old")
        equal(result.returncode, 0, result.stderr)
        equal(report(result)["outcomes"]["deleted"], len(planned))
        equal({(row["job"], row["thing"], row["number"]) for row in sim.deleted()}, planned)
        equal((sim.counts()["forced"], sim.counts()["double_deletes"]), (0, 0))


def test_an_observing_policy_never_deletes():
    with Iotsim(*FLEET) as sim:
        result = jobsweep(sim, configuration(sim, mode="observe"), "sweep", "old")
        equal(result.returncode, 0, result.stderr)
        nothing_deleted(sim)


def test_a_plan_above_abort_if_deletes_nothing():
    with Iotsim(*FLEET) as sim:
        result = jobsweep(sim, configuration(sim, more="abort_if: {selected_over: 5}"), "--format", "json", "sweep", "old")
        equal(result.returncode, 4, result.stderr)
        report(result)
        nothing_deleted(sim)


def test_a_limit_leaves_the_rest_for_the_next_time():
    with Iotsim(*FLEET) as sim:
        result = jobsweep(sim, configuration(sim, more="limits: {per_run: 7}"), "--format", "json", "sweep", "old")
        equal(result.returncode, 6, result.stderr)
        equal(report(result)["outcomes"]["deleted"], 7)
        equal(sim.counts()["deleted"], 7)
        plan = jobsweep(sim, configuration(sim, more="limits: {per_run: 7}"), "plan", "old")
        equal((plan.stdout.count("left for later by limits"), plan.stdout.count("limits.per_run")), (1, 0), plan.stdout)


def test_a_plan_that_nobody_reads_on_ends_without_a_word():
    with Iotsim(*FLEET) as sim:
        place = Place(sim)
        process = place.start("plan", "-v", "old")
        process.stdout.close()
        said = process.stderr.read()
        process.stderr.close()
        equal((process.wait(60), said), (1, ""))


def test_what_cannot_be_written_to_standard_output_is_a_failure():
    path = configuration(None, more='schedule: {cron: "0 3 * * *"}')
    ours, its = [("-c", path, "check"), ("-c", path, "schedule"), ("-c", path, "iam-policy")], ("-c", path, "--check")
    commands = [["jobsweep", *words] for words in (("schema",), ("completion", "bash"), ("help",), ("--version",), *ours)]
    for name, *words in commands + [["jobsweepd", *words] for words in (("--help",), ("--version",), its)]:
        with open("/dev/full", "w", encoding="utf-8") as full:
            result = subprocess.run([program(name), *words], env=clean_environment(), stdin=subprocess.DEVNULL, stdout=full,
                                    stderr=subprocess.PIPE, text=True, timeout=60, check=False)
        equal(result.returncode, 1, (name, words, result.stderr))
        equal(result.stderr.count("standard output could not be written"), 1, (name, words, result.stderr))


def test_each_program_speaks_under_its_own_name():
    path = configuration(None, age="30")
    for name, words in (("jobsweep", ("check",)), ("jobsweepd", ("--check",))):
        result = run([program(name), "-c", path, *words], clean_environment())
        equal((result.returncode, result.stderr.splitlines()[-1]), (2, f"{name}: 1 error"))
        unknown = run([program(name), "--chekc"], clean_environment())
        equal((unknown.returncode, unknown.stderr.split(":")[0]), (2, name))


def test_lost_answers_are_settled_and_never_sent_twice():
    with Iotsim(*FLEET, "--reuse-numbers", "--fault", "reset-after=0.05,500-executed=0.03,reset-before=0.03",
                "--fault-ops", "DeleteJobExecution") as sim:
        result = jobsweep(sim, configuration(sim), "--format", "json", "sweep", "old")
        outcomes = report(result)["outcomes"]
        equal(result.returncode, 0, result.stderr)
        assert outcomes["deleted_presumed"] > 0, outcomes
        equal(outcomes["deleted"] + outcomes["deleted_presumed"], sim.counts()["deleted"])
        equal(sim.counts()["double_deletes"], 0, "double deletes")


def test_throttling_slows_a_sweep_down_and_nothing_else():
    with Iotsim(*FLEET, "--fault", "throttle=0.05") as sim:
        result = jobsweep(sim, configuration(sim, more="limits: {per_run: 100}"), "--format", "json", "sweep", "old")
        equal(result.returncode, 6, result.stderr)
        equal(report(result)["outcomes"]["deleted"], 100)


def refused(sim, path, status, *words, env=None):
    result = jobsweep(sim, path, "sweep", "old", env=env)
    equal(result.returncode, status, result.stderr)
    for word in words:
        assert word in result.stderr, (word, result.stderr)
    if sim:
        nothing_deleted(sim)


def test_another_account_is_refused_before_anything_is_listed():
    with Iotsim(*FLEET) as sim:
        refused(sim, configuration(sim, account="999999999999"), 8, "999999999999", "123456789012")
        equal(sim.counts()["operations"]["ListJobs"]["received"], 0)


def test_wrong_keys_are_named_and_delete_nothing():
    with Iotsim(*FLEET) as sim:
        refused(sim, configuration(sim), 8, env={"AWS_SECRET_ACCESS_KEY": "wrong"})
        refused(sim, configuration(sim), 8, "credentials", "jobsweep whoami", env={"AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": "",
                                                                "AWS_SESSION_TOKEN": ""})


def test_a_wrong_ca_and_an_unreachable_endpoint_are_told_apart():
    with Iotsim(*FLEET) as sim, Iotsim(*FLEET) as other:
        refused(sim, configuration(sim, ca=other.ca), 1, "certificate")
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        url = f"https://127.0.0.1:{closed.getsockname()[1]}"
        with Iotsim("--things", 1) as sim:
            result = jobsweep(sim, configuration(sim, url=url), "sweep", "old", env={"AWS_ENDPOINT_URL_STS": url})
            equal(result.returncode, 1, result.stderr)
            assert "127.0.0.1" in result.stderr


def test_a_configuration_without_policies_plans_and_sweeps_nothing():
    path = configuration(None)
    with open(path, encoding="utf-8") as file:
        text = file.read().split("policies:")[0]
    with open(path, "w", encoding="utf-8") as file:
        file.write(f"{text}policies: []\nstate_directory: {os.path.dirname(path)}/state\n")
    for words in (("plan",), ("--yes", "sweep")):
        result = jobsweep(None, path, "--format", "json", *words)
        equal(report(result)["selected"], 0)
        equal(result.returncode, 0, result.stderr)


def test_configurations_that_cannot_be_meant_end_with_2():
    with Iotsim(*FLEET) as sim:
        refused(sim, configuration(sim, region="eu west"), 2, "region")
        empty = configuration(sim)
        with open(empty, "w", encoding="utf-8"):
            pass
        refused(sim, empty, 2)
        writable = configuration(sim)
        os.chmod(writable, 0o666)
        refused(sim, writable, 2, "writ")
        refused(sim, os.path.join(scratch(), "none.yaml"), 2)


def test_every_bad_policy_of_the_test_folder_ends_with_2():
    folder = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../policy/bad")
    names = sorted(name for name in os.listdir(folder) if name.endswith(".yaml"))
    assert len(names) > 40
    for name in names[::6]:
        path = os.path.join(scratch(), "jobsweep.yaml")
        with open(os.path.join(folder, name), "rb") as source, open(path, "wb") as copy:
            copy.write(source.read())
        os.chmod(path, 0o600)
        result = jobsweep(None, path, "sweep", "--yes")
        equal(result.returncode, 2, name + result.stderr)
        assert result.stderr.strip(), name


def test_sweep_without_a_name_asks_and_refuses_where_nobody_can_answer():
    with Iotsim(*FLEET) as sim:
        equal(jobsweep(sim, configuration(sim), "sweep").returncode, 2)
        nothing_deleted(sim)
        equal(jobsweep(sim, configuration(sim), "sweep", "--yes").returncode, 0)
        assert sim.counts()["deleted"] > 0


def test_the_daemon_sweeps_once_and_says_so():
    with Iotsim(*FLEET) as sim:
        result = jobsweep(sim, configuration(sim), "--once", name="jobsweepd")
        equal(result.returncode, 0, result.stderr)
        assert "sweep ended" in result.stderr and "deleted=" in result.stderr
        assert sim.counts()["deleted"] > 0


def test_a_sweep_of_one_policy_settles_what_another_left_and_deletes_nothing_of_it():
    with Iotsim(*FLEET) as sim:
        place = Place(sim)
        place.interrupt()
        place.write(more="""
  - name: ancient
    targets: [sim]
    mode: enforce
    match: {age: {older_than: 3000d}}
""")
        before = sim.counts()["deleted"]
        sweep = place.start("--format", "json", "sweep", "ancient")
        output, said = sweep.communicate(timeout=60)
        last = json.loads(output.splitlines()[-1])
        equal(sweep.returncode, 0, said)
        assert "settling the run of" in said, said
        equal(sim.counts()["deleted"], before)
        equal(sum(last["outcomes"].values()), last["selected"])
        assert last["outcomes"]["not_attempted"] > 0, last
        equal(place.sweep().returncode, 0)
        assert sim.counts()["deleted"] > before


def test_an_interrupt_while_it_lists_ends_it_and_says_that_nothing_was_sent():
    with Iotsim("--things", 5, "--jobs", 2, "--executions", 10, "--fault", "stall=1", "--fault-ops", "ListJobs") as sim:
        place = Place(sim)
        process = place.start("sweep", "old")
        wait_until(lambda: sim.counts()["operations"]["ListJobs"]["received"] > 0, "a listing")
        process.send_signal(signal.SIGINT)
        out, said = process.communicate(timeout=60)
        equal(process.returncode, 130, said)
        assert "stopping: nothing was sent" in said and "minutes" not in said, said
        assert "canceled" in out, out


def test_a_sweep_whose_terminal_goes_away_ends_with_a_record_of_all_it_sent():
    with Iotsim(*FLEET) as sim:
        place = Place(sim, rate=2)  # it would take minutes
        sweep = place.start("--format", "json", "sweep", "old")
        wait_until(lambda: sim.counts()["deleted"] >= 2, "deletions")
        sweep.send_signal(signal.SIGHUP)
        output, _ = sweep.communicate(timeout=60)
        equal(sweep.returncode, 1)
        last = json.loads(output.splitlines()[-1])
        equal(last["outcomes"]["deleted"], sim.counts()["deleted"])
        equal(sum(last["outcomes"].values()), last["selected"])
        assert last["outcomes"]["not_attempted"] > 0, last


def test_a_sweep_under_nohup_outlives_its_terminal():
    with Iotsim(*FLEET) as sim:
        place = Place(sim, rate=200)
        sweep = place.start("--quiet", "sweep", "old", preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN))
        wait_until(lambda: sim.counts()["deleted"] >= 5, "deletions")
        sweep.send_signal(signal.SIGHUP)
        sweep.communicate(timeout=60)
        equal(sweep.returncode, 0)


def test_the_daemon_tells_its_manager_reloads_and_drains():
    with Iotsim(*FLEET) as sim, socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        address = os.path.join(scratch(), "notify")
        manager.bind(address)
        manager.settimeout(20)
        path = configuration(sim, more='schedule: {cron: "0 0 1 1 *"}')
        log = os.path.join(scratch(), "log")
        with open(log, "wb") as stream:
            daemon = subprocess.Popen([program("jobsweepd"), "-c", path], stdin=subprocess.DEVNULL, stderr=stream,
                                      env={**sim.environment(), "AWS_ENDPOINT_URL_STS": sim.url, "NOTIFY_SOCKET": address})
        try:
            equal(manager.recv(4096), b"READY=1")
            for text, word in (("nonsense: 1\n", "reload refused"), (None, "reloaded")):
                good = open(path, encoding="utf-8").read()
                if text:
                    with open(path, "a", encoding="utf-8") as file:
                        file.write(text)
                daemon.send_signal(signal.SIGHUP)
                assert manager.recv(4096).startswith(b"RELOADING=1\nMONOTONIC_USEC=")
                equal(manager.recv(4096), b"READY=1")
                wait_until(lambda: word in open(log, encoding="utf-8").read(), word)
                with open(path, "w", encoding="utf-8") as file:
                    file.write(good)
            daemon.send_signal(signal.SIGTERM)
            equal(manager.recv(4096), b"STOPPING=1")
            equal(daemon.wait(20), 0)
        finally:
            daemon.kill()
            daemon.wait()
        nothing_deleted(sim)


main([value for name, value in list(globals().items()) if name.startswith("test_")], at_once=3)
