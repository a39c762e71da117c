"""A jobsweepd that is ready, for tests of what it does between its runs."""
import contextlib
import os
import signal
import socket
import subprocess

from harness import LIMIT_S, equal, program, wait_until


class Daemon:
    """A jobsweepd that is ready, with a manager's socket."""

    def __init__(self, stack, place, *options, full=False, **environment):
        self.place = place
        self.manager = stack.enter_context(socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM))
        address = os.path.join(place.folder, "notify")
        with contextlib.suppress(FileNotFoundError):
            os.unlink(address)
        self.manager.bind(address)
        self.manager.settimeout(LIMIT_S)
        if full:
            self.fill()
        self.log = os.path.join(place.folder, "log")
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen([program("jobsweepd"), "-c", place.path, *options], stderr=log,
                                            stdin=subprocess.DEVNULL, env={**place.environment, "NOTIFY_SOCKET": address, **environment})
        stack.callback(self.kill)
        if full:
            self.listen_again()
        equal(self.told(), "READY=1")

    def fill(self):
        """The manager's socket has no room any more."""
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as other, contextlib.suppress(BlockingIOError):
            other.setblocking(False)
            while True:
                other.sendto(b"x", self.manager.getsockname())

    def listen_again(self):
        """Once the daemon has found no room: what filled the socket is taken out."""
        wait_until(lambda: self.said().count("not told yet") > self.said().count("service manager told "), "a message that waits")
        while self.manager.recv(4096, socket.MSG_PEEK) == b"x":
            self.told()

    def kill(self):
        self.process.kill()
        self.process.wait()

    def told(self):
        return self.manager.recv(4096).decode()

    def reload(self, **values):
        """With another configuration; what was logged meanwhile."""
        before = len(self.said())
        self.place.write(**values)
        self.process.send_signal(signal.SIGHUP)
        assert self.told().startswith("RELOADING=1\n")
        equal(self.told(), "READY=1")
        return self.said()[before:]

    def said(self):
        with open(self.log, encoding="utf-8") as log:
            return log.read()
