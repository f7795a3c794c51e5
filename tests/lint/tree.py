"""The files that git tracks (or would), and the frame of a check.

A check is a function of a Tree that yields Problem(path, line, text). It carries an example that it must
refuse: before it judges the real tree, `run` gives it a tree of that example alone and expects a problem, so
that no check can fall silent unnoticed.
"""
import os
import subprocess
from typing import NamedTuple

CHECKS = []

# Text of this kind is not ours to format or to judge by words.
DATA = (".json", ".list", ".tl", ".txt", ".pem", ".db", ".lock", ".map")


class Problem(NamedTuple):
    path: str
    line: int
    text: str


class Tree:
    def __init__(self, files, root=None):
        self.files = files  # path -> text
        self.root = root    # None: an example that is on no disk

    @classmethod
    def of_git(cls, root):
        names = subprocess.run(["git", "ls-files", "-zco", "--exclude-standard"], cwd=root, capture_output=True, check=True).stdout
        files = {}
        for name in filter(None, names.decode().split("\0")):
            path = os.path.join(root, name)
            if os.path.islink(path) or not os.path.isfile(path) or name.startswith("tests/fuzz/corpus/"):
                continue
            with open(path, encoding="utf-8", errors="replace") as f:
                files[name] = f.read()
        return cls(files, root)

    def named(self, *ends, below=("",)):
        """(path, text) of the files that end so, in path order."""
        for path in sorted(self.files):
            if path.endswith(ends) and path.startswith(tuple(below)):
                yield path, self.files[path]

    def scripts(self, word):
        """(path, text) of the files whose first line names that interpreter."""
        for path in sorted(self.files):
            first = self.files[path].split("\n", 1)[0]
            if first.startswith("#!") and word in first:
                yield path, self.files[path]


def check(name, example):
    """Registers a check under the sentence that it proves; example: {path: text} that it must refuse."""
    def register(function):
        CHECKS.append((name, example, function))
        return function
    return register
