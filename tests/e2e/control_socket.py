#!/usr/bin/env python3
"""The control socket itself: where it is, who may speak, and clients that keep to no rule."""
import contextlib
import json
import os
import signal
import socket
import subprocess
import threading

from harness import LIMIT_S, Skip, equal, main, program, run, scratch, wait_until
from listening import SELECTED, daemon, journal_deletions, read_reply


def test_a_reload_moves_the_socket_or_is_refused():
    with daemon() as it:
        elsewhere = os.path.join(it.folder, "run", "other.sock")
        it.write(head=f"control: {{socket: {elsewhere}}}")
        before = it.socket
        equal(run([*it.command("reload"), "--socket", before], it.environment).returncode, 0)
        assert not os.path.exists(before) and os.path.exists(elsewhere)
        it.socket = elsewhere
        equal(it.jobsweep("status").returncode, 0)
        it.write(head=f"control: {{socket: {it.path}}}")
        refused = run([*it.command("reload"), "--socket", elsewhere], it.environment)
        equal(refused.returncode, 2)
        assert "what is there is no socket" in refused.stderr, refused.stderr
        equal(it.status()[0]["reload_failed_at"] is not None, True)
        it.write(head="control: {socket: none}")
        equal(run([*it.command("reload"), "--socket", elsewhere], it.environment).returncode, 0)
        assert not os.path.exists(elsewhere)
        alone = it.jobsweep("status")
        equal(alone.returncode, 2)
        assert "wants no control socket" in alone.stderr, alone.stderr


def reload_by_signal(it):
    before = len(it.said())
    it.process.send_signal(signal.SIGHUP)
    wait_until(lambda: " reload" in it.said()[before:], "the reload")
    return it.said()[before:]


def test_a_reload_makes_a_socket_again_whose_file_is_gone():
    with daemon() as it:
        for remove in (os.unlink, lambda path: os.rename(path, path + ".away")):
            remove(it.socket)
            equal(it.jobsweep("status").returncode, 7)
            assert " reloaded " in reload_by_signal(it), it.said()
            equal(it.jobsweep("status").returncode, 0)
        before = os.stat(it.socket).st_ino
        assert " reloaded " in reload_by_signal(it), it.said()
        equal(os.stat(it.socket).st_ino, before, "a socket that is where it should be stays")
        os.unlink(it.socket)
        with socket.socket(socket.AF_UNIX) as other:
            other.bind(it.socket)
            other.listen()
            assert "another process listens there" in reload_by_signal(it), it.said()
            it.stop()
            assert os.path.exists(it.socket), "the other's socket is none of its business"


def test_a_socket_may_get_another_name_for_the_place_where_it_is():
    with daemon() as it:
        link = os.path.join(scratch(), "link")
        os.symlink(it.folder, link)
        names = [f"{link}/control.sock", f"{it.folder}/../{os.path.basename(it.folder)}/control.sock"]
        for before, name in zip([it.socket, *names], names):
            it.write(head=f"control: {{socket: {name}}}")
            moved = run([*it.command("reload"), "--socket", before], it.environment)
            equal(moved.returncode, 0, moved.stderr)
            equal(it.jobsweep("status").returncode, 0)
        it.stop()
        assert not os.path.exists(it.socket)


def test_a_reload_does_without_the_usual_socket_as_the_start_does():
    with daemon() as it:
        it.stop()
        deep = os.path.join(it.folder, "d" * 108)  # a socket in there would have too long a path
        os.mkdir(deep, 0o700)
        it.write(state=deep)
        before = len(it.said())
        it.launch()
        wait_until(lambda: " ready " in it.said()[before:], "the daemon")
        assert "no control socket" in it.said()[before:], it.said()
        before = len(it.said())
        it.process.send_signal(signal.SIGHUP)
        wait_until(lambda: " reload" in it.said()[before:], "the reload")
        assert " reloaded policies=2 " in it.said()[before:], it.said()
        it.stop()


def test_a_socket_that_was_left_is_replaced_and_one_that_is_used_is_not():
    with daemon() as it:
        it.process.kill()
        it.process.wait()
        assert os.path.exists(it.socket)
        it.start()
        equal(oct(os.stat(it.socket).st_mode & 0o7777), "0o600")
        other = scratch()
        path = os.path.join(other, "jobsweep.yaml")
        with open(path, "w", encoding="utf-8") as file:
            file.write(open(it.path, encoding="utf-8").read().replace(f"state_directory: {it.folder}",
                                                                      f"state_directory: {other}\ncontrol: {{socket: {it.socket}}}"))
        os.chmod(path, 0o600)
        second = run([program("jobsweepd"), "-c", path], it.environment)
        equal(second.returncode, 1)
        assert "another process listens there" in second.stderr, second.stderr
        equal(it.jobsweep("status").returncode, 0)


def test_a_folder_that_others_can_write_to_is_refused():
    with daemon() as it:
        folder = os.path.join(it.folder, "open")
        os.mkdir(folder)
        os.chmod(folder, 0o777)
        it.write(head=f"control: {{socket: {folder}/x.sock}}")
        refused = run([*it.command("reload"), "--socket", it.socket], it.environment)
        equal(refused.returncode, 2)
        assert "can be written by everybody" in refused.stderr, refused.stderr


def test_another_user_is_refused():
    if os.geteuid() != 0:
        raise Skip("only root can become somebody else")
    with daemon() as it:
        os.chmod(it.folder, 0o755)
        os.chmod(it.socket, 0o666)  # as if the mode had not kept him out
        code = ("import os,socket,sys; os.setgid(65534); os.setuid(65534); s=socket.socket(socket.AF_UNIX); "
                "s.settimeout(60); s.connect(sys.argv[1]);\n"
                "try: s.sendall(b'{\"command\":\"pause\"}\\n')\nexcept OSError: pass\n"
                "print(s.recv(4096).decode())")
        said = run(["/usr/bin/python3", "-c", code, it.socket], {"PATH": os.environ["PATH"]})
        assert "only root and the user of the daemon may ask" in said.stdout, said
        equal(it.status()[0]["paused"], False)


FAKE = """import os, socket, sys
os.setgid(65534)
os.setuid(65534)
server = socket.socket(socket.AF_UNIX)
server.bind(sys.argv[1])
server.listen()
print("listens", flush=True)
while True:
    client = server.accept()[0]
    try:
        client.recv(4096)
        client.sendall(b'{"event":"resumed"}\\n{"event":"end","exit":0}\\n')
    except OSError:
        pass
"""


@contextlib.contextmanager
def fake_daemon():
    """A socket of nobody's, and a configuration whose state directory is not his."""
    if os.geteuid() != 0:
        raise Skip("only root can become somebody else")
    folder = scratch()
    state, path, configuration = (os.path.join(folder, name) for name in ("state", "fake.sock", "jobsweep.yaml"))
    os.mkdir(state, 0o700)
    os.chmod(folder, 0o777)
    with open(configuration, "w", encoding="utf-8") as file:
        file.write(f"version: 1\nstate_directory: {state}\n")
    with subprocess.Popen(["/usr/bin/python3", "-c", FAKE, path], stdout=subprocess.PIPE, env={"PATH": "/usr/bin"}) as fake:
        try:
            equal(fake.stdout.readline(), b"listens\n")
            os.chmod(path, 0o666)
            yield state, [program("jobsweep"), "resume", "--socket", path], configuration
        finally:
            fake.kill()


def is_refused(command):
    refused = run(command, {"PATH": "/usr/bin"})
    equal(refused.returncode, 7, refused.stderr)
    assert "resumed" not in refused.stderr and "nobody serves it, who is neither root, nor you" in refused.stderr, refused.stderr


def test_a_socket_of_somebody_else_is_not_believed():
    with fake_daemon() as (state, resume, configuration):
        is_refused(resume)
        is_refused([*resume, "-c", configuration])
        os.chown(state, 65534, 65534)
        taken = run([*resume, "-c", configuration], {"PATH": "/usr/bin"})
        equal(taken.returncode, 0, taken.stderr)


def test_in_a_namespace_where_two_users_have_one_number_neither_is_taken_for_the_other():
    if subprocess.run(["unshare", "-Ur", "true"], capture_output=True, check=False).returncode != 0:
        raise Skip("no user namespace is to be had")
    with fake_daemon() as (state, resume, configuration):
        os.chown(state, 12345, 12345)
        is_refused(["unshare", "-Ur", *resume, "-c", configuration])


def ends(client):
    """Reads until the daemon closes; all that came."""
    text = b""
    with contextlib.suppress(ConnectionError):
        while piece := client.recv(65536):
            text += piece
    return text


def test_half_a_line_is_given_up():
    with daemon() as it, it.connect() as half, it.connect() as silent:
        half.sendall(b'{"command":')
        equal((ends(half), ends(silent)), (b"", b""))
        equal(it.jobsweep("status").returncode, 0)


def test_a_line_without_end_is_cut_off():
    with daemon() as it, it.connect() as client:
        with contextlib.suppress(ConnectionError):
            for _ in range(160):
                client.sendall(b"x" * 65536)
        equal(ends(client), b"")
        with it.connect() as exact:  # the longest line is answered
            exact.sendall(b'{"command":"status"}' + b" " * (65536 - 20) + b"\n")
            assert '"exit":0' in read_reply(exact)
        with it.connect() as more:
            with contextlib.suppress(ConnectionError):
                more.sendall(b'{"command":"status"}' + b" " * (65537 - 20) + b"\n")
            equal(ends(more), b"")


def test_what_is_no_request_is_refused():
    with daemon() as it:
        for line in (b"\0\xff\xfe\x80", b"[" * 60000, b"{}", b"null", b'{"command":"Status"}', b'{"command":"status","x":1}', b"",
                     b'{"command":"run"}', b'{"command":"run","policies":["\x1b[2J"]}', b"\r", b"GET / HTTP/1.1"):
            with it.connect() as client:
                client.sendall(line + b"\n")
                reply = [json.loads(text) for text in read_reply(client).splitlines()]
                equal([reply[0]["event"], reply[-1]["exit"]], ["error", 2], line)
        assert "\x1b" not in it.said() and "\0" not in it.said()
        equal(it.jobsweep("status").returncode, 0)


def test_requests_of_one_client_are_answered_one_after_the_other():
    with daemon() as it, it.connect() as client:
        client.sendall(b'{"command":"pause"}\n{"command":"resume"}\n{"command":"bad"}\n{"command":"status"}\n')
        client.shutdown(socket.SHUT_WR)
        lines = [json.loads(line) for line in ends(client).decode().splitlines()]
        equal([line["exit"] for line in lines if line["event"] == "end"], [0, 0, 2, 0])
        equal([lines[0]["event"], lines[2]["event"], lines[4]["event"], lines[6]["event"]], ["paused", "resumed", "error", "daemon"])


def test_a_thousand_clients_leave_room_again():
    with daemon() as it, contextlib.ExitStack() as stack:
        first = [stack.enter_context(it.connect()) for _ in range(16)]
        for client in first:
            client.sendall(b'{"command":"status"}\n')
        for client in first:
            read_reply(client)
        for _ in range(984):
            with it.connect() as client:
                text = ends(client)
                assert b"too many clients" in text or text == b"", text
        for client in first:
            client.close()
        wait_until(it.answers, "a place that is free again")


def test_who_leaves_in_the_middle_of_a_reply_harms_nobody():
    with daemon(rate=40) as it:
        for request in ({"command": "status", "all": True}, {"command": "run", "policies": ["old"]}):
            with it.connect() as client:
                client.sendall(json.dumps(request).encode() + b"\n")
        wait_until(lambda: journal_deletions(it.sim) == SELECTED, "the run that nobody follows")
        equal(it.jobsweep("status").returncode, 0)


def test_who_reads_nothing_is_dropped():
    with daemon() as it, it.connect() as client:
        client.settimeout(LIMIT_S)

        def send():
            with contextlib.suppress(OSError):
                while True:  # replies pile up until the daemon takes no more
                    client.sendall(b'{"command":"status","all":true}\n' * 100)
        sender = threading.Thread(target=send)
        sender.start()
        sender.join(LIMIT_S)
        assert not sender.is_alive(), "the client was not dropped"
        equal(it.jobsweep("status").returncode, 0)


if __name__ == "__main__":
    main([test for name, test in list(globals().items()) if name.startswith("test_")], at_once=4)
