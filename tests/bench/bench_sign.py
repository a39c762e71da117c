#!/usr/bin/python3
"""Signatures a second: ours, the same without what is kept from one to the next, and botocore's, in turns.

Every round signs the same deletions with all three, and the last signatures must be equal.
"""
import datetime
import os
import statistics

import botocore.auth
import botocore.awsrequest
import botocore.credentials
import time

from bench import equal, program, run, table

ROUNDS = 9
COUNT, COUNT_BOTOCORE = 100000, 2000
WHEN = datetime.datetime(2026, 11, 24, 3, 15, 0)
ACCESS_KEY, SECRET_KEY = "AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"


class Clock(datetime.datetime):
    @classmethod
    def utcnow(cls):
        return WHEN


def by_part(kind, count):
    done = run([program("bench/part_sign"), kind, str(count), WHEN.strftime("%Y%m%dT%H%M%SZ"), ACCESS_KEY, SECRET_KEY],
               os.environ)
    equal(done.returncode, 0, done.stderr)
    seconds, authorization = done.stdout.splitlines()
    return float(seconds) / count, authorization


def by_botocore(count):
    signer = botocore.auth.SigV4Auth(botocore.credentials.Credentials(ACCESS_KEY, SECRET_KEY), "iot", "eu-west-1")
    start = time.monotonic()
    for number in range(1, count + 1):
        path = f"/things/gw-{number:06d}/jobs/fw-{number % 1000:04d}/executionNumber/{number % 7 + 1}"
        request = botocore.awsrequest.AWSRequest(method="DELETE", url="https://iot.eu-west-1.amazonaws.com" + path)
        signer.add_auth(request)
    return (time.monotonic() - start) / count, request.headers["Authorization"]


def main():
    if hasattr(botocore.auth, "get_current_datetime"):  # newer ones
        botocore.auth.get_current_datetime = lambda **_: WHEN
    else:
        botocore.auth.datetime.datetime = Clock
    names = {"ours": lambda count: by_part("ours", count), "naive: new key, algorithms looked up": lambda count: by_part("naive", count),
             "botocore's SigV4Auth": by_botocore}
    seconds = {name: [] for name in names}
    for _ in range(ROUNDS):
        equal(len({measure(COUNT_BOTOCORE)[1] for measure in names.values()}), 1, "different signatures")
        for name, measure in names.items():
            seconds[name].append(measure(COUNT_BOTOCORE if measure == by_botocore else COUNT)[0])
    ours = statistics.median(seconds["ours"])
    print(f"sign: Signature Version 4 of a deletion, {ROUNDS} rounds in turns, medians; ratio: to the first line")
    table([["", "a second", "us each", "ratio"]] +
          [[name, f"{1 / statistics.median(found):.0f}", f"{statistics.median(found) * 1e6:.2f}",
            f"{statistics.median(found) / ours:.1f}"] for name, found in seconds.items()])


main()
