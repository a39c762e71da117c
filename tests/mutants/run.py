#!/usr/bin/env python3
"""Plants known bugs one at a time and asks the seeded simulator to find them.

usage: tests/mutants/run.py [-j N] [--seeds N] [--only WORD] [--part WORD] [--check]

The catalogue (tests/mutants/catalogue.toml) holds one-line changes: a file, the text that is there once, and what
stands there instead. Each is made in a copy of the tree, built, and run through the simulator from its first seed;
found means that the simulator fails. --check only tells whether every entry still fits the tree (TAP).

Exit status 0 only if at least 98 % are found and none in the state machine is missed.
"""
import argparse
import concurrent.futures
import os
import queue
import re
import shutil
import subprocess
import sys
import time
import tomllib

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
CATALOGUE = os.path.join(ROOT, "tests", "mutants", "catalogue.toml")
WORK = os.path.join(ROOT, "build", "mutants")
PROGRAM = "build/release/tests/test_simulator"
SHARE = 0.98
BUILD_SECONDS = 300
RUN_SECONDS = 600
FAILURE = re.compile(r"seed \d+, step \d+: .*")


def load():
    with open(CATALOGUE, "rb") as file:
        mutants = tomllib.load(file)["mutant"]
    names = [mutant["name"] for mutant in mutants]
    assert len(set(names)) == len(names), "a name occurs twice"
    return mutants


def misfit(root, mutant):
    """Why the mutant cannot be planted; None when it can."""
    try:
        with open(os.path.join(root, mutant["file"]), encoding="utf-8") as file:
            count = file.read().count(mutant["old"])
    except OSError as error:
        return str(error)
    if count != 1:
        return f"the text occurs {count} times in {mutant['file']}"
    return "it changes nothing" if mutant["old"] == mutant["new"] else None


def check(mutants):
    print(f"1..{len(mutants)}")
    failed = 0
    for number, mutant in enumerate(mutants, 1):
        reason = misfit(ROOT, mutant)
        failed += reason is not None
        print(f"{'not ok' if reason else 'ok'} {number} - {mutant['name']}{': ' + reason if reason else ''}")
    return 1 if failed else 0


def copy_tree(tree):
    """What git knows of, as it is in the working tree."""
    shutil.rmtree(tree, ignore_errors=True)
    names = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True).stdout
    for name in filter(None, names.decode().split("\0")):
        if os.path.isfile(os.path.join(ROOT, name)):
            os.makedirs(os.path.dirname(os.path.join(tree, name)), exist_ok=True)
            shutil.copy2(os.path.join(ROOT, name), os.path.join(tree, name))


def build(tree):
    return subprocess.run(["make", "-s", "VARIANT=release", PROGRAM], cwd=tree, stdin=subprocess.DEVNULL,
                          capture_output=True, text=True, timeout=BUILD_SECONDS, check=False)


def simulate(tree, seeds):
    environment = dict(os.environ, JOBSWEEP_SEEDS=str(seeds), JOBSWEEP_REDUCE="0")
    environment.pop("JOBSWEEP_SEED", None)
    try:
        result = subprocess.run([os.path.join(tree, PROGRAM)], cwd=tree, env=environment, capture_output=True,
                                stdin=subprocess.DEVNULL, text=True, errors="replace", timeout=RUN_SECONDS, check=False)
    except subprocess.TimeoutExpired:
        return True, f"did not end within {RUN_SECONDS} s"
    if result.returncode == 0:
        return False, ""
    seed = FAILURE.search(result.stdout + result.stderr)
    return True, seed.group(0) if seed else f"exit status {result.returncode}"


def plant(tree, mutant):
    path = os.path.join(tree, mutant["file"])
    with open(path, encoding="utf-8") as file:
        original = file.read()
    with open(path, "w", encoding="utf-8") as file:
        file.write(original.replace(mutant["old"], mutant["new"]))
    return path, original


def try_one(trees, mutant, seeds):
    tree = trees.get()
    started = time.monotonic()
    path, original = plant(tree, mutant)
    try:
        built = build(tree)
        if built.returncode != 0:
            return mutant, None, "it does not build:\n" + built.stderr, time.monotonic() - started
        found, how = simulate(tree, seeds)
        return mutant, found, how, time.monotonic() - started
    finally:
        with open(path, "w", encoding="utf-8") as file:
            file.write(original)
        trees.put(tree)


def make_trees(count):
    trees = queue.Queue()
    names = [os.path.join(WORK, str(number)) for number in range(count)]
    for tree in names:  # all at once: somebody may be editing
        copy_tree(tree)
    for tree in names:
        built = build(tree)
        if built.returncode != 0:
            sys.exit("the tree does not build:\n" + built.stderr)
        trees.put(tree)
    return trees


def try_as_it_is(trees, seeds):
    """A tree that fails by itself would find everything."""
    with concurrent.futures.ThreadPoolExecutor() as pool:
        for found, how in pool.map(lambda tree: simulate(tree, seeds), list(trees.queue)):
            if found:
                sys.exit(f"the simulator fails on the tree as it is: {how}")


def verdict(results):
    found = sum(1 for _, caught, _, _ in results if caught)
    machine = [mutant for mutant, caught, _, _ in results if mutant["part"] == "state machine" and not caught]
    print(f"mutants: {found} of {len(results)} found ({100 * found / len(results):.1f} %); "
          f"of the state machine {len(machine)} missed")
    return 0 if found >= SHARE * len(results) and not machine else 1


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("-j", type=int, default=2)
    parser.add_argument("--seeds", type=int, default=3000)
    parser.add_argument("--only", default="")
    parser.add_argument("--part", default="")
    parser.add_argument("--check", action="store_true")
    options = parser.parse_args()
    mutants = [mutant for mutant in load() if options.only in mutant["name"] and options.part in mutant["part"]]
    if options.check:
        return check(mutants)
    misfits = [f"{mutant['name']}: {misfit(ROOT, mutant)}" for mutant in mutants if misfit(ROOT, mutant)]
    if misfits:
        sys.exit("\n".join(misfits))
    trees = make_trees(options.j)
    try_as_it_is(trees, options.seeds)
    results = []
    with concurrent.futures.ThreadPoolExecutor(options.j) as pool:
        for result in pool.map(lambda mutant: try_one(trees, mutant, options.seeds), mutants):
            mutant, caught, how, seconds = result
            word = "found " if caught else "broken" if caught is None else "MISSED"
            print(f"{word} {mutant['part']}: {mutant['name']} ({how + ', ' if how else ''}{seconds:.0f} s)", flush=True)
            results.append(result)
    return verdict(results)


sys.exit(main())
