"""An answer is final: after an error that says sent "no" nothing goes out later, after "unknown" the outbox finds out."""
import pytest
from harness import wait_until


def arrived(sandbox, daemon, text):
    items = sandbox("history", of="@alice", chat=daemon.me, limit=50)["items"]
    return [m["text"] for m in items].count(text)


def request(conn, number, method, **params):
    conn.send({"id": number, "method": method, "params": {"chat_id": "@alice", **params}})


def paused(bob):
    bob.call("resolvePeer", chat_id="@alice")
    bob.call("pauseAccount", account="main")


def goes_on(bob, sandbox):
    """The account is connected again, and what waited has left."""
    bob.call("resumeAccount", account="main")
    bob.call("waitReady", wait=10)
    bob.call("sendMessage", chat_id="@alice", text="behind everything")
    assert arrived(sandbox, bob, "behind everything") == 1


def test_a_deadline_before_the_first_byte_withdraws(bob, sandbox):
    paused(bob)
    e = bob.refuses("TIMEOUT", "sendMessage", chat_id="@alice", text="too late", **{"@timeout": 0.3})
    assert e.data["sent"] == "no"
    goes_on(bob, sandbox)
    assert arrived(sandbox, bob, "too late") == 0


@pytest.mark.parametrize("method", ["cancel", "cancelSend"])
def test_cancelled_before_the_first_byte_it_is_withdrawn(bob, sandbox, method):
    paused(bob)
    with bob.lines() as c:
        request(c, 7, "sendMessage", text="never mind", dedup_key="n")
        wait_until("it is accepted", lambda: bob.call("listSends")["items"])
        if method == "cancel":
            c.send({"id": 8, "method": "cancel", "params": {"id": 7}})
        else:
            assert bob.call("cancelSend", chat_id="@alice", dedup_key="n")["cancelled"]
        error = next(line for line in iter(c.receive, None) if line.get("id") == 7)["error"]
    assert error["data"]["name"] == "CANCELLED" and error["data"]["sent"] == "no"
    assert bob.call("getSend", chat_id="@alice", dedup_key="n")["state"] == "cancelled"
    goes_on(bob, sandbox)
    assert arrived(sandbox, bob, "never mind") == 0
    assert bob.call("sendMessage", chat_id="@alice", text="another", dedup_key="n")["text"] == "another", "its key is free"


def test_a_client_that_goes_away_cancels_nothing(bob, sandbox):
    paused(bob)
    with bob.lines() as c:
        request(c, 1, "sendMessage", text="I am gone")
        wait_until("it is accepted", lambda: bob.call("listSends")["items"])
    goes_on(bob, sandbox)
    assert arrived(sandbox, bob, "I am gone") == 1


@pytest.mark.parametrize("how", ["timeout", "cancel"])
def test_after_bytes_have_left_the_outbox_finds_out(bob, sandbox, how):
    sandbox("fault", do="delay", seconds=2, match={"method": "messages.sendMessage"}, times=1)
    with bob.lines() as c:
        c.send({"id": 1, "method": "sendMessage", "params": {"chat_id": "@alice", "text": "slow", "dedup_key": "s"},
                **({"timeout": 0.5} if how == "timeout" else {})})
        if how == "cancel":
            wait_until("it has left", lambda: arrived(sandbox, bob, "slow"))
            c.send({"id": 2, "method": "cancel", "params": {"id": 1}})
        error = next(line for line in iter(c.receive, None) if line.get("id") == 1)["error"]
    assert error["data"]["name"] == ("TIMEOUT" if how == "timeout" else "CANCELLED")
    assert error["data"]["sent"] == "unknown"
    told = bob.call("waitEvent", types=["send"], since="oldest", wait=20)["send"]
    assert told["send_id"] == error["data"]["send_id"] and told["state"] == "sent" and told["message"]["text"] == "slow"
    assert arrived(sandbox, bob, "slow") == 1
    again = bob.call("sendMessage", chat_id="@alice", text="slow", dedup_key="s")
    assert again["id"] == told["message"]["id"] and arrived(sandbox, bob, "slow") == 1


def test_a_flood_is_waited_for_as_long_as_the_caller_says(bob, sandbox):
    sandbox("flood", user="@bob", function="messages.sendMessage", seconds=1)
    with bob.lines() as c:
        c.send({"id": 1, "method": "sendMessage", "progress": True, "flood_wait": 5,
                "params": {"chat_id": "@alice", "text": "patient"}})
        heard = []
        while "result" not in (line := c.receive()):
            heard.append((line["params"]["stage"], line["params"].get("seconds")))
    assert line["result"]["text"] == "patient"
    assert ("waiting", 1) in heard and heard[-1][0] == "sending", heard
    sandbox("flood", user="@bob", function="messages.sendMessage", seconds=30)
    e = bob.refuses("FLOOD_WAIT", "sendMessage", chat_id="@alice", text="impatient", **{"@flood_wait": 0})
    assert e.code == 2420 and e.data["seconds"] == 30 and "local" not in e.data
    e = bob.refuses("FLOOD_WAIT", "sendMessage", chat_id="@carol", text="impatient", **{"@flood_wait": 0})
    assert e.data["local"] and 25 < e.data["seconds"] <= 30


def test_slow_mode_holds_its_chat_alone(bob, sandbox):
    sandbox("slowMode", chat="@family", seconds=2)
    bob.call("sendMessage", chat_id="@family", text="one")
    with bob.lines() as c:
        c.send({"id": 1, "method": "sendMessage", "params": {"chat_id": "@family", "text": "two"}})
        wait = wait_until("the wait", lambda: [s for s in bob.call("listSends")["items"] if s["stage"] == "waiting"])
        assert 0 < wait[0]["seconds"] <= 2
        assert bob.call("sendMessage", chat_id="@alice", text="meanwhile")["text"] == "meanwhile"
        assert c.receive()["result"]["text"] == "two"
    e = bob.refuses("SLOWMODE_WAIT", "sendMessage", chat_id="@family", text="three", **{"@flood_wait": 0})
    assert e.code == 2420 and 0 < e.data["seconds"] <= 2
