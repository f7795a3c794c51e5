"""What a machine does to its connections: sleep, a network that goes and comes back, IPv6."""
import contextlib
import ctypes
import json
import os
import socket
import struct
import subprocess
import time

import pytest

import harness

CLONE_NEWNET = 0x40000000


def connected(tgd):
    return tgd.call("listAccounts")["items"][0]["connected"]


def connections(sandbox):
    return sandbox("stats")["protocol"]["connections"]


# --- sleep ---


@pytest.fixture
def sleeper(tgd, folder):
    """tgd on a machine that can be put to sleep: sleeper(seconds)."""
    module = harness.BUILD / "tests/e2e/asleep.so"
    if not module.exists():
        pytest.skip("asleep.so is not built")
    clock = folder / "asleep"
    clock.write_bytes(struct.pack("=i", 0))
    tgd.stop()
    options = os.environ.get("ASAN_OPTIONS", "")
    tgd.start({"LD_PRELOAD": str(module), "TGD_TEST_ASLEEP": str(clock),
               "ASAN_OPTIONS": f"{options}:verify_asan_link_order=0"})
    tgd.call("waitReady", wait=20)
    slept = 0

    def sleep(seconds):
        nonlocal slept
        slept += seconds
        with open(clock, "r+b") as f:
            f.write(struct.pack("=i", slept))

    return sleep


def test_a_long_sleep_is_noticed_and_the_dead_link_left(tgd, sandbox, sleeper, record_property):
    before = connections(sandbox)
    with tgd.subscribe(types=["connection"]) as c:
        begun = time.monotonic()
        sleeper(3600)
        tgd.call("getHealth")  # any turn of the loop will do; after a real sleep the kernel rings
        while c.event("connection")["connection"]["connected"]:
            pass
        while not c.event("connection")["connection"]["connected"]:
            pass
        took = time.monotonic() - begun
    assert "woke up after 3600 s" in tgd.log.read_text()
    assert connections(sandbox) == before + 1
    assert tgd.call("sendMessage", chat_id="@alice", text="good morning")["text"] == "good morning"
    record_property("seconds to be connected after a sleep", took)
    print("connected", round(took, 3), "s after a sleep of an hour")


def test_a_nap_costs_no_connection(tgd, sandbox, sleeper):
    before = connections(sandbox)
    sleeper(20)
    tgd.call("getHealth")
    harness.wait_until("the nap in the log", lambda: "woke up after 20 s" in tgd.log.read_text())
    assert tgd.call("sendMessage", chat_id="@alice", text="back")["text"] == "back"
    assert connections(sandbox) == before


# --- a network that goes and comes back ---


@pytest.fixture
def own_network(request):
    """This thread, and what it starts, on a machine of its own with nothing but loopback."""
    libc = ctypes.CDLL(None, use_errno=True)
    old = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
    if libc.unshare(CLONE_NEWNET):
        os.close(old)
        pytest.skip("no network namespace is to be had here")

    def loopback(state):
        subprocess.run(["ip", "link", "set", "lo", state], check=True)

    try:
        loopback("up")
        yield loopback
    finally:
        with contextlib.suppress(OSError, subprocess.CalledProcessError):
            loopback("up")
        libc.setns(old, CLONE_NEWNET)
        os.close(old)


def test_the_network_comes_back(own_network, folder, record_property):
    sandbox = harness.Sandbox(folder)
    tgd = harness.Daemon(folder, sandbox)
    try:
        sandbox.user(username="terry")
        assert tgd.log_in()["step"] == "ready"
        tgd.call("waitReady", wait=10)
        took = []
        for _ in range(2):
            tgd.call("pauseAccount", account="main")
            own_network("down")
            tgd.call("resumeAccount", account="main")
            tried = tgd.log.read_text().count("dc: dc 2: connecting")
            # far enough into TCP's repeats and our back-off that only the kernel's word can end them soon
            harness.wait_until("a failed try", lambda n=tried: tgd.log.read_text().count("dc: dc 2: connecting") > n)
            assert not connected(tgd)
            with tgd.subscribe(types=["connection"]) as c:
                begun = time.monotonic()
                own_network("up")
                while not c.event("connection")["connection"]["connected"]:
                    pass
                took.append(time.monotonic() - begun)
        assert tgd.call("sendMessage", chat_id="@alice", text="here again")["text"] == "here again"
        record_property("seconds to be connected after the network came back", max(took))
        print("connected", [round(t, 3) for t in took], "s after the network came back")
    finally:
        tgd.stop()
        sandbox.stop()


# --- IPv6 ---


def has_ipv6():
    with contextlib.suppress(OSError), socket.socket(socket.AF_INET6) as s:
        s.bind(("::1", 0))
        return True
    return False


@pytest.mark.skipif(not has_ipv6(), reason="no IPv6 on this machine")
@pytest.mark.sandbox("--ipv6")
def test_everything_works_over_ipv6(tgd, sandbox):
    servers = json.loads((sandbox.dir / "servers.json").read_text())
    assert {dc["ip"] for dc in servers["dcs"]} == {"::1"}
    assert all(o["ipv6"] for o in tgd.call("help.getConfig")["dc_options"])
    assert tgd.call("sendMessage", chat_id="@alice", text="six")["text"] == "six"
    sandbox("moveDc", dc=2)  # and it is found again there
    harness.wait_until("the new connection", lambda: connected(tgd))
    assert tgd.call("sendMessage", chat_id="@alice", text="moved")["text"] == "moved"


@pytest.mark.skipif(not has_ipv6(), reason="no IPv6 on this machine")
@pytest.mark.sandbox("--ipv6")
def test_a_silent_ipv4_is_overtaken_by_ipv6(folder, sandbox):
    path = sandbox.dir / "servers.json"
    servers = json.loads(path.read_text())
    # a queue that is full neither takes nor refuses: as a network that drops what it does not know
    deaf = socket.socket()
    deaf.bind(("127.0.0.1", 0))
    deaf.listen(0)
    fillers = []
    for _ in range(2):
        fillers.append(socket.socket())
        fillers[-1].setblocking(False)
        fillers[-1].connect_ex(deaf.getsockname())
    four = [{"id": dc["id"], "ip": "127.0.0.1", "port": deaf.getsockname()[1]} for dc in servers["dcs"]]
    path.write_text(json.dumps({**servers, "dcs": four + servers["dcs"]}))
    tgd = harness.Daemon(folder, sandbox)
    try:
        sandbox.user(username="terry")
        assert tgd.log_in()["step"] == "ready"
        assert tgd.call("waitReady", wait=20)
    finally:
        tgd.stop()
        for s in [deaf, *fillers]:
            s.close()
