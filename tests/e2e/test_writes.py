"""Forwards, copies, pins, reactions, edits: through the outbox; what is done twice is done once."""
from harness import wait_until

NEWS = "@news"
FAMILY = "@family"


def texts(daemon, chat, **params):
    return [m["text"] for m in daemon.call("getHistory", chat_id=chat, **params)["items"]]


def post(sandbox, text, to=FAMILY, sender="@alice"):
    return sandbox("sendAs", **{"from": sender, "to": to, "text": text})


def last(daemon, chat, text):
    return wait_until(text, lambda: next((m for m in daemon.call("getHistory", chat_id=chat, limit=5)["items"]
                                          if m["text"] == text), None))


def last_of(sandbox, who, chat):
    return sandbox("history", of=who, chat=chat, limit=1)["items"][0]["message_id"]


def test_forward_and_copy(bob, sandbox):
    for text in ("one", "two"):
        post(sandbox, text)
    ids = sorted(last(bob, FAMILY, text)["id"] for text in ("one", "two"))
    done = bob.call("forwardMessages", chat_id="@carol", from_chat_id=FAMILY, message_ids=ids, silent=True, dedup_key="f")
    assert [m["text"] for m in done["items"]] == ["one", "two"]
    assert all(m["forward"]["sender_name"] == "Alice Archer" and m["out"] for m in done["items"])
    again = bob.call("forwardMessages", chat_id="@carol", from_chat_id=FAMILY, message_ids=ids, silent=True, dedup_key="f")
    assert [m["id"] for m in again["items"]] == [m["id"] for m in done["items"]]
    bob.refuses("DEDUP_MISMATCH", "forwardMessages", chat_id="@carol", from_chat_id=FAMILY, message_ids=ids[:1], dedup_key="f")
    copied = bob.call("copyMessages", chat_id="@carol", from_chat_id=FAMILY, message_ids=ids[1:])["items"]
    assert [m["text"] for m in copied] == ["two"] and "forward" not in copied[0]
    assert texts(bob, "@carol", limit=3) == ["two", "two", "one"]
    bob.refuses("INVALID_PARAMS", "forwardMessages", chat_id="@carol", from_chat_id=FAMILY, message_ids=[])
    bob.refuses("TOO_LARGE", "copyMessages", chat_id="@carol", from_chat_id=FAMILY, message_ids=list(range(1, 102)))
    bob.refuses("MESSAGE_ID_INVALID", "forwardMessages", chat_id="@carol", from_chat_id=FAMILY, message_ids=[ids[0], 9999])
    assert texts(bob, "@carol", limit=3) == ["two", "two", "one"], "all of them, or none"


def test_a_queued_forward_survives_kill(bob, sandbox):
    post(sandbox, "one")
    message = last(bob, FAMILY, "one")["id"]
    sandbox("fault", do="drop", match={"method": "messages.forwardMessages"}, times=1)
    answer = bob.call("forwardMessages", chat_id="@carol", from_chat_id=FAMILY, message_ids=[message], queue=True)
    assert answer["state"] == "queued"
    bob.kill()
    bob.start()
    told = bob.call("waitEvent", types=["send"], since="oldest", wait=20)["send"]
    assert told["send_id"] == answer["send_id"] and told["method"] == "forwardMessages" and told["state"] == "sent"
    assert texts(bob, "@carol").count("one") == 1


def test_pin_and_unpin(bob, sandbox):
    post(sandbox, "pin me", to="@bob")
    message = last(bob, "@alice", "pin me")["id"]
    for _ in range(2):  # what is pinned already stays so
        assert bob.call("pinMessage", chat_id="@alice", message_id=message)["ok"]
    assert bob.call("getMessages", chat_id="@alice", message_ids=[message])["items"][0]["pinned"]
    services = [m for m in bob.call("getHistory", chat_id="@alice")["items"] if m.get("action", {}).get("kind") == "pin"]
    assert len(services) == 1
    for _ in range(2):
        assert bob.call("unpinMessage", chat_id="@alice", message_id=message)["ok"]
    assert "pinned" not in bob.call("getMessages", chat_id="@alice", message_ids=[message])["items"][0]
    bob.refuses("MESSAGE_ID_INVALID", "pinMessage", chat_id="@alice", message_id=99999)


def test_unpin_all_of_a_chat_in_as_many_calls_as_it_takes(bob, sandbox):
    for i in range(5):
        post(sandbox, f"pin {i}", to="@bob")
        bob.call("pinMessage", chat_id="@alice", message_id=last(bob, "@alice", f"pin {i}")["id"])
    pinned = [m for m in bob.call("getHistory", chat_id="@alice", limit=20)["items"] if m.get("pinned")]
    assert len(pinned) == 5
    bob.refuses("INVALID_PARAMS", "unpinMessage", chat_id="@alice")
    bob.refuses("INVALID_PARAMS", "unpinMessage", chat_id="@alice", all=True, message_id=pinned[0]["id"])
    bob.refuses("INVALID_PARAMS", "unpinMessage", chat_id="@alice", all=True, queue=True)
    for _ in range(2):  # one key, done once; then nothing is pinned any more
        assert bob.call("unpinMessage", chat_id="@alice", all=True, dedup_key="all")["ok"]
    assert not [m for m in bob.call("getHistory", chat_id="@alice", limit=20)["items"] if m.get("pinned")]
    assert sandbox("stats")["methods"]["messages.unpinAllMessages"]["calls"] == 3
    at = bob.call("getEvents", since="oldest", limit=1000)["cursor"]
    post(sandbox, "after", to="@bob")  # no gap was made
    assert bob.call("waitEvent", types=["message"], since=at, wait=10)["message"]["text"] == "after"


def test_react_and_take_it_back(bob, sandbox):
    post(sandbox, "nice?", to="@bob")
    message = last(bob, "@alice", "nice?")["id"]
    for _ in range(2):
        bob.call("setReaction", chat_id="@alice", message_id=message, reaction="👍")
    assert bob.call("getMessages", chat_id="@alice", message_ids=[message])["items"][0]["reactions"] == [
        {"reaction": "👍", "total": 1, "mine": True}]
    sandbox("reactAs", **{"from": "@alice", "chat": "@bob", "message_id": last_of(sandbox, "@alice", "@bob"), "reaction": "🎉"})
    first = bob.call("getReactions", chat_id="@alice", message_id=message, limit=1)
    assert first["items"][0]["sender_name"] == "Alice Archer" and first["items"][0]["reaction"] == "🎉" and first["total"] == 2
    rest = bob.call("getReactions", chat_id="@alice", message_id=message, next=first["next"])
    assert rest["items"][0]["mine"] and rest["items"][0]["reaction"] == "👍" and "next" not in rest
    sandbox("reactAs", **{"from": "@alice", "chat": "@bob", "message_id": last_of(sandbox, "@alice", "@bob")})
    for empty in ("", []):
        bob.call("setReaction", chat_id="@alice", message_id=message, reaction=empty)
    assert "reactions" not in bob.call("getMessages", chat_id="@alice", message_ids=[message])["items"][0]
    bob.refuses("INVALID_PARAMS", "setReaction", chat_id="@alice", message_id=message, reaction=["👍", ""])


def test_an_edit_whose_answer_was_lost_is_success(bob, sandbox):
    sent = bob.call("sendMessage", chat_id="@alice", text="draft")
    sandbox("fault", do="cut", match={"method": "messages.editMessage"}, times=1)
    edited = bob.call("editMessage", chat_id="@alice", message_id=sent["id"], text="final")
    assert edited["text"] == "final" and edited["id"] == sent["id"]
    again = bob.call("editMessage", chat_id="@alice", message_id=sent["id"], text="final")
    assert again["text"] == "final", "it says so already: that is success"


def test_many_deletions_go_in_several_calls_and_tell_of_it(bob):
    ids = [bob.call("sendMessage", chat_id="me", text=str(i))["id"] for i in range(3)]
    missing = list(range(100000, 100150))
    with bob.lines() as c:
        c.send({"id": 7, "method": "deleteMessages", "progress": True,
                "params": {"chat_id": "me", "message_ids": missing + ids}})
        heard = []
        while True:
            line = c.receive()
            if "result" in line:
                break
            assert line["method"] == "progress" and line["params"]["id"] == 7, line
            heard.append((line["params"]["stage"], line["params"]["done"]))
    assert line["result"]["deleted"] == 3
    assert [h for h in heard if h[0] == "deleting"] == [("deleting", 100), ("deleting", 153)]
    assert bob.call("deleteMessages", chat_id="me", message_ids=ids)["deleted"] == 0


def test_writes_to_one_chat_keep_their_order_over_connections(bob, sandbox):
    sandbox("fault", do="delay", seconds=0.5, match={"method": "messages.sendMessage"}, times=1)
    with bob.lines() as a, bob.lines() as b, bob.lines() as c:
        def write(conn, number, method, **params):
            conn.send({"id": number, "method": method, "params": {"chat_id": "@alice", **params}})
            wait_until("it is accepted", lambda: len(bob.call("listSends")["items"]) >= number)

        write(a, 1, "sendMessage", text="first")
        write(b, 2, "editMessage", message_id=99999, text="of nothing")  # fails, and stops nobody
        write(c, 3, "sendMessage", text="third")
        sends = bob.call("listSends")["items"]
        assert [(s["stage"], s.get("before", 0)) for s in sends[::-1]] == [("sending", 0), ("queued", 1), ("queued", 2)]
        bob.call("sendMessage", chat_id="@alice", text="loose", ordered=False)
        assert b.receive()["error"]["data"]["name"] == "MESSAGE_ID_INVALID"
        assert a.receive()["result"]["text"] == "first" and c.receive()["result"]["text"] == "third"
    assert texts(bob, "@alice", limit=3) == ["third", "first", "loose"] or texts(bob, "@alice", limit=3)[0] == "third"
    assert bob.call("listSends")["items"] == []


def test_ask(bob, sandbox):
    with bob.lines() as c:
        c.send({"id": 1, "method": "ask", "params": {"chat_id": "@alice", "text": "Deploy?", "wait": 20}})
        question = last(bob, "@alice", "Deploy?")
        post(sandbox, "yes", to="@bob")
        answer = c.receive()["result"]
    assert answer["message"]["text"] == "yes" and answer["sent"]["id"] == question["id"]
    e = bob.refuses("TIMEOUT", "ask", chat_id="@alice", text="Anybody?", wait=0.2)
    assert e.data["sent"] == "yes"


def test_ask_in_a_group_wants_a_reply(bob, sandbox):
    with bob.lines() as c:
        c.send({"id": 1, "method": "ask", "params": {"chat_id": FAMILY, "text": "Who?", "wait": 20}})
        question = last(bob, FAMILY, "Who?")
        post(sandbox, "noise")
        sandbox("sendAs", **{"from": "@carol", "to": FAMILY, "text": "me", "reply_to": question["id"]})
        assert c.receive()["result"]["message"]["text"] == "me"
