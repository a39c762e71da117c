"""A home whose profiles get their credentials from everywhere that iotsim hands them out."""
import hashlib
import json
import os

from harness import ACCESS_KEY, REGION, SECRET_KEY, Iotsim, clean_environment, scratch

OTHER = "222233334444"
ROLE = f"arn:aws:iam::{OTHER}:role/sweep"
OUTER = f"arn:aws:iam::{OTHER}:role/outer"
READER = f"arn:aws:iam::{OTHER}:role/reader"
START_URL = "https://iotsim.awsapps.com/start"
IDENTITY = "canary-identity-token.claims.mark"
CONTAINER_TOKEN = "canary-container-token"
SSO = {"access_token": "canary-sso-access-1", "refresh_token": "canary-sso-refresh-1", "client_id": "canary-client-id",
       "client_secret": "canary-client-secret"}
CONFIG = """[profile assume]
role_arn = {role}
source_profile = base
role_session_name = assumed
[profile chained]
role_arn = {outer}
source_profile = assume
[profile reading]
role_arn = {reader}
source_profile = assume
role_session_name = chained
[profile web]
role_arn = {role}
web_identity_token_file = {folder}/token
role_session_name = web
[profile sso]
sso_start_url = {start_url}
sso_region = us-east-1
sso_account_id = {other}
sso_role_name = sweep
[sso-session named]
sso_start_url = {start_url}
sso_region = us-east-1
[profile renewed]
sso_session = named
sso_account_id = {other}
sso_role_name = sweep
[profile mfa]
role_arn = {role}
source_profile = base
mfa_serial = arn:aws:iam::{other}:mfa/me
"""


class Home:
    """A simulator with a fleet in another account and roles there, and a home whose profiles lead to them."""

    def __init__(self, fleet, *options, more_config="", sessions=None, region=REGION):
        self.sim = Iotsim("--metadata-port", 0, "--things", 1, *options, region=region)
        self.folder = scratch()
        self.sim.control("world", {
            "fleets": [{"account": OTHER, "region": region, "quotas": {"DeleteJobExecution": -1}, **fleet}],
            "roles": [{"account": OTHER, "name": "sweep", "web_identity": True}, {"account": OTHER, "name": "outer"},
                      {"account": OTHER, "name": "reader", "policy": {"Version": "2012-10-17", "Statement": {
                          "Effect": "Allow", "Action": ["iot:List*", "iot:Describe*"], "Resource": "*"}}}],
            "sessions": sessions or {},
            "quotas": {"AssumeRole": -1},
            "web_identity": {"token": IDENTITY},
            "metadata": {"imds": {"role": ROLE, "v1": False}, "sso": SSO,
                         "container": {"role": ROLE, "authorization": CONTAINER_TOKEN}}})
        self.write(".aws/config", (CONFIG + more_config).format(
            role=ROLE, outer=OUTER, reader=READER, folder=self.folder, start_url=START_URL, other=OTHER))
        self.write(".aws/credentials", f"[base]\naws_access_key_id = {ACCESS_KEY}\naws_secret_access_key = {SECRET_KEY}\n")
        self.write("token", IDENTITY)
        self.cache(START_URL, accessToken=SSO["access_token"], expiresAt="2099-01-01T00:00:00Z")
        self.cache("named", accessToken="canary-sso-access-0", expiresAt="2020-01-01T00:00:00Z", clientId=SSO["client_id"],
                   clientSecret=SSO["client_secret"], refreshToken=SSO["refresh_token"],
                   registrationExpiresAt="2099-01-01T00:00:00Z")

    def __enter__(self):
        return self

    def __exit__(self, *what):
        self.sim.__exit__(*what)

    def write(self, name, text):
        path = os.path.join(self.folder, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        os.chmod(path, 0o600)

    def cache(self, key, **token):
        """What `aws sso login` leaves."""
        self.write(f".aws/sso/cache/{hashlib.sha1(key.encode()).hexdigest()}.json",
                   json.dumps({"startUrl": START_URL, "region": "us-east-1", **token}))

    def environment(self, **more):
        return {**clean_environment(), "HOME": self.folder, "AWS_ENDPOINT_URL_STS": self.sim.url, "AWS_CA_BUNDLE": self.sim.ca,
                "AWS_ENDPOINT_URL_SSO": self.sim.metadata, "AWS_ENDPOINT_URL_SSO_OIDC": self.sim.metadata, **more}


def _write_rules(home, service, version, url):
    """Every endpoint of this service is url."""
    names = {"Region": "AWS::Region", "Endpoint": "SDK::Endpoint", "UseFIPS": "AWS::UseFIPS", "UseDualStack": "AWS::UseDualStack"}
    if service == "sts":
        names["UseGlobalEndpoint"] = "AWS::STS::UseGlobalEndpoint"
    parameters = {}
    for name, source in names.items():
        flag = name.startswith("Use")
        parameters[name] = {"builtIn": source, "type": "Boolean" if flag else "String", "required": flag, "documentation": "-",
                            **({"default": False} if flag else {})}
    home.write(f"data/{service}/{version}/endpoint-rule-set-1.json", json.dumps({
        "version": "1.0", "parameters": parameters,
        "rules": [{"type": "endpoint", "conditions": [], "endpoint": {"url": url, "properties": {}, "headers": {}}}]}))


def environment_for_aws(home, **more):
    """Debian's `aws` knows no option for the address of STS or SSO, so that it gets endpoint rules of its own."""
    for service, version, url in (("sts", "2011-06-15", home.sim.url), ("iot", "2015-05-28", home.sim.url),
                                  ("sso", "2019-06-10", home.sim.metadata), ("sso-oidc", "2019-06-10", home.sim.metadata)):
        _write_rules(home, service, version, url)
    return home.environment(**{"AWS_DATA_PATH": os.path.join(home.folder, "data"), **more})
