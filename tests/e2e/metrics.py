#!/usr/bin/env python3
"""The daemon's page of metrics: what it says, that it is true, and that nobody can do any harm through it."""
import contextlib
import http.client
import os
import re
import resource
import select
import signal
import socket
import stat
import time

import exposition
from harness import (ACCESS_KEY, ACCOUNT, BUILD, LIMIT_S, ROOT, SECRET_KEY, Iotsim, Place, Skip, equal, main, program, run, scratch,
                     wait_until)
from managed import Daemon

FLEET = ("--things", 20, "--jobs", 3, "--executions", 60)
LOSING = (*FLEET, "--quota", "all=-1", "--fault", "reset-after=1", "--fault-ops", "DeleteJobExecution")
# An address of this test's own in 127.0.0.0/8, so that no other test has its ports.
HOST = f"127.{64 + (os.getpid() >> 16) % 64}.{os.getpid() >> 8 & 255}.{os.getpid() & 255}"
PORTS = iter(range(9809, 10000))
FETCH = """#!/usr/bin/python3 -I
import http.client, sys
host, port, path = sys.argv[1:]
connection = http.client.HTTPConnection(host, int(port), timeout=30)
connection.request("GET", "/metrics")
open(path, "wb").write(connection.getresponse().read())
"""
TARGETS = """version: 1
state_directory: {state}
metrics: {{listen: "{address}"}}
targets:
  many: {{accounts: [{accounts}], regions: [{regions}]}}
policies:
  - {{name: old, targets: [many], match: {{age: {{older_than: 30d}}}}}}
"""


def listen(port, host=HOST):
    return f'\nmetrics: {{listen: "{host}:{port}"}}'


def ask(port, method="GET", path="/metrics", host=HOST, **more):
    """status, headers, body"""
    connection = http.client.HTTPConnection(host, port, timeout=LIMIT_S)
    try:
        connection.request(method, path, **more)
        answer = connection.getresponse()
        return answer.status, answer.headers, answer.read()
    finally:
        connection.close()


def page(port, host=HOST):
    status, headers, body = ask(port, host=host)
    equal((status, headers["Content-Type"]), (200, "text/plain; version=0.0.4; charset=utf-8"))
    equal(headers["Connection"], "close")
    return exposition.read(body.decode())


def sample(found, name, **labels):
    return found[name][tuple(sorted(labels.items()))]


def refused(port, host=HOST):
    try:
        socket.create_connection((host, port), timeout=LIMIT_S).close()
    except ConnectionRefusedError:
        return True
    return False


@contextlib.contextmanager
def serving(*fleet, options=(), **values):
    """A simulator, a daemon on it with a page at a port of its own, and the port."""
    port = next(PORTS)
    with Iotsim(*(fleet or (*FLEET, "--quota", "all=-1"))) as sim, contextlib.ExitStack() as stack:
        place = Place(sim, **{**values, "more": values.get("more", "") + listen(port)})
        yield sim, Daemon(stack, place, *options), port


def test_the_reader_finds_every_fault():
    exposition.check_yourself()


def test_the_page_is_valid_and_complete_before_anything_ran():
    with serving() as (_, daemon, port):
        found = page(port)
        version = run([program("jobsweepd"), "--version"], daemon.place.environment).stdout.split()[1]
        equal(sample(found, "jobsweep_build_info", version=version), 1)
        equal(sample(found, "jobsweep_runs_total", policy="old", target="sim", result="failure"), 0)
        equal(sample(found, "jobsweep_executions_total", policy="old", target="sim", outcome="unknown"), 0)
        equal(found["jobsweep_run_last_success_timestamp_seconds"], {})
        equal(found["jobsweep_config_last_reload_successful"][()], 1)
        equal((found["jobsweep_ledger_frozen"][()], found["jobsweep_ledger_short_of_space"][()]), (0, 0))
        now = time.time()
        for moment in ("process_start_time_seconds", "jobsweep_config_loaded_timestamp_seconds"):
            assert now - LIMIT_S < found[moment][()] <= now, (moment, found[moment], now)
        assert 1e6 < found["process_resident_memory_bytes"][()] < 1e9, found["process_resident_memory_bytes"]
        open_fds = len(os.listdir(f"/proc/{daemon.process.pid}/fd"))
        assert abs(found["process_open_fds"][()] - open_fds) <= 2, (found["process_open_fds"], open_fds)


def test_the_manual_has_each_family_and_its_alerts_name_only_what_there_is():
    with serving() as (_, _, port):
        found = page(port)
    families = {name for name in found if not re.search("_(bucket|sum|count)$", name)}
    with open(os.path.join(ROOT, "man/jobsweepd.8"), encoding="utf-8") as file:
        manual = file.read()
    heads = re.findall(r"^\.It Cm ((?:jobsweep|process)_.*)$", manual, re.M)
    equal({name for head in heads for name in head.split(" , ")}, families)
    alerts = re.findall(r"^(?!\.)(.*jobsweep_.*)$", manual, re.M)
    assert len(alerts) >= 5, alerts
    for name in re.findall(r"jobsweep_\w+", " ".join(alerts)):
        assert name in families, name
    for name, label, words in re.findall(r'(jobsweep_\w+)\{(\w+)=~?"([^"]+)"\}', " ".join(alerts)):
        known = {dict(labels)[label] for labels in found[name]}
        assert set(words.split("|")) <= known, (words, known)


def sweep_once(*fleet, world=None, **values):
    """A daemon that sweeps once, and the page that a program saw which it starts afterwards; with the simulator's counts."""
    port, folder = next(PORTS), scratch()
    program_path, path = os.path.join(folder, "fetch"), os.path.join(folder, "page")
    with open(program_path, "w", encoding="utf-8") as file:
        file.write(FETCH)
    os.chmod(program_path, stat.S_IRWXU)
    with Iotsim(*fleet) as sim:
        if world:
            sim.control("world", world)
        more = values.pop("more", "") + f'on_finish: {{exec: ["{program_path}", "{HOST}", "{port}", "{path}"]}}'
        place = Place(sim, **values, more=more + listen(port))
        ran = run(place.command("--once", name="jobsweepd"), place.environment, timeout=2 * LIMIT_S)
        counts = sim.counts()
        names = {row[word] for row in sim.deleted() for word in ("job_id", "thing_name") if word in row}
    with open(path, encoding="utf-8") as file:
        text = file.read()
    for secret in (ACCESS_KEY, SECRET_KEY, *names):
        assert secret not in text, f"the page tells {secret}"
    return exposition.read(text), counts, ran.stderr


def test_the_numbers_of_a_run_are_those_of_its_report_and_of_the_service():
    found, counts, said = sweep_once(*FLEET, "--quota", "all=-1")
    ended = dict(re.findall(r"(\w+)=(\w+)", next(line for line in said.splitlines() if "sweep ended" in line)))
    assert counts["deleted"] > 0
    equal(sample(found, "jobsweep_executions_total", policy="old", target="sim", outcome="deleted"), counts["deleted"])
    equal(sum(found["jobsweep_executions_total"].values()), int(ended["selected"]))
    equal(sample(found, "jobsweep_plan_listed_executions", policy="old", target="sim"), int(ended["listed"]))
    equal(sample(found, "jobsweep_plan_selected_executions", policy="old", target="sim"), int(ended["selected"]))
    equal(sample(found, "jobsweep_runs_total", policy="old", target="sim", result="success"), 1)
    equal(sum(found["jobsweep_runs_total"].values()), 1)
    assert abs(sample(found, "jobsweep_run_last_success_timestamp_seconds", policy="old", target="sim") - time.time()) < 2 * LIMIT_S
    for operation, seen in counts["operations"].items():
        sent = sum(value for labels, value in found["jobsweep_requests_total"].items() if ("operation", operation) in labels)
        equal(sent, seen["received"], operation)
    assert found["jobsweep_ledger_commit_duration_seconds_count"][()] > 0
    equal(found["jobsweep_quarantined_executions"][()], 0)


def test_throttled_answers_and_repeated_requests_are_told():
    found, counts, _ = sweep_once(*FLEET, "--quota", "ListJobExecutionsForJob=2", "--quota", "DescribeJob=2")
    throttled = sum(seen["throttled"] for seen in counts["operations"].values())
    assert throttled > 0, counts
    equal(sum(value for labels, value in found["jobsweep_requests_total"].items() if ("answer", "throttled") in labels), throttled)
    reads = throttled - counts["operations"]["DeleteJobExecution"]["throttled"]
    assert sum(found["jobsweep_request_retries_total"].values()) >= reads > 0, found["jobsweep_request_retries_total"]


def test_what_waits_for_a_lost_answer_is_told():
    with serving(*LOSING, options=("--once",), life="300s") as (sim, daemon, port):
        def quarantined():
            found = page(port)
            lost = sum(value for labels, value in found["jobsweep_requests_total"].items() if ("answer", "ambiguous") in labels)
            waiting = found["jobsweep_quarantined_executions"][()]
            assert waiting <= lost <= sim.counts()["deleted"], found
            return found if waiting > 0 else None
        found = wait_until(quarantined, "executions in quarantine")
        equal(found["jobsweep_runs"][()], 1)
        rate = sample(found, "jobsweep_lane_requests_per_second", target="sim", operation="DeleteJobExecution")
        assert rate > 0 and sample(found, "jobsweep_lane_waiting_requests", target="sim", operation="DeleteJobExecution") >= 0
        daemon.process.send_signal(signal.SIGTERM)
        daemon.process.send_signal(signal.SIGTERM)


def test_other_paths_and_methods_are_refused():
    with serving() as (_, _, port):
        for path in ("/", "/metrics/", "/Metrics", "/metricsx", "//metrics", "/../metrics", "/_iotsim/counts"):
            equal(ask(port, path=path)[0], 404, path)
        equal(ask(port, path="/metrics?name=x")[0], 200)
        for method in ("POST", "PUT", "DELETE", "OPTIONS", "PATCH", "TRACE", "get"):
            status, headers, _ = ask(port, method)
            equal((method, status, headers["Allow"]), (method, 405, "GET, HEAD"))
        equal(ask(port, "POST", body=b"x" * 100_000)[0], 405)
        status, headers, body = ask(port, "HEAD")
        equal((status, body), (200, b""))
        assert int(headers["Content-Length"]) > 1000, headers.items()
        page(port)


def closed(connection):
    """What it said before it was closed."""
    said = b""
    connection.settimeout(LIMIT_S)
    with contextlib.suppress(ConnectionResetError):
        while piece := connection.recv(65536):
            said += piece
    return said


def test_hostile_clients_are_closed():
    with serving() as (_, _, port):
        resident = page(port)["process_resident_memory_bytes"][()]
        for text in (b"\x00\xff" * 500 + b"\r\n\r\n", b"GET\r\n\r\n", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
                     b"GET /metrics HTTP/1.1\r\nX: " + b"x" * 200_000 + b"\r\n\r\n", b"GET /" + b"m" * 100_000 + b" HTTP/1.1\r\n\r\n",
                     b"GET /metrics HTTP/1.1\r\nHost: x\r\n" + b"A: b\r\n" * 50_000 + b"\r\n"):
            with socket.create_connection((HOST, port), timeout=LIMIT_S) as connection:
                with contextlib.suppress(ConnectionResetError, BrokenPipeError):
                    connection.sendall(text)
                said = closed(connection)
                assert not said.startswith(b"HTTP/1.1 200"), (text[:50], said[:200])
        grown = page(port)["process_resident_memory_bytes"][()] - resident
        assert grown < (64e6 if "sanitize" in BUILD else 4e6), grown


def test_silent_clients_keep_nobody_out():
    """More than there is room for: the daemon drops them, and then others have their turn."""
    with serving() as (_, _, port), contextlib.ExitStack() as stack:
        silent = [stack.enter_context(socket.create_connection((HOST, port), timeout=LIMIT_S)) for _ in range(24)]
        for connection in silent[::2]:
            connection.sendall(b"GET /metrics HTTP/1.1\r\n")
        page(port)
        for connection in silent[:16]:
            closed(connection)


def test_a_slow_client_is_dropped_although_it_is_never_silent():
    with serving() as (_, _, port), contextlib.ExitStack() as stack:
        connection = stack.enter_context(socket.create_connection((HOST, port), timeout=LIMIT_S))
        connection.sendall(b"GET /metrics HTTP/1.1\r\nX: ")
        end = time.monotonic() + LIMIT_S
        while not select.select([connection], [], [], 0.5)[0]:
            assert time.monotonic() < end, "it is served for ever"
            with contextlib.suppress(ConnectionResetError, BrokenPipeError):
                connection.sendall(b"x")
        assert not closed(connection).startswith(b"HTTP/1.1 200")
        page(port)


def test_who_comes_while_no_descriptor_is_left_is_answered_later():
    with serving() as (_, daemon, port):
        pid = daemon.process.pid
        limits = resource.prlimit(pid, resource.RLIMIT_NOFILE)
        resource.prlimit(pid, resource.RLIMIT_NOFILE, (3, limits[1]))
        with socket.create_connection((HOST, port), timeout=LIMIT_S) as connection:
            connection.sendall(b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n")
            assert not select.select([connection], [], [], 0.3)[0], "there was a descriptor"
            resource.prlimit(pid, resource.RLIMIT_NOFILE, limits)
            assert closed(connection).startswith(b"HTTP/1.1 200 OK\r\n")


def test_only_the_address_that_is_named_is_listened_at():
    with serving() as (_, _, port):
        page(port)
        assert refused(port, HOST.rsplit(".", 1)[0] + ("." + "1" if not HOST.endswith(".1") else ".2"))
        assert refused(port, "127.0.0.1")


def test_ipv6_is_listened_at():
    probe = socket.socket(socket.AF_INET6, socket.SOCK_STREAM)
    with probe:
        try:
            probe.bind(("::1", 0))
        except OSError as why:
            raise Skip(f"no IPv6 here: {why}") from None
        port = probe.getsockname()[1]
    with Iotsim(*FLEET) as sim, contextlib.ExitStack() as stack:
        Daemon(stack, Place(sim, more=listen(port, "[::1]")))
        page(port, "::1")
        assert refused(port, "127.0.0.1")


def test_an_address_in_use_fails_the_start_and_is_named():
    port = next(PORTS)
    with Iotsim(*FLEET, "--quota", "all=-1") as sim, socket.create_server((HOST, port)):
        place = Place(sim, more=listen(port))
        ran = run(place.command("--once", name="jobsweepd"), place.environment)
        equal(ran.returncode, 1, ran.stderr)
        wanted = rf"start failed error=\"{re.escape(place.path)}:\d+:19: metrics\.listen: {HOST}:{port}: Address already in use"
        assert re.search(wanted, ran.stderr), ran.stderr
        equal(sim.counts()["deleted"], 0)


def wait_for_reload(port, taken):
    """A page is up to a second old."""
    def seen():
        found = page(port)
        return found if found["jobsweep_config_last_reload_successful"][()] == taken else None
    return wait_until(seen, f"a reload: {taken}")


def test_a_reload_moves_the_page_or_changes_nothing():
    with serving() as (_, daemon, first):
        second, taken = next(PORTS), next(PORTS)
        daemon.reload(more=listen(second))
        page(second)
        assert refused(first)
        with socket.create_server((HOST, taken)):
            told = daemon.reload(more=listen(taken) + "\nlog: {level: debug, format: json}", target="other")
        assert "Address already in use" in told and "reload refused" in told and not told.startswith("{"), told
        found = wait_for_reload(second, False)
        assert sample(found, "jobsweep_runs_total", policy="old", target="sim", result="success") == 0
        third = next(PORTS)
        told = daemon.reload(more=listen(third) + "\ncontrol: {socket: /proc/none/socket}", target="other")
        assert "reload refused" in told and refused(third), told
        wait_for_reload(second, False)
        daemon.reload(more=listen(second), target="other")
        found = wait_for_reload(second, True)
        equal({dict(labels)["target"] for labels in found["jobsweep_runs_total"]}, {"other"})
        daemon.reload(more="nonsense: 1")
        wait_for_reload(second, False)
        daemon.reload()
        assert refused(second)


def free_everywhere():
    """A port that is free at every address, and whether IPv6 has it too."""
    with socket.socket() as probe:
        probe.bind(("0.0.0.0", 0))
        port = probe.getsockname()[1]
    with contextlib.suppress(OSError), socket.socket(socket.AF_INET6, socket.SOCK_STREAM) as probe:
        probe.bind(("::1", port))
        return port, True
    return port, False


def test_a_reload_keeps_the_port_at_another_address():
    port, ipv6 = free_everywhere()
    addresses = [(HOST, HOST), ("0.0.0.0", HOST), (HOST, HOST)] + [("[::1]", "::1"), ("0.0.0.0", HOST), ("[::1]", "::1")] * ipv6
    with Iotsim(*FLEET, "--quota", "all=-1") as sim, contextlib.ExitStack() as stack:
        daemon = Daemon(stack, Place(sim, more=listen(port)))
        page(port)
        for address, reached in addresses:
            told = daemon.reload(more=listen(port, address))
            assert "reload refused" not in told, (address, told)
            page(port, reached)
            with contextlib.suppress(OSError), socket.create_server((reached, port), family=socket.AF_INET6 if ":" in reached else socket.AF_INET):
                raise AssertionError(f"{address} can be taken by others")
        with socket.create_server((HOST, port)) if ipv6 else contextlib.nullcontext():
            refusal = "reload refused" if ipv6 else ""
            assert refusal in daemon.reload(more=listen(port, "0.0.0.0")), daemon.said()
            page(port, addresses[-1][1])


def test_ten_thousand_targets_are_told_by_their_entry():
    port, folder = next(PORTS), scratch()
    path = os.path.join(folder, "jobsweep.yaml")
    accounts = ", ".join(f'"{account:012}"' for account in range(1000))
    regions = ", ".join(f"eu-west-{number}" for number in range(10))
    with open(path, "w", encoding="utf-8") as file:
        file.write(TARGETS.format(state=folder, address=f"{HOST}:{port}", accounts=accounts, regions=regions))
    os.chmod(path, 0o600)
    with Iotsim(*FLEET) as sim, contextlib.ExitStack() as stack:
        place = Place(sim)
        place.path = path
        Daemon(stack, place)
        status, _, body = ask(port)
        equal(status, 200)
        found = exposition.read(body.decode())
        equal({dict(labels)["target"] for labels in found["jobsweep_runs_total"]}, {"many"})
        assert len(body) < 20_000, len(body)


def test_when_the_sessions_of_a_role_end_is_told():
    role = f"arn:aws:iam::{ACCOUNT}:role/sweep"
    found, _, said = sweep_once(*FLEET, "--quota", "all=-1", life=f'2s\n    role_arn: "{role}"',
                                world={"roles": [{"account": ACCOUNT, "name": "sweep"}]})
    assert "end=finished" in said, said
    end = sample(found, "jobsweep_credentials_expiry_timestamp_seconds", target="sim")
    assert time.time() < end < time.time() + 3700, end


def test_credentials_that_never_end_have_no_end():
    equal(sweep_once(*FLEET, "--quota", "all=-1")[0]["jobsweep_credentials_expiry_timestamp_seconds"], {})


main([value for name, value in list(globals().items()) if name.startswith("test_")], at_once=4)
