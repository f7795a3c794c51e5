"""Real programs against the sandbox: tgd, tgctl, socat, jq, each test in a folder of its own.

Every call and every answer is checked against the method's schema file; at the end of a test its logs are read: text of
a sanitizer, a line at BROKEN, or a secret in them fails the test, and so does a method of the sandbox that answered a
stub. The folder of a failed test is kept.
"""
import contextlib
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import time

import schema

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("TGD_BUILD", ROOT / "build-test"))
BIN = {"tgd": BUILD / "daemon/tgd", "tgctl": BUILD / "rpc/ctl/tgctl", "tgd-sandbox": BUILD / "tests/sandbox/tgd-sandbox"}
API_HASH = "0123456789abcdef0123456789abcdef"
DEADLINE = 30.0

called = set()  # names of the methods that any test called


class RpcError(Exception):
    """An error answer."""

    def __init__(self, error):
        super().__init__(f"{error['code']} {error.get('data', {}).get('name')}: {error['message']}")
        self.code = error["code"]
        self.data = error.get("data", {})
        self.name = self.data.get("name")


def wait_until(what, check, seconds=DEADLINE):
    """Polls until check() gives something; no sleeping for luck: it ends as soon as it may."""
    end = time.monotonic() + seconds
    while True:
        value = check()
        if value:
            return value
        if time.monotonic() > end:
            raise TimeoutError(f"not within {seconds} s: {what}")
        time.sleep(0.005)


class Lines:
    """A connection that speaks one JSON value per line."""

    def __init__(self, path):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.connect(str(path))  # waits where the backlog is full; with a timeout it would refuse
        self.sock.settimeout(DEADLINE)
        self.buf = b""

    def send(self, data):
        if isinstance(data, dict):
            called.add(data.get("method"))
        self.sock.sendall(data if isinstance(data, bytes) else (json.dumps(data) + "\n").encode())

    def line(self):
        """The next line as text, or None at the end."""
        while b"\n" not in self.buf:
            got = self.sock.recv(65536)
            if not got:
                return None
            self.buf += got
        line, self.buf = self.buf.split(b"\n", 1)
        return line.decode()

    def receive(self):
        line = self.line()
        value = None if line is None else json.loads(line)
        if isinstance(value, dict) and value.get("method") == "event":
            schema.check_event(value["params"])
        return value

    def event(self, *types):
        """The next event, of these types where any are named; others go by."""
        while True:
            value = self.receive()
            assert value is not None, "the daemon hung up"
            assert value.get("method") == "event", value
            if not types or value["params"]["type"] in types:
                return value["params"]

    def quiet(self, seconds=0.2):
        """True if nothing comes for a while."""
        self.sock.settimeout(seconds)
        try:
            return b"\n" not in self.buf and self.sock.recv(1, socket.MSG_PEEK) == b""
        except TimeoutError:
            return True
        finally:
            self.sock.settimeout(DEADLINE)

    def close(self):
        self.sock.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


class Sandbox:
    """tgd-sandbox and its control socket."""

    def __init__(self, folder, seed=1, *options):
        self.dir = folder / "sandbox"
        self.log = folder / "sandbox.log"
        self.out = open(self.log, "ab")
        self.process = subprocess.Popen([BIN["tgd-sandbox"], "--dir", self.dir, "--seed", str(seed), *options],
                                        stdout=self.out, stderr=self.out)
        wait_until("the sandbox", lambda: (self.dir / "servers.json").exists() or self.process.poll() is not None)
        self.control = Lines(self.dir / "control.sock")

    def __call__(self, method, **params):
        self.control.send({"id": 1, "method": method, "params": params})
        answer = self.control.receive()
        if "error" in answer:
            raise AssertionError(f"sandbox {method}: {answer['error']}")
        return answer["result"]

    def user(self, phone="9996621234", name="Terry", **more):
        """A new user; its id."""
        return self("addUser", phone=phone, first_name=name, **more)["user_id"]

    def stop(self):
        self.control.close()
        self.process.terminate()
        self.process.wait(DEADLINE)
        self.out.close()


# The helper of the stories, as the README gives it.
HELPER = r"""tg() { jq -cn --arg m "$1" --argjson p "${2:-{\}}" '{id:1,method:$m,params:$p}' | socat -t3600 - "UNIX:$S" |
       jq -ec 'if .error then (.error.message + "\n" | halt_error(1)) else .result end'; }
"""


class Daemon:
    """One tgd with its state folder; may be killed and started again."""

    def __init__(self, folder, sandbox, *options, env=None):
        self.folder = folder
        self.socket = folder / "tgd.sock"
        self.log = folder / "tgd.log"
        self.command = [BIN["tgd"], "--state-dir", folder / "state", "--socket", self.socket, "--servers",
                        sandbox.dir / "servers.json", "--api-id", "12345", "--api-hash", API_HASH, "--log-level",
                        "debug", *options]
        self.process = None
        self.out = None
        self.start(env)

    def start(self, env=None):
        self.out = open(self.log, "ab")
        self.process = subprocess.Popen(self.command, stdout=self.out, stderr=self.out,
                                        env={**os.environ, **(env or {})})
        wait_until("the daemon", lambda: self.answers() or self.process.poll() is not None)
        return self

    def answers(self):
        with contextlib.suppress(OSError):
            Lines(self.socket).close()
            return True
        return False

    def kill(self, number=signal.SIGKILL):
        self.process.send_signal(number)
        return self.ended()

    def ended(self):
        """Waits for the process to end; its exit status."""
        status = self.process.wait(DEADLINE)
        self.out.close()
        return status

    def stop(self):
        if self.process.poll() is None:
            self.process.terminate()
            assert self.ended() == 0, "tgd did not stop cleanly"

    def call(self, method, /, account=None, **params):
        """One request on a connection of its own; its result. Options stand in params with an "@"."""
        called.add(method)
        request = {"id": 1, "method": method, "params": params}
        if account:
            request["account"] = account
        with Lines(self.socket) as c:
            c.send(request)
            answer = c.receive()
        if answer is None:
            raise ConnectionError(f"{method}: hung up")
        if "error" in answer:
            schema.check_error(answer["error"])
            raise RpcError(answer["error"])
        if "@fields" not in params and "@check" not in params:
            schema.check_result(method, answer["result"])
        return answer["result"]

    def lines(self):
        """A connection, to write requests by hand."""
        return Lines(self.socket)

    def refuses(self, name, method, /, **params):
        """The error of a request that must end in this one."""
        try:
            result = self.call(method, **params)
        except RpcError as e:
            assert e.name == name, f"{method}: expected {name}, got {e}"
            return e
        raise AssertionError(f"{method}: expected {name}, got {result}")

    def log_in(self, phone="9996621234", code="22222", account=None):
        assert self.call("logIn", account=account, phone="+" + phone)["step"] == "code"
        return self.call("submitCode", account=account, code=code)

    def subscribe(self, **params):
        """A connection with a subscription on it; its first answer was read."""
        called.add("subscribe")
        c = Lines(self.socket)
        c.send({"id": 1, "method": "subscribe", "params": params})
        answer = c.receive()
        if answer is None:
            c.close()
            raise ConnectionError("subscribe: hung up")
        if "error" in answer:
            c.close()
            schema.check_error(answer["error"])
            raise RpcError(answer["error"])
        schema.check_result("subscribe", answer["result"])
        c.result = answer["result"]
        return c

    def shell_env(self):
        return {**os.environ, "S": str(self.socket), "TGD_SOCKET": str(self.socket),
                "PATH": f"{BIN['tgctl'].parent}:{os.environ['PATH']}"}

    @contextlib.contextmanager
    def background(self, script):
        """A bash script beside the test, with its output as a pipe of lines; ended with all that it started."""
        with open(self.folder / "shell.err", "ab") as err, \
                subprocess.Popen(["bash", "-c", HELPER + script], env=self.shell_env(), stdout=subprocess.PIPE,
                                 stderr=err, text=True, start_new_session=True, cwd=self.folder) as process:
            try:
                yield process
            finally:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)

    def shell(self, script, check=True, stdin=None):
        """Runs a bash script with S, TGD_SOCKET and the helper `tg`; its stdout."""
        done = subprocess.run(["bash", "-c", HELPER + script], env=self.shell_env(), capture_output=True, text=True,
                              input=stdin, timeout=DEADLINE, check=False, cwd=self.folder)
        if check:
            assert done.returncode == 0, f"{script}\nexit {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done.stdout if check else done


BAD = ("AddressSanitizer", "LeakSanitizer", "ThreadSanitizer", "runtime error:", "BROKEN", "Assertion")


def read_logs(folder, secrets):
    """What is wrong in the logs of a test, in words."""
    wrong = []
    for log in sorted(folder.glob("*.log")):
        text = log.read_text(errors="replace")
        wrong += [f"{log.name}: {line}" for line in text.splitlines() if any(bad in line for bad in BAD)]
        if log.name == "tgd.log":
            wrong += [f"{log.name} holds a secret: {s[:3]}..." for s in secrets if s in text]
    return wrong


turns = []  # of every daemon that ended in an orderly way: (turns, cpu p99.9, cpu max, stall p99.9, stall max), us


def read_turns(folder):
    text = (folder / "tgd.log").read_text(errors="replace") if (folder / "tgd.log").exists() else ""
    if "woke up after" in text:
        return  # a turn that the machine slept through
    for line in re.findall(r"loop: turns (.*)", text):
        turns.append(tuple(int(n) for n in re.findall(r"\d+", line.replace("p99.9", ""))))


def keep(folder, name):
    """The folder of a failed test, moved where it is found."""
    to = BUILD / "e2e-failed" / name
    shutil.rmtree(to, ignore_errors=True)
    to.parent.mkdir(parents=True, exist_ok=True)
    shutil.copytree(folder, to, ignore=lambda at, names: [n for n in names if not (pathlib.Path(at, n).is_file() or
                                                                                pathlib.Path(at, n).is_dir())])
    return to
