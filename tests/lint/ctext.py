"""C source without its comments and literals, line numbers kept."""
import re

TOKEN = re.compile(r"/\*.*?\*/|//[^\n]*|\"(?:\\.|[^\"\\\n])*\"|'(?:\\.|[^'\\\n])*'", re.S)


def _blank(match):
    text = match.group()
    if text[0] in "\"'":
        return text[0] + text[0]
    return " " + "\n" * text.count("\n")


def bare(source):
    return TOKEN.sub(_blank, source)


def functions(source):
    """(first line, last line) of each function body; relies on the braces standing where clang-format puts them."""
    start = None
    for number, line in enumerate(source.split("\n"), 1):
        if line == "{":
            start = number
        elif line == "}" and start:
            yield start, number
            start = None
