#!/usr/bin/env python3
"""Each rule of lint.py finds a violation that is planted for it, and nothing in a clean tree. Prints TAP."""
import os
import shutil
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.join(HERE, "../..")
CLEAN = {
    "include/base/a.h": "/* A. */\n#ifndef BASE_A_H\n#define BASE_A_H\n\nint a_value(int x);\n\n#endif\n",
    "daemon/base/a.c": '#include "base/a.h"\n\nint a_value(int x)\n{\n    if (x > 0) {\n        return 1;\n    }\n    return x;\n}\n',
    "daemon/engine/e.c": '#include "base/a.h"\n\n#include <string.h>\n\nint e_value(const char *text);\n\nint e_value(const char *text)\n{\n'
                         '    return a_value((int)strlen(text));\n}\n',
    "daemon/net/http.c": "#include <curl/curl.h>\n#include <uv.h>\n",
    "man/a.1": ".Dd November 24, 2026\n.Dt A 1\n.Os\n.Sh NAME\n.Nm a\n.Nd an example\n",
    "README.md": "# Clean\n",
}
DEEP = "int a_value(int x)\n{\n" + "".join("    " * (i + 1) + "if (x) {\n" for i in range(4)) + "    " * 5 + "x++;\n" + \
       "".join("    " * (4 - i) + "}\n" for i in range(4)) + "    return x;\n}\n"
LONG = "int a_value(int x)\n{\n" + "    x++;\n" * 57 + "    return x;\n}\n"
PLANTED = [
    # the rule, the sentence, the file, its text
    ("includes", "a layer that includes one above it", "daemon/base/b.c", '#include "engine/sweep.h"\n'),
    ("includes", "an interface that includes a layer above it", "include/model/m.h", '#include "aws/iot.h"\n'),
    ("libraries", "a library in the wrong layer", "daemon/engine/f.c", "#include <uv.h>\n"),
    ("libraries", "a library in a second file", "daemon/net/more.c", "#include <curl/multi.h>\n"),
    ("libraries", "a single-file library in a header", "include/net/http.h", "#include <curl/curl.h>\n"),
    ("libraries", "two libraries in one file", "daemon/aws/two.c", "#include <json-c/json.h>\n#include <openssl/evp.h>\n"),
    ("purity", "an engine that reads the clock", "daemon/engine/g.c",
     "#include <time.h>\n\nlong g_now(void);\n\nlong g_now(void)\n{\n    return (long)time(0);\n}\n"),
    ("purity", "an engine that prints", "daemon/engine/h.c",
     '#include <stdio.h>\n\nvoid h_say(int x);\n\nvoid h_say(int x)\n{\n    printf("%d", x);\n}\n'),
    ("headers", "a header that needs another before it", "include/base/b.h", "int b_value(size_t x);\n"),
    ("length", "a function of 61 lines", "daemon/base/a.c", LONG),
    ("length", "a file of 601 lines", "daemon/base/c.c", "/* a comment */\n" * 601),
    ("length", "a test of 601 lines", "tests/e2e/a.py", "# a comment\n" * 601),
    ("nesting", "a block four deep", "daemon/base/a.c", DEEP),
    ("format", "a line that is laid out by hand", "daemon/base/a.c", "int  a_value(int x) { return x; }\n"),
    ("manuals", "a manual page with an unknown macro", "man/b.1", CLEAN["man/a.1"] + ".Xyz what\n"),
    ("places", "a path of one machine", "README.md", "See /home/somebody/notes.\n"),
]


def build_tree(folder, extra):
    for path, text in {**CLEAN, **extra}.items():
        full = os.path.join(folder, path)
        os.makedirs(os.path.dirname(full), exist_ok=True)
        with open(full, "w", encoding="utf-8") as file:
            file.write(text)
    shutil.copy(os.path.join(ROOT, ".clang-format"), folder)


def archive(folder):
    os.makedirs(os.path.join(folder, "build"), exist_ok=True)
    for layer in ("base", "engine"):
        objects = []
        for name in sorted(os.listdir(os.path.join(folder, "daemon", layer))):
            source = os.path.join(folder, "daemon", layer, name)
            target = os.path.join(folder, "build", f"{layer}-{name}.o")
            subprocess.run(["gcc", "-O2", "-I", os.path.join(folder, "include"), "-c", source, "-o", target], check=True)
            objects.append(target)
        subprocess.run(["ar", "rcs", os.path.join(folder, "build", layer + ".a"), *objects], check=True)
    return os.path.join(folder, "build/engine.a")


def lint(extra, rule, compiled):
    with tempfile.TemporaryDirectory() as folder:
        build_tree(folder, extra)
        command = [sys.executable, os.path.join(HERE, "lint.py"), "--root", folder]
        command += ["--engine", archive(folder)] if compiled else []
        command += ["--only", rule] if rule else []
        result = subprocess.run(command, capture_output=True, text=True)
        return result.returncode, result.stdout + result.stderr


def main():
    print(f"1..{len(PLANTED) + 1}")
    status, output = lint({}, None, True)
    print(f"{'ok' if status == 0 else 'not ok'} 1 - a clean tree has no finding")
    if status != 0:
        print("# " + output.replace("\n", "\n# "))
    for number, (rule, sentence, path, text) in enumerate(PLANTED, 2):
        status, output = lint({path: text}, rule, rule == "purity")
        good = status == 1 and f": {rule}: " in output and "Traceback" not in output
        print(f"{'ok' if good else 'not ok'} {number} - {rule} finds {sentence}")
        if not good:
            print("# " + output.replace("\n", "\n# "))


main()
