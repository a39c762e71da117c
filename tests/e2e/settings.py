#!/usr/bin/env python3
"""What the AWS files and variables say takes effect in whole programs: addresses, certificates, regions, refusals."""
import json
import os

from harness import Iotsim, Place, equal, main, run

BARE = """version: 1
state_directory: {state}
targets:
  {target}: {{account: "{account}", signature_life: 300s, quotas: {{DeleteJobExecution: {rate}, DescribeJobExecution: 2000}}{more}}}
policies:
  - name: old
    targets: [{target}]
    mode: {mode}
    match: {{age: {{older_than: {age}}}}}
"""


def place(sim, config, **variables):
    """A configuration that says nothing of addresses, beside an AWS file that does."""
    made = Place(sim)
    keep = ("PATH", "HOME", "LANG", "TZ", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_EC2_METADATA_DISABLED")
    file = os.path.join(made.folder, "config")
    made.environment = {name: value for name, value in sim.environment().items() if name in keep}
    made.environment.update(AWS_CONFIG_FILE=file, **variables)
    with open(file, "w", encoding="utf-8") as stream:
        stream.write(config.format(url=sim.url, ca=sim.ca))
    write(made)
    return made


def write(made, more=""):
    text = BARE.format(state=made.state, target="sim", account="123456789012", rate=2000, mode="enforce", age="30d",
                       more=more)
    with open(made.path, "w", encoding="utf-8") as stream:
        stream.write(text)


def simulator():
    return Iotsim("--things", 5, "--jobs", 5, "--executions", 20, "--seed", 4)


SERVICES = """[default]
region = us-east-1
ca_bundle = {ca}
services = here
[services here]
iot =
  endpoint_url = {url}
sts =
  endpoint_url = {url}
"""


def sweep_deletes(made):
    result = made.sweep()
    equal(result.returncode, 0, result.stderr)
    deleted = json.loads(result.stdout.splitlines()[-1])["outcomes"]["deleted"]
    assert deleted > 0
    equal(made.sim.counts()["deleted"], deleted)


def a_sweep_goes_where_the_services_section_of_its_profile_says():
    with simulator() as sim:
        made = place(sim, SERVICES)
        sweep_deletes(made)


def the_profile_of_a_target_has_its_own_settings():
    other = SERVICES.replace("[default]", "[profile 'of mine']").replace("services = here", "services = 'no'") \
        .replace("services here", "services \"'no'\"")
    with simulator() as sim:
        made = place(sim, "[default]\nregion = eu-west-1\nendpoint_url = https://127.0.0.1:1\n" + other)
        credentials = os.path.join(made.folder, "credentials")
        with open(credentials, "w", encoding="utf-8") as stream:
            stream.write("[of mine]\naws_access_key_id = {AWS_ACCESS_KEY_ID}\naws_secret_access_key = {AWS_SECRET_ACCESS_KEY}\n"
                         .format(**made.environment))
        os.chmod(credentials, 0o600)
        made.environment["AWS_SHARED_CREDENTIALS_FILE"] = credentials
        write(made, more=', profile: "of mine"')
        sweep_deletes(made)


def variables_come_before_the_file():
    with simulator() as sim:
        made = place(sim, "[default]\nregion = nowhere-1\nendpoint_url = https://127.0.0.1:1\nca_bundle = /nonexistent\n",
                     AWS_ENDPOINT_URL=sim.url, AWS_CA_BUNDLE=sim.ca, AWS_REGION="us-east-1")
        sweep_deletes(made)


def what_contradicts_itself_or_is_not_there_is_refused_before_anything_is_sent():
    cases = [
        ({"AWS_USE_FIPS_ENDPOINT": "true"}, SERVICES, "Invalid Configuration: FIPS and custom endpoint are not supported"),
        ({"AWS_USE_DUALSTACK_ENDPOINT": "TRUE"}, SERVICES,
         "Invalid Configuration: Dualstack and custom endpoint are not supported"),
        ({}, SERVICES.replace("[services here]", "[services there]"),
         'The profile is configured to use the services section but the "here" services configuration does not exist.'),
        ({"AWS_PROFILE": "nosuch"}, SERVICES, "The config profile (nosuch) could not be found"),
        ({"AWS_REGION": "us east"}, SERVICES, "AWS_REGION: Provided region_name 'us east' doesn't match a supported format."),
        ({}, SERVICES.replace("region = us-east-1\n", ""), "no region: give the target one"),
        ({}, SERVICES + "garbage\n", "config:10: neither a [section] nor a key with '=' or ':'"),
    ]
    with simulator() as sim:
        for variables, config, words in cases:
            made = place(sim, config, **variables)
            for command in (["plan"], ["sweep", "old"]):
                result = run(made.command(*command), made.environment)
                assert result.returncode != 0, (command, words)
                assert words in result.stdout + result.stderr, (command, result.stdout, result.stderr, words)
        equal(sim.counts()["deleted"], 0)


main([a_sweep_goes_where_the_services_section_of_its_profile_says, the_profile_of_a_target_has_its_own_settings,
      variables_come_before_the_file, what_contradicts_itself_or_is_not_there_is_refused_before_anything_is_sent])
