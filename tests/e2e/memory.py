#!/usr/bin/env python3
"""Each allocation of a whole sweep fails once, those of the libraries included: the process ends with its one
message or with a documented status, it never crashes or hangs, it loses no record, and the next start settles
everything.

JOBSWEEP_EVERY is the step through the allocations (in check a sample; in check-long 1 is tried until
JOBSWEEP_SECONDS are over, in an order that the seed makes), JOBSWEEP_SEED is printed.
"""
import collections
import concurrent.futures
import os
import random
import time

from harness import main, note
from witness import Jobs, Place, Service, check

EVERY = int(os.environ.get("JOBSWEEP_EVERY", "500"))
SECONDS = int(os.environ.get("JOBSWEEP_SECONDS", "600"))
SEED = int(os.environ.get("JOBSWEEP_SEED", str(random.randrange(1 << 32))))
SIDE_BY_SIDE = 24
TRIES_A_FLEET = 3500  # Jobs has that many


def one_failure(service, job, number):
    """What was said, or None when there was no number-th allocation."""
    place = Place(service, job)
    if number % 5 == 0:
        place.interrupt(16)
    status = place.sweep(place.faults("nomem", number), daemon=number % 4 == 0)
    fault, _ = place.happened()
    try:
        assert status in (0, 1, 2, 5, 70), f"exit status {status}: {place.said}"
        said = "out of memory" if "out of memory" in place.said else "nothing" if status == 0 else "something else"
        assert fault or status == 0
        assert status != 70 or place.said.count("out of memory") == 1, place.said
        _, rows = check(place, whole=status == 0)
        if rows or number % 8 == 0:  # else it is as if nothing had ever run there
            place.sweep_to_the_end()
            check(place)
    except Exception as why:
        raise AssertionError(f"JOBSWEEP_SEED={SEED}, allocation {fault or number}: {why}") from why
    finally:
        place.remove()
    return (status, said) if fault else None


def count_allocations(service, job):
    place = Place(service, job)
    status = place.sweep(place.faults("nomem", 0))
    assert status == 0, place.said
    return place.happened()[1]


def test_each_allocation_fails_once():
    chance = random.Random(SEED)
    note(f"JOBSWEEP_SEED={SEED}")
    until = time.monotonic() + SECONDS
    with Service("--things", 40, *Jobs.FLEET) as service:
        total = count_allocations(service, Jobs().next())
    numbers = list(range(1 + chance.randrange(EVERY), total + 1, EVERY))
    chance.shuffle(numbers)
    found, problems, tried = collections.Counter(), [], 0

    def one(service, job, number):
        return one_failure(service, job, number) if time.monotonic() < until else "late"

    while numbers and time.monotonic() < until:
        share, numbers = numbers[:TRIES_A_FLEET], numbers[TRIES_A_FLEET:]
        with Service("--things", 40, *Jobs.FLEET) as service, concurrent.futures.ThreadPoolExecutor(SIDE_BY_SIDE) as pool:
            jobs = Jobs()
            for future in [pool.submit(one, service, jobs.next(), number) for number in share]:
                if future.exception():
                    problems.append(str(future.exception()))
                elif future.result() not in ("late", None):
                    tried += 1
                    found[future.result()] += 1
    note(f"{tried} of {total} allocations failed: {dict(found)}")
    assert not problems, f"{len(problems)} problems:\n" + "\n".join(problems[:5])
    assert found[70, "out of memory"] > 0


main([test_each_allocation_fails_once])
