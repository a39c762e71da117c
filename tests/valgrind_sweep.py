#!/usr/bin/env python3
"""Whole sweeps of the release build under valgrind, against iotsim over TLS: no error, no lost memory, and the
deletions that were asked for. Among them answers that are slow, broken, refused and lost."""
import json
import os
import sys

ROOT = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [ROOT, os.path.join(ROOT, "e2e")]
from harness import Iotsim, configure, equal, main, program, run, scratch  # noqa: E402
from valgrind import LIMIT_S, VALGRIND  # noqa: E402

FLEET = ("--things", 40, "--jobs", 6, "--executions", 300, "--quota", "all=-1", "--seed", 11)


def sweep(sim):
    path = configure(scratch(), sim.url, sim.ca)
    environment = dict(sim.environment(), AWS_ENDPOINT_URL_STS=sim.url)
    command = [program("jobsweep"), "-c", path, "--format", "json", "sweep", "old"]
    result = run(VALGRIND + command, environment, timeout=LIMIT_S)
    assert "==" not in result.stderr, result.stderr[-4000:]
    report = json.loads(result.stdout.splitlines()[-1])
    equal(report["exit"], result.returncode, result.stderr)
    equal(sum(report["outcomes"].values()), report["selected"], "the sum of the outcomes")
    return report


def a_sweep_is_clean_under_valgrind():
    with Iotsim(*FLEET) as sim:
        report = sweep(sim)
        assert report["selected"] > 20
        equal(report["outcomes"]["deleted"], report["selected"])
        equal(sim.counts()["deleted"], report["selected"])
        equal(report["exit"], 0)


def a_sweep_with_faults_is_clean_under_valgrind():
    faults = ("throttle=0.05", "500=0.05", "garbage=0.05", "reset-after=0.05", "reset-before=0.05")
    options = [word for fault in faults for word in ("--fault", fault)]
    with Iotsim(*FLEET, *options, "--fault-limit", 30) as sim:
        report = sweep(sim)
        outcomes = report["outcomes"]
        assert sum(sim.counts()["faults"].values()) > 5
        gone = outcomes["deleted"] + outcomes.get("deleted_presumed", 0)
        assert 0 < sim.counts()["deleted"] <= report["selected"] and gone <= sim.counts()["deleted"]
        equal(sim.counts()["double_deletes"], 0)


if __name__ == "__main__":
    main([a_sweep_is_clean_under_valgrind, a_sweep_with_faults_is_clean_under_valgrind])
