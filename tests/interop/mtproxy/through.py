"""tgd through the program mtprotoproxy to the sandbox, with each kind of secret.

    through.py PYTHON PROXY      ends with "N passed, N failed"
"""
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import threading
import traceback

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "e2e"))
from harness import Daemon, RpcError, Sandbox, read_logs, wait_until  # noqa: E402  # pylint: disable=wrong-import-position

PHONE, SECRET = "9996624321", "00112233445566778899aabbccddeeff"
DOMAIN = b"www.example.com".hex()
# kind: the secret that the proxy takes, others that it does not
KINDS = {"plain": (SECRET, ["ff" + SECRET[2:]]),
         "padded": ("dd" + SECRET, [SECRET, "ddff" + SECRET[2:]]),
         "tls": ("ee" + SECRET + DOMAIN, [SECRET, "dd" + SECRET, "eeff" + SECRET[2:] + DOMAIN])}


class Proxy:
    """proxy.py as a process; `dcs` are the data centres that it was sent to."""

    def __init__(self, python, program, sandbox, kind, folder):
        self.dcs = []
        self.log = folder / "proxy.log"
        self.err = open(self.log, "ab")
        self.process = subprocess.Popen([python, "-B", program, sandbox.dir / "servers.json", SECRET, kind], text=True,
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.err)
        self.port = json.loads(self.process.stdout.readline())["port"]
        threading.Thread(target=self.listen, daemon=True).start()

    def listen(self):
        for line in self.process.stdout:
            self.dcs.append(json.loads(line)["dc"])

    def stop(self):
        self.process.stdin.close()
        self.process.terminate()
        self.process.wait(10)
        self.err.close()


class Tests:
    """In the order of their definition; each goes on where the one before ended."""

    def __init__(self, kind, proxy, sandbox, tgd):
        self.kind, self.proxy, self.sandbox, self.tgd = kind, proxy, sandbox, tgd
        self.good, self.bad = KINDS[kind]

    def way(self, secret):
        return {"kind": "mtproxy", "host": "127.0.0.1", "port": self.proxy.port, "secret": secret}

    def is_tried_before_it_is_used(self):
        before = len(self.proxy.dcs)
        answer = self.tgd.call("testProxy", **self.way(self.good))
        assert answer["ok"] and answer["proxy"]["mode"] == self.kind, answer
        wait_until("its word", lambda: len(self.proxy.dcs) > before)

    def wrong_secrets_are_refused(self):
        before = len(self.proxy.dcs)
        for secret in self.bad:
            try:
                raise AssertionError(self.tgd.call("testProxy", **self.way(secret)))
            except RpcError as e:
                assert e.name in ("NOT_CONNECTED", "TIMEOUT"), e
        assert len(self.proxy.dcs) == before

    def signs_in(self):
        self.tgd.call("setProxy", **self.way(self.good))
        state = self.tgd.log_in(PHONE)
        assert state["step"] == "ready", state
        self.tgd.call("waitReady", wait=20)

    def sends_and_hears(self):
        with self.tgd.subscribe(types=["message"], direction="in") as events:
            for n in (1, 100, 4000):
                assert self.tgd.call("sendMessage", chat_id="@alice", text="x" * n)["text"] == "x" * n
                self.sandbox("sendAs", **{"from": "@alice", "to": int(self.tgd.call("getMe")["id"]), "text": "y" * n})
                assert events.event("message")["message"]["text"] == "y" * n

    def reads_a_long_history_and_another_data_centre(self):
        for i in range(100):
            self.tgd.call("sendMessage", chat_id="me", text=f"{i} " + "z" * 500)
        assert len(self.tgd.call("getHistory", chat_id="me", limit=100)["items"]) == 100
        assert self.tgd.call("help.getNearestDc", **{"@dc": 3})["this_dc"] == 3
        assert 3 in self.proxy.dcs, self.proxy.dcs

    def goes_on_after_restarts_of_both(self):
        self.tgd.stop()
        self.tgd.start()
        self.tgd.call("waitReady", wait=20)
        self.sandbox("restart")
        self.tgd.call("sendMessage", chat_id="@alice", text="after")
        self.tgd.call("waitReady", wait=30)

    def nothing_looked_suspicious_to_it(self):
        said = self.proxy.log.read_text(errors="replace")
        assert "fingerprinting" not in said and "BUG" not in said and "skew" not in said and "Traceback" not in said, said


def run(python, program, kind, folder):
    sandbox = Sandbox(folder, 1)
    proxy = Proxy(python, program, sandbox, kind, folder)
    tgd = Daemon(folder, sandbox)
    sandbox.user(phone=PHONE, name="Through")
    tests = Tests(kind, proxy, sandbox, tgd)
    passed = failed = 0
    for name, test in vars(Tests).items():
        if name.startswith("_") or name == "way":
            continue
        try:
            test(tests)
            passed += 1
        except Exception:  # pylint: disable=broad-except  # one failed test of several
            failed += 1
            print(f"FAILED {kind}: {name}")
            traceback.print_exc(file=sys.stdout)
    tgd.stop()
    sandbox.stop()
    proxy.stop()
    wrong = read_logs(folder, [PHONE, SECRET])
    for text in wrong:
        print(f"FAILED {kind}: {text}")
    if os.environ.get("KEEP"):
        print((folder / "tgd.log").read_text(errors="replace"), proxy.log.read_text(errors="replace"))
    return passed, failed + len(wrong)


def main():
    passed = failed = 0
    for kind in os.environ.get("KINDS", "").split() or KINDS:
        with tempfile.TemporaryDirectory(prefix="tgd-interop-") as folder:
            p, f = run(*sys.argv[1:3], kind, pathlib.Path(folder))
        passed, failed = passed + p, failed + f
    print(f"{passed} passed, {failed} failed")
    return failed > 0


if __name__ == "__main__":
    sys.exit(main())
