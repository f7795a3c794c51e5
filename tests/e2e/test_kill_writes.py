"""kill -9 at every effect boundary of forwards, copies, edits, deletions, pins and reactions; a lost state.db."""
from harness import wait_until
from test_kill import survives

CAROL = "@carol"
FAMILY = "@family"


def both(daemon):
    """The ids of the two messages that are forwarded, once they are there."""
    ids = [m["id"] for m in daemon.call("getHistory", chat_id=FAMILY, limit=2)["items"] if m["text"] in ("one", "two")]
    return ids if len(ids) == 2 else None


def session(daemon, n, source):
    """Every kind of row, each with a key of this round."""
    key = f"/{n}"
    sent = daemon.call("sendMessage", chat_id=CAROL, text=f"sent {n}", dedup_key="s" + key)
    daemon.call("forwardMessages", chat_id=CAROL, from_chat_id=FAMILY, message_ids=source, dedup_key="f" + key)
    daemon.call("copyMessages", chat_id=CAROL, from_chat_id=FAMILY, message_ids=source[:1], dedup_key="c" + key)
    daemon.call("editMessage", chat_id=CAROL, message_id=sent["id"], text=f"edited {n}", dedup_key="e" + key)
    daemon.call("setReaction", chat_id=CAROL, message_id=sent["id"], reaction="👍", dedup_key="r" + key)
    daemon.call("pinMessage", chat_id=CAROL, message_id=sent["id"], dedup_key="p" + key)
    daemon.call("deleteMessages", chat_id=CAROL, message_ids=[sent["id"] - 1], dedup_key="d" + key)
    daemon.call("markRead", chat_id=FAMILY, dedup_key="m" + key)
    return sent["id"]


def test_kill_at_every_effect_of_every_kind_of_write(bob, sandbox):
    for text in ("one", "two"):
        sandbox("sendAs", **{"from": "@alice", "to": FAMILY, "text": text})
    source = sorted(wait_until("both", lambda: both(bob)))
    n = 0
    lived = False
    while not lived:
        n += 1
        bob.call("sendMessage", chat_id=CAROL, text=f"doomed {n}")
        bob.stop()
        bob.start({"TGD_TEST_KILL_AFTER": str(n)})
        lived = survives(bob, lambda: (bob.call("waitReady", wait=10), session(bob, n, source)))  # pylint: disable=cell-var-from-loop
        bob.kill() if lived else bob.out.close()
        bob.start()
        bob.call("waitReady", wait=10)
        message = session(bob, n, source)  # whoever repeats it gets the first answers, and nothing is done twice
        items = bob.call("getHistory", chat_id=CAROL, limit=12)["items"]
        after = [m for m in items if m["id"] >= message]
        assert sorted(m["text"] for m in after if "action" not in m) == sorted([f"edited {n}", "one", "two", "one"]), items
        assert len([m for m in after if "forward" in m]) == 2
        assert len([m for m in after if m.get("action", {}).get("kind") == "pin"]) == 1
        assert not [m for m in items if m["text"] == f"doomed {n}"]
        first = next(m for m in after if m["id"] == message)
        assert first["reactions"] == [{"reaction": "👍", "total": 1, "mine": True}] and first["pinned"]
        assert bob.call("listSends")["items"] == []
        assert n < 600
    assert n > 20
    print(n, "boundaries")


def test_a_key_is_one_message_after_state_db_was_lost(bob, sandbox):
    first = bob.call("sendMessage", chat_id=CAROL, text="once", dedup_key="k")
    again = bob.call("sendMessage", chat_id=CAROL, text="in between", dedup_key="k2")
    bob.kill()
    for name in bob.folder.glob("state/state.db*"):
        name.unlink()
    bob.start()
    assert bob.call("getLoginState")["step"] == "ready", "the login is not in state.db"
    bob.call("waitReady", wait=10)
    repeat = bob.call("sendMessage", chat_id=CAROL, text="once", dedup_key="k")
    assert repeat["id"] == first["id"] and repeat["text"] == "once", "the answer is the message that was sent then"
    assert bob.call("sendMessage", chat_id=CAROL, text="in between", dedup_key="k2")["id"] == again["id"]
    texts = [m["text"] for m in bob.call("getHistory", chat_id=CAROL)["items"]]
    assert texts.count("once") == 1 and texts.count("in between") == 1
    said = sandbox("history", of=CAROL, chat=bob.me, limit=50)["items"]
    assert [m["text"] for m in said].count("once") == 1, "one message at the receiver"
    assert bob.call("getSend", chat_id=CAROL, dedup_key="k")["state"] == "sent"
