#!/usr/bin/env python3
"""Each fuzzer for some seconds, two at a time, one TAP line each: it finds nothing.

usage: tests/fuzz/fuzz.py SECONDS FUZZER...   (of VARIANT=fuzz)

It starts from tests/fuzz/corpus/NAME; the inputs it makes go to build/fuzz/corpus/NAME and serve the next run. An input
that breaks something is kept in build/fuzz/found: once mended, it belongs into tests/fuzz/corpus/NAME.
"""
import concurrent.futures
import os
import re
import subprocess
import sys

ONE_INPUT_S = 10
MEGABYTES = 1024


def fuzz(program, seconds):
    folder, name = os.path.split(program)
    name = name.removeprefix("fuzz_")
    made, found = os.path.join(folder, "corpus", name), os.path.join(folder, "found")
    os.makedirs(made, exist_ok=True)
    os.makedirs(found, exist_ok=True)
    command = [program, f"-max_total_time={seconds}", f"-timeout={ONE_INPUT_S}", f"-rss_limit_mb={MEGABYTES}",
               f"-artifact_prefix={found}/{name}-", "-print_final_stats=1", made, f"tests/fuzz/corpus/{name}"]
    try:
        result = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace",
                                timeout=seconds + 100)
    except subprocess.TimeoutExpired:
        return False, "it did not end in time", "no"
    runs = re.search(r"number_of_executed_units:\s*(\d+)", result.stderr)
    return result.returncode == 0 and runs, result.stderr[-4000:], runs.group(1) if runs else "no"


def main():
    seconds, programs = int(sys.argv[1]), sys.argv[2:]
    failed = 0
    print(f"1..{len(programs)}")
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        results = pool.map(lambda program: fuzz(program, seconds), programs)
        for number, (program, (clean, words, runs)) in enumerate(zip(programs, results), 1):
            failed += not clean
            print(f"{'ok' if clean else 'not ok'} {number} - {os.path.basename(program)} finds nothing in {runs} runs", flush=True)
            if not clean:
                print("# " + words.replace("\n", "\n# "), flush=True)
    sys.exit(1 if failed else 0)


main()
