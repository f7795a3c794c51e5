"""Calls in a takeout and for a business connection, over the wire and through the sandbox's checks."""


def test_an_export_begins_is_used_and_ends(tgd, sandbox):
    young = tgd.refuses("TAKEOUT_INIT_DELAY", "beginTakeout", contacts=True)
    assert young.code == 2420 and 0 < young.data["seconds"] <= 86400
    sandbox("allowTakeout", user=tgd.me)
    takeout = tgd.call("beginTakeout", contacts=True)["takeout"]
    tgd.refuses("TAKEOUT_REQUIRED", "messages.getSplitRanges")
    assert tgd.call("messages.getSplitRanges", **{"@takeout": takeout})[0]["min_id"] == 1
    assert tgd.call("getHistory", chat_id="@family", limit=1, **{"@takeout": takeout}) is not None
    assert tgd.call("endTakeout", takeout=takeout) == {"ok": True}
    tgd.refuses("TAKEOUT_INVALID", "messages.getSplitRanges", **{"@takeout": takeout})


def test_a_bot_types_for_a_business(daemon, sandbox):
    token = sandbox("addBot", username="shop_bot")["token"]
    daemon.call("logIn", bot_token=token)
    daemon.call("waitReady", wait=10)
    made = sandbox("connectBusiness", bot="@shop_bot", user="@alice")
    refused = daemon.refuses("BUSINESS_CONNECTION_INVALID", "messages.setTyping", peer="me",
                             action={"_": "sendMessageTypingAction"}, **{"@business": "nonsense", "@dc": made["dc"]})
    assert refused.code == 2400
    daemon.refuses("BUSINESS_CONNECTION_NOT_ALLOWED", "help.getConfig",
                   **{"@business": made["connection_id"], "@dc": made["dc"]})
    assert daemon.call("messages.setTyping", peer={"_": "inputPeerSelf"}, action={"_": "sendMessageTypingAction"},
                       **{"@business": made["connection_id"], "@dc": made["dc"]}) is True
