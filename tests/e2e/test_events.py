"""Events: subscriptions, names and acks, waiting, several consumers, and what becomes an event."""
import json
import os
import time

import harness
import pytest
from harness import RpcError, wait_until

ALICE = "@alice"


def say(sandbox, sender, chat, text, **more):
    return sandbox("sendAs", **{"from": sender, "to": chat, "text": text, **more})


def texts(events):
    return [e["message"]["text"] for e in events if e["type"] == "message"]


def held(daemon):
    return [s for s in daemon.call("listSubscriptions")["items"] if s["held"]]


# --- filters ---

def test_filters_choose_chats_senders_types_direction_and_text(bob, sandbox):
    subs = {
        "chat": bob.subscribe(chats=["@family"], types=["message"]),
        "sender": bob.subscribe(senders=["@carol"], types=["message"]),
        "in": bob.subscribe(direction="in", types=["message"]),
        "out": bob.subscribe(direction="out", types=["message"]),
        "prefix": bob.subscribe(text={"prefix": "/"}),
        "contains": bob.subscribe(text={"contains": "needle"}),
        "pattern": bob.subscribe(text={"pattern": "^x[0-9]+$"}),
        "edit": bob.subscribe(types=["edit"]),
    }
    first = say(sandbox, ALICE, "@bob", "/start")
    say(sandbox, "@carol", "@family", "a needle here")
    bob.call("sendMessage", chat_id=ALICE, text="x42")
    sandbox("editAs", **{"from": ALICE, "chat": "@bob", "message_id": first["message_id"], "text": "/stop"})
    subs["edit"].event("edit")  # the last that happened
    end = bob.call("getEvents", since="oldest", limit=1000)["cursor"]
    assert end
    want = {"chat": ["a needle here"], "sender": ["a needle here"], "in": ["/start", "a needle here"], "out": ["x42"],
            "prefix": ["/start"], "contains": ["a needle here"], "pattern": ["x42"]}
    for name, expected in want.items():
        assert [subs[name].event("message")["message"]["text"] for _ in expected] == expected, name
        if name != "prefix":
            assert subs[name].quiet(0.05), name
    for s in subs.values():
        s.close()
    for bad in ({"text": {"pattern": "("}}, {"text": {"prefix": "a", "contains": "b"}}, {"types": ["nonsense"]},
                {"direction": "up"}, {"accounts": ["nobody"]}, {"since": "99.1"}):
        with pytest.raises(RpcError):
            bob.subscribe(**bad)


def test_fields_and_format_shape_the_events(bob, sandbox):
    with bob.lines() as c:
        c.send({"id": 1, "method": "subscribe", "params": {"types": ["message"], "fields": ["message.text", "cursor"]}})
        assert c.receive()["result"]["subscription"] == 1
        c.send({"id": 2, "method": "subscribe", "params": {"types": ["message"], "format": "html", "raw": True}})
        assert c.receive()["result"]["subscription"] == 2
        say(sandbox, ALICE, "@bob", "a < b", entities=[{"_": "messageEntityBold", "offset": 0, "length": 1}])
        events = [json.loads(c.line())["params"] for _ in range(2)]
        slim, whole = [next(e for e in events if ("time" in e) is is_whole) for is_whole in (False, True)]
        assert slim["message"] == {"text": "a < b"} and slim["cursor"] == whole["cursor"]
        assert whole["message"]["html"] == "<b>a</b> &lt; b"
        c.send({"id": 3, "method": "unsubscribe", "params": {"subscription": 2}})
        assert c.receive()["result"]["ok"] is True


# --- names ---

def test_a_name_keeps_its_place_by_acks(bob, sandbox):
    with bob.subscribe(name="n", types=["message"], direction="in") as c:
        for i in range(4):
            say(sandbox, ALICE, "@bob", f"m{i}")
        events = [c.event() for _ in range(4)]
        assert texts(events) == ["m0", "m1", "m2", "m3"]
        assert bob.call("ack", name="n", cursor=events[1]["cursor"])["cursor"] == events[1]["cursor"]
        # cumulative: an older one changes nothing
        assert bob.call("ack", name="n", cursor=events[0]["cursor"])["cursor"] == events[1]["cursor"]
    wait_until("its end", lambda: not held(bob))
    bob.kill()
    bob.start()
    bob.call("waitReady", wait=10)
    with bob.subscribe(name="n", types=["message"], direction="in") as c:
        assert texts([c.event(), c.event()]) == ["m2", "m3"]
        bob.call("seek", name="n", cursor=events[0]["cursor"])
        assert texts([c.event() for _ in range(3)]) == ["m1", "m2", "m3"]
    wait_until("its end", lambda: not held(bob))
    bob.refuses("CURSOR_INVALID", "ack", name="n", cursor="77.1")
    bob.refuses("SUBSCRIPTION_UNKNOWN", "ack", name="other", cursor=events[0]["cursor"])
    assert bob.call("dropSubscription", name="n")["ok"] is True
    bob.refuses("SUBSCRIPTION_UNKNOWN", "seek", name="n", cursor=events[0]["cursor"])


def test_one_holder_a_name(bob):
    first = bob.subscribe(name="n")
    with pytest.raises(RpcError) as e:
        bob.subscribe(name="n")
    assert e.value.name == "BUSY" and str(os.getpid()) in str(e.value)
    assert held(bob)[0]["pid"] == os.getpid()
    bob.refuses("BUSY", "dropSubscription", name="n")
    second = bob.subscribe(name="n", takeover=True)
    closed = first.receive()
    assert closed["method"] == "closed" and closed["params"]["reason"] == "takeover"
    second.close()
    first.close()


def test_auto_ack_follows_what_the_kernel_took(bob, sandbox):
    with bob.subscribe(name="a", ack="auto", types=["message"]) as c:
        say(sandbox, ALICE, "@bob", "one")
        one = c.event()
    wait_until("its ack", lambda: bob.call("listSubscriptions")["items"][0]["cursor"] == one["cursor"])
    say(sandbox, ALICE, "@bob", "two")
    with bob.subscribe(name="a", ack="auto", types=["message"]) as c:
        assert texts([c.event()]) == ["two"]


def test_get_events_acks_and_goes_on(bob, sandbox):
    assert bob.call("getEvents", name="g", types=["message"])["items"] == []
    for i in range(5):
        say(sandbox, ALICE, "@bob", f"m{i}")
    got, ack = [], {}
    while len(got) < 5:
        page = bob.call("getEvents", name="g", types=["message"], limit=2, wait=10, **ack)
        assert len(page["items"]) <= 2
        got += texts(page["items"])
        ack = {"ack": page["cursor"]}
    assert got == [f"m{i}" for i in range(5)]
    again = bob.call("getEvents", name="g", types=["message"], limit=100)  # the last page was not acked
    assert texts(again["items"]) == got[-len(again["items"]):]
    assert bob.call("getEvents", name="g", types=["message"], wait=0, **ack)["items"] == []


def test_wait_event_has_no_hole(bob, sandbox):
    cursor = bob.call("sendMessage", chat_id=ALICE, text="ping")["cursor"]
    say(sandbox, ALICE, "@bob", "pong")
    event = bob.call("waitEvent", since=cursor, chats=[ALICE], direction="in", wait=10)
    assert event["message"]["text"] == "pong"
    e = bob.refuses("TIMEOUT", "waitEvent", types=["chat"], wait=0.05)
    assert e.code == 1003
    bob.refuses("CURSOR_INVALID", "waitEvent", since="x", wait=1)


def test_a_heartbeat_comes_when_it_is_quiet(bob):
    with bob.subscribe(types=["chat"], heartbeat=1) as c:
        assert c.event()["type"] == "heartbeat"


# --- consumers ---

def test_several_subscribers_see_the_same_in_one_order(bob, sandbox):
    subs = [bob.subscribe(types=["message", "edit", "delete"]) for _ in range(5)]
    for i in range(10):
        say(sandbox, ALICE, ["@bob", "@family"][i % 2], f"m{i}")
        bob.call("sendMessage", chat_id=ALICE, text=f"o{i}")
    seen = [[s.event() for _ in range(20)] for s in subs]
    keys = [[(e["cursor"], e["key"]) for e in one] for one in seen]
    assert all(one == keys[0] for one in keys) and len(set(keys[0])) == 20
    assert [e["message"]["out"] for e in seen[0]].count(True) == 10
    for s in subs:
        s.close()


def test_a_slow_subscriber_holds_up_nobody_and_loses_nothing(bob, sandbox):
    slow = bob.subscribe(types=["message"])
    quick = bob.subscribe(types=["message"])
    text = "x" * 4000
    for i in range(400):
        say(sandbox, ALICE, "@bob", f"{i} {text}")
        if i % 100 == 99:
            while quick.event()["message"]["text"].split()[0] != str(i):
                pass
    assert bob.call("getInfo")["name"] == "tgd"
    assert [int(slow.event()["message"]["text"].split()[0]) for _ in range(400)] == list(range(400))
    slow.close()
    quick.close()


# --- what becomes an event ---

@pytest.mark.parametrize("seed", [1, 2, 3, 4])
def test_every_kind_of_event(folder, seed):
    sandbox = harness.Sandbox(folder, seed)
    bob = harness.Daemon(folder, sandbox)
    try:
        with bob.subscribe(types=["login", "connection"]) as c:
            assert bob.log_in("9996620002")["step"] == "ready"
            steps = []
            while not steps or steps[-1] != "ready":
                steps.append(c.event("login")["login"]["step"])
            assert "code" in steps
        bob.call("waitReady", wait=10)
        bob.me = bob.call("getMe")["id"]
        every_kind(bob, sandbox)
        bob.stop()
    finally:
        if bob.process.poll() is None:
            bob.kill()
        sandbox.stop()


def every_kind(bob, sandbox):
    alice = bob.call("getChat", chat_id=ALICE)["id"]
    family = bob.call("getChat", chat_id="@family")["id"]
    c = bob.subscribe()
    # messages, private and in a supergroup, in and out
    say(sandbox, ALICE, "@bob", "hello")
    got = c.event("message")["message"]
    assert (got["text"], got["chat_id"], got["sender_id"], got["out"], got["sender_name"]) == (
        "hello", alice, alice, False, "Alice Archer")
    two = say(sandbox, ALICE, "@family", "dinner")
    got = c.event("message")["message"]
    assert (got["text"], got["chat_id"], got["sender_id"], got["chat_title"]) == ("dinner", family, alice, "family")
    sent = bob.call("sendMessage", chat_id=ALICE, text="hi there")
    event = c.event("message")
    assert event["message"]["id"] == sent["id"] and event["message"]["out"] is True and event["account"] == "main"
    # edits
    ids = {m["text"]: m["message_id"] for m in sandbox("history", of=ALICE, chat="@bob", limit=10)["items"]}
    sandbox("editAs", **{"from": ALICE, "chat": "@bob", "message_id": ids["hello"], "text": "hello!"})
    event = c.event("edit")
    assert event["edit"]["text"] == "hello!" and event["edit"]["chat_id"] == alice
    sandbox("editAs", **{"from": ALICE, "chat": "@family", "message_id": two["message_id"], "text": "dinner!"})
    assert c.event("edit")["edit"]["chat_id"] == family
    bob.call("editMessage", chat_id=ALICE, message_id=sent["id"], text="hi you")
    assert c.event("edit")["edit"]["text"] == "hi you"
    # read marks, both ways
    sandbox("readAs", **{"from": ALICE, "chat": "@bob"})
    read = c.event("read")["read"]
    assert (read["chat_id"], read["out"], read["message_id"]) == (alice, True, sent["id"])
    bob.call("markRead", chat_id=ALICE)
    read = c.event("read")["read"]
    assert (read["chat_id"], read["out"]) == (alice, False)
    # deletes
    sandbox("deleteAs", **{"from": ALICE, "chat": "@bob", "message_ids": [ids["hello"]]})
    gone = c.event("delete")["delete"]
    assert len(gone["message_ids"]) == 1 and gone.get("chat_id", alice) == alice
    sandbox("deleteAs", **{"from": ALICE, "chat": "@family", "message_ids": [two["message_id"]]})
    assert c.event("delete")["delete"] == {"chat_id": family, "message_ids": [two["message_id"]]}
    # chats
    sandbox("addGroup", title="new group", members=[ALICE, "@bob"])
    event = c.event("chat")
    assert event["chat"]["action"] in ("created", "added", "joined"), event
    # what others send while we are away comes after the next start, once
    at = bob.call("getEvents", since="now")["cursor"]
    c.close()
    bob.stop()
    say(sandbox, ALICE, "@bob", "while away")
    say(sandbox, ALICE, "@family", "in the group, too")
    bob.start()
    events = []
    with bob.subscribe(since=at) as c:
        while len(texts(events)) < 2:
            events.append(c.event())
        assert sorted(texts(events)) == ["in the group, too", "while away"]
    # a lost connection is told, and comes back
    with bob.subscribe(types=["connection"]) as c:
        bob.call("pauseAccount", account="main")
        assert c.event("connection")["connection"]["connected"] is False
        bob.call("resumeAccount", account="main")
        assert c.event("connection")["connection"]["connected"] is True


def test_live_updates_are_told_and_not_kept(bob, sandbox):
    with bob.subscribe(types=["typing", "user_status"]) as c:
        sandbox("typeAs", **{"from": ALICE, "to": "@bob"})
        event = c.event("typing")
        assert "cursor" not in event and event["typing"]["action"] == "typing"
        sandbox("onlineAs", user=ALICE, online=True)
        assert c.event("user_status")["user_status"]["online"] is True
    assert [e for e in bob.call("getEvents", since="oldest", limit=1000)["items"] if e["type"] == "typing"] == []


def test_two_sessions_of_one_user_see_each_other(bob, sandbox, folder):
    other_folder = folder / "other"
    other_folder.mkdir()
    other = harness.Daemon(other_folder, sandbox)
    try:
        other.log_in("9996620002")
        other.call("waitReady", wait=10)
        with other.subscribe(types=["message"], chats=[ALICE]) as c:
            sent = bob.call("sendMessage", chat_id=ALICE, text="from the first")
            message = c.event()["message"]
            assert message["out"] is True and message["text"] == "from the first" and message["id"] == sent["id"]
        other.stop()
    finally:
        if other.process.poll() is None:
            other.kill()
    assert not harness.read_logs(other_folder, ["9996620002"])


@pytest.mark.parametrize("slice_of", [1, 3])
def test_a_long_absence_is_caught_up_in_slices(bob, sandbox, slice_of):
    sandbox("setSlice", events=slice_of)
    bob.call("getDialogs")  # from now on it is known where each channel stands
    at = bob.call("getEvents", since="now")["cursor"]
    bob.stop()
    for i in range(20):
        say(sandbox, ALICE, ["@bob", "@family"][i % 2], f"m{i}")
    bob.start()
    got = []
    with bob.subscribe(since=at, types=["message"]) as c:
        while len(got) < 20:
            got.append(c.event()["message"]["text"])
    assert sorted(got, key=lambda t: int(t[1:])) == [f"m{i}" for i in range(20)]
    assert [t for t in got if int(t[1:]) % 2 == 0] == [f"m{i}" for i in range(0, 20, 2)]
    assert [t for t in got if int(t[1:]) % 2 == 1] == [f"m{i}" for i in range(1, 20, 2)]


def test_a_reaction_is_an_event_of_its_own(bob, sandbox):
    at = bob.call("getEvents", since="now")["cursor"]
    say(sandbox, ALICE, "@family", "like it?")
    message = bob.call("waitEvent", since=at, types=["message"], chats=["@family"], wait=10)["message"]
    sandbox("reactAs", **{"from": ALICE}, chat="@family", message_id=message["id"], reaction="\U0001f44d")
    event = bob.call("waitEvent", since=at, types=["reaction"], wait=10)["reaction"]
    assert (event["chat_id"], event["message_id"]) == (message["chat_id"], message["id"])
    assert event["reactions"] == [{"reaction": "\U0001f44d", "total": 1}]


def test_a_press_of_a_button_is_an_event_for_the_bot(daemon, sandbox):
    daemon.call("logIn", bot_token="6000000001:sandbox-token-of-echo-bot")
    daemon.call("waitReady", wait=10)
    at = daemon.call("getEvents", since="now")["cursor"]
    say(sandbox, ALICE, "@echo_bot", "/start")
    start = daemon.call("waitEvent", since=at, types=["message"], wait=10)["message"]
    sent = daemon.call("sendMessage", chat_id=start["chat_id"], text="choose")
    theirs = next(m for m in sandbox("history", of=ALICE, chat="@echo_bot", limit=5)["items"] if m["text"] == "choose")
    sandbox("pressAs", **{"from": ALICE}, chat="@echo_bot", message_id=theirs["message_id"], data="yes")
    event = daemon.call("waitEvent", since=at, types=["callback"], wait=10)["callback"]
    assert (event["message_id"], event["data_text"], event["sender_id"]) == (sent["id"], "yes", start["sender_id"])


def test_a_watched_channel_is_asked_for_though_nobody_pushes(bob, sandbox):
    sandbox("addChannel", title="Strange", username="strange", members=[ALICE])
    say(sandbox, ALICE, "@strange", "before")
    said = int(time.time())  # what is said in the very second counts as news
    wait_until("the next second, by either clock", lambda: time.time() > said + 1.2)
    (chat,) = bob.call("watchChat", chat_id="@strange")["items"]
    assert chat["title"] == "Strange"
    at = bob.call("getEvents", since="now")["cursor"]
    bob.call("waitReady", wait=10)
    bob.stop()
    say(sandbox, ALICE, "@strange", "meanwhile")
    bob.start()
    event = bob.call("waitEvent", since=at, types=["message"], chats=["@strange"], wait=20)
    assert event["message"]["text"] == "meanwhile"  # what was there before is no news
    assert bob.call("watchChat")["items"][0]["id"] == chat["id"]
    assert bob.call("watchChat", chat_id="@strange", watch=False)["items"] == []


def test_what_cannot_be_told_any_more_is_a_gap(bob, sandbox):
    bob.call("getDialogs")  # of a channel that is new nothing is lost
    at = bob.call("getEvents", since="now")["cursor"]
    bob.stop()
    for i in range(5):
        say(sandbox, ALICE, "@family", f"lost {i}")
    sandbox("tooLong", of="@family")
    bob.start()
    event = bob.call("waitEvent", since=at, types=["gap"], wait=10)
    assert event["gap"].get("chat_id") == bob.call("getChat", chat_id="@family")["id"]


def test_a_queued_send_outlives_the_daemon_and_tells_its_end(bob, sandbox):
    at = bob.call("getEvents", since="now")["cursor"]
    bob.call("resolvePeer", chat_id=ALICE)  # a name that is not known yet would be asked for first
    bob.call("pauseAccount")
    queued = bob.call("sendMessage", chat_id=ALICE, text="queued", queue=True, dedup_key="q")
    assert queued["state"] == "queued"
    bob.kill()
    bob.start()
    assert bob.call("getSend", chat_id=ALICE, dedup_key="q")["state"] in ("queued", "sending")
    bob.call("resumeAccount")
    event = bob.call("waitEvent", since=at, types=["send"], direction="out", wait=20)
    assert event["send"]["send_id"] == queued["send_id"] and event["send"]["state"] == "sent"
    sent = [m["text"] for m in sandbox("history", of=ALICE, chat="@bob", limit=10)["items"]]
    assert sent.count("queued") == 1
