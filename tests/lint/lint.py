#!/usr/bin/env python3
"""The rules of ARCHITECTURE.md and CONTRIBUTING.md that a program can check.

usage: tests/lint/lint.py [--root DIR] [--engine ARCHIVE] [--only RULE[,RULE...]]

Prints one line `FILE:LINE: RULE: what is wrong` for each finding; exit status 1 when there is any.
Rules: includes, libraries, purity, headers, length, nesting, format, manuals, places.
"""
import argparse
import os
import re
import subprocess
import sys

LAYERS = {  # a layer, and what it may include
    "base": {"base"},
    "model": {"base", "model"},
    "policy": {"base", "model", "policy"},
    "engine": {"base", "model", "policy", "engine"},
    "net": {"base", "net"},
    "aws": {"base", "model", "net", "aws"},
    "ledger": {"base", "model", "ledger"},
    "app": {"base", "model", "policy", "engine", "net", "aws", "ledger", "app"},
}
THIRD_PARTY = {  # a library: its headers, the layers it may appear in, and whether one .c alone may include it
    "libcurl": (r"curl/", {"net"}, True),
    "libuv": (r"uv\.h", {"net", "app"}, False),
    "OpenSSL": (r"openssl/", {"aws"}, True),
    "json-c": (r"json-c/|json\.h", {"aws"}, True),
    "libyaml": (r"yaml\.h", {"policy"}, True),
    "SQLite": (r"sqlite3\.h", {"ledger"}, True),
    "libmicrohttpd": (r"microhttpd\.h", {"app"}, True),
    "zstd": (r"zstd.*\.h", {"ledger"}, True),
    "uthash": (r"ut(hash|list|array|string|ringbuffer|stack)\.h", {"base", "engine", "aws", "ledger", "net", "app"}, False),
}
# What engine may leave undefined besides the layers below it: nothing that knows a clock, chance, a file or a socket.
PURE = re.compile(r"^(mem(cpy|move|set|cmp|chr)|__mem(cpy|move|set)_chk|str(len|nlen|cmp|ncmp|chr|rchr|spn|cspn|pbrk|str|cpy|ncpy)"
                  r"|__str(cpy|ncpy)_chk|(__)?v?snprintf(_chk)?|free|qsort|bsearch|abort|__stack_chk_fail|__assert_fail"
                  r"|_GLOBAL_OFFSET_TABLE_|__(asan|ubsan|sanitizer)_.*)$")
FUNCTION_LINES = 60
FILE_LINES = 600
NESTING = 3

findings = []


def find(path, line, rule, text):
    findings.append((path, line, f"{path}:{line}: {rule}: {text}"))


def files(root, folders, endings):
    for folder in folders:
        for base, directories, names in os.walk(os.path.join(root, folder)):
            directories.sort()
            for name in sorted(names):
                if name.endswith(endings):
                    yield os.path.relpath(os.path.join(base, name), root)


def lines_of(root, path):
    with open(os.path.join(root, path), encoding="utf-8") as file:
        return file.read().splitlines()


def layer_of(path):
    parts = path.split("/")
    return parts[1] if parts[0] in ("daemon", "include") and len(parts) > 2 else None


def check_includes(root):
    for path in files(root, ["daemon", "include"], (".c", ".h")):
        layer = layer_of(path)
        for number, line in enumerate(lines_of(root, path), 1):
            match = re.match(r'\s*#\s*include\s+"([^"/]+)/', line)
            if match and layer in LAYERS and match.group(1) not in LAYERS[layer]:
                find(path, number, "includes", f"layer '{layer}' may not include '{match.group(1)}'")


def check_libraries(root):
    users = {}
    for path in files(root, ["daemon", "include"], (".c", ".h")):
        here = {}
        for number, line in enumerate(lines_of(root, path), 1):
            match = re.match(r"\s*#\s*include\s+<([^>]+)>", line)
            library = match and next((name for name, row in THIRD_PARTY.items() if re.match(row[0], match.group(1))), None)
            if library:
                here.setdefault(library, number)
        for library, number in here.items():
            _, layers, single = THIRD_PARTY[library]
            if layer_of(path) not in layers:
                find(path, number, "libraries", f"{library} may not be included in layer '{layer_of(path)}'")
            if single and path.endswith(".h"):
                find(path, number, "libraries", f"{library} may not be included in a header")
            if single and users.setdefault(library, path) != path:
                find(path, number, "libraries", f"{library} is included in {users[library]} already")
        others = [library for library in here if library not in ("libuv", "uthash")]
        if len(others) > 1:
            find(path, here[others[1]], "libraries", f"more than one library in a file: {', '.join(others)}")


def check_purity(root, archive):
    """Every undefined symbol of engine's archive is defined in it, in a layer below, or is on the short list."""
    folder = os.path.dirname(archive)
    below = [os.path.join(folder, name + ".a") for name in ("base", "model", "policy")]
    defined = set()
    for library in [archive] + [name for name in below if os.path.exists(name)]:
        listing = subprocess.run(["nm", "--defined-only", library], capture_output=True, text=True, check=True).stdout
        defined |= {line.split()[2] for line in listing.splitlines() if len(line.split()) == 3}
    forbidden_base = {"log_event", "log_setup"}
    listing = subprocess.run(["nm", "-u", archive], capture_output=True, text=True, check=True).stdout
    for symbol in sorted({line.split()[1] for line in listing.splitlines() if len(line.split()) == 2}):
        if symbol in forbidden_base or (symbol not in defined and not PURE.match(symbol)):
            find(os.path.relpath(archive, root), 0, "purity", f"engine calls '{symbol}'")


def check_headers(root, compiler):
    for path in files(root, ["include"], (".h",)):
        flags = subprocess.run(["pkg-config", "--cflags", "libuv"], capture_output=True, text=True).stdout.split()
        source = f'#include "{path[len("include/"):]}"\n'
        result = subprocess.run([compiler, "-std=c11", "-D_GNU_SOURCE", "-Iinclude", *flags, "-Wall", "-Wextra", "-Werror",
                                 "-fsyntax-only", "-xc", "-"], input=source, capture_output=True, text=True, cwd=root)
        if result.returncode != 0:
            find(path, 1, "headers", "does not compile alone: " + result.stderr.strip().splitlines()[0])


def check_lengths(root, rules):
    control = re.compile(r"(\) |\belse |\bdo )\{$")
    for path in files(root, ["daemon", "include", "tests"], (".c", ".h", ".py")):
        lines = lines_of(root, path)
        if "length" in rules and len(lines) > FILE_LINES:
            find(path, len(lines), "length", f"{len(lines)} lines; a file has {FILE_LINES} at most")
        if path.endswith(".py"):
            continue
        start, stack = None, []
        for number, line in enumerate(lines, 1):
            if line == "{":
                start, stack = number, []
            elif line == "}" and start is not None:
                head = start
                while head > 1 and lines[head - 2] and not lines[head - 2].startswith(("}", "/", " *", "#")):
                    head -= 1
                if "length" in rules and number - head + 1 > FUNCTION_LINES:
                    find(path, head, "length", f"function of {number - head + 1} lines; {FUNCTION_LINES} at most")
                start = None
            elif start is not None:
                if line.lstrip().startswith("}") and stack and len(line) - len(line.lstrip()) == stack[-1]:
                    stack.pop()
                if control.search(line):
                    stack.append(len(line) - len(line.lstrip()) if line.lstrip().startswith("}") else indent(lines, number))
                    if "nesting" in rules and len(stack) > NESTING:
                        find(path, number, "nesting", f"{len(stack)} levels; {NESTING} at most")


def indent(lines, number):
    """The indentation of the statement whose last line, ending in '{', this is."""
    at = number - 1
    while at > 0 and not re.match(r"\s*(\} )?(if|else|for|while|do|switch|HASH_ITER|DL_FOREACH\w*|LL_FOREACH\w*)\b", lines[at]):
        at -= 1
    return len(lines[at]) - len(lines[at].lstrip())


def check_format(root):
    paths = list(files(root, ["daemon", "include", "tests"], (".c", ".h")))
    for start in range(0, len(paths), 20):
        result = subprocess.run(["clang-format", "--dry-run", *paths[start:start + 20]], cwd=root, capture_output=True, text=True)
        for path, number in re.findall(r"^([^\s:]+):(\d+):\d+: warning: code should be clang-formatted", result.stderr, re.M):
            find(path, int(number), "format", "not laid out as .clang-format says (make format)")


def check_manuals(root):
    for path in files(root, ["man"], (".1", ".5", ".8")):
        result = subprocess.run(["mandoc", "-Tlint", "-Wwarning", path], cwd=root, capture_output=True, text=True)
        for line in (result.stdout + result.stderr).splitlines():
            match = re.match(r"mandoc: ([^:]+):(\d+):\d+: (.*)", line)
            find(path, int(match.group(2)) if match else 1, "manuals", match.group(3) if match else line)


def check_places(root):
    """No place of one machine, and nothing beside the project but in tests."""
    names = ["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "Makefile"]
    for path in list(files(root, ["daemon", "include", "config", "man", "systemd"], ("",))) + names:
        if not os.path.exists(os.path.join(root, path)):
            continue
        for number, line in enumerate(lines_of(root, path), 1):
            if re.search(r"\.\./shared|(?<![\w$}.])/(work|root|home/[a-z]+)/", line):
                find(path, number, "places", "names a place outside of the project")


def main():
    options = argparse.ArgumentParser()
    options.add_argument("--root", default=os.path.join(os.path.dirname(os.path.abspath(__file__)), "../.."))
    options.add_argument("--engine")
    options.add_argument("--compiler", default="gcc")
    options.add_argument("--only", default="includes,libraries,purity,headers,length,nesting,format,manuals,places")
    options = options.parse_args()
    root = os.path.abspath(options.root)
    rules = set(options.only.split(","))
    checks = {"includes": check_includes, "libraries": check_libraries, "format": check_format,
              "manuals": check_manuals, "places": check_places}
    for rule, check in checks.items():
        if rule in rules:
            check(root)
    if "headers" in rules:
        check_headers(root, options.compiler)
    if rules & {"length", "nesting"}:
        check_lengths(root, rules)
    if "purity" in rules and options.engine:
        check_purity(root, os.path.abspath(options.engine))
    for _, _, text in sorted(findings):
        print(text)
    print(f"lint: {len(findings)} finding{'s' if len(findings) != 1 else ''}", file=sys.stderr)
    return 1 if findings else 0


sys.exit(main())
