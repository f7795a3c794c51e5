"""What leaves when: durability = power, and a disk that refuses."""
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


def healthy(d):
    """None while the daemon drops its clients, which it does when what they were told did not get stored."""
    try:
        return d.call("getHealth")["ok"]
    except (ConnectionError, TypeError, KeyError):
        return None


@pytest.mark.parametrize("limit", [60, 200])
def test_a_full_disk_loses_nothing(folder, sandbox, limit):
    """The journal outgrows a file size limit: the daemon stays, says so, and goes on when there is room."""
    sandbox.user()
    d = harness.Daemon(folder, sandbox)
    try:
        d.log_in()
        d.call("waitReady", wait=10)
        harness.subprocess.run(["prlimit", "--pid", str(d.process.pid), f"--fsize={limit * 1024}:unlimited"], check=True)
        me = d.call("getMe")["id"]
        for i in range(120):
            sandbox("sendAs", **{"from": "alice", "to": me, "text": f"n{i} " + "x" * 3000})
            if healthy(d) is False:
                break
        else:
            pytest.fail("the limit was never met")
        harness.subprocess.run(["prlimit", "--pid", str(d.process.pid), "--fsize=unlimited:unlimited"], check=True)
        harness.wait_until("recovery", lambda: healthy(d))
        got = []

        def seen():
            page = d.call("getEvents", since="oldest", types=["message"], limit=1000)["items"]
            got[:] = [int(e["message"]["text"].split()[0][1:]) for e in page]
            return len(got) == i + 1

        harness.wait_until("all messages", seen)
        assert got == list(range(i + 1))
    finally:
        d.stop()
