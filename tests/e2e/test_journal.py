"""The journal's bounds, accounts that keep none, and what is told of both."""
import contextlib
import signal

import harness
import pytest

ALICE = "@alice"


@contextlib.contextmanager
def configured(folder, sandbox, text):
    """A daemon with a configuration file, logged in."""
    conf = folder / "tgd.conf"
    conf.write_text(text)
    d = harness.Daemon(folder, sandbox, "--config", conf)
    try:
        sandbox.user(username="terry")
        d.log_in()
        d.call("waitReady", wait=10)
        yield d
    finally:
        d.stop()


def say(sandbox, d, text):
    sandbox("sendAs", **{"from": "alice", "to": d.call("getMe")["id"], "text": text})


def test_what_left_the_journal_is_told_with_its_place_and_number(folder, sandbox):
    with configured(folder, sandbox, "[daemon]\njournal_events = 10\n") as d:
        start = d.call("getEvents", name="late", since="now")["cursor"]
        warned = False
        for i in range(40):
            say(sandbox, d, f"n{i}")
            d.call("waitEvent", since=start, types=["message"], text={"contains": f"n{i}"}, wait=10) if i < 8 else None
            warned = warned or any("main" in w and "% full" in w for w in d.call("getHealth").get("warnings", []))
        harness.wait_until("the bounds", lambda: d.call("getHealth")["journal"]["events"] <= 10 and
                           "n39" in str(d.call("getEvents", since="oldest", limit=100)["items"]))
        assert warned and d.call("getHealth")["ok"]

        kept = d.call("getEvents", since="oldest", limit=100)
        assert "lagged" not in kept
        page = d.call("getEvents", name="late", limit=100)
        assert page["items"] == kept["items"]
        gone = page["lagged"]
        assert gone["lost_from"] == start and gone["count"] > 0
        number = [int(c.split(".")[1]) for c in (gone["lost_from"], gone["lost_to"], page["items"][0]["cursor"])]
        assert number[1] - number[0] == gone["count"] and number[2] == number[1] + 1
        d.refuses("LAGGED", "waitEvent", since=start, wait=1)

        with d.subscribe(since=start) as c:
            assert c.event()["lagged"] == gone
            assert c.event() == {**page["items"][0], "subscription": 1}
            for _ in page["items"][1:]:
                assert c.event()["type"] != "lagged"
        # what is acked is not told again
        rest = d.call("getEvents", name="late", ack=page["cursor"])
        assert rest["items"] == [] and "lagged" not in rest


def test_an_account_without_a_journal(folder, sandbox):
    with configured(folder, sandbox, "[account main]\njournal = off\n") as d:
        with d.subscribe(types=["message"]) as c:
            assert "keeps no journal" in c.result["warnings"][0]
            say(sandbox, d, "first")
            event = c.event()
            assert event["message"]["text"] == "first" and "cursor" not in event
        assert "no journal" in d.call("getEvents", since="oldest")["warnings"][0]
        with d.lines() as c:
            c.send({"id": 1, "method": "waitEvent", "params": {"types": ["message"], "wait": 20}})
            c.send({"id": 2, "method": "getInfo"})
            assert c.receive()["id"] == 2
            say(sandbox, d, "second")
            assert c.receive()["result"]["message"]["text"] == "second"
        # what happened while the daemon was away is recovered, and told to who listens by then
        with d.subscribe(types=["message"], name="n") as c:
            pass
        d.kill()
        assert not any(b"second" in f.read_bytes() for f in (folder / "state").glob("state.db*"))

        # a journal may begin at any time
        (folder / "tgd.conf").write_text("")
        d.start()
        d.call("waitReady", wait=10)
        say(sandbox, d, "third")
        assert d.call("waitEvent", since="oldest", types=["message"], wait=10)["message"]["text"] == "third"
        (folder / "tgd.conf").write_text("[account main]\njournal = off\n")
        d.process.send_signal(signal.SIGHUP)
        harness.wait_until("the reload", lambda: "main: reload: done" in d.log.read_text())
        with d.subscribe(types=["message"], since="oldest") as c:
            assert c.event()["message"]["text"] == "third"  # what was kept stays until the bounds take it
            say(sandbox, d, "fourth")
            assert "cursor" not in c.event()


@pytest.mark.parametrize("keep", ["yes", "no"])
def test_the_tl_of_updates_can_be_left_out(folder, sandbox, keep):
    with configured(folder, sandbox, f"[daemon]\njournal_raw = {keep}\n") as d:
        say(sandbox, d, "x")
        event = d.call("waitEvent", since="oldest", types=["message"], raw=True, wait=10)
        assert ("raw" in event) == (keep == "yes")
