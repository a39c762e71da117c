"""A Debian of its own with a real systemd, booted in a container from what the machine's own mirror has.

It needs root, debootstrap, systemd-nspawn and nsenter. The bootstrapped root is kept under build/system, by the
packages that it holds; each Machine works on a copy, which goes when the program ends. The network inside is one
loopback interface and nothing else.
"""
import atexit
import glob
import hashlib
import os
import re
import shutil
import signal
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../e2e"))
from harness import ROOT, equal, wait_until  # noqa: E402

BUILD_NAME = os.environ.get("BUILD", "build/release")

SUITE = "bookworm"
# What the programs link with, by the names that a package of jobsweep would depend on; the last is iotsim's.
PACKAGES = ["systemd", "ca-certificates", "libcurl4", "libjson-c5", "libsqlite3-0", "libssl3", "libuv1", "libyaml-0-2",
            "libzstd1", "libmicrohttpd12"]
BOOT_S = 120
COMMAND_S = 180


def call(*command, timeout=COMMAND_S, **more):
    return subprocess.run([str(word) for word in command], stdin=subprocess.DEVNULL, capture_output=True, text=True,
                          timeout=timeout, check=False, **more)


def mirror():
    """Where this machine itself takes Debian from."""
    listed = call("apt-get", "indextargets", "--format", "$(CODENAME)|$(COMPONENT)|$(REPO_URI)", "Created-By: Packages")
    for line in listed.stdout.splitlines():
        codename, component, uri = line.split("|")
        if (codename, component) == (SUITE, "main"):
            return uri
    raise AssertionError(f"apt knows no mirror of {SUITE}:\n{listed.stdout}{listed.stderr}")


def proxies():
    found = {}
    for scheme in ("http", "https"):
        value = call("apt-config", "shell", "P", f"Acquire::{scheme}::Proxy").stdout
        match = re.match(r"P='(.*)'", value)
        if match and match.group(1) != "DIRECT":
            found[scheme + "_proxy"] = match.group(1)
    return found


def base():
    """The bootstrapped root; a new one appears under its name only when it is complete."""
    name = hashlib.sha256(" ".join([SUITE, *PACKAGES]).encode()).hexdigest()[:12]
    path = os.path.join(ROOT, "build/system", "base-" + name)
    if os.path.isdir(path):
        return path
    half = f"{path}.{os.getpid()}"
    os.makedirs(half)
    atexit.register(shutil.rmtree, half, ignore_errors=True)
    made = call("debootstrap", "--variant=minbase", "--include=" + ",".join(PACKAGES), SUITE, half, mirror(), timeout=900,
                env={**os.environ, **proxies()})
    equal(made.returncode, 0, "debootstrap: " + made.stdout[-2000:] + made.stderr[-2000:])
    os.rename(half, path)
    return path


def remove_left_over():
    """The copies of test programs that were killed."""
    for path in glob.glob(os.path.join(ROOT, "build/system/run-*[0-9]")):
        if not os.path.exists("/proc/" + path.rsplit("-", 1)[1]):
            shutil.rmtree(path, ignore_errors=True)


class Machine:
    def __init__(self):
        source = base()
        remove_left_over()
        self.root = os.path.join(ROOT, "build/system", f"run-{os.getpid()}")
        self.process = self.leader = None
        atexit.register(self.remove)
        equal(call("cp", "-a", "--reflink=auto", source, self.root).returncode, 0, "copying the root")

    def path(self, name):
        return os.path.join(self.root, name.lstrip("/"))

    def write(self, name, text, mode=0o644):
        path = self.path(name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf-8") as file:
            os.fchmod(file.fileno(), mode)
            file.write(text)

    def boot(self):
        self.log = open(self.root + ".log", "wb")  # pylint: disable=consider-using-with
        self.process = subprocess.Popen(
            ["setpriv", "--pdeathsig", "SIGTERM", "systemd-nspawn", "--quiet", "--boot", "--register=no", "--keep-unit", "--private-network", "--link-journal=no",
             "--console=pipe", f"--machine=jobsweep-{os.getpid()}", "-D", self.root],
            stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log, start_new_session=True)
        self.leader = wait_until(self.find_leader, "the container's first process", BOOT_S)
        return wait_until(self.booted, "the container's boot", BOOT_S)

    def find_leader(self):
        """The child of systemd-nspawn that is number 1 in its own PID namespace."""
        assert self.process.poll() is None, open(self.root + ".log", encoding="utf-8", errors="replace").read()
        for child in open(f"/proc/{self.process.pid}/task/{self.process.pid}/children", encoding="ascii").read().split():
            try:
                status = open(f"/proc/{child}/status", encoding="ascii").read()
            except FileNotFoundError:
                continue
            if re.search(r"^NSpid:.*\s\d+\s1$", status, re.MULTILINE):
                return int(child)
        return None

    def booted(self):
        state = self.run("systemctl", "is-system-running").stdout.strip()
        return state if state in ("running", "degraded") else None

    def run(self, *command, timeout=COMMAND_S):
        """A command inside."""
        return call("nsenter", "--target", self.leader, "--mount", "--uts", "--ipc", "--net", "--pid", "--cgroup", "--root",
                    "--wd=/", "env", "-i", "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LANG=C.UTF-8", *command, timeout=timeout)

    def must(self, *command):
        result = self.run(*command)
        equal(result.returncode, 0, " ".join(command) + ": " + result.stdout + result.stderr)
        return result.stdout

    def show(self, unit, *properties):
        lines = self.must("systemctl", "show", unit, "--property=" + ",".join(properties)).splitlines()
        values = dict(line.split("=", 1) for line in lines)
        return [values[name] for name in properties]

    def python(self, program):
        """A Python program of this machine, on the container's network."""
        result = call("nsenter", "--target", self.leader, "--net", sys.executable, "-c", program)
        return result.stdout if result.returncode == 0 else None

    def remove(self):
        """Shuts down, by force after a while, and takes the copy away."""
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(60)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        if self.process:
            self.log.close()
            os.unlink(self.root + ".log")
        shutil.rmtree(self.root, ignore_errors=True)
