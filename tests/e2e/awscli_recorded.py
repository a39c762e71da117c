#!/usr/bin/env python3
"""Recorded runs of `aws iot delete-job-execution` (AWS CLI 2.36), played against `jobsweep delete-job-execution`.

The recordings stay where they are, beside this project or in the folder that JOBSWEEP_AWSCLI_CASES names; without them
each is skipped. Everything must be the same: exit status, both streams, the requests. "jobsweep" stands where "aws"
stands, and the usage is ours.
"""
import json
import os

from answering import Caller, Server, closed_url
from harness import ROOT, Skip, equal, main

CASES = os.environ.get("JOBSWEEP_AWSCLI_CASES", os.path.join(ROOT, "../shared/data/awscli/cases.jsonl"))
USAGE_AWS = """usage: aws [options] <command> <subcommand> [<subcommand> ...] [parameters]
To see help text, you can run:

  aws help
  aws <command> help
  aws <command> <subcommand> help
"""
USAGE = """usage: jobsweep [options] delete-job-execution --job-id <value> --thing-name <value> --execution-number <value> [parameters]
To see help text, you can run:

  jobsweep delete-job-execution help
  man jobsweep-delete-job-execution
"""
SERVER = Server()
CALLER = Caller(SERVER)
CLOSED = closed_url()


def load():
    if not os.access(CASES, os.R_OK):
        return []
    with open(CASES, encoding="utf-8") as file:
        return [json.loads(line) for line in file]


def placed(text):
    return text.replace("@ENDPOINT@", SERVER.url).replace("@CLOSED@", CLOSED)


def expected_stderr(text):
    # What Python says of a terminal that it does not find is not the AWS CLI's; the question that follows is.
    lines = placed(text).splitlines(keepends=True)
    text = "".join(line for line in lines if "GetPassWarning" not in line and "passwd = fallback_getpass" not in line
                   and line != "Warning: Password input may be echoed.\n")
    for usage, ours in ((USAGE_AWS, USAGE), (json.dumps(USAGE_AWS)[1:-1], json.dumps(USAGE)[1:-1])):
        text = text.replace(usage, ours)
    return text.replace("aws: [ERROR]:", "jobsweep: [ERROR]:")


def played(case):
    def test():
        done, requests = CALLER.run([placed(word) for word in case["args"]], env=case["env"], files=case["files"])
        equal(done.returncode, case["exit"], f"exit status; {done.stderr!r}")
        equal(done.stdout, case["stdout"], "standard output")
        equal(done.stderr, expected_stderr(case["stderr"]), "standard error")
        equal(requests, case["requests"], "requests")
    test.__name__ = "recorded_" + case["name"].replace("-", "_")
    return test


def the_recordings_are_here():
    if not load():
        raise Skip(f"there is no {CASES}")


main([the_recordings_are_here, *map(played, load())])
