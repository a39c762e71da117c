#!/usr/bin/env python3
"""Shared files, hosts and proxies as Python and botocore find them: ours are the same. JOBSWEEP_SEED, JOBSWEEP_CASES."""
import os
import random
import shlex
import subprocess
import urllib.request

import botocore.configloader  # Debian's python3-botocore
import botocore.endpoint_provider
import botocore.exceptions
import botocore.httpsession
import botocore.loaders

from harness import equal, main, note, program, scratch

CASES = int(os.environ.get("JOBSWEEP_CASES", "3000"))
SEED = int(os.environ.get("JOBSWEEP_SEED", "20261126"))

# Every kind of character that a parser may treat in its own way.
SPACES = [" ", "\t", "  ", "\u00a0", "\u2003", "\x1c", "\x1f", "\x0b", "\x0c", "\x85", "\u2028", "\u3000"]
ENDS = ["\n"] * 12 + ["\r\n", "\r", "\n\n", "\r\r\n"]
WORDS = ["a", "b", "K", "k", "region", "Region", "iot", "endpoint_url", "\u00e9", "x y", "[", "]", "'", '"', "\\", "#", ";", "%(a)s", ""]
HEADERS = ["default", "DEFAULT", "profile default", "profile a", "profile b", 'profile "a"', "profile 'a b'", "profile a\\ b", "profile a b",
           'profile "a', "profile", "profiles a", "profile\ta", " default ", "sso-session a", "sso-session 'a'", "services a", "services a",
           "services", "a", "b", "a b", "a]b", "", "]", "\u00e9", 'profile "a\\"b\\c"', "profile a''", "profile ''"]
HAND_MADE = [b"", b"\n", b"[a]", b"[a]\nk", b"[a]\nk=", b"k=v", b"\xef\xbb\xbf[a]\n", b"[a]\n\xff=1\n", b"# only\n; comments\n",
             b"[a]\nk=v # no comment\n", b"[a]\nk=v ; no\n", b"[a]\nk = v\n# c\n  w\n", b"[a]\r\nk = v\r\n", b"[a]\rk = v\r",
             b"[a]\nk =\n  x = y\n  z = w\n", b"[a]\nk =\n  x\n", b"[a]\nk =\n\n  x = y\n", b"[a]\nk = \n  x : y\n",
             b"[a]\nk =\n  x = y\x0bz = w\x0cq\n", b"[a]\nk =\n  x = y\xc2\x85z = w\xe2\x80\xa8q=1\n", b"[DEFAULT]\nk =\n  bad\n",
             b"[DEFAULT]\nk =\n  bad\n[a]\n", b"[DEFAULT]\nk=1\n[DEFAULT]\nj=2\n[a]\n", b"[DEFAULT]\nk=1\n[DEFAULT]\nk=2\n",
             b"[a]\nk=1\nK=2\n", b"[a]\n[a]\n", b"[a]\n[b]\n[a]\nk=1\n", b"  [a]\n  k=1\n  j=2\n", b"[a]\n  k=1\n j=2\n", b"[a] x ] y\n",
             b"[a\n[b]\n", b"[a]\n[b = c\n", b"[a]\n[] = c\n", b"[]\n", b"[a]\n= v\n", b"[a]\n: v\n", b"[a]\nk := v\n", b"[a]\nk:v=w\n",
             b"[a]\nk=v\n\n\n  w\n\n\nj=1\n", b"[a]\n\xc2\xa0k = v\n", b"[a]\nk = v\n\xc2\xa0w\n", b"[a]\nk\xc2\xa0=\xe3\x80\x80v\n"]


def ask(questions):
    """The answers of ours."""
    text = "".join("\t".join(fields) + "\n" for fields in questions)
    result = subprocess.run([program("e2e/settings_lines")], input=text, capture_output=True, text=True, check=True, timeout=120)
    answers = result.stdout.splitlines()
    equal(len(answers), len(questions))
    return answers


def hexed(text):
    return (text.encode() if isinstance(text, str) else text).hex()


# --- files

def key_line(chance):
    name, value = chance.choice(WORDS), chance.choice(WORDS)
    gap = [chance.choice(SPACES) if chance.random() < .3 else "" for _ in range(4)]
    return gap[0] + name + gap[1] + chance.choice("==:") + gap[2] + value + gap[3]


def line(chance):
    kind = chance.random()
    if kind < .25:
        text = f"[{chance.choice(HEADERS)}]" + (chance.choice([" x", "]", " # c"]) if chance.random() < .05 else "")
    elif kind < .6:
        text = key_line(chance)
    elif kind < .7:
        text = f"{chance.choice(['iot', 'k'])} =\n  {key_line(chance).lstrip()}"
    elif kind < .8:
        text = chance.choice(SPACES) + key_line(chance)
    elif kind < .9:
        text = chance.choice(["", "", "# c", " ; c", chance.choice(SPACES)])
    else:
        text = "".join(chance.choice(WORDS + SPACES + ["=", ":"]) for _ in range(chance.randint(1, 5)))
    return text + chance.choice(ENDS)


def tame_file(chance):
    """Rarely one that is refused."""
    text = ""
    for header in chance.sample(HEADERS, chance.randint(1, 5)):
        keys = chance.sample(["region", "iot", "k", "\u00e9", "endpoint_url"], chance.randint(0, 3))
        text += f"[{header}]\n" + "".join(f"{key} = {chance.choice(['', 'x y', '1 # c', chr(10) + '  endpoint_url = u' + chr(10) + '  a=b'])}\n"
                                           for key in keys)
    return text.encode()


def random_file(chance):
    text = "".join(line(chance) for _ in range(chance.randint(1, 9)))
    if chance.random() < .8:
        text = f"[{chance.choice(HEADERS)}]\n" + text
    data = text.encode()
    if chance.random() < .02:
        place = chance.randint(0, len(data))
        data = data[:place] + chance.choice([b"\xff", b"\xc3", b"\xe2\x80"]) + data[place:]
    return data


def parsed_by_python(path):
    try:
        return botocore.configloader.raw_config_parse(path)
    except botocore.exceptions.ConfigParseError:
        return None


def parsed_by_us(answer):
    if answer == "refused":
        return None
    found, keys = {}, None
    for field in answer.split("\t")[1:]:
        if field[0] == "s":
            keys = found.setdefault(bytes.fromhex(field[1:]).decode(), {})
            continue
        name, value = field[1:].split("=")
        name, *subname = (bytes.fromhex(part).decode() for part in name.split("."))
        value = bytes.fromhex(value).decode()
        if subname:
            keys.setdefault(name, {})[subname[0]] = value
        else:
            keys[name] = value
    return found


def files_are_parsed_as_python_parses_them():
    note(f"seed {SEED}")
    chance = random.Random(SEED)
    path = os.path.join(scratch(), "config")
    files = HAND_MADE + [random_file(chance) for _ in range(CASES)]
    accepted = 0
    for data, answer in zip(files, ask([["ini", hexed(data)] for data in files])):
        with open(path, "wb") as file:
            file.write(data)
        theirs = parsed_by_python(path)
        accepted += theirs is not None
        equal(parsed_by_us(answer), theirs, data)
    note(f"{accepted} of {len(files)} files were accepted")
    assert len(files) / 10 < accepted < len(files) * 9 / 10, "the files are too bad, or too good"


def second_words(sections, word):
    """What newer versions of botocore find for sections such as [services NAME]."""
    found = {}
    for header, values in sections.items():
        try:
            parts = shlex.split(header) if header.startswith(word) else []
        except ValueError:
            continue
        if len(parts) == 2:
            found[parts[1]] = values
    return found


def merged_by_python(config, credentials):
    """As session.full_config: maps of profiles, sso-sessions and services."""
    raw, secrets = parsed_by_python(config), parsed_by_python(credentials)
    if raw is None or secrets is None:
        return None
    profiles = botocore.configloader.build_profile_map(raw)["profiles"]
    for name, values in secrets.items():
        profiles.setdefault(name, {}).update(values)
    services = {name: values for name, values in second_words(raw, "services").items() if values}
    return {"profile": profiles, "sso-session": second_words(raw, "sso-session"), "services": services}


def expected_value(sections, name, key, subkey):
    value = sections.get(name, {}).get(key)
    if subkey:
        value = value.get(subkey) if isinstance(value, dict) else None
    return "none" if value is None or isinstance(value, dict) else "=" + hexed(value)


def questions_on(merged, paths, chance):
    """All that is there, and some that is not."""
    kinds = merged or {"profile": {}, "sso-session": {}, "services": {}}
    for kind, sections in kinds.items():
        for name in {*sections, "a", "b", "default", "a b", chance.choice(HEADERS)}:
            yield ["has", *paths, kind, hexed(name)], None if merged is None else ("yes" if name in sections else "no")
            for key in {*sections.get(name, {}), "region", "iot"}:
                value = sections.get(name, {}).get(key)
                for subkey in {"", "endpoint_url", *(value if isinstance(value, dict) else [])}:
                    yield (["get", *paths, kind, hexed(name), hexed(key), hexed(subkey)],
                           None if merged is None else expected_value(sections, name, key, subkey))


def profiles_are_merged_as_botocore_merges_them():
    chance = random.Random(SEED + 1)
    folder = scratch()
    asked, expected = [], []
    for number in range(CASES // 10):
        paths = [os.path.join(folder, f"{kind}{number}") for kind in ("config", "credentials")]
        for path in paths:
            with open(path, "wb") as file:
                file.write((tame_file if chance.random() < .9 else random_file)(chance))
        for question, answer in questions_on(merged_by_python(*paths), paths, chance):
            asked.append(question)
            expected.append("refused" if answer is None else answer)
    for question, ours, theirs in zip(asked, ask(asked), expected):
        equal(ours, theirs, [question[0], open(question[1], "rb").read(), open(question[2], "rb").read(), question[3:]])
    told = sum(answer.startswith("=") for answer in expected)
    note(f"{len(asked)} questions, {told} with a value")
    assert told > CASES / 10


# --- hosts

SERVICES = {"iot": "2015-05-28", "sts": "2011-06-15"}
if tuple(map(int, botocore.__version__.split("."))) >= (1, 43):  # older rules have other FIPS hosts in aws-us-gov for these
    SERVICES.update({"sso": "2019-06-10", "sso-oidc": "2019-06-10"})
ODD_REGIONS = ["mars-north-9", "us-east", "us-east-1a", "eu--1", "cn-north-1b", "xx-gov-west-1", "us-isox-east-1", "us-east-12"]
# What versions of botocore from before these partitions, or from before their second address, say of them.
UNKNOWN_THERE = "does not support"


def their_host(provider, service, region, fips, dual):
    parameters = {"Region": region, "UseFIPS": fips, "UseDualStack": dual}
    if service == "sts":
        parameters["UseGlobalEndpoint"] = False
    try:
        return provider.resolve_endpoint(**parameters).url
    except botocore.exceptions.EndpointProviderError as error:
        return str(error)


def hosts_are_those_of_botocores_rules():
    loader = botocore.loaders.Loader()
    partitions = loader.load_data("partitions")
    regions = [name for partition in partitions["partitions"] for name in partition["regions"]
               if not name.endswith("-global")] + ODD_REGIONS
    asked, theirs = [], []
    for service, version in SERVICES.items():
        rules = loader.load_service_model(service, "endpoint-rule-set-1", version)
        provider = botocore.endpoint_provider.EndpointProvider(rules, partitions)
        for region in regions:
            for fips, dual in ((False, False), (True, False), (False, True), (True, True)):
                host = their_host(provider, service, region, fips, dual)
                if UNKNOWN_THERE not in host:
                    asked.append(["host", service, region, str(int(fips)), str(int(dual))])
                    theirs.append(host)
    note(f"{len(asked)} addresses in {len(regions)} regions")
    assert len(asked) > 200
    for question, ours, host in zip(asked, ask(asked), theirs):
        equal(ours, host, question)


# --- proxies

VARIABLES = ["https_proxy", "HTTPS_PROXY", "Https_Proxy", "HTTPS_proxy", "http_proxy", "HTTP_PROXY", "no_proxy", "NO_PROXY", "all_proxy",
             "REQUEST_METHOD", "PATH"]
PROXIES = ["", "p:1", "http://p:1", "https://p", "//p", "http://u:w@p:1"]
EXCEPTED = ["", "*", ".com", "example.com", " EXAMPLE.com , x", "iot.example.com:8443", "*.com", "..com", ",", "ample.com", "10.0.0.1", "10.0.0.0/8"]
URLS = ["https://iot.example.com", "https://iot.example.com:8443", "https://example.com", "https://10.0.0.1", "https://[2001:db8::1]:8443"]


def random_environment(chance):
    return {name: chance.choice(EXCEPTED if name.lower() == "no_proxy" else PROXIES)
            for name in chance.sample(VARIABLES, chance.randint(0, 6))}


def their_proxy(url, environment):
    before = dict(os.environ)
    try:
        os.environ.clear()
        os.environ.update(environment)
        authority = url.split("/")[2]
        proxies = {} if urllib.request.proxy_bypass_environment(authority) else urllib.request.getproxies_environment()
    finally:
        os.environ.clear()
        os.environ.update(before)
    return botocore.httpsession.ProxyConfiguration(proxies).proxy_url_for(url) or ""


def proxies_are_those_of_urllib():
    chance = random.Random(SEED + 2)
    cases = [(chance.choice(URLS), random_environment(chance)) for _ in range(CASES)]
    answers = ask([["proxy", url, *(hexed(f"{name}={value}") for name, value in env.items())] for url, env in cases])
    for (url, env), ours in zip(cases, answers):
        equal(ours, their_proxy(url, env), (url, env))
    assert CASES / 10 < sum(map(bool, answers)) < CASES * 9 / 10


main([files_are_parsed_as_python_parses_them, profiles_are_merged_as_botocore_merges_them, hosts_are_those_of_botocores_rules,
      proxies_are_those_of_urllib])
