#!/usr/bin/env python3
"""What hands out credentials beside STS: instance metadata, containers, SSO. Each answer of iotsim, and that what it
hands out is taken."""
import datetime
import email.utils
import json
import urllib.error
import urllib.request

from harness import Iotsim, equal, main, wait_until

OTHER = "222233334444"
ROLE = f"arn:aws:iam::{OTHER}:role/sweep"
ROLES = "/latest/meta-data/iam/security-credentials/"
TTL = "X-aws-ec2-metadata-token-ttl-seconds"
TOKEN = "X-aws-ec2-metadata-token"


def make(**metadata):
    sim = Iotsim("--metadata-port", 0, "--things", 1)
    sim.control("world", {"fleets": [{"account": OTHER, "things": 2, "jobs": 1, "executions": 2}],
                          "roles": [{"account": OTHER, "name": "sweep"}], "metadata": metadata})
    return sim


def ask(sim, method, path, headers=None, body=None, timeout=60):
    """Status, headers and body, without TLS and without a signature."""
    request = urllib.request.Request(sim.metadata + path, method=method, headers=headers or {}, data=body)
    try:
        with urllib.request.urlopen(request, timeout=timeout) as answer:
            return answer.status, answer.headers, answer.read()
    except urllib.error.HTTPError as refused:
        return refused.code, refused.headers, refused.read()


def whose(sim, found, secret="SecretAccessKey", access="AccessKeyId", token="Token"):
    status, identity = sim.sts("GetCallerIdentity", (found[access], found[secret], found[token]))
    return identity["Arn"] if status == 200 else identity["Code"]


def token_of(sim, ttl="60"):
    status, headers, token = ask(sim, "PUT", "/latest/api/token", {TTL: ttl})
    equal((status, headers[TTL]), (200, ttl), token)
    return {TOKEN: token.decode()}


# --- instance metadata ---

def an_instance_has_its_role():
    with make(imds={"role": ROLE}) as sim:
        token = token_of(sim)
        equal(ask(sim, "GET", ROLES, token)[2], b"sweep")
        found = json.loads(ask(sim, "GET", ROLES + "sweep", token)[2])
        equal((found["Code"], found["Type"], found["Expiration"][-1]), ("Success", "AWS-HMAC", "Z"))
        equal(whose(sim, found), f"arn:aws:sts::{OTHER}:assumed-role/sweep/i-0123456789abcdef0")
        equal(ask(sim, "GET", ROLES + "other", token)[0], 404)
        equal(ask(sim, "GET", "/latest/meta-data/placement/availability-zone/", token)[2], b"us-east-1a")
        equal(ask(sim, "GET", ROLES)[2], b"sweep", "version 1")
        counts = sim.counts()["metadata"]
        equal([counts[name] for name in ("imds_token", "imds_role", "imds_credentials", "imds_other", "imds_refused")],
              [1, 2, 2, 1, 0])


def an_instance_without_a_role_has_none():
    with make(imds={}) as sim:
        equal(ask(sim, "GET", ROLES, token_of(sim))[0], 404)
        sim.control("world", {"metadata": {"imds": {"role": ROLE, "answer": "no-role"}}})
        status, _, body = ask(sim, "GET", ROLES, token_of(sim))
        equal((status, body), (200, b""))
        equal(ask(sim, "GET", ROLES + "sweep", token_of(sim))[0], 404)


def metadata_tokens_are_checked():
    with make(imds={"role": ROLE, "v1": False}) as sim:
        equal(ask(sim, "GET", ROLES)[0], 401, "version 1 is off")
        equal(ask(sim, "GET", ROLES, {TOKEN: "x" * 56})[0], 401)
        equal(ask(sim, "GET", ROLES, {TOKEN: ""})[0], 401)
        for ttl in ("0", "21601", "x", None):
            equal(ask(sim, "PUT", "/latest/api/token", {TTL: ttl} if ttl else {})[0], 400, ttl)
        equal(ask(sim, "PUT", "/latest/api/token", {TTL: "60", "X-Forwarded-For": "10.0.0.1"})[0], 403)
        equal(ask(sim, "GET", "/latest/api/token")[0], 405)
        token = token_of(sim, "1")
        wait_until(lambda: ask(sim, "GET", ROLES, token)[0] == 401, "a token of one second ends")
        equal(ask(sim, "GET", ROLES, token_of(sim, "21600"))[0], 200)
        assert sim.counts()["metadata"]["imds_refused"] >= 4


def instance_metadata_can_fail():
    with make(imds={"role": ROLE}) as sim:
        for mode in (400, 403, 404, 405, 500):
            sim.control("world", {"metadata": {"imds": {"put": str(mode)}}})
            equal(ask(sim, "PUT", "/latest/api/token", {TTL: "60"})[0], mode)
            equal(ask(sim, "GET", ROLES)[0], 200, "version 1 still answers")
        sim.control("world", {"metadata": {"imds": {"put": "hang"}}})
        try:
            ask(sim, "PUT", "/latest/api/token", {TTL: "60"}, timeout=1)
        except TimeoutError:
            pass
        else:
            raise AssertionError("it was answered")
        sim.control("world", {"metadata": {"imds": {"put": "ok", "answer": "failed"}}})
        status, _, body = ask(sim, "GET", ROLES + "sweep", token_of(sim))
        equal((status, json.loads(body)["Code"]), (200, "AssumeRoleUnauthorizedAccess"))
        sim.control("world", {"metadata": {"imds": {"answer": "missing"}}})
        assert "SecretAccessKey" not in json.loads(ask(sim, "GET", ROLES + "sweep", token_of(sim))[2])


def instance_credentials_can_be_old():
    with make(imds={"role": ROLE, "answer": "expired"}) as sim:
        expired = json.loads(ask(sim, "GET", ROLES + "sweep")[2])
        equal(whose(sim, expired), "ExpiredToken")
        sim.control("world", {"metadata": {"imds": {"answer": "stale"}}})
        _, headers, body = ask(sim, "GET", ROLES + "sweep")
        stale, now = json.loads(body), email.utils.parsedate_to_datetime(headers["Date"])
        for found in expired, stale:
            assert datetime.datetime.fromisoformat(found["Expiration"]) < now, (found, now)
        equal(whose(sim, stale), f"arn:aws:sts::{OTHER}:assumed-role/sweep/i-0123456789abcdef0", "still taken")
        sim.control("world", {"metadata": {"imds": {"answer": "ok"}}})
        fresh = json.loads(ask(sim, "GET", ROLES + "sweep")[2])
        assert fresh["Expiration"] > stale["Expiration"], (fresh, stale)
        sim.control("expire-sessions")
        equal(whose(sim, fresh), "ExpiredToken")


# --- containers ---

def a_container_gets_credentials():
    with make(container={"role": ROLE, "authorization": "first"}) as sim:
        for given in (None, "second", "Bearer first"):
            equal(ask(sim, "GET", "/container/credentials", {"Authorization": given} if given else {})[0], 401, given)
        found = json.loads(ask(sim, "GET", "/container/credentials", {"Authorization": "first"})[2])
        equal(whose(sim, found), f"arn:aws:sts::{OTHER}:assumed-role/sweep/0a1b2c3d4e5f60718293a4b5c6d7e8f9")
        sim.control("world", {"metadata": {"container": {"authorization": "second"}}})
        equal(ask(sim, "GET", "/container/credentials", {"Authorization": "first"})[0], 401, "the token was rotated")
        equal(ask(sim, "GET", "/container/credentials", {"Authorization": "second"})[0], 200)
        sim.control("world", {"metadata": {"container": {"authorization": ""}}})
        equal(ask(sim, "GET", "/container/v2/x")[0], 200)
        equal(sim.counts()["metadata"]["container"], 7)


def a_container_endpoint_can_fail():
    with make(container={"role": ROLE}) as sim:
        for mode in (400, 401, 403, 404, 429, 500, 503):
            sim.control("world", {"metadata": {"container": {"answer": str(mode)}}})
            equal(ask(sim, "GET", "/container/")[0], mode)
        sim.control("world", {"metadata": {"container": {"answer": "malformed"}}})
        try:
            json.loads(ask(sim, "GET", "/container/")[2])
        except ValueError:
            pass
        else:
            raise AssertionError("that is JSON")
        sim.control("world", {"metadata": {"container": {"answer": "huge"}}})
        body = ask(sim, "GET", "/container/")[2]
        assert len(body) > 1 << 24 and json.loads(body)["AccessKeyId"]
        sim.control("world", {"metadata": {"container": {"answer": "ok", "role": "arn:aws:iam::1:role/none"}}})
        equal(ask(sim, "GET", "/container/")[0], 404)


# --- SSO ---

SSO = {"access_token": "access-1", "refresh_token": "refresh-1", "client_id": "client", "client_secret": "secret"}


def portal(sim, token, role="sweep", account=OTHER):
    return ask(sim, "GET", f"/federation/credentials?role_name={role}&account_id={account}", {"x-amz-sso_bearer_token": token})


def renew(sim, **changes):
    body = {"clientId": "client", "clientSecret": "secret", "grantType": "refresh_token", "refreshToken": "refresh-1"}
    status, _, answer = ask(sim, "POST", "/token", {"Content-Type": "application/json"}, json.dumps({**body, **changes}).encode())
    return status, json.loads(answer)


def the_portal_gives_a_role_s_credentials():
    with make(sso=SSO) as sim:
        found = json.loads(portal(sim, "access-1")[2])["roleCredentials"]
        assert found["expiration"] > 10 ** 12, "milliseconds"
        equal(whose(sim, found, "secretAccessKey", "accessKeyId", "sessionToken"),
              f"arn:aws:sts::{OTHER}:assumed-role/sweep/sweeper")
        equal([portal(sim, "access-2")[0], portal(sim, "access-1", "none")[0], portal(sim, "access-1", account="1")[0]],
              [401, 403, 403])
        equal(portal(sim, "")[1]["x-amzn-ErrorType"], "UnauthorizedException:")
        sim.control("world", {"metadata": {"sso": {"answer": "429"}}})
        equal(portal(sim, "access-1")[0], 429)
        sim.control("world", {"metadata": {"sso": {"answer": "expired"}}})
        found = json.loads(portal(sim, "access-1")[2])["roleCredentials"]
        equal(whose(sim, found, "secretAccessKey", "accessKeyId", "sessionToken"), "ExpiredToken")


def an_access_token_is_renewed():
    with make(sso={**SSO, "token_life_s": 1800}) as sim:
        status, found = renew(sim)
        equal((status, found["expiresIn"], found["tokenType"], found["refreshToken"]), (200, 1800, "Bearer", "refresh-1"))
        equal([portal(sim, "access-1")[0], portal(sim, found["accessToken"])[0]], [401, 200])
        for changes, status, error in (({"clientSecret": "x"}, 401, "invalid_client"), ({"refreshToken": "x"}, 400, "invalid_grant"),
                                       ({"grantType": "x"}, 400, "unsupported_grant_type")):
            found = renew(sim, **changes)
            equal((found[0], found[1]["error"]), (status, error))
        for mode, error in (("expired-token", "expired_token"), ("invalid-grant", "invalid_grant")):
            sim.control("world", {"metadata": {"sso": {"oidc": mode}}})
            equal(renew(sim)[1]["error"], error)
        equal((sim.counts()["metadata"]["oidc"], sim.counts()["metadata"]["sso"]), (6, 2))


def what_is_wrong_with_the_settings_is_said():
    with make() as sim:
        for metadata, word in (({"imds": {"put": "maybe"}}, "put"), ({"sso": {"token": "x"}}, "token"), ({"ecs": {}}, "ecs"),
                               ({"imds": {"role": "sweep"}}, "sweep"), ({"imds": {"v1": 1}}, "v1")):
            status, _, body = sim.request("POST", "/_iotsim/world", json.dumps({"metadata": metadata}), headers={"Accept": "*/*"})
            assert status == 400 and word in body.decode(), (metadata, status, body)


main([an_instance_has_its_role, an_instance_without_a_role_has_none, metadata_tokens_are_checked, instance_metadata_can_fail,
      instance_credentials_can_be_old, a_container_gets_credentials, a_container_endpoint_can_fail,
      the_portal_gives_a_role_s_credentials, an_access_token_is_renewed, what_is_wrong_with_the_settings_is_said])
