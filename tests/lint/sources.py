"""Shape and words of the sources."""
import json
import os
import re

from ctext import bare, functions
from tree import DATA, Problem, check

FILE_LINES = 600
FUNCTION_LINES = 70


@check("no source file is longer than 600 lines", {"core/long.c": "\n" * 700})
def file_length(tree):
    for path, text in list(tree.named(".c", ".h", ".py", ".sh")) + list(tree.scripts("python")):
        if text.count("\n") > FILE_LINES:
            yield Problem(path, FILE_LINES, f"{text.count(chr(10))} lines; cut it by what its parts do")


@check("no function is longer than 70 lines", {"core/long.c": "int f(void)\n{\n" + "    g();\n" * 70 + "}\n"})
def function_length(tree):
    for path, text in tree.named(".c", ".h"):
        for first, last in functions(text):
            if last - first + 1 > FUNCTION_LINES:
                yield Problem(path, first, f"a function of {last - first + 1} lines")


UNFINISHED = re.compile(r"\b(TODO|FIXME|XXX|HACK)\b|not (yet )?implemented|for now\b(?! on)", re.I)


@check("nothing is marked as unfinished", {"core/a.c": "/* TO" + "DO: check */\n"})
def unfinished(tree):
    for path, text in tree.files.items():
        if path.endswith(DATA) or path.startswith("tests/lint/"):
            continue
        for number, line in enumerate(text.split("\n"), 1):
            found = UNFINISHED.search(line)
            if found and not (found.group() == found.group().lower() and found.group(1)):
                yield Problem(path, number, f"'{found.group()}'")


PLACES = re.compile(r"(?<![\w.])/(work|root|home/\w+)/|/tmp/wt\b|(co-authored-by|generated (with|by)):|language model", re.I)


@check("no file knows a machine or who typed it", {"a.sh": "cd /wo" + "rk/main\n"})
def places(tree):
    for path, text in tree.files.items():
        if path.startswith("tests/lint/"):
            continue
        for number, line in enumerate(text.split("\n"), 1):
            found = PLACES.search(line)
            if found:
                yield Problem(path, number, f"'{found.group()}'")


@check("each header says its job first and guards itself", {"core/a.h": "struct a;\n"})
def headers(tree):
    for path, text in tree.named(".h"):
        if not text.startswith(("/*", "//")):
            yield Problem(path, 1, "does not begin with a comment that says what it is for")
        if "#pragma once" not in text:
            yield Problem(path, 1, "no #pragma once")


@check("structs are not hidden behind a typedef", {"core/a.h": "typedef struct a a_t;\n"})
def typedefs(tree):
    for path, text in tree.named(".c", ".h"):
        for number, line in enumerate(bare(text).split("\n"), 1):
            if re.match(r"\s*typedef\s+(struct|union|enum)\b", line):
                yield Problem(path, number, "typedef of a struct, union or enum")


@check("no line ends in white space, each file ends in one newline", {"core/a.c": "int a; \n"})
def white_space(tree):
    for path, text in tree.files.items():
        if path.endswith(DATA) and not path.endswith(".json") or "\0" in text or not text:
            continue
        for number, line in enumerate(text.split("\n"), 1):
            if line != line.rstrip() or ("\t" in line and path.endswith((".c", ".h", ".py"))):
                yield Problem(path, number, "white space at the end, or a tab")
        if not text.endswith("\n") or text.endswith("\n\n"):
            yield Problem(path, text.count("\n"), "does not end in one newline")


@check("each folder of sources has a README.md", {"core/new/a.c": "int a;\n"})
def readmes(tree):
    """Of the tests, each suite has one; how a suite divides itself is said there."""
    wanted = set()
    for path in tree.files:
        folder = os.path.dirname(path)
        if folder.startswith("tests/"):
            folder = "/".join(folder.split("/")[:2])
        if folder and not folder.startswith((".", "rpc/schema", "tl/schema")) and path.endswith((".c", ".py", "/run", ".in")):
            wanted.add(folder)
    for folder in sorted(wanted):
        if folder + "/README.md" not in tree.files:
            yield Problem(folder, 1, "no README.md")


@check("JSON files parse and repeat no name", {"rpc/schema/a.json": "{\"a\": 1, \"a\": 2}\n"})
def json_files(tree):
    def once(pairs):
        names = [name for name, _ in pairs]
        for name in names:
            if names.count(name) > 1:
                raise ValueError(f"'{name}' twice")
        return dict(pairs)
    for path, text in tree.named(".json"):
        try:
            json.loads(text, object_pairs_hook=once)
        except ValueError as e:
            yield Problem(path, getattr(e, "lineno", 1), str(e))


@check("python files compile", {"a.py": "def f(:\n"})
def python_compiles(tree):
    for path, text in dict(list(tree.named(".py")) + list(tree.scripts("python"))).items():
        try:
            compile(text, path, "exec")
        except SyntaxError as e:
            yield Problem(path, e.lineno or 1, e.msg)


@check("each C file belongs to a meson.build", {"core/a.c": "int a;\n", "meson.build": "\n"})
def built(tree):
    builds = "".join(text for _, text in tree.named("meson.build"))
    for path, _ in tree.named(".c"):
        name = os.path.basename(path)
        if not re.search(rf"['/]({re.escape(name)}|{re.escape(name[:-2].removeprefix('test_'))})'", builds):
            yield Problem(path, 1, "no meson.build names it")


@check("NOTICE names each library that the build links", {"meson.build": "dep_x = dependency('libwonder')\n", "NOTICE": "\n"})
def notice(tree):
    known = {"libcrypto": "OpenSSL", "libpcre2-8": "PCRE2", "libevent_core": "libevent", "sqlite3": "SQLite", "inih": "inih"}
    ignored = {"cmocka", "threads"}
    text = tree.files.get("NOTICE", "").lower()
    for path, build in tree.named("meson.build"):
        for number, line in enumerate(build.split("\n"), 1):
            for name in re.findall(r"dependency\('([^']+)'", line):
                if name not in ignored and known.get(name, name).lower() not in text:
                    yield Problem(path, number, f"NOTICE does not name {known.get(name, name)}")


PROGRAMS = {"daemon/main.c": "daemon/man/tgd.8", "rpc/ctl/main.c": "daemon/man/tgctl.1"}


@check("each option of a program stands in its man page", {"daemon/main.c": '{"colour", no_argument, NULL, 1},\n', "daemon/man/tgd.8": ""})
def options(tree):
    for path, page in PROGRAMS.items():
        text = tree.files.get(page, "").replace("\\", "")
        for number, line in enumerate(tree.files.get(path, "").split("\n"), 1):
            found = re.search(r'\{"([a-z-]+)", (?:no|required)_argument', line)
            if found and "--" + found.group(1) not in text:
                yield Problem(path, number, f"{page} does not tell of --{found.group(1)}")
