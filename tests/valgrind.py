#!/usr/bin/env python3
"""The unit tests under valgrind, each one TAP line: no error, no lost memory, no descriptor left open.

usage: tests/valgrind.py TEST-PROGRAM...   (of the release build)
"""
import concurrent.futures
import os
import subprocess
import sys

VALGRIND = ["valgrind", "-q", "--error-exitcode=99", "--leak-check=full", "--errors-for-leak-kinds=definite,indirect",
            "--show-leak-kinds=definite,indirect",
            "--suppressions=" + os.path.join(os.path.dirname(os.path.abspath(__file__)), "valgrind.supp")]
LIMIT_S = 1000  # against a hang: alone, the longest takes a tenth of it


def check(program):
    # test_secrets would start itself anew to set LD_BIND_NOW, and /proc/self/exe is valgrind here
    environment = dict(os.environ, JOBSWEEP_SEEDS="3", JOBSWEEP_VALGRIND="1", LD_BIND_NOW="1")
    try:
        result = subprocess.run(VALGRIND + [program], env=environment, stdin=subprocess.DEVNULL, capture_output=True,
                                text=True, errors="replace", timeout=LIMIT_S)
    except subprocess.TimeoutExpired:
        return False, f"not finished after {LIMIT_S} s"
    clean = result.returncode == 0 and "==" not in result.stderr
    return clean, f"exit status {result.returncode}\n{result.stderr[-4000:]}"


def main():
    programs = sys.argv[1:]
    print(f"1..{len(programs)}")
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        for number, (program, (clean, words)) in enumerate(zip(programs, pool.map(check, programs)), 1):
            print(f"{'ok' if clean else 'not ok'} {number} - {os.path.basename(program)} is clean under valgrind", flush=True)
            if not clean:
                print("# " + words.replace("\n", "\n# "))


if __name__ == "__main__":
    main()
