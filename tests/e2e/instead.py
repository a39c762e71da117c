#!/usr/bin/env python3
"""`jobsweep delete-job-execution` and Debian's `aws` in one home, one in the place of the other: the region of the instance
that both are on."""
import os
import shutil

from answering import closed_url
from harness import Skip, equal, main, program, run
from homes import OTHER, ROLE, Home, environment_for_aws

AWS = "/usr/bin/aws" if os.access("/usr/bin/aws", os.X_OK) else shutil.which("aws")  # Debian's first
EXECUTIONS = 40
NO_REGION = "You must specify a region. You can also configure your region by running \"aws configure\"."


class Both(Home):
    """An execution for each deletion, and both commands to delete it with."""

    def __init__(self, **more):
        super().__init__({"things": EXECUTIONS, "jobs": 1, "executions": EXECUTIONS}, **more)
        self.used = 0

    def words(self):
        number, self.used = self.used, self.used + 1
        return ["delete-job-execution", "--job-id", "fw-0000", "--thing-name",
                f"gw-{number:06d}" + (":radio" if number % 16 == 5 else ""), "--execution-number", "1", "--force"]

    def ours(self, *options, **more):
        return run([program("jobsweep"), *self.words(), "--endpoint-url", self.sim.url, *options], self.environment(**more),
                   start_new_session=True)

    def theirs(self, *options, **more):
        if not AWS:
            raise Skip("there is no aws command")
        return run([AWS, "iot", *self.words(), *options], environment_for_aws(self, **more), start_new_session=True)

    def deleted(self):
        return [(gone["account"], gone["region"]) for gone in self.sim.deleted()]


def read(home, name):
    with open(os.path.join(home.folder, name), encoding="utf-8") as file:
        return file.read()


def fine(done):
    equal((done.returncode, done.stdout, done.stderr), (0, "", ""))


# --- the region of the instance ---

def on_an_instance(home, **more):
    return {"AWS_EC2_METADATA_DISABLED": "false", "AWS_EC2_METADATA_SERVICE_ENDPOINT": home.sim.metadata + "/",
            "AWS_METADATA_SERVICE_TIMEOUT": "10", **more}


def without_another_region_it_is_that_of_the_instance():
    with Both(region="eu-west-3") as home:
        for command in (home.ours, home.theirs):
            fine(command(**on_an_instance(home)))
            fine(command("--profile", "assume", **on_an_instance(home)))
            home.sim.control("world", {"metadata": {"imds": {"v1": True, "put": "403"}}})
            fine(command("--profile", "web", **on_an_instance(home)))
            home.sim.control("world", {"metadata": {"imds": {"v1": False, "put": "ok"}}})
        equal(home.deleted(), [(OTHER, "eu-west-3")] * 6)
        equal(home.sim.counts()["metadata"]["imds_refused"], 0)


def the_instance_is_asked_for_no_region_that_something_else_names():
    with Both() as home:
        home.write(".aws/config", read(home, ".aws/config") + "[profile regional]\nregion = us-east-1\nsource_profile = base\n"
                   f"role_arn = {ROLE}\n")
        for command in (home.ours, home.theirs):
            fine(command("--profile", "assume", **on_an_instance(home, AWS_REGION="us-east-1")))
            fine(command("--profile", "assume", **on_an_instance(home, AWS_DEFAULT_REGION="us-east-1")))
            fine(command("--profile", "assume", "--region", "us-east-1", **on_an_instance(home)))
            fine(command("--profile", "regional", **on_an_instance(home)))
        equal((home.sim.counts()["metadata"]["imds_token"], home.sim.counts()["metadata"]["imds_other"]), (0, 0))


def where_the_instance_tells_none_there_is_no_region():
    with Both() as home:
        def refused(what, **more):
            for command in (home.ours, home.theirs):
                done = command("--profile", "assume", **on_an_instance(home, **more))
                equal((done.returncode, done.stdout), (253, ""), f"{what}: {done.stderr}")
                assert NO_REGION in done.stderr, done.stderr
        refused("it is disabled", AWS_EC2_METADATA_DISABLED="True")
        equal(home.sim.counts()["metadata"]["imds_token"], 0)
        refused("nobody is there", AWS_EC2_METADATA_SERVICE_ENDPOINT=closed_url() + "/")
        for put in ("hang", "404", "500"):  # and version 1 is off
            home.sim.control("world", {"metadata": {"imds": {"put": put}}})
            refused(put, AWS_METADATA_SERVICE_TIMEOUT="1")
        equal(home.deleted(), [])


main([without_another_region_it_is_that_of_the_instance, the_instance_is_asked_for_no_region_that_something_else_names,
      where_the_instance_tells_none_there_is_no_region])
