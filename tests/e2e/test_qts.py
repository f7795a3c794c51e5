"""What has a qts of its own: bots and business, secret chats; servers that are behind; the account itself."""
import pytest
from harness import wait_until


@pytest.fixture
def bot(daemon, sandbox):
    """A bot that is an admin of the supergroup Hall, where Alice is."""
    made = sandbox("addBot", username="hall_bot")
    daemon.call("logIn", bot_token=made["token"])
    daemon.call("waitReady", wait=10)
    daemon.hall = sandbox("addChannel", title="Hall", members=["@alice", "@hall_bot"], megagroup=True)["chat_id"]
    sandbox("makeAdmin", user="@hall_bot", chat="Hall")
    return daemon


def first(user):
    return user.get("name", "").split(" ")[0]


def chat_actions(events, n):
    return [(e["chat"]["action"], first(e["chat"]["user"])) for e in (events.event("chat") for _ in range(n))]


def test_a_hole_in_the_qts_is_closed_by_the_difference_in_order(bot, sandbox):
    with bot.subscribe(types=["chat"]) as events:
        sandbox("stopBotAs", user="@alice", bot="@hall_bot")
        sandbox("fault", do="gap", match={"method": "updates"})
        sandbox("stopBotAs", user="@bob", bot="@hall_bot")
        sandbox("stopBotAs", user="@bob", bot="@hall_bot", again=True)
        sandbox("stopBotAs", user="@alice", bot="@hall_bot", again=True)
        assert chat_actions(events, 4) == [("stopped", "Alice"), ("stopped", "Bob"), ("started", "Bob"), ("started", "Alice")]
        assert events.quiet()
    assert sandbox("stats")["methods"]["updates.getDifference"]["errors"] == 0


def test_what_happened_to_a_bot_that_was_killed_is_told_once(bot, sandbox):
    at = bot.call("getEvents", since="oldest", limit=1000)["cursor"]
    sandbox("setSlice", events=2)
    bot.kill()
    for i in range(7):
        sandbox("stopBotAs", user="@alice", bot="@hall_bot", again=bool(i % 2))
    sandbox("requestJoinAs", user="@bob", chat="Hall")
    sandbox("joinAs", user="@carol", chat="Hall")
    sandbox("leaveAs", user="@carol", chat="Hall", by="@alice")
    bot.start()
    bot.call("waitReady", wait=10)
    items = bot.call("getEvents", since=at, types=["chat"], wait=10, limit=100)["items"]
    # a key of two numbers is a service message, which tells the same
    told = [(e["chat"]["action"], first(e["chat"]["user"]), first(e["chat"].get("by", {}))) for e in items
            if "user" in e["chat"] and e["key"].count("/") != 2]
    want = [("stopped" if i % 2 == 0 else "started", "Alice", "") for i in range(7)]
    want += [("requested", "Bob", ""), ("joined", "Carol", "Carol"), ("removed", "Carol", "Alice")]
    assert told == want
    assert len(items) == len({e["key"] for e in items})


def test_a_connected_bot_sees_the_chats_of_its_user(bot, sandbox):
    with bot.subscribe(types=["business"]) as events:
        connection = sandbox("connectBusiness", bot="@hall_bot", user="@alice")["connection_id"]
        e = events.event()
        assert e["business"]["action"] == "connected" and e["business"]["connection_id"] == connection
        assert first(e["business"]["user"]) == "Alice" and e["business"]["rights"] == ["reply", "read_messages"]
        m = sandbox("sendAs", **{"from": "@bob", "to": "@alice", "text": "do you sell tea?"})
        e = events.event()["business"]
        assert (e["action"], e["message"]["text"], e["message"]["sender_username"]) == ("message", "do you sell tea?", "bob")
        sandbox("fault", do="gap", match={"method": "updates"})
        sandbox("editAs", **{"from": "@bob", "chat": "@alice", "message_id": m["message_id"], "text": "green tea?"})
        sandbox("deleteAs", **{"from": "@bob", "chat": "@alice", "message_ids": [m["message_id"]]})
        edited, gone = events.event()["business"], events.event()["business"]
        assert (edited["action"], edited["message"]["text"]) == ("edit", "green tea?")
        assert gone["action"] == "delete" and gone["message_ids"] == [e["message"]["id"]]
        assert gone["chat_id"] == e["message"]["chat_id"]
        sandbox("disconnectBusiness", bot="@hall_bot", user="@alice")
        assert events.event()["business"]["action"] == "disconnected"
        sandbox("sendAs", **{"from": "@bob", "to": "@alice", "text": "hello?"})
        assert events.quiet()


def test_secret_chats_survive_a_kill_though_the_server_forgets_them(bob, sandbox):
    with bob.subscribe(raw=True, types=["raw"]) as events:
        sandbox("secretAs", **{"from": "@alice", "to": "@bob"})
        assert events.event("raw")["raw"]["_"] == "updateNewEncryptedMessage"
    bob.kill()
    for _ in range(5):
        sandbox("secretAs", **{"from": "@alice", "to": "@bob"})
    bob.start()
    bob.call("waitReady", wait=10)
    bob.kill()  # the server was told a qts and has forgotten what is before it
    bob.start()
    bob.call("waitReady", wait=10)
    told = bob.call("getEvents", since="oldest", types=["raw"], limit=1000, **{"@account": "main"})["items"]
    assert len([e for e in told if e["key"]]) == 6
    assert len({e["key"] for e in told}) == 6


def test_a_timestamp_that_is_none(bob, sandbox):
    state = bob.call("updates.getState")
    ask = {"pts": state["pts"], "date": state["date"], "qts": state["qts"]}
    assert bob.call("updates.getDifference", **ask)["_"] == "updates.differenceEmpty"
    bob.refuses("PERSISTENT_TIMESTAMP_EMPTY", "updates.getDifference", **{**ask, "pts": 0})
    bob.refuses("PERSISTENT_TIMESTAMP_INVALID", "updates.getDifference", **{**ask, "pts": 100000})
    bob.refuses("PERSISTENT_TIMESTAMP_INVALID", "updates.getDifference", **{**ask, "qts": 100000})


def test_a_server_that_is_behind_is_asked_until_it_has_caught_up(bob, sandbox):
    sandbox("fallBehind", of="@bob")
    with bob.subscribe(types=["message"], direction="in") as events:
        sandbox("sendAs", **{"from": "@alice", "to": "@bob", "text": "pushed"})
        assert events.event()["message"]["text"] == "pushed"
    at = bob.call("getEvents", since="oldest", limit=1000)["cursor"]
    bob.kill()
    sandbox("sendAs", **{"from": "@alice", "to": "@bob", "text": "missed"})
    bob.start()
    with bob.subscribe(types=["message"], direction="in", since=at) as events:
        # refused with PERSISTENT_TIMESTAMP_OUTDATED until then; what is pushed does not wait
        wait_until("a refusal", lambda: sandbox("stats")["methods"]["updates.getDifference"]["errors"])
        sandbox("catchUp", of="@bob")
        assert events.event()["message"]["text"] == "missed"
        assert events.quiet()


def test_what_becomes_of_the_account_is_told(bob, sandbox):
    with bob.subscribe(types=["account"]) as events:
        sandbox("renameAs", user="@bob", first_name="Robert")
        e = events.event()
        assert e["account"] == "main" and e["change"] == {"action": "name", "name": "Robert Baker", "username": "bob"}
        assert e["key"].startswith("account/name/")
        bob.call("addAccount", name="second")
        bob.log_in("9996620002", account="second")
        e = events.event()
        assert e["change"]["action"] == "session" and e["change"]["confirmed"] is False and e["change"]["session_id"]
