#!/usr/bin/env python3
"""The real `aws` command with credentials from everywhere that iotsim hands them out: it finds out who it is, and deletes."""
import json
import os
import shutil

from harness import Skip, equal, main, run
from homes import CONTAINER_TOKEN, OTHER, ROLE, Home, environment_for_aws

AWS = "/usr/bin/aws" if os.access("/usr/bin/aws", os.X_OK) else shutil.which("aws")  # Debian's first
EXECUTIONS = 16
HOME = Home({"things": EXECUTIONS, "jobs": 1, "executions": EXECUTIONS})
SIM = HOME.sim
ENV = environment_for_aws(HOME, AWS_DEFAULT_REGION="us-east-1")


def aws(*arguments, **more):
    if not AWS:
        raise Skip("there is no aws command")
    return run([AWS, *arguments, "--output", "json"], {**ENV, **more})


def delete(number, *arguments, **more):
    return aws("iot", "delete-job-execution", "--job-id", "fw-0000", "--thing-name", f"gw-{number:06d}" + (
        ":radio" if number % 16 == 5 else ""), "--execution-number", "1", "--force", *arguments, **more)


def works(number, session, *arguments, **more):
    """It is this session, and what it deletes is gone from the role's account."""
    done = aws("sts", "get-caller-identity", *arguments, **more)
    equal(done.returncode, 0, done.stderr)
    equal(json.loads(done.stdout)["Arn"], f"arn:aws:sts::{OTHER}:assumed-role/sweep/{session}")
    done = delete(number, *arguments, **more)
    equal((done.returncode, done.stdout, done.stderr), (0, "", ""))
    name = f"gw-{number:06d}"
    equal([(gone["account"], gone["number"]) for gone in SIM.deleted() if gone["thing"].startswith(name)], [(OTHER, 1)])


def a_profile_assumes_a_role():
    works(0, "assumed", "--profile", "assume")


def a_role_that_a_role_assumed_is_denied_in_aws_s_words():
    done = delete(1, "--profile", "reading")
    equal(done.returncode, 254, done.stderr)
    equal(done.stderr.strip(), "An error occurred (AccessDeniedException) when calling the DeleteJobExecution operation: User: "
          f"arn:aws:sts::{OTHER}:assumed-role/reader/chained is not authorized to perform: iot:DeleteJobExecution on resource: "
          f"arn:aws:iot:us-east-1:{OTHER}:job/fw-0000 because no identity-based policy allows the iot:DeleteJobExecution action")


def a_token_in_a_file_assumes_a_role():
    works(2, "web", "--profile", "web")


def a_container_has_a_role():
    works(3, "0a1b2c3d4e5f60718293a4b5c6d7e8f9", AWS_CONTAINER_CREDENTIALS_FULL_URI=SIM.metadata + "/container/credentials",
          AWS_CONTAINER_AUTHORIZATION_TOKEN=CONTAINER_TOKEN)


def an_instance_has_a_role():
    works(4, "i-0123456789abcdef0", AWS_EC2_METADATA_DISABLED="false", AWS_EC2_METADATA_SERVICE_ENDPOINT=SIM.metadata + "/")
    assert SIM.counts()["metadata"]["imds_token"] >= 2 and SIM.counts()["metadata"]["imds_refused"] == 0


def sso_gives_a_role():
    works(6, "sweeper", "--profile", "sso")


def an_sso_session_is_renewed():
    works(7, "sweeper", "--profile", "renewed")
    equal(SIM.counts()["metadata"]["oidc"], 1, "the second command finds the token that the first one kept")


def a_session_that_ended_is_told():
    keys = SIM.session(ROLE)
    SIM.control("expire-sessions")
    done = delete(8, AWS_ACCESS_KEY_ID=keys[0], AWS_SECRET_ACCESS_KEY=keys[1], AWS_SESSION_TOKEN=keys[2])
    equal(done.returncode, 254, done.stderr)
    assert "An error occurred (ExpiredTokenException) when calling the DeleteJobExecution operation" in done.stderr, done.stderr


main([a_profile_assumes_a_role, a_role_that_a_role_assumed_is_denied_in_aws_s_words, a_token_in_a_file_assumes_a_role,
      a_container_has_a_role, an_instance_has_a_role, sso_gives_a_role, an_sso_session_is_renewed, a_session_that_ended_is_told])
