"""Messages: every form of a send, reading, changing; peers; raw calls."""
import json
import time

import pytest
from harness import RpcError, wait_until


def say(sandbox, sender, chat, text, **more):
    return sandbox("sendAs", **{"from": sender, "to": chat, "text": text, **more})


def history(sandbox, who, chat, n=100):
    return sandbox("history", of=who, chat=chat, limit=n)["items"]


@pytest.fixture
def alice_says(bob, sandbox):
    """Says something to Bob; the message as Bob has it."""
    def function(text):
        at = bob.call("getEvents", since="now")["cursor"]
        say(sandbox, "@alice", "@bob", text)
        event = bob.call("waitEvent", since=at, types=["message"], chats=["@alice"], text={"contains": text}, wait=10)
        return event["message"]
    return function


# --- sends ---

def test_markdown_and_html_become_entities(bob):
    sent = bob.call("sendMessage", chat_id="@alice", text=r"*bold* _it_ `code` [link](http://x\.y/) 𝄞 *é*", parse_mode="markdown")
    assert sent["text"] == "bold it code link 𝄞 é"
    assert [(e["type"], e["offset"], e["length"], e["text"]) for e in sent["entities"]] == [
        ("bold", 0, 4, "bold"), ("italic", 5, 2, "it"), ("code", 8, 4, "code"), ("text_link", 13, 4, "link"),
        ("bold", 21, 1, "é")]
    sent = bob.call("sendMessage", chat_id="@alice", text="<b>bold <i>both</i></b> &lt;<pre>x</pre>", parse_mode="html")
    assert sent["text"] == "bold both <x"
    assert {(e["type"], e["text"]) for e in sent["entities"]} == {("bold", "bold both"), ("italic", "both"), ("pre", "x")}
    assert bob.call("getHistory", chat_id="@alice", limit=1)["items"][0]["entities"] == sent["entities"]
    html = bob.call("getHistory", chat_id="@alice", limit=1, format="html")["items"][0]["html"]
    assert html == "<b>bold <i>both</i></b> &lt;<pre>x</pre>"
    bob.refuses("INVALID_PARAMS", "sendMessage", chat_id="@alice", text="*open", parse_mode="markdown")


def test_entities_are_taken_as_they_are(bob):
    sent = bob.call("sendMessage", chat_id="@alice", text="𝄞 bold", entities=[{"type": "bold", "offset": 3, "length": 4}])
    assert sent["entities"] == [{"type": "bold", "offset": 3, "length": 4, "text": "bold"}]


def test_a_reply_names_what_it_answers(bob, alice_says):
    asked = alice_says("how are you?")
    sent = bob.call("sendMessage", chat_id="@alice", text="fine", reply_to=asked["id"])
    assert sent["reply_to"]["message_id"] == asked["id"] and sent["chat_id"] == asked["chat_id"]
    assert bob.call("getMessages", chat_id="@alice", message_ids=[sent["id"]])["items"][0]["reply_to"] == sent["reply_to"]


def test_a_long_text_is_refused_or_split(bob, sandbox):
    text = " ".join(f"word{i}" for i in range(1500))
    bob.refuses("TOO_LARGE", "sendMessage", chat_id="@alice", text=text)
    before = len(history(sandbox, "@bob", "@alice"))
    first = bob.call("sendMessage", chat_id="@alice", text=text, split=True)
    parts = history(sandbox, "@bob", "@alice")[:-before][::-1]
    assert len(parts) >= 3 and " ".join(p["text"] for p in parts).split() == text.split()
    assert first["text"] == parts[0]["text"]
    assert all(len(p["text"]) <= 4096 for p in parts)


def test_silent_and_protected(bob):
    sent = bob.call("sendMessage", chat_id="@family", text="psst", silent=True)
    assert sent["silent"] is True and sent["chat_type"] == "supergroup"
    got = bob.call("getMessages", chat_id="@family", message_ids=[sent["id"]])["items"][0]
    assert got["silent"] is True and got["link"].endswith(f"t.me/family/{sent['id']}")


def test_a_scheduled_message_is_not_delivered_yet(bob, sandbox):
    before = len(history(sandbox, "@alice", "@bob"))
    sent = bob.call("sendMessage", chat_id="@alice", text="later", schedule=int(time.time()) + 3600)
    assert sent["scheduled"] is True
    assert len(history(sandbox, "@alice", "@bob")) == before
    bob.refuses("INVALID_PARAMS", "sendMessage", chat_id="@alice", text="x", schedule="tomorrow")


def test_an_empty_text_and_a_strangers_chat_are_refused(bob):
    bob.refuses("INVALID_PARAMS", "sendMessage", chat_id="@alice", text="")
    bob.refuses("PEER_UNKNOWN", "sendMessage", chat_id=123456789, text="x")
    bob.refuses("PEER_UNKNOWN", "sendMessage", chat_id="@nobody_of_that_name", text="x")
    with pytest.raises(RpcError) as e:
        bob.call("sendMessage", chat_id="@news", text="I may not post here")
    assert e.value.code == 2403 or e.value.code == 2400


# --- dedup keys ---

def test_a_dedup_key_is_one_message_over_restarts_and_refuses_another(bob, sandbox):
    first = bob.call("sendMessage", chat_id="@alice", text="once", dedup_key="k1")
    assert bob.call("sendMessage", chat_id="@alice", text="once", dedup_key="k1")["id"] == first["id"]
    bob.refuses("DEDUP_MISMATCH", "sendMessage", chat_id="@alice", text="other", dedup_key="k1")
    bob.refuses("DEDUP_MISMATCH", "sendMessage", chat_id="@alice", text="once", silent=True, dedup_key="k1")
    assert bob.call("sendMessage", chat_id="@family", text="once", dedup_key="k1")["chat_id"] != first["chat_id"]
    bob.kill()
    bob.start()
    again = bob.call("sendMessage", chat_id="@alice", text="once", dedup_key="k1")
    assert again["id"] == first["id"] and again["text"] == "once"
    bob.refuses("DEDUP_MISMATCH", "sendMessage", chat_id="@alice", text="other", dedup_key="k1")
    assert [m["text"] for m in history(sandbox, "@alice", "@bob")].count("once") == 1
    send = bob.call("getSend", chat_id="@alice", dedup_key="k1")
    assert send["state"] == "sent" and send["chat_id"] == first["chat_id"]
    assert bob.call("getSend", send_id=send["send_id"])["dedup_key"] == "k1"
    bob.refuses("SEND_UNKNOWN", "getSend", chat_id="@alice", dedup_key="k2")


def test_sends_of_many_connections_to_one_chat_keep_their_order(bob, sandbox):
    with bob.lines() as c:
        c.send(b"".join(json.dumps({"id": i, "method": "sendMessage", "params": {"chat_id": "@alice", "text": f"n{i}"}})
                        .encode() + b"\n" for i in range(30)))
        ids = {}
        for _ in range(30):
            answer = c.receive()
            ids[answer["id"]] = answer["result"]["id"]
    assert [ids[i] for i in range(30)] == sorted(ids.values())
    assert [m["text"] for m in history(sandbox, "@bob", "@alice", 30)][::-1] == [f"n{i}" for i in range(30)]


# --- reading ---

def test_get_messages_keeps_positions(bob):
    ids = [bob.call("sendMessage", chat_id="@alice", text=t)["id"] for t in ("a", "b")]
    items = bob.call("getMessages", chat_id="@alice", message_ids=[ids[1], 999999, ids[0]])["items"]
    assert [m["id"] for m in items] == [ids[1], 999999, ids[0]]
    assert items[1] == {"id": 999999, "missing": True} and items[0]["text"] == "b"


def test_history_both_ways_over_many_pages(bob, sandbox):
    for i in range(260):
        say(sandbox, "@alice", "@family", f"m{i}")
    want = [m["message_id"] for m in history(sandbox, "@bob", "@family", 1000)]  # newest first
    one = bob.call("getHistory", chat_id="@family", limit=1000)
    assert [m["id"] for m in one["items"]] == want and "next" not in one
    assert one.get("total", len(want)) == len(want)
    for order, whole in (("desc", want), ("asc", want[::-1])):
        got, more = [], {}
        while True:
            page = bob.call("getHistory", chat_id="@family", order=order, limit=77, **more)
            got += [m["id"] for m in page["items"]]
            if "next" not in page:
                break
            assert len(page["items"]) == 77
            more = {"next": page["next"]}
        assert got == whole, order
    middle = want[100]
    newer = bob.call("getHistory", chat_id="@family", order="asc", after_id=middle, limit=5)["items"]
    assert [m["id"] for m in newer] == want[95:100][::-1]
    older = bob.call("getHistory", chat_id="@family", before_id=middle, limit=5)["items"]
    assert [m["id"] for m in older] == want[101:106]
    between = bob.call("getHistory", chat_id="@family", before_id=want[10], after_id=want[20], limit=100)["items"]
    assert [m["id"] for m in between] == want[11:20]


def test_edit_delete_and_read_reach_the_other_side(bob, sandbox, alice_says):
    got = alice_says("read me")
    assert bob.call("getDialogs", limit=20)["items"][0]["unread"] >= 1
    assert bob.call("markRead", chat_id="@alice")["ok"] is True
    assert [d["unread"] for d in bob.call("getDialogs")["items"] if d["chat_id"] == got["chat_id"]] == [0]
    sent = bob.call("sendMessage", chat_id="@alice", text="tpyo")
    edited = bob.call("editMessage", chat_id="@alice", message_id=sent["id"], text="<b>typo</b>", parse_mode="html")
    assert edited["text"] == "typo" and edited["id"] == sent["id"] and edited["edit_date"] >= sent["date"]
    assert history(sandbox, "@alice", "@bob", 1)[0]["text"] == "typo"
    assert bob.call("deleteMessages", chat_id="@alice", message_ids=[sent["id"]], for_all=True)["deleted"] == 1
    assert history(sandbox, "@alice", "@bob", 1)[0]["text"] == "read me"
    with pytest.raises(RpcError) as e:
        bob.call("editMessage", chat_id="@alice", message_id=got["id"], text="not mine")
    assert e.value.code in (2400, 2403)
    in_group = bob.call("sendMessage", chat_id="@family", text="gone soon")
    assert bob.call("deleteMessages", chat_id="@family", message_ids=[in_group["id"]])["deleted"] == 1
    assert bob.call("getMessages", chat_id="@family", message_ids=[in_group["id"]])["items"][0]["missing"] is True


def test_dialogs_in_pages(bob, sandbox):
    for i in range(23):
        group = sandbox("addGroup", title=f"group {i}", members=["@alice", "@bob"])
        say(sandbox, "@alice", f"group {i}", f"hello {i}")
        assert group
    whole = bob.call("getDialogs", limit=100)
    ids = [d["chat_id"] for d in whole["items"]]
    assert len(ids) == len(set(ids)) >= 26 and "next" not in whole
    got, more = [], {}
    while True:
        page = bob.call("getDialogs", limit=7, **more)
        got += [d["chat_id"] for d in page["items"]]
        if "next" not in page:
            break
        more = {"next": page["next"]}
    assert got == ids
    assert all(d["message"]["chat_title"] == d["chat_title"] for d in whole["items"] if "message" in d)


def test_chats_by_every_form_of_a_name(bob):
    alice = bob.call("getChat", chat_id="@alice")
    assert (alice["type"], alice["title"], alice["username"]) == ("user", "Alice Archer", "alice")
    family = bob.call("resolvePeer", chat_id="@family")
    assert family["type"] == "supergroup" and family["id"] < -1000000000000
    for form in ("alice", "@ALICE", "https://t.me/alice", "t.me/alice", "tg://resolve?domain=alice",
                 f"user:{alice['id']}", alice["id"], str(alice["id"]), "https://t.me/alice/4"):
        assert bob.call("resolvePeer", chat_id=form)["id"] == alice["id"], form
    channel = -family["id"] - 10**12
    for form in (family["id"], f"channel:{channel}", f"https://t.me/c/{channel}/5"):
        assert bob.call("resolvePeer", chat_id=form)["id"] == family["id"], form
    assert bob.call("resolvePeer", chat_id="me") == bob.call("resolvePeer", chat_id=bob.me)
    assert bob.call("getChat", chat_id="me")["self"] is True
    e = bob.refuses("PEER_AMBIGUOUS", "resolvePeer", chat_id=channel)
    assert str(family["id"]) in str(e) + e.data.get("hint", "")
    e = bob.refuses("PEER_UNKNOWN", "resolvePeer", chat_id=987654321)
    assert e.data.get("hint")
    team = [d for d in bob.call("getDialogs")["items"] if d["chat_title"] == "team"][0]
    assert bob.call("getChat", chat_id=team["chat_id"])["type"] == "group"
    assert bob.call("getChat", chat_id=f"chat:{-team['chat_id']}")["members"] >= 3


# --- raw ---

def test_raw_history_as_in_the_readme(bob):
    answer = json.loads(bob.shell(
        """echo '{"method":"messages.getHistory","params":{"peer":"@alice","limit":3}}' | socat -t60 - UNIX:$S | jq ."""))
    result = answer["result"]
    assert result["_"].startswith("messages.messages") and [m["message"] for m in result["messages"]] == [
        "Hello Alice", "Hello Bob"]
    assert isinstance(result["users"][0]["id"], str), "a long is a string in raw"


def test_raw_calls_take_peers_options_and_tell_errors(bob):
    full = bob.call("users.getFullUser", id="@alice")
    assert full["_"] == "users.userFull" and full["users"][0]["username"] == "alice"
    assert bob.call("help.getConfig")["dc_options"]
    alice = int(full["full_user"]["id"])
    by_object = bob.call("users.getUsers", id=[{"_": "inputUserSelf"}, "@alice", alice])
    assert [u["id"] for u in by_object] == [str(bob.me), str(alice), str(alice)]
    assert bob.call("help.getConfig", **{"@fields": ["this_dc"]}) == {"this_dc": 2}
    with pytest.raises(RpcError) as e:
        bob.call("messages.getHistroy", peer="@alice")
    assert e.value.code == -32601 and "messages.getHistory" in str(e.value)
    with pytest.raises(RpcError) as e:
        bob.call("messages.getHistory", peer="@alice", limmit=3)
    assert e.value.code == -32602 and "limmit" in str(e.value) and "limit" in str(e.value).replace("limmit", "")
    with pytest.raises(RpcError) as e:
        bob.call("messages.getHistory", peer="@alice", limit="3.5")
    assert e.value.code == -32602 and "params.limit" in str(e.value)
    with pytest.raises(RpcError) as e:
        bob.call("users.getFullUser", id={"_": "inputUserSelff"})
    assert "params.id" in str(e.value)
    with pytest.raises(RpcError) as e:
        bob.call("messages.editMessage", peer="@alice", id=999999, message="x")
    assert e.value.name == "MESSAGE_ID_INVALID" and e.value.code == 2400
    bob.refuses("ENGINE_OWNED", "auth.logOut")
    bob.refuses("BOTS_ONLY", "bots.setBotCommands", scope={"_": "botCommandScopeDefault"}, lang_code="", commands=[])


def test_a_raw_send_takes_a_dedup_key_and_others_see_it(bob, sandbox):
    with bob.subscribe(types=["message"], chats=["@alice"]) as other:
        bob.call("messages.sendMessage", peer="@alice", message="raw", dedup_key="r1")
        bob.call("messages.sendMessage", peer="@alice", message="raw", dedup_key="r1")
        event = other.event("message")
        assert event["message"]["text"] == "raw" and event["message"]["out"] is True
        assert other.quiet()
    assert [m["text"] for m in history(sandbox, "@alice", "@bob")].count("raw") == 1


# --- requests ---

def test_check_does_nothing_and_positional_params_work(bob, sandbox):
    before = len(history(sandbox, "@alice", "@bob"))
    bob.call("sendMessage", chat_id="@alice", text="no", **{"@check": True})
    with pytest.raises(RpcError):
        bob.call("sendMessage", chat_id="@nobody_of_that_name", text="no", **{"@check": True})
    assert len(history(sandbox, "@alice", "@bob")) == before
    with bob.lines() as c:
        c.send({"id": 1, "method": "sendMessage", "params": ["@alice", "yes"]})
        assert c.receive()["result"]["text"] == "yes"


def test_a_send_while_telegram_is_away_ends_in_one_answer(bob, sandbox):
    fault = sandbox("fault", match={"method": "messages.sendMessage"}, do="no_answer")["id"]
    e = bob.refuses("TIMEOUT", "sendMessage", chat_id="@alice", text="slow", dedup_key="slow", **{"@timeout": 1})
    assert e.data["sent"] == "unknown" and e.data["send_id"]
    sandbox("clearFaults", id=fault)
    wait_until("the outbox to find out", lambda: bob.call("getSend", send_id=e.data["send_id"])["state"] == "sent", 60)
    assert [m["text"] for m in history(sandbox, "@alice", "@bob")].count("slow") == 1
    sandbox("fault", match={"method": "messages.sendMessage", "nth": 1}, do="error", code=420, text="FLOOD_WAIT_77")
    e = bob.refuses("FLOOD_WAIT", "sendMessage", chat_id="@alice", text="flood")
    assert e.code == 2420 and e.data["seconds"] in (76, 77)


def test_cancel_ends_a_pending_request(bob):
    with bob.lines() as c:
        c.send({"id": "w", "method": "waitEvent", "params": {"types": ["chat"], "wait": 100}})
        c.send({"id": 2, "method": "cancel", "params": {"id": "w"}})
        answers = {str(a["id"]): a for a in (c.receive(), c.receive())}
    assert answers["w"]["error"]["data"]["name"] == "CANCELLED" and answers["2"]["result"]["cancelled"] == 1


def test_defaults_of_a_connection_hold_for_its_requests(bob):
    bob.call("addAccount", name="second")
    with bob.lines() as c:
        c.send({"id": 1, "method": "setDefaults", "params": {"account": "main", "fields": ["id", "account"], "flood_wait": 0}})
        assert c.receive()["result"]["account"] == "main"
        c.send({"id": 2, "method": "getMe"})
        assert c.receive()["result"] == {"id": bob.me}
        c.send({"id": 3, "method": "getLoginState", "account": "second", "fields": ["step"]})
        assert c.receive()["result"] == {"step": "none"}
        c.send({"id": 4, "method": "setDefaults", "params": {"account": "third"}})
        assert c.receive()["error"]["data"]["name"] == "ACCOUNT_UNKNOWN"
        c.send({"id": 5, "method": "setDefaults", "params": {"format": "html", "fields": []}})
        assert c.receive()["result"]["format"] == "html"
        c.send({"id": 6, "method": "sendMessage", "params": {"chat_id": "@alice", "text": "**b**", "parse_mode": "markdown_basic"}})
        assert c.receive()["result"]["html"] == "<b>b</b>"
        c.send({"id": 7, "method": "setDefaults", "params": {"format": ""}})
        assert "format" not in c.receive()["result"]
        c.send({"id": 8, "method": "setDefaults", "params": {"format": "pdf"}})
        assert "html markdown" in c.receive()["error"]["message"]
    bob.refuses("ACCOUNT_AMBIGUOUS", "getMe")


def test_help_and_log_level(bob):
    assert {m["name"] for m in bob.call("help")["items"]} >= {"sendMessage", "subscribe"}
    (method,) = bob.call("help", **{"method": "sendMessage"})["items"]
    assert [p["name"] for p in method["params"]][:2] == ["chat_id", "text"]
    assert bob.call("setLogLevel", level="info")["ok"] is True
    bob.refuses("INVALID_PARAMS", "setLogLevel", level="loud")
