"""What a person who runs tgd asks it: metrics, the log, its level, the configuration, an end."""
import os

from harness import wait_until


def test_metrics_count_what_was_asked(tgd):
    before = {(m["method"], m.get("account")): m for m in tgd.call("getMetrics")["methods"]}
    for _ in range(3):
        tgd.call("getMe")
    tgd.refuses("PEER_UNKNOWN", "getChat", chat_id=4711)
    after = tgd.call("getMetrics")
    now = {(m["method"], m.get("account")): m for m in after["methods"]}
    me = ("getMe", "main")
    assert now[me]["calls"] - before.get(me, {"calls": 0})["calls"] == 3
    assert now["getChat", "main"]["errors"] >= 1
    assert after["turns"]["total"] > 3 and after["turns"]["max_us"] >= after["turns"]["p50_us"]
    assert after["clients"]["connections"] == 1 and after["clients"]["accepted"] > 4
    wait_until("a moment in which no file of the store is open for a write", lambda: tgd.call("getMetrics")["descriptors"] ==
               len(os.listdir(f"/proc/{tgd.process.pid}/fd")))
    assert after["uncounted"] == 0


def test_the_log_is_told_and_its_level_changes_at_run_time(daemon):
    assert daemon.call("setLogLevel", level="info") == {"ok": True}
    daemon.call("reload")
    lines = daemon.call("tailLog", limit=5)["items"]
    assert lines[-1]["text"] == "reload: done" and lines[-1]["level"] == "info"
    assert daemon.call("tailLog", level="broken")["items"] == []
    daemon.refuses("INVALID_PARAMS", "setLogLevel", level="loud")


def test_shutdown_answers_and_then_ends(daemon):
    assert daemon.call("shutdown") == {"ok": True}
    assert daemon.ended() == 0
    assert "loop: turns" in daemon.log.read_text()
    daemon.start()
    assert daemon.call("getInfo")["name"] == "tgd"
