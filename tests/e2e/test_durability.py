"""What leaves when: durability = power, and a disk that refuses."""
import subprocess

import harness
import pytest


def test_power_safe_durability_serves_as_well(folder, sandbox):
    sandbox.user()
    d = harness.Daemon(folder, sandbox, "--durability", "power")
    try:
        d.log_in()
        assert d.call("sendMessage", chat_id="@alice", text="x")["text"] == "x"
        assert d.call("getEvents", since="oldest", types=["message"])["items"][0]["message"]["text"] == "x"
    finally:
        d.stop()


def limit(d, kib):
    """No file of the daemon's may grow beyond this; None: as it was."""
    size = "unlimited" if kib is None else kib * 1024
    subprocess.run(["prlimit", "--pid", str(d.process.pid), f"--fsize={size}:unlimited"], check=True)


def largest(d):
    """KiB of the largest file in the state folder: what it may not outgrow."""
    return max(f.stat().st_size for f in (d.folder / "state").rglob("*") if f.is_file()) // 1024


@pytest.mark.parametrize("kib", [60, 200])
def test_a_full_disk_loses_nothing(folder, sandbox, kib):
    """The journal outgrows a file size limit: the daemon stays, says so, and goes on when there is room."""
    sandbox.user()
    d = harness.Daemon(folder, sandbox)
    try:
        d.log_in()
        d.call("waitReady", wait=10)
        me = d.call("getMe")["id"]
        limit(d, kib)
        with d.subscribe(types=["message"], since="oldest") as c:
            for i in range(120):
                sandbox("sendAs", **{"from": "alice", "to": me, "text": f"n{i} " + "x" * 3000})
                if not d.call("getHealth")["ok"]:
                    break
            else:
                pytest.fail("the limit was never met")
            health = d.call("getHealth")["storage"]
            assert health["state"] == "full" and "refuses writes" in health["text"]
            limit(d, None)
            harness.wait_until("recovery", lambda: d.call("getHealth")["ok"])
            assert d.call("getHealth")["storage"] == {"state": "ok"}
            # the subscriber was there all the time, and sees each once
            assert [int(c.event()["message"]["text"].split()[0][1:]) for _ in range(i + 1)] == list(range(i + 1))
    finally:
        d.stop()


def test_who_waits_while_the_disk_is_full_is_told(folder, sandbox):
    sandbox.user()
    d = harness.Daemon(folder, sandbox)
    try:
        d.log_in()
        d.call("waitReady", wait=10)
        limit(d, largest(d))
        sent, unknown, refused = [], [], []
        with d.lines() as c:
            for i in range(60):
                c.send({"id": i, "method": "sendMessage",
                        "params": {"chat_id": "@alice", "text": f"t{i} " + "x" * 3000, "dedup_key": f"k{i}"}})
                answer = c.receive()
                assert answer["id"] == i
                if "result" in answer:
                    sent.append(f"t{i}")
                    continue
                data = answer["error"]["data"]
                assert (answer["error"]["code"], data["name"]) == (1019, "STORAGE")
                if data.get("sent") == "unknown":
                    unknown.append(f"t{i}")
                    assert data["send_id"]
                else:
                    refused.append(f"t{i}")
                if len(refused) > 2:
                    break
            assert refused, "the limit was never met"
            d.refuses("STORAGE", "getMe")
            d.refuses("STORAGE", "getEvents", name="new", since="oldest")
            d.refuses("STORAGE", "addAccount", name="other")
            assert d.call("listAccounts")["items"][0]["name"] == "main"
            limit(d, None)
            harness.wait_until("recovery", lambda: d.call("getHealth")["ok"])
            d.call("waitReady", wait=20)

            def arrived():
                return [m["text"].split()[0] for m in sandbox("history", of="@alice", chat=d.call("getMe")["id"],
                                                              limit=100)["items"]]

            harness.wait_until("what was on its way", lambda: set(sent + unknown) <= set(arrived()))
            assert sorted(arrived()) == sorted(sent + unknown)  # each once, and nothing of what was refused
            d.call("addAccount", name="other")
            assert [a["name"] for a in d.call("listAccounts")["items"]] == ["main", "other"]
    finally:
        d.stop()
