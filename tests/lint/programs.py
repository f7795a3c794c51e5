"""Checks that other programs make: clang-format, shellcheck, pyflakes, systemd-analyze, groff, git."""
import glob
import os
import re
import shutil
import subprocess
import tempfile

from tree import Problem, check

EXPOSURE_MOST = 2.0
# Files sourced elsewhere and their variables, `a && b || { exit; }`, and -nt, which every sh of Debian has.
QUIET = "SC1090,SC1091,SC2154,SC2015,SC3013"


def run(*command, **options):
    return subprocess.run(command, capture_output=True, text=True, errors="replace", **options)


class on_disk:
    """A folder that holds the tree: its own root, or for an example a temporary one."""

    def __init__(self, tree):
        self.tree = tree

    def __enter__(self):
        self.temp = None
        if self.tree.root:
            return self.tree.root
        self.temp = tempfile.mkdtemp(prefix="tgd-lint-")
        for path, text in self.tree.files.items():
            os.makedirs(os.path.dirname(os.path.join(self.temp, path)), exist_ok=True)
            with open(os.path.join(self.temp, path), "w", encoding="utf-8") as f:
                f.write(text)
        return self.temp

    def __exit__(self, *_):
        if self.temp:
            shutil.rmtree(self.temp)


def parse(output, pattern, root):
    """Problems from lines such as `path:12: text`."""
    for line in output.split("\n"):
        found = re.match(pattern, line)
        if found:
            yield Problem(os.path.relpath(os.path.join(root, found.group(1)), root), int(found.group(2)), found.group(3))


@check("C files are formatted as .clang-format says", {"core/a.c": "int  a ;\n"})
def formatted(tree):
    with on_disk(tree) as root:
        names = [path for path, _ in tree.named(".c", ".h")]
        result = run("clang-format-14", "--style=file" if tree.root else "--style=LLVM", "--dry-run", *names, cwd=root)
        seen = set()
        for problem in parse(result.stderr, r"([^:\s]+):(\d+):\d+: warning: (.*)", root):
            if problem.path not in seen:
                seen.add(problem.path)
                yield problem


@check("shellcheck finds nothing in shell scripts", {"a": "#!/bin/sh\nrm $1\n"})
def shell(tree):
    with on_disk(tree) as root:
        started = {path for word in ("/sh", "/bash") for path, _ in tree.scripts(word)}
        sourced = {path for path, _ in tree.named(".sh")} - started
        for names, options in ((started, ()), (sourced, ("-s", "sh", "-e", "SC2034"))):
            result = run("shellcheck", "-e", QUIET, "-f", "gcc", *options, *sorted(names), cwd=root)
            yield from parse(result.stdout, r"([^:\s]+):(\d+):\d+: (.*)", root)


@check("pyflakes finds nothing in python files", {"a.py": "import os\n"})
def python(tree):
    with on_disk(tree) as root:
        names = sorted({path for path, _ in tree.scripts("python")} | {path for path, _ in tree.named(".py")})
        result = run("pyflakes3", *names, cwd=root)
        yield from parse(result.stdout + result.stderr, r"([^:\s]+):(\d+):\d+:? (.*)", root)


UNIT = "[Service]\nExecStart=/bin/tgd\nColour=blue\n"


def fill_in(tree, folder):
    """The units as meson would install them, with a program at each path that they name; file -> tracked path."""
    made = {}
    os.mkdir(os.path.join(folder, "bin"))
    for name in ("tgd", "tgctl"):
        os.symlink("/bin/true", os.path.join(folder, "bin", name))
    for path, text in tree.named(".service.in", ".socket"):
        sub = os.path.join(folder, "user" if "-user." in path else "system")
        os.makedirs(sub, exist_ok=True)
        name = os.path.join(sub, os.path.basename(path).removesuffix(".in").replace("-user.", "."))
        with open(name, "w", encoding="utf-8") as f:
            f.write(text.replace("@bindir@", os.path.join(folder, "bin")))
        made[name] = path
    return made


@check("systemd-analyze verify accepts the units", {"systemd/tgd.service.in": UNIT})
def units(tree):
    with tempfile.TemporaryDirectory(prefix="tgd-lint-") as folder:
        made = fill_in(tree, folder)
        for kind in ("system", "user"):
            names = [name for name in made if f"/{kind}/" in name]
            if not names:
                continue
            result = run("systemd-analyze", f"--{kind}", "--man=no", "verify", *names,
                         env={**os.environ, "XDG_RUNTIME_DIR": folder, "SYSTEMD_UNIT_PATH": f"{folder}/{kind}:"})
            for line in result.stderr.split("\n"):
                # the machine's own units are not ours to judge
                if "tgd." in line and not re.search(r"[Mm]an page|User tgd|Failed to (prepare|create)", line):
                    path = made.get(line.split(":")[0], "systemd/tgd.service.in")
                    yield Problem(path, 1, line.split(f"{folder}/")[-1].strip())


@check("systemd-analyze security rates the system unit at most 2.0", {"systemd/tgd.service.in": "[Service]\nExecStart=@bindir@/tgd\n"})
def exposure(tree):
    with tempfile.TemporaryDirectory(prefix="tgd-lint-") as folder:
        made = fill_in(tree, folder)
        for name, path in made.items():
            if not name.endswith("/system/tgd.service"):
                continue
            result = run("systemd-analyze", "security", "--offline=true", "--no-pager", name)
            found = re.search(r"Overall exposure level for \S+: ([\d.]+)", result.stdout)
            if not found:
                yield Problem(path, 1, "no exposure level: " + (result.stderr or result.stdout).strip()[:200])
            elif float(found.group(1)) > EXPOSURE_MOST:
                yield Problem(path, 1, f"exposure {found.group(1)}, at most {EXPOSURE_MOST}")


@check("man pages render without a warning", {"daemon/man/a.1": ".TH A 1\n.XY\n\\fQx\n"})
def man_pages(tree):
    with on_disk(tree) as root, tempfile.TemporaryDirectory(prefix="tgd-lint-") as folder:
        pages = {path: os.path.join(root, path) for path, _ in tree.named(*(f".{n}" for n in range(1, 9))) if "/man/" in path}
        for generator in sorted(glob.glob(os.path.join(root, "*/man/generate.py"))):
            result = run("python3", generator, "--source", root, "--out", folder)
            if result.returncode:
                yield Problem(os.path.relpath(generator, root), 1, result.stderr.strip().split("\n")[-1])
            for name in sorted(glob.glob(folder + "/*.[1-8]")):
                pages[os.path.relpath(generator, root) + " " + os.path.basename(name)] = name
        for path, name in pages.items():
            result = run("groff", "-mandoc", "-Tutf8", "-K", "utf8", "-ww", "-rLL=100n", "-z", name)
            for line in filter(None, result.stderr.split("\n")):
                found = re.search(r":(\d+): (.*)", line)
                yield Problem(path, int(found.group(1)), found.group(2)) if found else Problem(path, 1, line)


SUBJECT = re.compile(r"^[a-z0-9_/., -]+: \S.{0,140}$")


@check("commit subjects read 'area: intent'", {".git-subjects": "Fixed stuff\n"})
def subjects(tree):
    if tree.root:
        since = run("git", "log", "--diff-filter=A", "--format=%h", "--", "tests/lint/run", cwd=tree.root).stdout.split()
        text = run("git", "log", "--no-merges", "--format=%h %s", f"{since[-1]}..HEAD" if since else "-1", cwd=tree.root).stdout
    else:
        text = "".join(f"0 {line}\n" for _, lines in tree.named(".git-subjects") for line in lines.splitlines())
    for line in text.splitlines():
        commit, _, subject = line.partition(" ")
        if not SUBJECT.match(subject):
            yield Problem(f"commit {commit}", 1, subject)
