#!/usr/bin/env python3
"""`jobsweep delete-job-execution` side by side with Debian's `aws` 2.9.19.

Random command lines (JOBSWEEP_SEED, JOBSWEEP_CASES) must end with the same exit status and the same requests as with
`aws`. Where the two differ, DIFFERENCES says how, one by one, and both sides are held to it. The sentences of 2.9.19
are older ones and are not compared; signatures are for execute-api there.
"""
import atexit
import json
import os
import random
import subprocess

from answering import AWS, KEYS, Caller, Server, closed_url, line, words_for
from harness import LIMIT_S, Skip, clean_environment, equal, main, note, run, scratch

SERVER = Server()
CALLER = Caller(SERVER)
AT = ["--endpoint-url", SERVER.url]
ONE, LINE = words_for("j"), line("j")


def job(name):
    return [*words_for(name), *AT]


# aws, started once and forked for each command line, so that its second of importing is paid once.
FORKER = """
import json, os, sys
sys.argv = ["/usr/bin/aws"]
import awscli.clidriver, botocore.session, awscli.customizations.cliinput
for line in sys.stdin:
    case = json.loads(line)
    child = os.fork()
    if child == 0:
        os.chdir(case["folder"])
        data = os.environ["AWS_DATA_PATH"]  # set when it was imported
        os.environ.clear()
        os.environ.update(case["env"], AWS_DATA_PATH=data)
        out = os.open("out", os.O_RDWR | os.O_CREAT)
        err = os.open("err", os.O_RDWR | os.O_CREAT)
        null = os.open("/dev/null", os.O_RDONLY)
        for source, target in ((null, 0), (out, 1), (err, 2)):
            os.dup2(source, target)
        status = 99
        try:
            words = [os.fsdecode(bytes.fromhex(word)) for word in case["words"]]
            status = awscli.clidriver.AWSCLIEntryPoint().main(words)
            sys.stdout.flush()
            sys.stderr.flush()
        except SystemExit as end:
            status = end.code or 0
        finally:
            os._exit(status)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
"""


class Aws:
    one = None

    @classmethod
    def started(cls):
        cls.one = cls.one or cls()
        return cls.one

    def __init__(self):
        if not os.access(AWS, os.X_OK):
            raise Skip("there is no aws command")
        version = run([AWS, "--version"], clean_environment()).stdout
        if not version.startswith("aws-cli/2.9."):
            raise Skip(f"the aws command is {version.split()[0]}, not Debian's 2.9")
        self.process = subprocess.Popen(["/usr/bin/python3", "-c", FORKER], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=subprocess.DEVNULL, env=clean_environment(), text=True)
        atexit.register(self.end)

    def end(self):
        self.process.stdin.close()
        self.process.wait(LIMIT_S)

    def run(self, words, env, files):
        """Exit status, what it said, requests."""
        folder = scratch()
        write_files(folder, files)
        words = list(words)
        words.insert(words.index("delete-job-execution"), "iot")
        SERVER.taken()
        case = {"folder": folder, "env": dict(clean_environment(), COLUMNS="80", **env),
                "words": [os.fsencode(word).hex() for word in words]}
        self.process.stdin.write(json.dumps(case) + "\n")
        self.process.stdin.flush()
        status = int(self.process.stdout.readline())
        with open(os.path.join(folder, "err"), encoding="utf-8", errors="surrogateescape") as file:
            return status, file.read(), SERVER.taken()



def write_files(folder, files):
    for name, content in files.items():
        with open(os.path.join(folder, name), "wb") as file:
            file.write(content)


FILES = {"text": b"job-2", "lines": b"a\r\nb\rc\n", "latin": b"\xe9", "empty": b"", "json": b'{"jobId":"f","force":true}',
         "bom": b'\xef\xbb\xbf{"thingName":"b"}', "yaml": b"jobId: y\nexecutionNumber: 3\n"}
TEXTS = ["job-1", "j404", "j409", "j403", "..", ".", "a b", "a/b", "\u00e9", "\U0001f642", "a~b", "-5", "-5.5", "-x", "--x", "--", "a=b",
         "=", "%41", "?x=1", "file://text", "file://lines", "file://latin", "file://none", "fileb://text", "file://empty",
         "file://~/none", "file://$HOME/none", "file://", "", "\udcff", "help", "x y", "'", '"', "+", "a" * 65]
NUMBERS = ["1", "7", "0", "-5", "+0012", " 12 ", "1_000", "1__0", "_1", "1.5", "1e3", "0x10", "", "99999999999999999999999", "one", "--1",
           "\t3\n", "file://text", "-", "1" * 4300, "1" * 4301]
DOCUMENTS = ["{}", "[1]", "null", "5", '"x"', "{", "", "nonsense", '{"jobId":"d"}', '{"jobId":"d","thingName":"e","executionNumber":4}',
             '{"executionNumber":true,"thingName":"e"}', '{"executionNumber":4.0}', '{"executionNumber":1e2}', '{"jobId":null}',
             '{"jobId":"a","jobId":"b"}', '{"force":"yes"}', '{"force":true,"namespaceId":"n"}', '{"namespaceId":"n","force":false}',
             '{"bogus":1}', '{"jobId":"","thingName":""}', '{"jobId":"\\u00e9\\ud83d\\ude42"}', '{"jobId":"\\ud800"}', '{"jobId":"a\\u0000b"}',
             '{"executionNumber":99999999999999999999999,"jobId":"big"}', '{"executionNumber":-0}', '{"executionNumber":NaN}',
             '{"jobId":["x",{"y":1.50}]}', ' {"jobId" : "s"} ', '{"jobId":"d"} x', '{"jobId":"d",}', "{'jobId':'d'}", '{"executionNumber":01}',
             "file://json", "fileb://json", "file://bom", "fileb://bom", "file://yaml", "file://none", "file://latin", "fileb://latin"]
YAMLS = ["jobId: y", "jobId: y\nthingName: t\nexecutionNumber: 3", "executionNumber: '3'", "executionNumber: 0x10", "executionNumber: 0o17",
         "executionNumber: 1_0", "executionNumber: 3.0", "executionNumber: +7", "force: yes", "force: True", "force: true", "force: ~",
         "jobId: 1", "jobId: 2001-01-01", "jobId: 12:30:45", "jobId: 'a\n  b'", "jobId: |\n  a\n  b\n", "jobId: >\n  a\n  b\n", "{jobId: y}",
         "[jobId]", "", "# nothing", "jobId", "jobId: y\njobId: z", "1: 2", "jobId: [a", "jobId: \"a\\tb\"", "~: 1", "- a\n- b",
         "jobId: .5", "jobId: 1e3", "jobId: .inf", "jobId: 0b1", "jobId: 010", "jobId: on", "jobId: =", "namespaceId: ''",
         *[text for text in DOCUMENTS if "\\" not in text]]
# Each is as likely as its number says: options with their values, by exact name and by prefix.
GLOBALS = [(3, ["--region", "us-west-2"]), (1, ["--reg", "us-west-2"]), (1, ["--region=eu-west-1"]), (1, ["--region", "us east"]),
           (1, ["--region", ""]), (2, ["--output", "text"]), (1, ["--output", "jsn"]), (1, ["--out=table"]), (1, ["--query", "foo"]),
           (1, ["--q", "foo.bar"]), (1, ["--query", ""]), (1, ["--profile", "nosuch"]), (1, ["--profile", ""]), (1, ["--p", "default"]),
           (1, ["--color", "maybe"]), (1, ["--color", "on"]), (1, ["--no-sign-request"]), (1, ["--no-s"]), (1, ["--no-paginate"]),
           (1, ["--no-verify-ssl"]), (1, ["--no-v=1"]), (1, ["--cli-read-timeout", "5"]), (1, ["--cli-read-timeout", "x"]),
           (1, ["--cli-read-timeout", "-1"]), (1, ["--cli-connect", "0"]), (1, ["--cli-binary-format", "raw-in-base64-out"]),
           (1, ["--cli-binary-format", "x"]), (1, ["--no-cli-pager"]), (1, ["--no-cli"]), (1, ["--endpoint-url", "1"]),
           (1, ["--endpoint-url", "localhost:80"]), (1, ["--endpoint-url", "http:/x"]), (1, ["--ca-bundle"]), (1, ["--version"])]
FORCES = ["--force", "--no-force", "--f", "--no-f", "--force=1", "--n", "--no"]
STRANGERS = ["--bogus", "--bogus=1", "extra", "-b", "-1", "--", "--e", "--exec", "--c", "--cli-input", "-", "--job", "x y"]


class Lines:
    """Random command lines."""

    def __init__(self, seed):
        self.random = random.Random(seed)

    def option(self, name, value):
        if self.random.random() < 0.15:
            name = name[:self.random.randrange(4, len(name) + 1)]
        return [f"{name}={value}"] if self.random.random() < 0.2 else [name, value]

    def parts(self):
        choice, chance = self.random.choice, self.random.random
        parts = [self.option("--endpoint-url", SERVER.url)]
        for name, usual, values in (("--job-id", "j", TEXTS), ("--thing-name", "t", TEXTS), ("--execution-number", "1", NUMBERS)):
            if chance() < 0.92:
                parts.append(self.option(name, usual if chance() < 0.55 else choice(values)))
            if chance() < 0.05:
                parts.append(self.option(name, choice(values)))
        if chance() < 0.15:
            parts.append(self.option("--namespace-id", choice(TEXTS)))
        if chance() < 0.3:
            parts.append([choice(FORCES)])
        if chance() < 0.22:
            parts.append(self.option("--cli-input-json", choice(DOCUMENTS)))
        if chance() < 0.18:
            parts.append(self.option("--cli-input-yaml", choice(YAMLS)))
        if chance() < 0.06:
            parts.append(["--generate-cli-skeleton", *([choice(["input", "output", "yaml-input", "bogus"])] if chance() < 0.7 else [])])
        if chance() < 0.12:
            parts.append([choice(STRANGERS)])
        return parts

    def make(self):
        parts = self.parts()
        before = []
        while self.random.random() < 0.3:
            part = list(self.random.choices([part for _, part in GLOBALS], [often for often, _ in GLOBALS])[0])
            (before if self.random.random() < 0.3 and part != ["--ca-bundle"] and part[0] != "--no-cli" else parts).append(part)
        self.random.shuffle(parts)
        words = [word for part in before for word in part] + ["delete-job-execution"] + [word for part in parts for word in part]
        return [word for word in words if "\0" not in word]

    def environment(self):
        choice, chance = self.random.choice, self.random.random
        env = dict(KEYS, AWS_MAX_ATTEMPTS="1")
        if chance() < 0.06:
            del env[choice(["AWS_SECRET_ACCESS_KEY", "AWS_REGION"])]
        if chance() < 0.04:
            env["AWS_MAX_ATTEMPTS"] = choice(["0", "x", "2"])
        if chance() < 0.04:
            env["AWS_RETRY_MODE"] = choice(["bogus", "adaptive", "legacy"])
        if chance() < 0.03:
            env["AWS_DEFAULT_OUTPUT"] = choice(["bogus", "yaml"])
        if chance() < 0.03:
            env["AWS_PROFILE"] = "nosuch"
        return env


def told_differently(words, stderr, ours):
    """stderr: of aws. Whether a difference of DIFFERENCES is at work, which a random line can run into."""
    return ("jmespath" in stderr.lower() or "region_name ''" in ours or "--help" in words or any(word.endswith("=--") for word in words)
            or any(word.startswith("--output") and word.endswith("off") for word in words))


def random_command_lines_end_as_with_aws():
    # In check always the same lines: what Python's modules make of a word may be new to us, but not to a change of ours.
    count = int(os.environ.get("JOBSWEEP_CASES", 50))
    seed = int(os.environ.get("JOBSWEEP_SEED") or (1 if count <= 100 else random.randrange(1 << 32)))
    note(f"JOBSWEEP_SEED={seed}")
    aws, lines, compared, wrong = Aws.started(), Lines(seed), 0, []
    for number in range(count):
        words, env = lines.make(), lines.environment()
        status, said, requests = aws.run(words, env, FILES)
        done, ours = CALLER.run(words, env=env, files=FILES)
        if told_differently(words, said, done.stderr):
            continue
        compared += 1
        if (done.returncode, ours) != (status, requests):
            wrong.append(f"line {number}: {words} {env}\n{done.returncode} {ours} {done.stderr}\naws: {status} {requests} {said[:400]}")
    assert not wrong, "\n".join([f"{len(wrong)} ended otherwise", *wrong[:10]])
    assert compared > count * 0.9, f"only {compared} of {count} could be compared"


# Name: words, environment, then exit status and requests of jobsweep, and of aws 2.9.19.
DIFFERENCES = {
    "a lost answer is not sent again": (job("jquiet"), {"AWS_MAX_ATTEMPTS": "2"}, 255, [line("jquiet")], 255, [line("jquiet")] * 2),
    "a server error to a forced deletion is not sent again":
        ([*job("j503"), "--force"], {"AWS_MAX_ATTEMPTS": "2"}, 254, [line("j503") + "?force=true"], 254, [line("j503") + "?force=true"] * 2),
    "an answer that is not the service's is no success": (job("jportal"), {}, 255, [line("jportal")], 0, [line("jportal")]),
    "--query is not evaluated": ([*ONE, *AT, "--query", "foo["], {}, 0, [LINE], 252, []),
    "YAML has no anchors": (["delete-job-execution", "--cli-input-yaml", "jobId: &a j\nthingName: *a\nexecutionNumber: 1", *AT], {},
                            252, [], 0, ["DELETE /things/j/jobs/j/executionNumber/1"]),
    "a tab behind a colon of YAML is a space": (["delete-job-execution", "--cli-input-yaml", "jobId:\tj\nthingName: t\nexecutionNumber: 1", *AT], {},
                                                0, ["DELETE /things/t/jobs/j/executionNumber/1"], 252, []),
    # The server here refuses so long a line, which aws sends.
    "a file has 64 KiB at most": ([*ONE, *AT, "--job-id", "file://large"], {}, 252, [], 254, []),
    "half a pair of keys is told whichever half it is":
        ([*ONE, *AT], {"AWS_ACCESS_KEY_ID": ""}, 255, [], 253, []),
    "--option=-- has no value": ([*ONE, *AT, "--profile=--"], {}, 252, [], 0, [LINE]),
    "an empty region is refused": ([*ONE, *AT, "--region", ""], {}, 255, [], 0, [LINE]),
    "an empty AWS_REGION names none": ([*ONE, *AT], {"AWS_REGION": ""}, 253, [], 0, [LINE]),
    "an empty AWS_PROFILE names none": ([*ONE, *AT], {"AWS_PROFILE": ""}, 0, [LINE], 255, []),
    "digits are 0 to 9": ([*ONE, *AT, "--execution-number", "\u0661"], {}, 252, [], 0, [LINE]),
    "no prompt": ([*ONE, *AT, "--cli-auto-prompt"], {}, 0, [LINE], 255, []),
    "--output off, since 2.34": ([*ONE, *AT, "--output", "off"], {}, 0, [LINE], 252, []),
    "--cli-error-format, since 2.34": ([*ONE, *AT, "--cli-error-format", "json"], {}, 0, [LINE], 252, []),
    "endpoints of the environment, since 2.13": (ONE, {"AWS_ENDPOINT_URL": SERVER.url}, 0, [LINE], 255, []),
}


def held_to(name):
    words, env, status, requests, aws_status, aws_requests = DIFFERENCES[name]
    files = {"large": b"a" * 65537} if "file://large" in words else {}
    env = {**KEYS, "AWS_MAX_ATTEMPTS": "1", **env}

    def test():
        done, ours = CALLER.run(words, env=env, files=files)
        equal((done.returncode, ours), (status, requests), done.stderr)
        # Without the variable that it does not know it would ask AWS itself.
        aws_env = dict(env, HTTPS_PROXY=closed_url()) if "AWS_ENDPOINT_URL" in env else env
        their_status, said, theirs = Aws.started().run(words, aws_env, files)
        equal((their_status, theirs), (aws_status, aws_requests), said)
    test.__name__ = "difference_to_aws_" + name.replace(" ", "_").replace("-", "_").replace(",", "")
    return test


main([random_command_lines_end_as_with_aws, *map(held_to, DIFFERENCES)])
