#!/usr/bin/env python3
"""Random requests, signed by us and by botocore: the signatures are the same. JOBSWEEP_SEED, JOBSWEEP_CASES."""
import datetime
import hashlib
import os
import random
import subprocess
import urllib.parse

import botocore.auth  # Debian's python3-botocore
import botocore.awsrequest
import botocore.credentials

from harness import equal, main, note, program

CASES = int(os.environ.get("JOBSWEEP_CASES", "3000"))
SEED = int(os.environ.get("JOBSWEEP_SEED", "20261124"))
LETTERS = "abcXYZ019-_:"
ODD = LETTERS + "+/=%&?# ~.,@!'()*\u00fc\u20ac"


class Clock(datetime.datetime):
    fixed = None

    @classmethod
    def utcnow(cls):
        return cls.fixed


def quoted(text):
    return urllib.parse.quote(text, safe="-._~")


def word(chance, letters, most):
    return "".join(chance.choice(letters) for _ in range(chance.randint(1, most)))


def request(chance, letters):
    path = "/" + "/".join(quoted(word(chance, letters, 12)) for _ in range(chance.randint(1, 6)))
    pairs = [f"{quoted(word(chance, letters, 6))}={quoted(word(chance, letters, 20))}" for _ in range(chance.randint(0, 5))]
    return {"method": chance.choice(["GET", "DELETE", "PUT", "POST"]), "path": path, "query": "&".join(pairs),
            "region": chance.choice(["us-east-1", "eu-central-1", "cn-north-1", "us-gov-west-1"]),
            "service": chance.choice(["iot", "sts", "execute-api"]), "body": word(chance, ODD, 50) if chance.random() < .3 else "",
            "host": chance.choice(["iot.us-east-1.amazonaws.com", "localhost:8443", "127.0.0.1:4566"]),
            "access": word(chance, "ABCDEFGH0123", 20), "secret": word(chance, LETTERS + "/+", 40),
            "token": word(chance, LETTERS + "/+=", 200) if chance.random() < .5 else "",
            "date": datetime.datetime(2000, 1, 1) + datetime.timedelta(seconds=chance.randint(0, 2_000_000_000))}


def theirs(case):
    Clock.fixed = case["date"]
    url = f"https://{case['host']}{case['path']}" + (f"?{case['query']}" if case["query"] else "")
    made = botocore.awsrequest.AWSRequest(method=case["method"], url=url, data=case["body"].encode())
    made.headers["Host"] = case["host"]
    keys = botocore.credentials.Credentials(case["access"], case["secret"], case["token"] or None)
    botocore.auth.SigV4Auth(keys, case["service"], case["region"]).add_auth(made)
    return made.headers["Authorization"]


def line(case):
    payload = hashlib.sha256(case["body"].encode()).hexdigest()
    return "\t".join([case["date"].strftime("%Y%m%dT%H%M%SZ"), case["access"], case["secret"], case["region"], case["service"],
                      case["method"], case["path"], case["query"], case["host"], case["token"], payload])


def compare(letters, share):
    note(f"seed {SEED}")
    chance = random.Random(SEED)
    cases = [request(chance, letters) for _ in range(int(CASES * share))]
    if hasattr(botocore.auth, "get_current_datetime"):  # newer ones
        botocore.auth.get_current_datetime = lambda **_: Clock.fixed
    else:
        botocore.auth.datetime.datetime = Clock
    result = subprocess.run([program("e2e/sign_lines")], input="".join(line(case) + "\n" for case in cases),
                            capture_output=True, text=True, check=True, timeout=120)
    ours = result.stdout.splitlines()
    equal(len(ours), len(cases))
    for case, signed in zip(cases, ours):
        equal(signed, theirs(case), line(case))


def names_of_things_and_jobs_are_signed_as_botocore_signs_them():
    compare(LETTERS, 0.5)


def any_bytes_are_signed_as_botocore_signs_them():
    compare(ODD, 0.5)


main([names_of_things_and_jobs_are_signed_as_botocore_signs_them, any_bytes_are_signed_as_botocore_signs_them])
