"""kill -9 in a loop under traffic both ways: two accounts in one daemon, private chats, a group, a supergroup and a
channel; others and we ourselves send, edit and delete. At any moment the daemon dies (in half of the rounds right after
some effect or commit, see TGD_TEST_KILL_AFTER, else in the middle of its answers), is started again and goes on.

In the end one consumer, who went on at its last cursor each time, has seen each message once and in the order of its
box, and what it has seen amounts to what the server has; every send with a dedup_key is there exactly once.

TGD_E2E_KILLS (200) rounds; TGD_E2E_SEED (1).
"""
import json
import os
import random
import socket
import time

from harness import DEADLINE

KILLS = int(os.environ.get("TGD_E2E_KILLS", "200"))
SEED = int(os.environ.get("TGD_E2E_SEED", "1"))
CHATS = {"alice": ["@bob", "@family", "team", "@news"], "bob": ["@alice", "@family", "team", "@news"]}
SENDS = {"alice": ["@bob", "@family", "@news"], "bob": ["@alice", "@family", "team"]}
CHANNEL = -10**12


def box(account, chat_id):
    """What counts a chat's messages: a channel by itself, all other chats of an account together."""
    return (account, chat_id if chat_id < CHANNEL else 0)


class View:
    """What the events of one consumer amount to."""

    def __init__(self, first):
        self.first = first  # box -> the newest message before all this
        self.last = dict(first)
        self.texts = {}  # (account, chat, id) -> text
        self.gone = set()
        self.events = 0

    def take(self, event):
        self.events += 1
        account = event["account"]
        if event["type"] == "message":
            m = event["message"]
            at = box(account, m["chat_id"])
            assert m["id"] > self.last.get(at, 0), f"message {m['id']} of {at} came twice or out of order: {m}"
            self.last[at] = m["id"]
            self.texts[account, m["chat_id"], m["id"]] = m.get("text", "")
        elif event["type"] == "edit":
            m = event["edit"]
            key = (account, m["chat_id"], m["id"])
            if m["id"] > self.first.get(box(account, m["chat_id"]), 0):
                assert key in self.texts, f"an edit of what nobody heard of: {m}"
                self.texts[key] = m.get("text", "")
        elif event["type"] == "delete":
            chat = event["delete"].get("chat_id", 0)
            ids = set(event["delete"]["message_ids"])
            for key in [k for k in self.texts if k[0] == account and k[2] in ids]:
                if box(account, key[1]) == box(account, chat):
                    del self.texts[key]

    def of(self, account, chat_id):
        return {k[2]: v for k, v in self.texts.items() if k[0] == account and k[1] == chat_id}


class Loop:
    def __init__(self, daemon, sandbox):
        self.daemon, self.sandbox = daemon, sandbox
        self.rng = random.Random(SEED)
        self.ids = {(a, c): daemon.call("getChat", account=a, chat_id=c)["id"] for a in CHATS for c in CHATS[a] if c != "team"}
        team = next(d["chat_id"] for d in daemon.call("getDialogs", account="alice")["items"] if d["chat_title"] == "team")
        self.ids.update({(a, "team"): team for a in CHATS})
        first = {}
        for (a, c), chat_id in self.ids.items():
            at = box(a, chat_id)
            first[at] = max([first.get(at, 0)] + list(self.truth(a, c)))
        self.view = View(first)
        self.cursor = daemon.call("getEvents", since="now")["cursor"]
        self.open_keys = {}  # key -> request
        self.keys = {}  # key -> (account, chat)
        self.others = 0
        self.serving = []

    def truth(self, account, chat):
        """id -> text of what the server has of a chat."""
        items = self.sandbox("history", of="@" + account, chat=self.ids[account, chat], limit=100000)["items"]
        return {m["message_id"]: m["text"] for m in items}

    # --- traffic ---

    def outsiders(self):
        """What others do, and we ourselves on another device."""
        for _ in range(self.rng.randint(0, 4)):
            sender, chat = self.rng.choice([("@carol", "@family"), ("@carol", "@alice"), ("@alice", "@news"),
                                            ("@bob", "team"), ("@alice", "@bob"), ("@bob", "@family")])
            self.others += 1
            m = self.sandbox("sendAs", **{"from": sender, "to": chat, "text": f"other {self.others}"})
            what = self.rng.randrange(6)
            if what == 0:
                self.sandbox("editAs", **{"from": sender, "chat": chat, "message_id": m["message_id"],
                                          "text": f"other {self.others} edited"})
            elif what == 1:
                self.sandbox("deleteAs", **{"from": sender, "chat": chat, "message_ids": [m["message_id"]]})

    def requests(self, n):
        """What our clients ask for: new sends, those that were not answered, edits and deletes of what is ours."""
        requests = list(self.open_keys.values())
        for i in range(self.rng.randint(1, 5)):
            account = self.rng.choice(list(SENDS))
            chat = self.rng.choice(SENDS[account])
            key = f"{account} {n}/{i}"
            self.keys[key] = (account, chat)
            self.open_keys[key] = {"id": key, "method": "sendMessage", "account": account,
                                   "params": {"chat_id": self.ids[account, chat], "text": key, "dedup_key": key}}
            requests.append(self.open_keys[key])
        mine = [k for k, text in self.view.texts.items() if text.startswith(k[0] + " ")]
        for key in self.rng.sample(mine, min(len(mine), self.rng.randint(0, 2))):
            params = {"chat_id": key[1], "message_id": key[2], "text": self.view.texts[key] + "+"}
            requests.append({"id": 0, "method": "editMessage", "account": key[0], "params": params})
        if mine and n % 5 == 0:
            key = self.rng.choice(mine)
            requests.append({"id": 0, "method": "deleteMessages", "account": key[0],
                             "params": {"chat_id": key[1], "message_ids": [key[2]]}})
        return requests

    def answered(self, answer):
        if answer and "result" in answer:
            self.open_keys.pop(answer["id"], None)

    # --- one life of the daemon ---

    def read(self, connection):
        """All that came and still comes of a daemon that died."""
        try:
            while True:
                value = connection.receive()
                if value is None:
                    return
                if value.get("method") == "event":
                    self.view.take(value["params"])
                    self.cursor = value["params"]["cursor"]
        except (ConnectionError, json.JSONDecodeError):  # cut off in the middle of a line
            return
        finally:
            connection.close()

    def subscribe(self):
        return self.daemon.subscribe(since=self.cursor, types=["message", "edit", "delete"], accounts=["alice", "bob"])

    def life(self, n):
        by_effect = n % 2 == 0
        begun = time.monotonic()
        self.daemon.start({"TGD_TEST_KILL_AFTER": str(self.rng.randint(1, 120))} if by_effect else {})
        self.serving.append(time.monotonic() - begun)
        events = None
        try:
            events = self.subscribe()
            self.outsiders()
            with self.daemon.lines() as c:
                asked = self.requests(n)
                c.send(b"".join(json.dumps(r).encode() + b"\n" for r in asked))
                self.outsiders()
                for _ in range(self.rng.randint(0, len(asked))):
                    answer = c.receive()
                    if answer is None:
                        break
                    self.answered(answer)
                if by_effect:  # something to do until it dies; but it may live
                    c.sock.settimeout(0.3)
                    while True:
                        answer = c.receive()
                        if answer is None:
                            break
                        self.answered(answer)
        except (OSError, socket.timeout, json.JSONDecodeError):
            pass
        self.daemon.kill()
        if events:
            self.read(events)

    def finish(self):
        self.daemon.start()
        for account in CHATS:
            self.daemon.call("waitReady", account=account, wait=20)
        for key, request in list(self.open_keys.items()):
            self.daemon.call("sendMessage", account=request["account"], **request["params"])
            del self.open_keys[key]
        truth = {(a, c): self.truth(a, c) for a, c in self.ids}
        with self.subscribe() as events:
            end = time.monotonic() + DEADLINE
            while not self.is_true(truth) and time.monotonic() < end:
                event = events.event()
                self.view.take(event)
            assert events.quiet()
        return truth

    def expected(self, truth, account, chat):
        first = self.view.first[box(account, self.ids[account, chat])]
        return {i: text for i, text in truth[account, chat].items() if i > first}

    def is_true(self, truth):
        return all(self.view.of(a, self.ids[a, c]) == self.expected(truth, a, c) for a, c in self.ids)


def test_kills_in_a_loop_under_traffic_of_two_accounts(daemon, sandbox):
    for name, phone in (("alice", "9996620001"), ("bob", "9996620002")):
        daemon.call("addAccount", name=name)
        daemon.log_in(phone, account=name)
        daemon.call("waitReady", account=name, wait=10)
        daemon.call("getDialogs", account=name)
    loop = Loop(daemon, sandbox)
    daemon.stop()
    for n in range(KILLS):
        loop.life(n)
    truth = loop.finish()
    for account, chat in loop.ids:
        assert loop.view.of(account, loop.ids[account, chat]) == loop.expected(truth, account, chat), (account, chat)
    for key, (account, chat) in loop.keys.items():
        times = [t for t in truth[account, chat].values() if t.rstrip("+") == key]
        assert len(times) <= 1, f"{key} was sent {len(times)} times"
    times = sorted(loop.serving)
    print(f"{KILLS} kills, {len(loop.keys)} sends, {loop.view.events} events; started and serving after "
          f"{times[len(times) // 2] * 1000:.0f} ms, at most {times[-1] * 1000:.0f} ms")
