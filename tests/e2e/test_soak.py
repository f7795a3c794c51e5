"""A soak, bounded: events, sends, calls, connections that come and go, links that break, over and over. Afterwards the
daemon holds what it held before: memory, descriptors, threads; and when all is quiet it sleeps.

TGD_SOAK_SECONDS (12): tests/long.sh has minutes. Beyond a minute there are at most five rounds a second: what is soaked
in is time, and the sandbox keeps every message.
"""
import os
import pathlib
import time

from harness import DEADLINE, Daemon, Sandbox, wait_until

SECONDS = float(os.environ.get("TGD_SOAK_SECONDS", "12"))
# what is freed must go back at once, or a sanitizer's own store of it looks like a leak
PLAIN_HEAP = {"ASAN_OPTIONS": os.environ.get("ASAN_OPTIONS", "") + ":quarantine_size_mb=0:thread_local_quarantine_size_kb=0"}
ALICE = "@alice"
PACE = 0.2 if SECONDS > 60 else 0
STABLE = 6  # seconds: links that break sooner, again and again, are tried again ever later, as they should be


def status(daemon, field):
    for line in pathlib.Path(f"/proc/{daemon.process.pid}/status").read_text().splitlines():
        if line.startswith(field + ":"):
            return int(line.split()[1])
    raise KeyError(field)


def held(daemon):
    """What it holds once it has seen that clients left: only the subscriber and whoever asks are there."""
    wait_until("clients to be gone", lambda: daemon.call("getHealth")["clients"]["connections"] == 2)
    return {"descriptors": len(os.listdir(f"/proc/{daemon.process.pid}/fd")), "threads": status(daemon, "Threads")}


class Traffic:
    def __init__(self, daemon, sandbox):
        self.daemon, self.sandbox = daemon, sandbox
        self.rounds = self.events = self.restarts = 0
        self.up = self.next = time.monotonic()
        self.connection = daemon.subscribe(types=["message", "edit"])

    def one(self):
        time.sleep(max(0, self.next - time.monotonic()))
        self.next = time.monotonic() + PACE
        n = self.rounds = self.rounds + 1
        for i in range(10):
            m = self.sandbox("sendAs", **{"from": ALICE, "to": ("@bob", "@family")[i % 2], "text": f"{n}/{i} " + "x" * 200})
        self.sandbox("editAs", **{"from": ALICE, "chat": "@family", "message_id": m["message_id"], "text": f"{n} edited"})
        self.daemon.call("sendMessage", chat_id=ALICE, text=f"out {n}", dedup_key=str(n))
        self.daemon.call("getHistory", chat_id="@family", limit=50)
        self.daemon.call("messages.getDialogs", offset_date=0, offset_id=0, offset_peer={"_": "inputPeerEmpty"}, limit=20,
                         hash="0", **{"@fields": ["count"]})
        with self.daemon.lines() as c:
            c.send(b'{"id":1,"method":"getMe"}\n{broken\n{"id":2,"method":"noSuchMethod"}\n')
            for _ in range(3):
                c.receive()
        with self.daemon.subscribe(since="oldest", types=["message"]) as c:
            c.receive()
        if time.monotonic() > self.up + STABLE:
            self.sandbox("restart")
            self.daemon.call("waitReady", wait=60)
            self.restarts += 1
            self.up = time.monotonic()
        want = f"out {n}"
        while True:
            event = self.connection.event()
            self.events += 1
            if event["type"] == "message" and event["message"]["text"] == want:
                return


def log_in(daemon):
    daemon.log_in("9996620002")
    daemon.call("waitReady", wait=10)
    daemon.call("getDialogs")


def test_a_soak_leaves_nothing_behind(folder):
    sandbox = Sandbox(folder)
    daemon = Daemon(folder, sandbox, "--log-level", "warn", env=PLAIN_HEAP)
    try:
        log_in(daemon)
        traffic = Traffic(daemon, sandbox)
        end = time.monotonic() + SECONDS / 3
        while time.monotonic() < end or traffic.rounds < 12:
            traffic.one()
        before, rss = held(daemon), status(daemon, "RssAnon")
        end = time.monotonic() + SECONDS / 3
        while time.monotonic() < end or traffic.rounds < 24:
            traffic.one()
        middle = status(daemon, "RssAnon")
        end = time.monotonic() + SECONDS / 3
        while time.monotonic() < end or traffic.rounds < 36:
            traffic.one()
        wait_until("the same descriptors and threads", lambda: held(daemon) == before, DEADLINE)
        after = status(daemon, "RssAnon")
        # nothing happens: it wakes for its sync, a ping, its trimming, no more
        wait_until("a daemon that sleeps", lambda: quiet_wakeups(daemon, 2) <= 6, DEADLINE)
        minute = f"{quiet_wakeups(daemon, 60)} wake-ups in a quiet minute" if PACE else ""
        print(f"{traffic.rounds} rounds, {traffic.events} events, {traffic.restarts} restarts of the server; "
              f"RssAnon {rss} -> {middle} -> {after} KiB, {before['descriptors']} descriptors {minute}")
        # buffers and caches have found their size by the middle
        assert after - middle <= max(512, (middle - rss) / 2), f"memory grows: {rss}, {middle}, {after} KiB"
    finally:
        daemon.stop()
        sandbox.stop()


def quiet_wakeups(daemon, seconds):
    before = status(daemon, "voluntary_ctxt_switches")
    time.sleep(seconds)
    return status(daemon, "voluntary_ctxt_switches") - before
