#!/usr/bin/env python3
"""Each system call on the ledger's files fails once, with EIO and with ENOSPC: the sweep ends with a documented
status and one message, nothing is deleted without an intent on the disk, and the next start settles everything.

JOBSWEEP_EVERY is the step through the calls (in check a sample, in check-long 1), JOBSWEEP_SEED is where it begins.
"""
import collections
import concurrent.futures
import os
import random
import threading

from harness import main, note
from witness import Jobs, Place, Service, check

EVERY = int(os.environ.get("JOBSWEEP_EVERY", "31"))
SEED = int(os.environ.get("JOBSWEEP_SEED", str(random.randrange(1 << 32))))
SIDE_BY_SIDE = 16  # they mostly wait for quarantines
MOST_CALLS = 5000  # of one sweep: it is some hundreds


def said_once(place):
    """The one message: what failed, on which file."""
    told = {line for line in place.said.splitlines() if line.startswith("jobsweep:") and place.state in line}
    assert len(told) == 1, place.said


def one_fault(service, job, error, number, resumed):
    """What happened; None when the sweep ended before its number-th call. resumed: there is a run to go on with."""
    place = Place(service, job)
    if resumed:
        place.interrupt(16 + number % 3)
    status = place.sweep(place.faults(error, number))
    fault, _ = place.happened()
    what = f"JOBSWEEP_SEED={SEED}, {error} at {fault or number}" + (", a run gone on with" if resumed else "")
    try:
        assert status in ((0, 1, 70) if fault else (0,)), f"exit status {status}: {place.said}"
        if status:
            said_once(place)
        check(place, whole=not status)
        place.sweep_to_the_end()
        check(place)
    except Exception as why:
        raise AssertionError(f"{what}: {why}") from why
    return fault, status


def every_call(error, service, jobs):
    """All calls, EVERY-th by EVERY-th, until one sweep runs through."""
    first = 1 + random.Random(f"{SEED} {error}").randrange(EVERY)
    found, over = collections.Counter(), threading.Event()

    def one(number, resumed):
        if over.is_set():
            return
        fault, status = one_fault(service, jobs.next(), error, number, resumed)
        if not fault and not resumed:
            over.set()
        elif fault:
            _, call, path = fault.split()
            found[call, os.path.basename(path), status] += 1

    with concurrent.futures.ThreadPoolExecutor(SIDE_BY_SIDE) as pool:
        tries = [pool.submit(one, number, resumed) for number in range(first, MOST_CALLS, EVERY) for resumed in (False, True)]
        problems = [str(future.exception()) for future in tries if future.exception()]
    note(f"{sum(found.values())} calls failed with {error}: " +
         ", ".join(f"{call} {name} {count} times exit {status}" for (call, name, status), count in sorted(found.items())))
    assert over.is_set() and found
    return problems


def test_each_call_on_the_ledger_fails_once():
    note(f"JOBSWEEP_SEED={SEED}")
    with Service("--things", 40, *Jobs.FLEET) as service, concurrent.futures.ThreadPoolExecutor() as pool:
        jobs = Jobs()
        errors = [pool.submit(every_call, error, service, jobs) for error in ("EIO", "ENOSPC")]
        problems = [problem for error in errors for problem in error.result()]
    assert not problems, f"{len(problems)} problems:\n" + "\n".join(problems[:5])


main([test_each_call_on_the_ledger_fails_once])
