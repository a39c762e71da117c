#!/usr/bin/env python3
"""What shells complete, against what --help says."""
import os
import re
import shutil

from harness import BUILD, Skip, configure, equal, main, program, run, scratch

ENVIRONMENT = {"PATH": BUILD + ":" + os.environ["PATH"]}
SECOND = "\n  - {name: second, targets: [sim], match: {age: {older_than: 60d}}}"


def printed(*words):
    result = run([program("jobsweep"), *words], ENVIRONMENT)
    equal((result.returncode, result.stderr), (0, ""), words)
    return result.stdout


def commands():
    return re.findall(r"^  ([a-z-]+) ", printed("--help").split("Commands:\n")[1].split("\nOptions:")[0], re.M)


def options(command):
    """The long ones of its help."""
    return set(re.findall(r"^  (?:-\w, |    )(--[a-z-]+)", printed(command, "--help"), re.M))


def script(shell):
    path = os.path.join(scratch(), "script")
    with open(path, "w", encoding="utf-8") as file:
        file.write(printed("completion", shell))
    return path


def complete(*words, folder="/"):
    """What bash offers for the last of these words."""
    code = ('source "$0"; shift 0; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); COMPREPLY=(); _jobsweep; '
            "printf '%s\\n' \"${COMPREPLY[@]}\"")
    result = run(["bash", "-c", code, script("bash"), *words], ENVIRONMENT, cwd=folder)
    equal((result.returncode, result.stderr), (0, ""), words)
    return set(result.stdout.split())


def test_bash_offers_all_commands():
    found = complete("jobsweep", "")
    equal(found, {*commands(), "--help", "--version"})
    equal(complete("jobsweep", "sch"), {"schema", "schedule"})
    assert {"status", "delete-job-executions", "delete-job-execution"} <= found


def test_bash_offers_the_options_of_each_command_and_no_others():
    for command in commands():
        if command != "delete-job-execution":
            equal(complete("jobsweep", command, "--"), options(command), command)
    found = complete("jobsweep", "delete-job-execution", "--")
    assert {"--job-id", "--thing-name", "--execution-number", "--no-force", "--region", "--ca-bundle"} <= found, found
    assert not found & {"--config", "--target"}, found


def test_bash_offers_what_an_option_can_be():
    equal(complete("jobsweep", "check", "--format", ""), {"text", "json"})
    equal(complete("jobsweep", "test", "--format", ""), {"text", "json", "junit"})
    assert {"deleted", "gone", "not_attempted"} <= complete("jobsweep", "history", "--outcome", "")
    equal(complete("jobsweep", "history", "--thing", ""), set())
    folder = scratch()
    open(os.path.join(folder, "mine.yaml"), "w", encoding="utf-8").close()
    equal(complete("jobsweep", "plan", "-c", "mi", folder=folder), {"mine.yaml"})
    equal(complete("jobsweep", "test", "mi", folder=folder), {"mine.yaml"})
    equal(complete("jobsweep", "history", "v"), {"verify"})
    equal(complete("jobsweep", "completion", ""), {"bash", "zsh", "fish", "--config", "--help"})
    equal(complete("jobsweep", "--quiet", "history", "v"), {"verify"})
    equal(complete("jobsweep", "-c", "mine.yaml", "history", "v"), {"verify"})
    equal(complete("jobsweep", "--format", "=", "json", "history", "v"), {"verify"})


def test_bash_offers_the_policies_of_the_configuration_where_one_is_named():
    folder = scratch()
    path = configure(folder, "https://127.0.0.1:1", more=SECOND)
    takers = [command for command in commands() if "[POLICY...]" in printed(command, "--help").split("\n")[0]]
    equal(takers, ["plan", "sweep", "iam-policy", "schedule"])
    for command in (*takers, "run"):
        equal(complete("jobsweep", command, "-c", path, ""), {"old", "second"} | options(command), command)
        equal(complete("jobsweep", command, "old", "--config", "=", path, "s"), {"second"}, command)
    for command in ("history", "explain"):
        equal(complete("jobsweep", command, "-c", path, "--policy", ""), {"old", "second"}, command)
    equal(complete("jobsweep", "-c", path, "plan", "o"), {"old"})
    equal(complete("jobsweep", "check", "-c", path, "o"), set())


def test_bash_offers_no_policy_and_says_nothing_where_the_configuration_is_wrong():
    folder = scratch()
    path = configure(folder, "https://127.0.0.1:1", age="30")
    equal(complete("jobsweep", "plan", "-c", path, "o"), set())
    equal(complete("jobsweep", "plan", "-c", os.path.join(folder, "none.yaml"), "o"), set())
    equal(complete("jobsweep", "plan", "-c", folder, "o"), set())


def test_the_names_of_policies_are_printed_for_the_scripts():
    folder = scratch()
    path = configure(folder, "https://127.0.0.1:1", more=SECOND)
    equal(printed("completion", "policies", "-c", path), "old\nsecond\n")
    wrong = run([program("jobsweep"), "completion", "policies", "-c", configure(folder, "https://127.0.0.1:1", age="30")], ENVIRONMENT)
    equal((wrong.returncode, wrong.stdout), (2, ""))
    assert "has no unit" in wrong.stderr, wrong.stderr
    for shell in ("zsh", "fish"):
        text = printed("completion", shell)
        for command in ("plan", "sweep", "iam-policy", "schedule", "run"):
            part = text[text.index(f"    {command})\n"):].split(";;")[0] if shell == "zsh" else "\n".join(
                line for line in text.split("\n") if f"_from {command}'" in line)
            assert "jobsweep_policies" in part, (shell, command)
        equal(len(re.findall("policy.*jobsweep_policies", text)) >= 2, True, shell)


def test_zsh_and_fish_know_the_same():
    zsh, fish = printed("completion", "zsh"), printed("completion", "fish")
    for command in commands():
        assert f"\n        '{command}:" in zsh and f"-a {command} -d " in fish, command
        part = re.search(rf"^    {command}\)\n(.*?)^        ;;", zsh, re.M | re.S).group(1)
        of_fish = set(re.findall(rf"from {command}' -l (\S+)", fish))
        of_zsh = set(re.findall(r"'(--[a-z-]+)", part))
        equal({"--" + name for name in of_fish}, of_zsh, command)
        if command != "delete-job-execution":
            equal(of_zsh, options(command), command)


def test_zsh_and_fish_can_read_their_scripts():
    found = [shell for shell in ("zsh", "fish") if shutil.which(shell)]
    if not found:
        raise Skip("neither zsh nor fish is here")
    for shell in found:
        result = run([shell, "-n", script(shell)], ENVIRONMENT)
        equal((result.returncode, result.stderr), (0, ""), shell)


main([value for name, value in list(globals().items()) if name.startswith("test_")])
