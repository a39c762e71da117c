#!/usr/bin/env python3
"""What `make install` puts in place, the service's hardening, and the configurations that are shipped."""
import os
import re
import shutil
import subprocess

from harness import Skip, equal, main, program, run, scratch

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../..")
BUILD = os.environ.get("BUILD", "build/release")


def make(target, folder):
    result = subprocess.run(["make", "-s", "-C", ROOT, target, f"DESTDIR={folder}", "PREFIX=/usr", f"BUILD={BUILD}",
                             "VARIANT=" + os.path.basename(BUILD)], capture_output=True, text=True, check=False)
    equal(result.returncode, 0, result.stderr)


def files(folder):
    return {os.path.relpath(os.path.join(base, name), folder): os.stat(os.path.join(base, name)).st_mode & 0o777
            for base, _, names in os.walk(folder) for name in names}


def test_everything_is_installed_with_its_mode_and_goes_again():
    folder = scratch()
    make("install", folder)
    found = files(folder)
    for path, mode in (("usr/bin/jobsweep", 0o755), ("usr/sbin/jobsweepd", 0o755), ("usr/share/man/man1/jobsweep.1", 0o644),
                       ("usr/share/man/man1/jobsweep-delete-job-execution.1", 0o644), ("usr/share/man/man8/jobsweepd.8", 0o644), ("usr/share/man/man5/jobsweep.yaml.5", 0o644),
                       ("usr/share/bash-completion/completions/jobsweep", 0o644), ("usr/share/zsh/site-functions/_jobsweep", 0o644),
                       ("usr/share/fish/vendor_completions.d/jobsweep.fish", 0o644),
                       ("usr/lib/systemd/system/jobsweepd.service", 0o644), ("etc/jobsweep/jobsweep.yaml", 0o644)):
        equal(found.get(path), mode, path)
    make("uninstall", folder)
    equal(list(files(folder)), ["etc/jobsweep/jobsweep.yaml"])


def test_an_installed_configuration_is_not_overwritten():
    folder = scratch()
    make("install", folder)
    path = os.path.join(folder, "etc/jobsweep/jobsweep.yaml")
    with open(path, "a", encoding="utf-8") as file:
        file.write("# mine\n")
    make("install", folder)
    assert open(path, encoding="utf-8").read().endswith("# mine\n")


def test_the_shipped_configurations_are_fine():
    examples = os.path.join(ROOT, "config/examples")
    for path in [os.path.join(ROOT, "config/jobsweep.yaml")] + [os.path.join(examples, name) for name in os.listdir(examples)
                                                                          if name.endswith(".yaml")]:
        copy = os.path.join(scratch(), "jobsweep.yaml")
        shutil.copy(path, copy)
        os.chmod(copy, 0o600)
        result = run([program("jobsweep"), "-c", copy, "check"], {})
        equal(result.returncode, 0, path + result.stderr)


def test_the_service_is_hardened():
    if not shutil.which("systemd-analyze"):
        raise Skip("systemd-analyze is not here")
    folder = scratch()
    make("install", folder)
    result = run(["systemd-analyze", "security", "--offline=true",
                  os.path.join(folder, "usr/lib/systemd/system/jobsweepd.service")], {"PATH": os.environ["PATH"]})
    found = re.search(r"Overall exposure level for \S+: ([0-9.]+)", result.stdout)
    assert found, result.stdout + result.stderr
    assert float(found.group(1)) <= 1.1, found.group(0)


main([value for name, value in list(globals().items()) if name.startswith("test_")])
