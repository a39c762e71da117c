#!/usr/bin/env python3
"""The real `aws` command with credentials from everywhere that iotsim hands them out: it finds out who it is, and deletes.

The version that Debian has knows no option for the address of STS or SSO, so that it gets endpoint rules of its own
(AWS_DATA_PATH)."""
import hashlib
import json
import os
import shutil

from harness import ACCESS_KEY, SECRET_KEY, Iotsim, Skip, clean_environment, equal, main, run, scratch

AWS = "/usr/bin/aws" if os.access("/usr/bin/aws", os.X_OK) else shutil.which("aws")  # Debian's first
OTHER = "222233334444"
ROLE = f"arn:aws:iam::{OTHER}:role/sweep"
START_URL = "https://iotsim.awsapps.com/start"
TOKEN = "header.claims.mark"
EXECUTIONS = 16
SIM = Iotsim("--metadata-port", 0, "--things", 1)
SIM.control("world", {
    "fleets": [{"account": OTHER, "things": EXECUTIONS, "jobs": 1, "executions": EXECUTIONS}],
    "roles": [{"account": OTHER, "name": "sweep", "web_identity": True},
              {"account": OTHER, "name": "reader", "policy": {"Version": "2012-10-17", "Statement": {
                  "Effect": "Allow", "Action": ["iot:List*", "iot:Describe*"], "Resource": "*"}}}],
    "web_identity": {"token": TOKEN},
    "metadata": {"imds": {"role": ROLE, "v1": False}, "container": {"role": ROLE, "authorization": "from-file"},
                 "sso": {"access_token": "access-1", "refresh_token": "refresh-1", "client_id": "client",
                         "client_secret": "secret"}}})
FOLDER = scratch()
CONFIG = f"""[profile assume]
role_arn = {ROLE}
source_profile = base
role_session_name = assumed
[profile chained]
role_arn = {ROLE.replace("sweep", "reader")}
source_profile = assume
role_session_name = chained
[profile web]
role_arn = {ROLE}
web_identity_token_file = {FOLDER}/token
role_session_name = web
[profile sso]
sso_start_url = {START_URL}
sso_region = us-east-1
sso_account_id = {OTHER}
sso_role_name = sweep
[sso-session named]
sso_start_url = {START_URL}
sso_region = us-east-1
[profile renewed]
sso_session = named
sso_account_id = {OTHER}
sso_role_name = sweep
"""


def write(path, text):
    path = os.path.join(FOLDER, path)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)


def rules(service, version, url):
    """Every endpoint of this service is url."""
    names = {"Region": "AWS::Region", "Endpoint": "SDK::Endpoint", "UseFIPS": "AWS::UseFIPS", "UseDualStack": "AWS::UseDualStack"}
    if service == "sts":
        names["UseGlobalEndpoint"] = "AWS::STS::UseGlobalEndpoint"
    parameters = {}
    for name, source in names.items():
        flag = name.startswith("Use")
        parameters[name] = {"builtIn": source, "type": "Boolean" if flag else "String", "required": flag, "documentation": "-",
                            **({"default": False} if flag else {})}
    write(f"data/{service}/{version}/endpoint-rule-set-1.json", json.dumps({
        "version": "1.0", "parameters": parameters,
        "rules": [{"type": "endpoint", "conditions": [], "endpoint": {"url": url, "properties": {}, "headers": {}}}]}))


def cache(key, **token):
    """What `aws sso login` leaves."""
    write(f".aws/sso/cache/{hashlib.sha1(key.encode()).hexdigest()}.json",
          json.dumps({"startUrl": START_URL, "region": "us-east-1", **token}))


def environment():
    rules("sts", "2011-06-15", SIM.url)
    rules("iot", "2015-05-28", SIM.url)
    rules("sso", "2019-06-10", SIM.metadata)
    rules("sso-oidc", "2019-06-10", SIM.metadata)
    write(".aws/config", CONFIG)
    write(".aws/credentials", f"[base]\naws_access_key_id = {ACCESS_KEY}\naws_secret_access_key = {SECRET_KEY}\n")
    write("token", TOKEN)
    return {**clean_environment(), "HOME": FOLDER, "AWS_DATA_PATH": os.path.join(FOLDER, "data"), "AWS_CA_BUNDLE": SIM.ca,
            "AWS_DEFAULT_REGION": "us-east-1"}


ENV = environment()


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
    done = delete(1, "--profile", "chained")
    equal(done.returncode, 254, done.stderr)
    equal(done.stderr.strip(), "An error occurred (AccessDeniedException) when calling the DeleteJobExecution operation: User: "
          f"arn:aws:sts::{OTHER}:assumed-role/reader/chained is not authorized to perform: iot:DeleteJobExecution on resource: "
          f"arn:aws:iot:us-east-1:{OTHER}:job/fw-0000 because no identity-based policy allows the iot:DeleteJobExecution action")


def a_token_in_a_file_assumes_a_role():
    works(2, "web", "--profile", "web")


def a_container_has_a_role():
    works(3, "0a1b2c3d4e5f60718293a4b5c6d7e8f9", AWS_CONTAINER_CREDENTIALS_FULL_URI=SIM.metadata + "/container/credentials",
          AWS_CONTAINER_AUTHORIZATION_TOKEN="from-file")


def an_instance_has_a_role():
    works(4, "i-0123456789abcdef0", AWS_EC2_METADATA_DISABLED="false", AWS_EC2_METADATA_SERVICE_ENDPOINT=SIM.metadata + "/")
    assert SIM.counts()["metadata"]["imds_token"] >= 2 and SIM.counts()["metadata"]["imds_refused"] == 0


def sso_gives_a_role():
    cache(START_URL, accessToken="access-1", expiresAt="2099-01-01T00:00:00Z")
    works(6, "sweeper", "--profile", "sso")


def an_sso_session_is_renewed():
    cache("named", accessToken="access-0", expiresAt="2020-01-01T00:00:00Z", refreshToken="refresh-1", clientId="client",
          clientSecret="secret", registrationExpiresAt="2099-01-01T00:00:00Z")
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
