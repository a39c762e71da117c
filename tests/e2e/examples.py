#!/usr/bin/python3
"""The examples of config/: each loads, passes its own tests (config/examples/tests), is planned against a simulator, and
is what the JSON Schema says, by another program's judgement; so is every good configuration of the tests. What jobsweep
test says of examples that are not met, in each format."""
import datetime
import json
import os
import shutil
import xml.etree.ElementTree

import jsonschema
import yaml

from harness import ROOT, Iotsim, equal, main, program, run, scratch

EXAMPLES = os.path.join(ROOT, "config/examples")
NAMES = sorted(name for name in os.listdir(EXAMPLES) if name.endswith(".yaml"))
GOOD, BAD = os.path.join(ROOT, "tests/policy/good"), os.path.join(ROOT, "tests/policy/bad")


def jobsweep(*words):
    return run([program("jobsweep"), *words], {"PATH": os.environ["PATH"], "HOME": scratch(), "LANG": "C.UTF-8"})


def private(name, text=None):
    """A copy that nobody else can write."""
    path = os.path.join(scratch(), os.path.basename(name))
    if text is None:
        shutil.copyfile(name, path)
    else:
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
    os.chmod(path, 0o600)
    return path


def read(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


def every_example_loads():
    assert len(NAMES) >= 5, NAMES
    for name in NAMES + ["../jobsweep.yaml"]:
        result = jobsweep("-c", private(os.path.join(EXAMPLES, name)), "check")
        equal(result.returncode, 0, name + result.stderr)


def examples_with_tests_pass_them():
    tested = sorted(os.listdir(os.path.join(EXAMPLES, "tests")))
    assert len(tested) >= 3, tested
    for name in tested:
        result = jobsweep("-c", private(os.path.join(EXAMPLES, name)), "test", os.path.join(EXAMPLES, "tests", name))
        equal(result.returncode, 0, result.stdout + result.stderr)
        assert "0 failed" in result.stdout, result.stdout


def every_example_is_planned():
    """As it stands, but for where its targets are, and in the first of them."""
    with Iotsim("--things", 30, "--jobs", 10, "--executions", 600, "--quota", "all=-1") as sim:
        for name in NAMES:
            configuration = yaml.safe_load(read(os.path.join(EXAMPLES, name)))
            for target in configuration["targets"].values():
                target.clear()
                target.update(account="123456789012", region=sim.region, endpoint_url=sim.url, ca_bundle=sim.ca)
            for policy in configuration["policies"]:
                policy["mode"], policy["targets"] = "observe", sorted(configuration["targets"])[:1]
            path = private(name, yaml.safe_dump(configuration))
            result = run([program("jobsweep"), "-c", path, "--format", "json", "plan"],
                         {**sim.environment(), "AWS_ENDPOINT_URL_STS": sim.url})
            equal(result.returncode, 0, name + result.stderr)
            assert any('"event":"row"' in line for line in result.stdout.splitlines()), name
        equal(sim.counts()["deleted"], 0)


def schema():
    result = jobsweep("schema")
    equal((result.returncode, result.stderr), (0, ""))
    found = json.loads(result.stdout)
    jsonschema.Draft202012Validator.check_schema(found)
    return found


def load(text):
    """As an editor sees it: a moment without quotes is a text."""
    return json.loads(json.dumps(yaml.safe_load(text), default=lambda value: value.isoformat()
                                 if isinstance(value, datetime.date) else str(value)))


def good_configurations_fit_the_schema():
    validator = jsonschema.Draft202012Validator(schema())
    paths = [os.path.join(GOOD, name) for name in sorted(os.listdir(GOOD)) if name.endswith(".yaml")]
    paths += [os.path.join(EXAMPLES, name) for name in NAMES]
    for path in paths:
        errors = [f"{path}: {error.json_path}: {error.message[:200]}" for error in validator.iter_errors(load(read(path)))]
        equal(errors, [])


def bad_configurations_do_not():
    """Those whose fault is in one key."""
    validator = jsonschema.Draft202012Validator(schema())
    for name in ("key-unknown", "mode-unknown", "age-without-unit", "keep-rules", "keep-empty", "match-empty", "order", "percent",
                 "status-unknown", "targets-empty", "version-two", "share-over-one", "protect", "per-thing",
                 "match-job", "match-thing", "match-attributes", "namespace", "account-short", "later-policy", "force-null", "match-blocks",
                 "archive"):
        assert not validator.is_valid(load(read(os.path.join(BAD, name + ".yaml")))), name


def every_key_of_the_schema_is_described():
    def walk(value, path):
        for name, inner in value.get("properties", {}).items():
            assert inner.get("description"), f"{path}.{name}"
            walk(inner, f"{path}.{name}")
    found = schema()
    walk(found, "")
    for name, definition in found["$defs"].items():
        walk(definition, name)


CONFIGURATION = """version: 1
targets: {t: {account: "123456789012"}}
policies:
  - name: p
    targets: [t]
    match: {age: {older_than: 30d}}
    keep: [{last: 1, per: thing}]
"""
TESTS = """version: 1
tests:
  - name: fits
    policy: p
    given: [{thing: gw, job: fw, age: 31d, expect: keep}]
  - name: a & <b>
    policy: p
    given:
      - {thing: gw, job: fw-1, age: 31d, expect: delete}
      - {thing: gw, job: fw-2, age: 32d, expect: delete, because: the moon}
      - {thing: gw, job: fw-3, age: 33d, expect: delete}
"""


def differences_are_shown_in_each_format():
    config, tests = private("jobsweep.yaml", CONFIGURATION), private("tests.yaml", TESTS)
    result = jobsweep("-c", config, "test", tests)
    equal(result.returncode, 1)
    lines = result.stdout.splitlines()
    equal(lines[0], "ok      fits")
    equal(lines[1], f"FAILED  a & <b> ({tests}, policy p)")
    equal(lines[2:5], ["  line 9: fw-1/gw/1", "    expected delete", f"    found    keep: kept by last: 1, per: thing ({config}:7:12)"])
    equal(lines[5:8], ["  line 10: fw-2/gw/2", "    expected delete: the moon",
                       f"    found    delete: status SUCCEEDED, age over 30d, no keep rule holds ({config}:4:5)"])
    equal(lines[8:], ["1 passed, 1 failed"])
    result = jobsweep("-c", config, "--format", "json", "test", tests)
    events = [json.loads(line) for line in result.stdout.splitlines()]
    equal([event.get("passed") for event in events], [True, False, 1])
    equal([row["verdict"] for row in events[1]["differences"]], ["keep", "delete"])
    equal(events[2], {"event": "tests", "passed": 1, "failed": 1, "exit": 1})
    result = jobsweep("-c", config, "--format", "junit", "test", tests)
    suite = xml.etree.ElementTree.fromstring(result.stdout.encode()).find("testsuite")
    equal((suite.get("tests"), suite.get("failures")), ("2", "1"))
    equal([case.get("name") for case in suite.findall("testcase")], ["fits", "a & <b>"])
    assert "expected delete, found keep" in suite.findall("testcase")[1].find("failure").text


def mistakes_in_a_file_of_examples_are_told():
    config = private("jobsweep.yaml", CONFIGURATION)
    absent = jobsweep("-c", config, "test", config + ".none", private("tests.yaml", TESTS))
    equal((absent.returncode, absent.stdout.splitlines()[-1]), (2, "1 passed, 1 failed, 1 file not read"))
    bad = TESTS.replace("policy: p", "policy: q").replace("job: fw-2", "job: fw-1, number: 1")
    result = jobsweep("-c", config, "test", private("tests.yaml", bad))
    equal(result.returncode, 2)
    equal(result.stderr.count("error: unknown policy 'q'; allowed: p\n"), 2, result.stderr)
    said = result.stderr.splitlines()
    at = next(i for i, line in enumerate(said) if "unknown policy 'q'" in line)
    equal(said[at + 1].index("q"), said[at + 2].index("^"), result.stderr)
    far = private("far.yaml", CONFIGURATION.replace("name: p,", "name: finished,").replace("name: p\n", "name: finished\n"))
    result = jobsweep("-c", far, "test", private("tests.yaml", TESTS.replace("policy: p", "policy: finsihed")))
    equal(result.stderr.count("unknown policy 'finsihed'; did you mean 'finished'? Allowed: finished"), 2, result.stderr)
    result = jobsweep("-c", config, "test", private("tests.yaml", bad))
    assert "this execution stands here again; it was at line" in result.stderr, result.stderr
    wrong = private("tests.yaml", TESTS.replace("thing: gw,", "thing: gw/1,", 1))
    result = jobsweep("-c", config, "test", wrong)
    assert "a thing's name is 1 to 128 of [a-zA-Z0-9:_-], not 'gw/1'\n" in result.stderr, result.stderr
    os.mkfifo(wrong + ".fifo", 0o600)  # nobody ever writes to it
    result = jobsweep("-c", config, "test", wrong + ".fifo")
    equal(result.returncode, 2)
    assert "is no regular file" in result.stderr, result.stderr
    bad = TESTS.replace("expect: keep", "expects: keep")
    result = jobsweep("-c", config, "test", private("tests.yaml", bad))
    assert "did you mean 'expect'?" in result.stderr, result.stderr
    equal(jobsweep("-c", config, "test", "/nowhere.yaml").returncode, 2)
    equal(jobsweep("-c", config, "test").returncode, 2)


KEYS = """version: 1
defaults: {targets: [t], abort_if: {selected_over: 5}}
targets: {t: {region: eu-west-1}}
policies:
  - {name: excl, match: {thing: {include: ["gw-*"], exclude: [gw-2]}, age: {older_than: 30d}}}
  - {name: nsnull, match: {namespace_id: null, age: {older_than: 30d}}}
  - {name: ns, match: {namespace_id: gg, age: {older_than: 30d}}}
  - {name: jobst, match: {job: {status: [COMPLETED, CANCELED], target_selection: SNAPSHOT}, age: {older_than: 30d}}}
  - {name: started, match: {age: {field: started_at, older_than: 30d}}}
  - {name: queued, match: {age: {field: queued_at, older_than: 30d}}}
  - {name: all, match: all, keep: [{last: 1, per: [thing, job]}]}
  - {name: pert, match: all, keep: [{last: 1, per: thing}]}
  - {name: pertarget, match: all, keep: [{last: 1, per: target}]}
  - {name: terminal, match: {status: [TERMINAL], age: {older_than: 30d}}}
  - {name: single, match: {status: [TERMINAL], job: {status: [COMPLETED]}, thing: {type: [a]}, age: {older_than: 30d}}}
  - {name: anynone, match: {any_of: [{status: [FAILED], age: {older_than: 10d}}, {age: {older_than: 90d}}], none_of: [{job_id: {include: ["keep-*"]}}]}}
protect:
  - {job_id: "audit-*", until: "2027-01-01T00:00:00Z", reason: legal hold 42}
  - {thing: [p-1, "p-2*"]}
"""

KEYS_TESTS = """version: 1
now: "2026-12-01T00:00:00Z"
tests:
  - {name: excl, policy: excl, given: [{thing: gw-1, job: a, age: 31d, expect: delete}, {thing: gw-2, job: a, age: 31d, expect: keep, because: excluded}, {thing: x, job: a, age: 31d, expect: keep}, {thing: gw-1, job: b, age: 30d, expect: keep}]}
  - {name: namespace null leaves namespaced jobs, policy: nsnull, given: [{thing: g, job: a, age: 31d, namespace_id: gg, expect: keep}, {thing: g, job: b, age: 31d, expect: delete}]}
  - {name: namespace named, policy: ns, given: [{thing: g, job: a, age: 31d, namespace_id: gg, expect: delete}, {thing: g, job: b, age: 31d, expect: keep}]}
  - {name: job status, policy: jobst, given: [{thing: g, job: a, age: 31d, job_status: CANCELED, expect: delete}, {thing: g, job: b, age: 31d, job_status: IN_PROGRESS, expect: keep}, {thing: g, job: c, age: 31d, target_selection: CONTINUOUS, expect: keep}]}
  - {name: started, policy: started, given: [{thing: g, job: a, age: 31d, started: 29d, expect: keep}, {thing: g, job: b, age: 1d, started: 31d, expect: delete}]}
  - {name: queued, policy: queued, given: [{thing: g, job: a, age: 31d, queued: 29d, expect: keep}, {thing: g, job: b, age: 1d, queued: 31d, expect: delete}]}
  - {name: per thing and job, policy: all, given: [{thing: g, job: a, age: 2d, expect: keep}, {thing: g, job: a, number: 7, age: 3d, expect: delete}, {thing: g, job: b, age: 9d, expect: keep}, {thing: h, job: a, age: 9d, expect: keep}]}
  - {name: per thing, policy: pert, given: [{thing: g, job: a, age: 2d, expect: keep}, {thing: g, job: b, age: 9d, expect: delete}, {thing: h, job: a, age: 9d, expect: keep}]}
  - {name: per target, policy: pertarget, given: [{thing: g, job: a, age: 2d, expect: keep}, {thing: g, job: b, age: 9d, expect: delete}, {thing: h, job: a, age: 9d, expect: delete}]}
  - {name: protect, policy: terminal, given: [{thing: g, job: audit-1, age: 31d, expect: keep, because: legal hold 42}, {thing: p-1, job: a, age: 31d, expect: keep}, {thing: p-22, job: a, age: 31d, expect: keep}, {thing: p-3, job: a, age: 31d, expect: delete}, {thing: g, job: q, status: QUEUED, age: 31d, expect: keep}, {thing: g, job: r, status: TIMED_OUT, age: 31d, expect: delete}]}
  - {name: single words, policy: single, given: [{thing: g, job: a, age: 31d, expect: keep, because: type}]}
  - {name: blocks, policy: anynone, given: [{thing: g, job: a, status: FAILED, age: 11d, expect: delete}, {thing: g, job: b, age: 11d, expect: keep}, {thing: g, job: c, age: 91d, expect: delete}, {thing: g, job: keep-1, age: 91d, expect: keep}]}
"""


def each_key_does_what_the_manual_says_whatever_the_order_of_policies():
    tests = private("tests.yaml", KEYS_TESTS)
    head, rest = KEYS.split("policies:\n")
    policies, protect = rest.split("protect:\n")
    for order in (policies.splitlines(True), policies.splitlines(True)[::-1]):
        config = private("jobsweep.yaml", head + "policies:\n" + "".join(order) + "protect:\n" + protect)
        result = jobsweep("-c", config, "--quiet", "test", tests)
        equal((result.returncode, result.stdout), (0, ""), result.stderr)
    later = private("later.yaml", KEYS_TESTS.replace("2026-12-01", "2027-01-02"))  # a protection has ended
    result = jobsweep("-c", config, "test", later)
    equal((result.returncode, result.stdout.count("FAILED")), (1, 1), result.stdout)
    assert "    expected keep: legal hold 42" in result.stdout, result.stdout


main([each_key_does_what_the_manual_says_whatever_the_order_of_policies, every_example_loads, examples_with_tests_pass_them, every_example_is_planned, good_configurations_fit_the_schema,
      bad_configurations_do_not, every_key_of_the_schema_is_described, differences_are_shown_in_each_format,
      mistakes_in_a_file_of_examples_are_told])
