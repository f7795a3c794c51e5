"""People whom the server shows as min objects only: named at once, reached for good."""
from harness import RpcError, wait_until


def reached(daemon, user):
    try:
        return daemon.call("users.getFullUser", id=user)["full_user"]["id"] == str(user)
    except RpcError as e:
        assert e.name in ("MSG_ID_INVALID", "PEER_UNKNOWN"), e
        return False


def test_a_sender_is_reached_when_the_message_that_showed_him_is_gone(tgd, sandbox):
    people = [sandbox.user(phone=f"99966255{i:02}", name=f"Speaker {i}") for i in range(8)]
    hall = sandbox("addChannel", title="Hall", members=[*people, tgd.me], megagroup=True)["chat_id"]
    with tgd.subscribe(types=["message"], chats=[hall], direction="in") as events:
        sent = [sandbox("sendAs", **{"from": p, "to": hall, "text": "hello"})["message_id"] for p in people]
        for i in range(8):
            assert events.event()["message"]["sender_name"] == f"Speaker {i}"
    wait_until("whole objects", lambda: sandbox("stats")["methods"].get("users.getUsers"))
    assert sandbox("stats")["methods"]["users.getUsers"] == {"calls": 1, "errors": 0}
    for p, m in zip(people, sent):
        sandbox("deleteAs", **{"from": p, "chat": hall, "message_ids": [m]})
    for p in people:
        wait_until(f"user {p}", lambda p=p: reached(tgd, p))


def test_after_a_restart_he_is_asked_for_at_his_next_message(tgd, sandbox):
    people = [sandbox.user(phone=f"99966255{i:02}", name=f"Speaker {i}") for i in range(8)]
    hall = sandbox("addChannel", title="Hall", members=[*people, tgd.me], megagroup=True)["chat_id"]
    with tgd.subscribe(types=["message"], chats=[hall], direction="in") as events:
        for p in people:
            sandbox("sendAs", **{"from": p, "to": hall, "text": "hello"})
            events.event()
    tgd.kill()
    tgd.start()
    tgd.call("waitReady", wait=10)
    assert "users.getUsers" not in sandbox("stats")["methods"]
    with tgd.subscribe(types=["message"], chats=[hall], direction="in") as events:
        last = {p: sandbox("sendAs", **{"from": p, "to": hall, "text": "again"})["message_id"] for p in people}
        for i in range(8):
            assert events.event()["message"]["sender_name"] == f"Speaker {i}"
    wait_until("whole objects", lambda: sandbox("stats")["methods"].get("users.getUsers"))
    for p, m in last.items():
        sandbox("deleteAs", **{"from": p, "chat": hall, "message_ids": [m]})
        wait_until(f"user {p}", lambda p=p: reached(tgd, p))
