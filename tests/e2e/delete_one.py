#!/usr/bin/env python3
"""`jobsweep delete-job-execution`: cases of its own; beside_aws.py has it side by side with Debian's `aws`."""
import json
import os
import pty
import re
import select
import signal
import socket
import subprocess
import termios

from answering import AWS, KEYS, Caller, Server, line, words_for
from harness import LIMIT_S, Iotsim, Skip, clean_environment, equal, main, program, run, scratch, try_terminal

SERVER = Server()
CALLER = Caller(SERVER)
AT = ["--endpoint-url", SERVER.url]
ONE, LINE = words_for("j"), line("j")
PREFIX = "\njobsweep: [ERROR]: "
UNKNOWN = "jobsweep: [ERROR]: It is unknown whether the job execution was deleted."


def job(name):
    return [*words_for(name), *AT]


def check(words, status, stderr=None, requests=(), stdout="", **more):
    done, seen = CALLER.run(words, **more)
    equal((done.returncode, seen), (status, list(requests)), f"{words}: {done.stderr!r}")
    equal(done.stdout, stdout)
    if stderr is not None:
        equal(done.stderr, stderr)
    return done


def a_deletion_says_nothing():
    check([*ONE, *AT], 0, "", [LINE])
    check(["iot", *ONE, *AT], 0, "", [LINE])
    check(["--region", "eu-west-1", "iot", "--color", "off", *ONE, *AT], 0, "", [LINE])
    check(["--force", *ONE, *AT], 0, "", [LINE + "?force=true"])


def it_needs_no_configuration_and_leaves_nothing_behind():
    folder = scratch()
    done = run([program("jobsweep"), *ONE, *AT], dict(clean_environment(), HOME=folder, **KEYS), cwd=folder)
    equal((done.returncode, done.stdout, done.stderr), (0, "", ""))
    equal(os.listdir(folder), [])


def execution(sim, status):
    """One that iotsim has in this state, as the words that delete it, and its thing."""
    for job_id in ("fw-0000", "fw-0001", "fw-0002"):
        target = f"/jobs/{job_id}/things?maxResults=50&status={status}"
        for row in json.loads(sim.request("GET", target)[2])["executionSummaries"]:
            thing, number = row["thingArn"].split(":thing/", 1)[1], row["jobExecutionSummary"]["executionNumber"]
            return [program("jobsweep"), "delete-job-execution", "--job-id", job_id, "--thing-name", thing,
                    "--execution-number", str(number), "--endpoint-url", sim.url], thing
    raise AssertionError(f"iotsim has nothing that is {status}")


def iotsim_takes_its_signature_and_deletes_what_was_meant():
    with Iotsim("--things", 60, "--jobs", 12, "--executions", 1320) as sim:
        (done, done_thing), (running, running_thing) = execution(sim, "SUCCEEDED"), execution(sim, "IN_PROGRESS")
        for words, status in ((done, 0), (done, 254), (running, 254), ([*running, "--force"], 0)):
            ended = run(words, sim.environment())
            equal(ended.returncode, status, ended.stderr)
        equal(sim.counts()["signature_failures"], 0)
        equal([(gone["thing"], gone["forced"]) for gone in sim.deleted()], [(done_thing, False), (running_thing, True)])


def a_certificate_that_nobody_vouches_for_is_refused_unless_that_is_asked_for():
    with Iotsim("--things", 60, "--jobs", 12, "--executions", 1320) as sim:
        words, _ = execution(sim, "FAILED")
        env = {name: value for name, value in sim.environment().items() if name != "AWS_CA_BUNDLE"}
        done = run(words, dict(env, AWS_MAX_ATTEMPTS="1"))
        equal(done.returncode, 255)
        assert done.stderr.startswith(PREFIX + "SSL validation failed for " + sim.url), done.stderr
        equal(sim.counts()["deleted"], 0)
        equal(run([*words, "--no-verify-ssl"], env).returncode, 0)
        equal(sim.counts()["deleted"], 1)


def the_services_errors_are_told_and_counted():
    for name, tail in (("j404", "(ResourceNotFoundException) when calling the DeleteJobExecution operation: Job execution not found"),
                       ("j501", "(501) when calling the DeleteJobExecution operation: not here")):
        check(job(name), 254, f"{PREFIX}An error occurred {tail}\n", [line(name)])
    check(job("jempty"), 254, f"{PREFIX}An error occurred (500) when calling the DeleteJobExecution operation "
          "(reached max retries: 1): Internal Server Error\n", [line("jempty")] * 2, env=dict(KEYS, AWS_MAX_ATTEMPTS="2"))
    check(job("j404"), 254, f"{PREFIX}An error occurred (ResourceNotFoundException) when calling the DeleteJobExecution "
          "operation (reached max retries: 0): Job execution not found\n", [line("j404")], env=dict(KEYS, AWS_MAX_ATTEMPTS="1"))
    check(job("jcontrol"), 254, f"{PREFIX}An error occurred (InvalidRequestException) when calling the DeleteJobExecution "
          "operation: a\\x1b[31mb\\x07c\n", [line("jcontrol")])


def what_is_throttled_is_tried_again_until_it_is_done():
    SERVER.scripts["jthen"] = [(400, "ThrottlingException", "Rate exceeded"), (503, None, None), (200, None, None)]
    check(job("jthen"), 0, "", [line("jthen")] * 3)


def a_lost_answer_is_never_sent_again():
    done = check(job("jquiet"), 255, None, [line("jquiet")])
    url = SERVER.url + line("jquiet")[7:]
    assert done.stderr.startswith(f'{PREFIX}Connection was closed before we received a valid response from endpoint URL: "{url}".\n'
                                  + UNKNOWN), done.stderr


def a_server_error_to_a_forced_deletion_is_never_sent_again():
    done = check([*job("j503"), "--force"], 254, None, [line("j503") + "?force=true"])
    assert done.stderr.startswith(f"{PREFIX}An error occurred (ServiceUnavailableException) when calling the DeleteJobExecution "
                                  "operation: Service unavailable\n" + UNKNOWN), done.stderr
    check([*job("jthr"), "--force"], 254, None, [line("jthr") + "?force=true"] * 2, env=dict(KEYS, AWS_MAX_ATTEMPTS="2"))


def an_answer_of_somebody_else_is_no_deletion():
    done = check(job("jportal"), 255, None, [line("jportal")])
    assert UNKNOWN in done.stderr, done.stderr


def a_server_that_never_answers_is_given_up():
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        done, _ = CALLER.run([*ONE, "--endpoint-url", url, "--cli-read-timeout", "1"])
        equal(done.returncode, 255)
        assert done.stderr.startswith(f'{PREFIX}Read timeout on endpoint URL: "{url}/things/t/jobs/j/executionNumber/1"\n'
                                      + UNKNOWN), done.stderr


def an_interrupt_ends_with_130_and_says_what_is_unknown():
    with socket.create_server(("127.0.0.1", 0)) as silent:
        words = [program("jobsweep"), *ONE, "--endpoint-url", f"http://127.0.0.1:{silent.getsockname()[1]}"]
        process = subprocess.Popen(words, env=dict(clean_environment(), **KEYS), stdin=subprocess.DEVNULL,
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        connection, _ = silent.accept()
        with connection:
            assert connection.recv(4096).startswith(b"DELETE /things/t/jobs/j/executionNumber/1 ")
            process.send_signal(signal.SIGINT)
            output, errors = process.communicate(timeout=LIMIT_S)
        equal((process.returncode, output), (130, "\n"))
        assert errors.startswith(UNKNOWN), errors


def force_warns_on_a_terminal_and_nowhere_else():
    master, slave = try_terminal(pty.openpty)
    done = subprocess.run([program("jobsweep"), *ONE, *AT, "--force"], env=dict(clean_environment(), **KEYS),
                          stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=slave, timeout=LIMIT_S, check=False)
    os.close(slave)
    equal(done.returncode, 0)
    assert os.read(master, 4096).startswith(b"jobsweep: [WARNING]: --force deletes"), "no warning"
    os.close(master)
    check([*ONE, *AT, "--force"], 0, "", [LINE + "?force=true"])


def debug_tells_all_but_the_secrets():
    env = dict(KEYS, AWS_SESSION_TOKEN="a-session-token")
    done = check([*ONE, *AT, "--debug"], 0, None, [LINE], env=env)
    assert f"jobsweep: [DEBUG]: DELETE {SERVER.url}/things/t/jobs/j/executionNumber/1\n" in done.stderr
    assert "header Authorization: (blanked)" in done.stderr and "header X-Amz-Security-Token: (blanked)" in done.stderr
    for secret in ("Signature=", "a-session-token", KEYS["AWS_SECRET_ACCESS_KEY"]):
        assert secret not in done.stderr, done.stderr


def each_attempt_is_signed_for_itself_with_iots_name_unless_it_must_not_be():
    CALLER.run([*ONE, *AT])  # counts nothing yet
    SERVER.taken()
    headers = []

    def seen(words):
        done = subprocess.run([program("jobsweep"), *words], env=dict(clean_environment(), **KEYS), stdin=subprocess.DEVNULL,
                              capture_output=True, timeout=LIMIT_S, check=False)
        headers.extend(SERVER.headers)
        SERVER.taken()
        return done.returncode
    equal(seen([*ONE, *AT, "--region", "eu-central-1"]), 0)
    assert "/eu-central-1/iot/aws4_request" in headers[-1]["Authorization"], headers
    equal(seen([*ONE, *AT, "--no-sign-request"]), 0)
    assert "Authorization" not in headers[-1], headers


def errors_have_the_format_that_is_asked_for():
    text = "JobExecution is in IN_PROGRESS state. Use force to delete."
    expected = {
        "json": json.dumps({"Message": text, "Code": "InvalidStateTransitionException", "message": text}, indent=4) + "\n",
        "yaml": f"Code: InvalidStateTransitionException\nMessage: {text}\nmessage: {text}\n",
        "text": f"InvalidStateTransitionException\t{text}\t{text}\n",
        "legacy": f"{PREFIX}An error occurred (InvalidStateTransitionException) when calling the DeleteJobExecution operation: {text}\n",
    }
    for name, stderr in expected.items():
        check([*job("j409"), "--cli-error-format", name], 254, stderr, [line("j409")])
        check(job("j409"), 254, stderr, [line("j409")], env=dict(KEYS, AWS_CLI_ERROR_FORMAT=name.upper()))
    config = {"cfg": "[default]\ncli_error_format = text\n"}
    check(job("j409"), 254, expected["text"], [line("j409")], env=dict(KEYS, AWS_CONFIG_FILE="cfg"), files=config)
    check([*ONE, *AT, "--cli-error-format", "json"], 253,
          json.dumps({"Code": "NoRegion", "Message": 'You must specify a region. You can also configure your region by running '
                      '"aws configure".'}, indent=4) + "\n", env={})


def tables_and_yaml_are_those_of_the_aws_command():
    """Its own formatters, on the same errors: 2.9.19 has them, but not the option."""
    if not os.access(AWS, os.X_OK):
        raise Skip("there is no aws command")
    script = ("import argparse, io, json, sys\nfrom awscli.formatter import get_formatter\n"
              "for kind, info in json.load(sys.stdin):\n"
              "    out = io.StringIO()\n    get_formatter(kind, argparse.Namespace(query=None, color='off'))('error', info, out)\n"
              "    print(json.dumps(out.getvalue()))\n")
    asked, answers = [], []
    for name in ("j409", "j404", "j403", "j403e", "jempty", "j501"):
        env = dict(KEYS, AWS_MAX_ATTEMPTS="1")
        info = json.loads(CALLER.run([*job(name), "--cli-error-format", "json"], env=env)[0].stderr)
        for kind in ("table", "yaml", "text"):
            asked.append((kind, info))
            answers.append(CALLER.run([*job(name), "--cli-error-format", kind], env=env)[0].stderr)
    done = subprocess.run(["/usr/bin/python3", "-c", script], input=json.dumps(asked), env=dict(clean_environment(), COLUMNS="80"),
                          capture_output=True, text=True, timeout=LIMIT_S, check=True)
    for (kind, info), ours, theirs in zip(asked, answers, map(json.loads, done.stdout.splitlines())):
        equal(ours, theirs, f"{kind} of {info}")


def skeletons_become_documents_again():
    done = check(["delete-job-execution", "--generate-cli-skeleton", "input"], 0, "", stdout=None or CALLER.run(
        ["delete-job-execution", "--generate-cli-skeleton"], env={})[0].stdout, env={})
    filled = done.stdout.replace('"jobId": ""', '"jobId": "j"').replace('"thingName": ""', '"thingName": "t"') \
        .replace('"executionNumber": 0', '"executionNumber": 1').replace('"namespaceId": ""', '"namespaceId": "n"')
    check(["delete-job-execution", "--cli-input-json", "file://d.json", *AT], 0, "",
          [LINE + "?force=true&namespaceId=n"], files={"d.json": filled})
    yaml = CALLER.run(["delete-job-execution", "--generate-cli-skeleton", "yaml-input"], env={})[0].stdout
    check(["delete-job-execution", "--cli-input-yaml", "file://d.yaml", "--job-id", "j", "--thing-name", "t", "--no-force",
           "--execution-number", "1", *AT], 0, "", [LINE + "?force=false&namespaceId="], files={"d.yaml": yaml})
    check([*ONE, "--generate-cli-skeleton", "output"], 0, "")


def a_document_can_come_from_a_pipe():
    folder = scratch()
    done = subprocess.run([program("jobsweep"), "delete-job-execution", "--cli-input-json", "file:///dev/stdin", *AT], cwd=folder,
                          env=dict(clean_environment(), **KEYS), input='{"jobId":"j","thingName":"t","executionNumber":1}',
                          capture_output=True, text=True, timeout=LIMIT_S, check=False)
    equal((done.returncode, done.stderr), (0, ""))
    equal(SERVER.taken(), [LINE])


def help_and_the_version_need_nothing_else():
    for words in (["delete-job-execution", "help"], ["delete-job-execution", "--help"], ["iot", "delete-job-execution", "help"],
                  ["help", "delete-job-execution"], [*ONE, "help"]):
        done, _ = CALLER.run(words, env={})
        equal((done.returncode, done.stderr), (0, ""), words)
        assert "--execution-number <value> (required)\n" in done.stdout, done.stdout
    version = run([program("jobsweep"), "--version"], clean_environment()).stdout
    check(["delete-job-execution", "--bogus", "--version"], 0, "", stdout=version, env={})


def endpoints_come_from_where_the_aws_command_takes_them():
    config = {"cfg": f"[default]\nservices = s\n[services s]\niot =\n  endpoint_url = {SERVER.url}/p/\n"}
    check(ONE, 0, "", [LINE.replace(" /", " /p/")], env=dict(KEYS, AWS_CONFIG_FILE="cfg"), files=config)
    check(ONE, 0, "", [LINE.replace(" /", " /p/")], env=dict(KEYS, AWS_ENDPOINT_URL_IOT=SERVER.url + "/p"))
    check([*ONE, "--endpoint-url", SERVER.url + "/?x=1", "--force"], 0, "", [LINE + "?x=1&force=true"])
    # It is looked at before the parameters are.
    check([*ONE, "--thing-name", "", "--endpoint-url", "http://192.0.2.1"], 255,
          f"{PREFIX}Invalid endpoint: http://192.0.2.1 (http:// is for loopback addresses only: use https://)\n")


def an_empty_region_does_not_become_another():
    for env in (dict(KEYS, AWS_REGION="eu-west-1"), {}):
        check([*ONE, "--region", "", *AT], 255, f"{PREFIX}Provided region_name '' doesn't match a supported format.\n", env=env)


def keys_that_others_can_read_are_refused():
    keys = {"keys": "[default]\naws_access_key_id = AKIDEXAMPLE\naws_secret_access_key = x\n"}
    env = {"AWS_REGION": "us-east-1", "AWS_SHARED_CREDENTIALS_FILE": "keys"}
    check([*ONE, *AT], 0, "", [LINE], env=env, files=keys)
    done = check([*ONE, *AT], 255, None, [], env=env, files=keys, file_mode=0o644)
    assert "others may read this file" in done.stderr, done.stderr


def asked_for_a_code():
    """The command on a terminal, once it asks for the code of a device: its process, our end, and what was told so far. The
    terminal outlives it, because its session is another's, who tells its status and ends with the next line."""
    config = ("[profile b]\naws_access_key_id = a\naws_secret_access_key = b\n[profile a]\nsource_profile = b\n"
              "role_arn = arn:aws:iam::123456789012:role/x\nmfa_serial = arn:aws:iam::123456789012:mfa/u\n")
    path = os.path.join(scratch(), "cfg")
    with open(path, "w", encoding="utf-8") as file:
        file.write(config)
    os.chmod(path, 0o600)
    env = dict(clean_environment(), AWS_CONFIG_FILE=path, AWS_REGION="us-east-1", AWS_ENDPOINT_URL_STS=SERVER.url)
    SERVER.taken()
    child, terminal = try_terminal(pty.fork)
    if child == 0:
        signal.signal(signal.SIGINT, lambda number, frame: None)
        command = subprocess.Popen([program("jobsweep"), *ONE, *AT, "--profile", "a"], env=env)
        os.write(1, f"process {command.pid}.".encode())
        os.write(1, f"status {command.wait()}.".encode())
        os.read(0, 1)
        os._exit(0)
    told = until(terminal, b"", rb"mfa/u: ")
    told = until(terminal, told, rb"process \d+\.")
    return int(re.search(rb"process (\d+)", told)[1]), terminal, told


def until(terminal, told, pattern):
    while not re.search(pattern, told):
        assert select.select([terminal], [], [], LIMIT_S)[0], told
        told += os.read(terminal, 4096)
    return told


def leave(terminal):
    os.write(terminal, b"\n")
    os.close(terminal)
    os.wait()


def a_code_is_asked_for_on_a_terminal_without_echo():
    _, terminal, told = asked_for_a_code()
    os.write(terminal, b"654321\n")
    told = until(terminal, told, rb"status \d+\.")
    leave(terminal)
    assert b"Enter MFA code for arn:aws:iam::123456789012:mfa/u: " in told and b"654321" not in told, told
    forms = SERVER.bodies
    assert forms and b"&SerialNumber=arn%3Aaws%3Aiam%3A%3A123456789012%3Amfa%2Fu&TokenCode=654321" in forms[0], forms


def a_credential_process_can_ask_on_the_terminal():
    folder = scratch()
    asks = os.path.join(folder, "asks")
    with open(asks, "w", encoding="utf-8") as file:
        file.write("#!/bin/sh\nprintf 'word? ' >/dev/tty && read -r word </dev/tty &&\n"
                   "echo '{\"Version\":1,\"AccessKeyId\":\"'$word'\",\"SecretAccessKey\":\"b\"}'\n")
    os.chmod(asks, 0o700)
    with open(os.path.join(folder, "cfg"), "w", encoding="utf-8") as file:
        file.write(f"[profile a]\ncredential_process = {asks}\n")
    os.chmod(os.path.join(folder, "cfg"), 0o600)
    env = dict(clean_environment(), AWS_CONFIG_FILE=os.path.join(folder, "cfg"), AWS_REGION="us-east-1")
    for answer, status in ((b"AKIDTYPED\n", 0), (b"\x03", 130)):
        SERVER.taken()
        child, terminal = try_terminal(pty.fork)
        if child == 0:
            signal.signal(signal.SIGINT, lambda number, frame: None)
            command = subprocess.Popen([program("jobsweep"), *ONE, *AT, "--profile", "a"], env=env)
            os.write(1, f"status {command.wait()}.".encode())
            os.read(0, 1)
            os._exit(0)
        told = until(terminal, b"", rb"word\? |status")
        os.write(terminal, answer)
        told = until(terminal, told, rb"status -?\d+\.")
        assert f"status {status}.".encode() in told, told
        leave(terminal)
        equal(["AKIDTYPED" in headers["Authorization"] for headers in SERVER.headers], [True] if status == 0 else [])


def echoes(terminal):
    return bool(termios.tcgetattr(terminal)[3] & termios.ECHO)


def a_question_for_a_code_ends_with_ctrl_c_and_leaves_the_terminal_as_it_was():
    for ends, status in ((lambda process, terminal: os.write(terminal, b"\x03"), 130),
                         (lambda process, terminal: os.kill(process, signal.SIGTERM), 143)):
        process, terminal, told = asked_for_a_code()
        assert not echoes(terminal)
        ends(process, terminal)
        told = until(terminal, told, rb"status -?\d+\.")
        assert f"status {status}.".encode() in told, told
        assert echoes(terminal)
        leave(terminal)
        equal(SERVER.taken(), [])


main([keys_that_others_can_read_are_refused, a_code_is_asked_for_on_a_terminal_without_echo,
      a_credential_process_can_ask_on_the_terminal, a_question_for_a_code_ends_with_ctrl_c_and_leaves_the_terminal_as_it_was,
      a_deletion_says_nothing, it_needs_no_configuration_and_leaves_nothing_behind,
      iotsim_takes_its_signature_and_deletes_what_was_meant,
      a_certificate_that_nobody_vouches_for_is_refused_unless_that_is_asked_for, the_services_errors_are_told_and_counted,
      what_is_throttled_is_tried_again_until_it_is_done, a_lost_answer_is_never_sent_again,
      a_server_error_to_a_forced_deletion_is_never_sent_again, an_answer_of_somebody_else_is_no_deletion,
      a_server_that_never_answers_is_given_up, an_interrupt_ends_with_130_and_says_what_is_unknown,
      force_warns_on_a_terminal_and_nowhere_else, debug_tells_all_but_the_secrets,
      each_attempt_is_signed_for_itself_with_iots_name_unless_it_must_not_be, errors_have_the_format_that_is_asked_for,
      tables_and_yaml_are_those_of_the_aws_command, skeletons_become_documents_again, a_document_can_come_from_a_pipe,
      help_and_the_version_need_nothing_else, endpoints_come_from_where_the_aws_command_takes_them,
      an_empty_region_does_not_become_another])
