"""Queued sends: answered when they are on disk, told of at their end, refused ones with the reason."""
import pytest
from harness import RpcError, wait_until


def event(sub):
    return sub.receive()["params"]


def test_a_queued_send_is_answered_at_once_and_told_of_at_its_end(tgd):
    with tgd.subscribe(types=["send"]) as sub:
        answer = tgd.call("sendMessage", chat_id="@alice", text="disk is full", queue=True, dedup_key="k")
        assert answer["state"] == "queued"
        told = event(sub)["send"]
        assert told["send_id"] == answer["send_id"] and told["state"] == "sent" and told["dedup_key"] == "k"
        assert told["message"]["text"] == "disk is full"
    assert tgd.call("getSend", send_id=answer["send_id"])["message"]["id"] == told["message"]["id"]
    again = tgd.call("sendMessage", chat_id="@alice", text="disk is full", dedup_key="k")
    assert again["id"] == told["message"]["id"]
    with pytest.raises(RpcError) as e:
        tgd.call("sendMessage", chat_id="@alice", text="something else", dedup_key="k")
    assert e.value.name == "DEDUP_MISMATCH"


def test_a_send_is_queued_without_a_network_and_survives_a_restart(tgd, sandbox):
    sandbox("fault", do="drop", match={"method": "messages.sendMessage"}, times=1)
    answer = tgd.call("sendMessage", chat_id="@alice", text="later", queue=True)
    tgd.kill()
    tgd.start()
    with tgd.subscribe(types=["send"], since="oldest") as sub:
        told = event(sub)["send"]
    assert told["send_id"] == answer["send_id"] and told["state"] == "sent"
    texts = [m["text"] for m in tgd.call("getHistory", chat_id="@alice")["items"]]
    assert texts.count("later") == 1


def test_a_refused_send_says_why_and_frees_its_key(tgd, sandbox):
    sandbox("fault", do="error", code=403, text="CHAT_WRITE_FORBIDDEN", match={"method": "messages.sendMessage"}, times=1)
    with tgd.subscribe(types=["send"]) as sub:
        tgd.call("sendMessage", chat_id="@alice", text="x", queue=True, dedup_key="r")
        told = event(sub)["send"]
        assert told["state"] == "failed" and told["error"]["data"]["name"] == "CHAT_WRITE_FORBIDDEN"
    assert tgd.call("sendMessage", chat_id="@alice", text="x", dedup_key="r")["text"] == "x"


def test_a_send_that_waits_is_shown_and_taken_back(tgd, sandbox):
    sandbox("fault", do="error", code=420, text="FLOOD_WAIT_300", match={"method": "messages.sendMessage"}, times=1)
    answer = tgd.call("sendMessage", chat_id="@alice", text="never", queue=True, dedup_key="c", expires=600)
    send = wait_until("the wait", lambda: next((s for s in tgd.call("listSends")["items"] if s["stage"] == "waiting"), None))
    assert send["send_id"] == answer["send_id"] and 290 < send["seconds"] <= 300
    assert 590 < send["expires"] - send["created"] <= 601
    assert tgd.call("getSend", chat_id="@alice", dedup_key="c")["seconds"] > 290
    # whoever has less patience is refused here, without asking
    e = tgd.refuses("FLOOD_WAIT", "sendMessage", chat_id="me", text="now")
    assert e.code == 2420 and e.data["local"] and 290 < e.data["seconds"] <= 300
    assert tgd.call("cancelSend", send_id=answer["send_id"])["cancelled"]
    told = tgd.call("waitEvent", types=["send"], since="oldest", wait=5)["send"]
    assert told["send_id"] == answer["send_id"] and told["state"] == "cancelled"
    assert tgd.call("cancelSend", send_id=answer["send_id"])["cancelled"] is False
    assert tgd.call("listSends")["items"] == []
    assert [s["state"] for s in tgd.call("listSends", all=True, limit=5)["items"]][-1:] == ["cancelled"]
    tgd.refuses("SEND_UNKNOWN", "getSend", send_id="1")


def test_a_log_out_ends_what_was_queued_and_says_so(tgd, sandbox):
    sandbox("fault", do="error", code=420, text="FLOOD_WAIT_300", match={"method": "messages.sendMessage"}, times=1)
    with tgd.subscribe(types=["send"]) as events:
        send_id = tgd.call("sendMessage", chat_id="@alice", text="never", queue=True)["send_id"]
        wait_until("it waits", lambda: tgd.call("getSend", send_id=send_id).get("stage") == "waiting")
        tgd.call("logOut")
        ended = events.event("send")["send"]
    assert (ended["send_id"], ended["state"]) == (send_id, "failed")
    assert ended["error"]["data"]["name"] == "LOGGED_OUT", ended
    assert tgd.log_in("9996621234")["step"] == "ready"
    assert not tgd.call("listSends")["items"]
