"""kill -9 of the daemon at every effect boundary, under traffic, and of a subscriber: nothing is lost, nothing twice.

TGD_TEST_KILL_AFTER=n makes tgd kill itself after its n-th effect or commit; n goes up until a scripted session ends
before it. After each death the daemon is started again and must need no login, tell what was missed, in order and
once for a consumer that goes on at its last cursor, and must have sent what had a dedup_key exactly once.
"""
import os
import random
import signal

import pytest
from harness import RpcError, wait_until

ALICE = "@alice"


class Consumer:
    """Keeps the cursor of the last event that it has read, and goes on there."""

    def __init__(self, daemon):
        self.daemon = daemon
        self.cursor = daemon.call("getEvents", since="now")["cursor"]
        self.messages = []
        self.connection = None

    def open(self):
        self.connection = self.daemon.subscribe(since=self.cursor, types=["message"])

    def take(self):
        event = self.connection.event("message")
        self.messages.append(event["message"])
        self.cursor = event["cursor"]

    def until(self, text):
        while not any(m["text"] == text for m in self.messages):
            self.take()

    def rest(self):
        """What the kernel still had of a daemon that died."""
        try:
            while True:
                self.take()
        except (OSError, AssertionError, AttributeError):
            pass
        if self.connection:
            self.connection.close()
        self.connection = None

    def incoming(self):
        return [m["text"] for m in self.messages if not m["out"]]

    def outgoing(self):
        return [m["text"] for m in self.messages if m["out"]]


def said(sandbox, chat, sender):
    """What `sender` said in the private chat of Alice and Bob, oldest first."""
    items = sandbox("history", of=chat[0], chat=chat[1], limit=2000)["items"]
    return [m["text"] for m in items if m["from"] == sender][::-1]


def session(daemon, sandbox, consumer, n):
    """What is done while death is near; ends in an error when it comes."""
    daemon.call("waitReady", wait=10)
    consumer.open()
    sandbox("sendAs", **{"from": ALICE, "to": "@bob", "text": f"in {n}"})
    sent = daemon.call("sendMessage", chat_id=ALICE, text=f"out {n}", dedup_key=f"k{n}")
    consumer.until(f"in {n}")
    daemon.call("editMessage", chat_id=ALICE, message_id=sent["id"], text=f"out {n} edited")
    daemon.call("markRead", chat_id=ALICE)
    consumer.until(f"out {n}")


def survives(daemon, doing):
    """True if the daemon lived to the end of it."""
    try:
        doing()
    except (OSError, AssertionError, RpcError):
        wait_until("the daemon's death", lambda: daemon.process.poll() is not None, 10)
        assert daemon.process.returncode == -signal.SIGKILL, f"it ended by itself: {daemon.process.returncode}"
        return False
    return daemon.process.poll() is None


def test_kill_at_every_effect_of_a_session(bob, sandbox):
    alice = bob.call("getChat", chat_id=ALICE)["id"]
    consumer = Consumer(bob)
    bob.stop()
    spoken = []
    n = 0
    while True:
        n += 1
        bob.start({"TGD_TEST_KILL_AFTER": str(n)})
        lived = survives(bob, lambda: session(bob, sandbox, consumer, n))
        bob.kill() if lived else bob.out.close()
        consumer.rest()
        if f"in {n}" in said(sandbox, ("@bob", alice), alice):
            spoken.append(f"in {n}")
        sandbox("sendAs", **{"from": ALICE, "to": "@bob", "text": f"missed {n}"})
        spoken.append(f"missed {n}")
        bob.start()
        assert bob.call("getLoginState")["step"] == "ready", "a login is needed"
        bob.call("waitReady", wait=10)
        assert bob.call("sendMessage", chat_id=ALICE, text=f"out {n}", dedup_key=f"k{n}")["text"].startswith(f"out {n}")
        consumer.open()
        consumer.until(f"missed {n}")
        consumer.until(f"out {n}")
        consumer.connection.close()
        bob.stop()
        assert consumer.incoming() == spoken
        ids = [m["id"] for m in consumer.messages]
        assert len(ids) == len(set(ids))
        if lived:
            break
        assert n < 400
    assert n > 15, "there are no boundaries: is TGD_TEST_KILL_AFTER read?"
    mine = [t.removesuffix(" edited") for t in said(sandbox, ("@bob", alice), bob.me) if t.startswith("out")]
    assert mine == [f"out {i}" for i in range(1, n + 1)]
    assert sorted(consumer.outgoing(), key=lambda t: int(t.split()[1])) == mine
    print(n, "boundaries")


def log_in(daemon, phone):
    daemon.call("logIn", phone=phone)
    daemon.call("submitCode", code="22222")
    daemon.call("waitReady", wait=10)


def test_kill_at_every_effect_of_a_login(daemon, sandbox, folder):
    daemon.stop()
    at = daemon.command.index("--state-dir") + 1
    n = 0
    while True:
        n += 1
        phone = f"999662{5000 + n}"
        user = sandbox.user(phone=phone)
        daemon.command[at] = folder / f"state{n}"
        daemon.start({"TGD_TEST_KILL_AFTER": str(n)})
        ready = []
        lived = survives(daemon, lambda: (log_in(daemon, phone), ready.append(True)))
        daemon.kill() if lived else daemon.out.close()
        daemon.start()
        accounts = daemon.call("listAccounts")["items"]
        if not accounts or accounts[0]["step"] != "ready":
            assert not ready, "a login that was told as ready is gone"
            log_in(daemon, phone)
        assert daemon.call("getMe")["id"] == user
        daemon.stop()
        if lived:
            break
        assert n < 400
    assert n > 10
    print(n, "boundaries")


@pytest.mark.parametrize("seed", [pytest.param(n, marks=pytest.mark.seed(n)) for n in (1, 2, 3, 4)])
def test_kill_under_traffic_both_ways(bob, sandbox, seed):
    rng = random.Random(seed)
    alice = bob.call("getChat", chat_id=ALICE)["id"]
    consumer = Consumer(bob)
    consumer.open()
    keys, spoken = [], []
    for round_number in range(20):
        with bob.lines() as c:
            for i in range(rng.randint(1, 8)):
                keys.append(f"{round_number}/{i}")
                c.send({"id": keys[-1], "method": "sendMessage",
                        "params": {"chat_id": ALICE, "text": keys[-1], "dedup_key": keys[-1]}})
                spoken.append(f"in {keys[-1]}")
                sandbox("sendAs", **{"from": ALICE, "to": "@bob", "text": spoken[-1]})
            for _ in range(rng.randint(0, i)):
                c.receive()
            bob.kill()
        consumer.rest()
        bob.start()
        consumer.open()
        for key in keys[-i - 1:]:
            wait_until(f"send {key}", lambda: try_send(bob, key))  # pylint: disable=cell-var-from-loop
    consumer.until(spoken[-1])
    while len(consumer.outgoing()) < len(keys):
        consumer.take()
    assert consumer.connection.quiet()
    consumer.connection.close()
    assert consumer.incoming() == spoken
    assert sorted(consumer.outgoing()) == sorted(keys)
    mine = [t for t in said(sandbox, ("@bob", alice), bob.me) if "/" in t and t != "/start"]
    assert sorted(mine) == sorted(keys), "sent exactly once"


def try_send(daemon, key):
    try:
        return daemon.call("sendMessage", chat_id=ALICE, text=key, dedup_key=key)
    except RpcError as e:
        assert e.name in ("NOT_CONNECTED", "TIMEOUT"), e
        return None


def test_a_split_send_that_was_cut_off_is_finished_by_its_repeat(bob, sandbox):
    text = " ".join(f"word{i}" for i in range(2500))  # several messages
    alice = bob.call("getChat", chat_id=ALICE)["id"]
    before = len(said(sandbox, ("@bob", alice), bob.me))
    for n in range(1, 40, 3):
        bob.stop()
        bob.start({"TGD_TEST_KILL_AFTER": str(n)})
        if survives(bob, lambda: bob.call("sendMessage", chat_id=ALICE, text=text, split=True, dedup_key="long")):
            break
        bob.start()
    bob.kill() if bob.process.poll() is None else bob.out.close()
    bob.start()
    bob.call("sendMessage", chat_id=ALICE, text=text, split=True, dedup_key="long")
    parts = said(sandbox, ("@bob", alice), bob.me)[before:]
    assert " ".join(parts).split() == text.split()


CONSUMER = r"""
c=$(tail -n1 seen | cut -f1)
while r=$(tg getEvents "{\"since\":\"${c:-oldest}\",\"types\":[\"message\"],\"direction\":\"in\",\"wait\":30,\"limit\":1}"); do
  c=$(jq -r .cursor <<<"$r"); e=$(jq -r '.items[0].message.text // empty' <<<"$r")
  [ "$e" ] && printf '%s\t%s\n' "$c" "$e" >> seen
done"""


def test_a_killed_subscriber_goes_on_at_its_cursor(bob, sandbox):
    seen = bob.folder / "seen"
    seen.touch()
    want = []
    for life in range(4):
        for i in range(6):
            want.append(f"life {life} line {i}")
            sandbox("sendAs", **{"from": ALICE, "to": "@bob", "text": want[-1]})
        with bob.background(CONSUMER) as process:
            wait_until("some lines", lambda: len(seen.read_text().splitlines()) >= len(want) - 3)
            os.killpg(process.pid, signal.SIGKILL)
    with bob.background(CONSUMER):
        wait_until("all lines", lambda: len(seen.read_text().splitlines()) >= len(want))
    assert [line.split("\t")[1] for line in seen.read_text().splitlines()] == want


def test_a_named_subscriber_that_dies_frees_its_name(bob, sandbox):
    with bob.background("exec tgctl listen name=n types=message -r .message.text") as listen:
        wait_until("it", lambda: [s for s in bob.call("listSubscriptions")["items"] if s["held"]])
        holder = bob.call("listSubscriptions")["items"][0]["pid"]
        e = bob.refuses("BUSY", "getEvents", name="n")
        assert str(holder) in str(e)
        os.kill(listen.pid, signal.SIGKILL)
        wait_until("its end", lambda: not bob.call("listSubscriptions")["items"][0]["held"])
    assert bob.call("getEvents", name="n", wait=0)["items"] == []
