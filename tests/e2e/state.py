#!/usr/bin/env python3
"""State directories that are not what they should be, several engines at once, and too few file descriptors: one
clear message, nothing deleted that should not be, and nothing lost."""
import concurrent.futures
import os
import random
import shutil
import sqlite3

from harness import Skip, equal, main, note
from witness import Jobs, Place, Service, check, ledger, release

FLEET = ("--things", 40, *Jobs.FLEET)
JOBS = Jobs()
SEED = int(os.environ.get("JOBSWEEP_SEED", str(random.randrange(1 << 32))))


def deleted(place):
    return place.service.counts()["deleted"]


def refused(place, *words, statuses=(1, 70), **more):
    """It ends at once, says why in one line, and deletes nothing."""
    before = deleted(place)
    status = place.sweep(**more)
    assert status in statuses, f"exit status {status}: {place.said}"
    lines = [line for line in place.said.splitlines() if line.startswith("jobsweep:")]
    equal(len(lines), 1, place.said)
    for word in words:
        assert word in lines[0], (word, lines[0])
    equal(deleted(place), before, "deleted")


def begun(service):
    """A place whose ledger holds a run that was killed in the middle of its deletions."""
    for sync in range(14, 21):  # after the schema, the run, its plan and the seal
        place = Place(service, JOBS.next())
        place.interrupt(sync)
        if any(row.open for row in ledger(place.state)):
            return place
    raise AssertionError("no intent was found")


def test_of_engines_that_start_together_one_works_and_the_others_end_with_7():
    with Service(*FLEET) as service:
        place = Place(service, JOBS.next())
        for _ in range(6):
            engines = [place.start(daemon=number % 2 == 1) for number in range(5)]
            statuses = [place.end(engine) for engine in engines]
            assert 0 in statuses and set(statuses) <= {0, 7}, (statuses, place.said)
        check(place)


def test_a_state_directory_that_cannot_be_used_is_named():
    with Service(*FLEET) as service:
        place = Place(service, JOBS.next())
        os.rmdir(place.state)
        parent, place.state = place.state, os.path.join(place.state, "below")
        with open(place.config, encoding="utf-8") as file:
            text = file.read()
        with open(place.config, "w", encoding="utf-8") as file:
            file.write(text.replace(parent, place.state))
        refused(place, place.state)
        with open(parent, "w", encoding="utf-8"):
            pass
        refused(place, place.state)
        os.unlink(parent)
        os.mkdir(parent)
        place.sweep_to_the_end()
        check(place)


def test_a_state_directory_that_is_read_only_is_named():
    with Service(*FLEET) as service:
        place = Place(service, JOBS.next())
        os.chmod(place.state, 0o500)
        if os.geteuid() == 0:
            raise_unless_others_may(place)
            for path in (place.config, service.ca):
                os.chown(path, 65534, 65534)
            refused(place, place.state, user=65534)
        else:
            refused(place, place.state)
        equal(os.listdir(place.state), [])
        os.chmod(place.state, 0o700)


def test_a_state_directory_that_others_can_write_is_refused():
    with Service(*FLEET) as service:
        place = Place(service, JOBS.next())
        for mode, who in ((0o770, "its group"), (0o707, "everybody")):
            os.chmod(place.state, mode)
            refused(place, place.state, who, statuses=(1,))
        equal(os.listdir(place.state), [])
        os.chmod(place.state, 0o755)
        place.sweep_to_the_end()
        check(place)


def test_what_root_makes_in_the_directory_of_a_service_belongs_to_the_service():
    if os.geteuid() != 0:
        raise Skip("only root can give files away")
    with Service(*FLEET) as service:
        place = Place(service, JOBS.next())
        os.chown(place.state, 65534, 65534)
        place.sweep_to_the_end()
        check(place)
        owners = {name: os.stat(os.path.join(place.state, name)).st_uid for name in os.listdir(place.state)}
        assert {"ledger.db", "lock", "reserve"} <= set(owners), owners
        equal(set(owners.values()), {65534}, owners)


def raise_unless_others_may(place):
    """For root a mode is no obstacle: nobody runs the program then."""
    for path in (release("jobsweep"), place.config, place.service.ca):
        part = os.path.dirname(path)
        while part != "/":
            if part.startswith(os.path.dirname(place.folder)) or part == os.path.dirname(place.service.ca):
                os.chmod(part, 0o755)
            if not os.stat(part).st_mode & 0o001:
                raise Skip(f"nobody may not enter {part}")
            part = os.path.dirname(part)


def test_a_ledger_that_is_cut_off_deletes_nothing():
    note(f"JOBSWEEP_SEED={SEED}")
    with Service(*FLEET) as service:
        place = begun(service)
        path = os.path.join(place.state, "ledger.db")
        with sqlite3.connect(path) as database:
            database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        database.close()
        whole = path + ".whole"
        shutil.copy2(path, whole)
        size = os.path.getsize(whole)
        chance = random.Random(SEED)
        lengths = {1, 2, 15, 16, 99, 100, 511, 512, size - 1} | {chance.randrange(1, size) for _ in range(20)}
        lengths |= {page + more for page in range(4096, size, 4096) for more in (-1, 0, 1)}
        for length in sorted(lengths):
            for name in os.listdir(place.state):
                if name.startswith("ledger.db") and name != "ledger.db.whole":
                    os.unlink(os.path.join(place.state, name))
            shutil.copy2(whole, path)
            os.truncate(path, length)
            refused(place, path)
        os.replace(whole, path)
        place.sweep_to_the_end()
        check(place)


def test_a_ledger_that_is_none_or_newer_is_refused():
    with Service(*FLEET) as service:
        place = Place(service, JOBS.next())
        path = os.path.join(place.state, "ledger.db")
        for content in (b"This is a letter and no ledger.\n" * 100, b"\0" * 4096, b"\xff" * 100):
            with open(path, "wb") as file:
                file.write(content)
            refused(place, path)
            with open(path, "rb") as file:
                equal(file.read(), content, "the file")
        for statement in ("PRAGMA user_version = 99", "PRAGMA user_version = -1", "CREATE TABLE music (title TEXT)"):
            os.unlink(path)
            with sqlite3.connect(path) as database:
                database.execute(statement)
            database.close()
            refused(place, path)
        os.unlink(path)
        os.mkdir(path)
        refused(place, path)
        os.rmdir(path)
        os.symlink(os.path.join(place.folder, "elsewhere"), path)
        refused(place, path)
        assert not os.path.exists(os.path.join(place.folder, "elsewhere"))


def few_descriptors(service, limit):
    place = begun(service) if limit == 16 else Place(service, JOBS.next())
    status = place.sweep(files=limit)
    assert status in (0, 1, 2, 5, 70), f"{limit} descriptors: exit status {status}: {place.said}"
    assert status == 0 or "jobsweep:" in place.said, place.said
    check(place, whole=status == 0)
    place.sweep_to_the_end()
    check(place)
    return status


def test_with_few_file_descriptors_it_works_or_says_so():
    with Service(*FLEET) as service, concurrent.futures.ThreadPoolExecutor(8) as pool:
        statuses = list(pool.map(lambda limit: few_descriptors(service, limit), (*range(4, 24), 32)))
    assert statuses[0] != 0 and statuses[-1] == 0, statuses


main([value for name, value in list(globals().items()) if name.startswith("test_")])
