"""Which part may use which, and what is kept out of the parts below daemon/ (see the README of the root)."""
import re

from ctext import bare
from tree import Problem, check

MAY_INCLUDE = {
    "tl": {"tl"},
    "core": {"tl", "core"},
    "storage": {"tl", "core", "storage"},
    "rpc": {"tl", "core", "rpc"},
    "daemon": {"tl", "core", "storage", "rpc", "daemon"},
}
# The sandbox is written apart from the client's half: it shares TL and primitives that vectors pin.
SANDBOX_MAY = re.compile(r"^(tests/sandbox/|tl/|core/(crypto/|env\.h|error\.h|frame/))")
# What only the system's library offers, by part; the rest of the system belongs to daemon/.
SYSTEM_KEPT_OUT = re.compile(r"^(sys/(socket|epoll|random|timerfd|eventfd|un|select)|netinet/|netdb|event2/|poll|signal|pthread|threads|time)\b")

INCLUDE = re.compile(r'^#include ([<"])([^>"]+)[>"]')
BELOW = ("tl/", "core/", "storage/", "rpc/")
EDGE = ("rpc/ctl/",)  # tgctl is a program of its own

CALLS = re.compile(
    r"(?<![\w.>])(time|clock|clock_gettime|gettimeofday|localtime|localtime_r|sleep|usleep|nanosleep|"
    r"s?rand|random|getrandom|getentropy|arc4random\w*|RAND_\w+|"
    r"socket|connect|bind|listen|accept4?|send|recv|sendto|recvfrom|sendmsg|recvmsg|getaddrinfo|"
    r"open|openat|openat2|creat|fopen|freopen|fdopen|read|write|getenv|secure_getenv|setenv|"
    r"poll|ppoll|select|epoll_\w+|fork|vfork|execv\w*|execl\w*|system|popen|pthread_\w+|thrd_\w+|"
    r"printf|fprintf|puts|perror|syslog|abort|exit|_exit|assert)\s*\(")
# Reviewed, each with the reason.
ALLOWED = {
    "core/crypto/ciphers.c": {"pthread_once"},  # EVP's ciphers are fetched once; never changed after
    "storage/partial.c": {"open", "openat"},  # the folder in which that copy grows, removed by descriptor
    "storage/backup.c": {"open", "read", "write"},  # a copy of plain files, on a thread of its own
    "storage/db.c": {"open"},        # a database file is made with its mode before SQLite opens it
    "storage/lock.c": {"open"},      # the lock file
}
ALLOWED_HEADERS = {
    "core/crypto/ciphers.c": {"pthread.h"},
    "storage/store.c": {"time.h"},  # strftime of a time that is given
}
ALLOWED_GLOBALS = {
    "core/crypto/ciphers.c",  # the fetched ciphers, see above
    "core/crypto/ige.c",      # tests and bench choose the portable path with it
}


@check("parts include only what lies below them", {"storage/a.c": '#include "rpc/rpc.h"\n'})
def includes(tree):
    for path, text in tree.named(".c", ".h"):
        part = path.split("/")[0]
        for number, line in enumerate(text.split("\n"), 1):
            found = INCLUDE.match(line)
            if not found or found.group(1) != '"':
                continue
            name = found.group(2)
            if part in MAY_INCLUDE and "/" in name and name.split("/")[0] not in MAY_INCLUDE[part]:
                yield Problem(path, number, f"{part}/ may not include {name}")
            if path.startswith("tests/sandbox/") and "/" in name and not SANDBOX_MAY.match(name):
                yield Problem(path, number, f"the sandbox shares no {name} with the client")


@check("no clock, randomness, socket or file below daemon/", {"core/a.c": "long f(void)\n{\n    return time(NULL);\n}\n"})
def edge_calls(tree):
    for path, text in tree.named(".c", ".h", below=BELOW):
        if path.startswith(EDGE):
            continue
        for number, line in enumerate(bare(text).split("\n"), 1):
            for call in CALLS.findall(line):
                ours = re.match(rf"[a-z][\w \*]*\b{call}\(", line) or f"static void {call}(" in text
                if call not in ALLOWED.get(path, ()) and not ours:
                    yield Problem(path, number, f"{call}() belongs to daemon/")


@check("no header of the edge below daemon/", {"core/a.c": "#include <sys/socket.h>\n"})
def edge_headers(tree):
    for path, text in tree.named(".c", ".h", below=BELOW):
        if path.startswith(EDGE):
            continue
        for number, line in enumerate(text.split("\n"), 1):
            found = INCLUDE.match(line)
            if found and SYSTEM_KEPT_OUT.match(found.group(2)) and found.group(2) not in ALLOWED_HEADERS.get(path, ()):
                yield Problem(path, number, f"<{found.group(2)}> belongs to daemon/")


GLOBAL = re.compile(r"^(?:static )?(?!const\b|extern\b|struct \w+;|enum\b|union\b|typedef\b|return\b|goto\b)[a-zA-Z_][\w \*]*?[\w\]\[]+(?:\[[^\]]*\])* ?(?:=|;)")


@check("no mutable global below daemon/", {"core/a.c": "static int calls;\n"})
def globals_below(tree):
    for path, text in tree.named(".c", ".h", below=BELOW):
        if path.startswith(EDGE) or path in ALLOWED_GLOBALS:
            continue
        depth = 0
        for number, line in enumerate(bare(text).split("\n"), 1):
            if depth == 0 and not line.startswith((" ", "#", "}", "{")) and "(" not in line and GLOBAL.match(line) \
                    and not re.search(r"\bconst\b", line):
                yield Problem(path, number, f"mutable: {line.strip()[:60]}")
            depth += line.count("{") - line.count("}")
