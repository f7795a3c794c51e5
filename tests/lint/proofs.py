"""What proves the tests: the tables of tests/README.md (which test covers which trap), and the mutations."""
import re

from tree import Problem, check

PAGE = "tests/README.md"
NAMED = re.compile(r"`([\w/.]+\.(?:c|py))`: (\w+(?:, \w+)*)")
TRAPS = 90
MUTATIONS = "tests/tools/mutations"
MUTATION = re.compile(r"^@ [^\n]+\n(\S+): [^\n]+\n--- old\n(.*?)--- new\n.*?--- end\n", re.M | re.S)


def rows(tree):
    for number, line in enumerate(tree.files.get(PAGE, "").split("\n"), 1):
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if line.startswith("| ") and len(cells) == 3 and re.fullmatch(r"[\d.]+", cells[0]):
            yield number, cells


@check("each test that the table of traps names exists",
       {PAGE: "| 1 | x | `unit/test_x.c`: a_thing, another |\n", "tests/unit/test_x.c": "static void a_thing(void **state)\n"})
def named_tests_exist(tree):
    for line, (_, _, tests) in rows(tree):
        for path, names in NAMED.findall(tests):
            text = tree.files.get("tests/" + path)
            if text is None:
                yield Problem(PAGE, line, f"there is no tests/{path}")
                continue
            for name in names.split(", "):
                if not re.search(rf"\b(?:def |void |TEST\(){name}\b", text):
                    yield Problem(PAGE, line, f"tests/{path} has no {name}")


@check("each trap has a row, and no row is empty", {PAGE: "| 1 | x |  |\n"})
def every_trap_has_a_row(tree):
    found = {cells[0]: (line, cells) for line, cells in rows(tree)}
    for number in range(1, TRAPS + 1):
        if str(number) not in found:
            yield Problem(PAGE, 1, f"trap {number} has no row")
    for line, cells in found.values():
        if not cells[2]:
            yield Problem(PAGE, line, "no test, and no word why")


@check("each mutation finds its text in the code, once",
       {MUTATIONS: "@ x\na.c: x\n--- old\nthree\n--- new\nfour\n--- end\n", "a.c": "one\n"})
def mutations_are_of_today(tree):
    text = tree.files.get(MUTATIONS, "")
    if len(MUTATION.findall(text)) != len(re.findall(r"^@ ", text, re.M)):
        yield Problem(MUTATIONS, 1, "a block is not of the form")
    for found in MUTATION.finditer(text):
        path, old = found.group(1), found.group(2).removesuffix("<eol>\n")
        times = tree.files.get(path, "").count(old)
        if times != 1:
            yield Problem(MUTATIONS, text.count("\n", 0, found.start()) + 1, f"its text is {times} times in {path}")
