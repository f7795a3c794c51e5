"""Disks that are full, out of inodes, read-only, broken or slow, at a start and under a daemon that runs."""
import errno
import os
import pathlib
import subprocess

import harness
import pytest


def needs_mounts():
    tried = subprocess.run(["unshare", "-m", "mount", "-t", "tmpfs", "tmpfs", "/mnt"], capture_output=True, check=False)
    if tried.returncode:
        pytest.skip("mounts cannot be made here: " + tried.stderr.decode().strip())


def mounted(d, script):
    """The daemon's command, after `script` in a mount namespace of its own; $D is the state folder."""
    return ["unshare", "-m", "--propagation", "private", "env", f"D={d.folder / 'state'}", "bash", "-ec",
            script + '\nexec "$@"', "bash", *d.command]


@pytest.fixture
def small(tgd, request):
    """`tgd` on a tmpfs with these options; .inside(NAME) is a file in the state folder as it sees it."""
    needs_mounts()
    tgd.stop()
    tgd.command = mounted(tgd, 'cp -a "$D" "$D.was"\nmount -t tmpfs -o mode=700,%s tmpfs "$D"\ncp -a "$D.was/." "$D"' %
                          request.param)
    tgd.start()
    tgd.call("waitReady", wait=20)
    tgd.inside = lambda name: pathlib.Path(f"/proc/{tgd.process.pid}/root{tgd.folder / 'state' / name}")
    try:
        os.stat(tgd.inside("state.db"))
    except OSError as e:
        pytest.skip(f"the daemon's mounts cannot be seen from here: {e}")
    return tgd


def fill(d):
    """Not a byte is left."""
    with open(d.inside("ballast"), "wb", buffering=0) as f:
        try:
            while True:
                f.write(bytes(4096))
        except OSError as e:
            assert e.errno == errno.ENOSPC


def free(d):
    d.inside("ballast").unlink()


def is_well(d):
    return d.call("getHealth")["storage"] == {"state": "ok"}


@pytest.mark.parametrize("small", ["size=4m"], indirect=True)
def test_a_full_disk_stops_no_reader_and_loses_nothing(small, sandbox):
    me = small.call("getMe")["id"]
    small.call("addAccount", name="other")
    with small.subscribe(types=["message"], since="now") as c:
        sandbox("sendAs", **{"from": "alice", "to": me, "text": "before"})
        assert c.event()["message"]["text"] == "before"
    fill(small)
    with small.subscribe(types=["message"], since="now") as c:
        for i in range(200):
            sandbox("sendAs", **{"from": "alice", "to": me, "text": f"n{i} " + "x" * 3000})
            if not is_well(small):
                break
        else:
            pytest.fail("the disk was never full")
        health = small.call("getHealth")
        assert not health["ok"] and health["storage"]["state"] == "full"
        small.refuses("STORAGE", "getMe", account="main")
        small.refuses("STORAGE", "addAccount", name="third")
        small.refuses("STORAGE", "sendMessage", account="main", chat_id="@alice", text="x")
        small.refuses("STORAGE", "sendMessage", account="main", chat_id="@alice", text="x", queue=True)
        assert [a["name"] for a in small.call("listAccounts")["items"]] == ["main", "other"]
        assert small.call("getEvents", since="oldest", types=["message"])["items"][0]["message"]["text"] == "before"
        free(small)
        harness.wait_until("recovery", lambda: is_well(small))
        got = [int(c.event()["message"]["text"].split()[0][1:]) for _ in range(i + 1)]
        assert got == list(range(i + 1))
    small.call("waitReady", account="main", wait=20)
    assert small.log_in("9996620002", account="other")["step"] == "ready"
    small.kill()  # its mount goes with it: what was in it is not looked at


@pytest.mark.parametrize("small", ["size=4m"], indirect=True)
def test_a_full_disk_in_the_middle_of_a_login_costs_no_login(small):
    small.call("addAccount", name="other")
    assert small.call("logIn", account="other", phone="+9996620002")["step"] == "code"
    fill(small)
    error = None
    try:
        small.call("submitCode", account="other", code="22222")
    except harness.RpcError as e:
        error = e
    assert error and error.name == "STORAGE", error
    free(small)
    harness.wait_until("recovery", lambda: is_well(small))

    def step():
        return small.call("getLoginState", account="other")["step"]

    if step() != "ready":
        if step() != "code":
            assert small.call("logIn", account="other", phone="+9996620002")["step"] == "code"
        small.call("submitCode", account="other", code="22222")
    assert step() == "ready"
    assert small.call("getMe", account="main")["username"] == "terry"
    small.kill()


@pytest.mark.parametrize("small", ["size=16m,nr_inodes=80"], indirect=True)
def test_without_an_inode_left_what_is_there_goes_on(small):
    names = []
    while True:
        path = small.inside(f"empty-{len(names)}")
        try:
            path.touch()
        except OSError as e:
            assert e.errno == errno.ENOSPC
            break
        names.append(path)
    small.refuses("STORAGE", "addAccount", name="other")
    assert small.call("sendMessage", chat_id="@alice", text="still")["text"] == "still"
    for path in names:
        path.unlink()
    harness.wait_until("recovery", lambda: is_well(small))
    small.call("addAccount", name="other")
    small.kill()


def test_a_read_only_folder_is_said_at_the_start(tgd):
    needs_mounts()
    tgd.stop()
    command = tgd.command
    before = (tgd.folder / "state/state.db").read_bytes()
    tgd.command = mounted(tgd, 'mount --bind "$D" "$D"\nmount -o remount,ro,bind "$D"')
    tgd.start()
    assert tgd.ended() == 4
    assert "Read-only file system" in tgd.log.read_text().splitlines()[-1]
    assert (tgd.folder / "state/state.db").read_bytes() == before
    tgd.command = command
    tgd.start()
    tgd.call("waitReady", wait=20)


# --- under files that are open: a library before the C library ---

@pytest.fixture
def faulty(tgd):
    """`tgd` on a disk that fails as .faults(LINE) says; without a line all is well."""
    library = harness.BUILD / "tests/e2e/faulty_disk.so"
    if not library.exists():
        pytest.skip("faulty_disk.so is built for 64-bit machines only")
    tgd.stop()
    control = tgd.folder / "faults"
    tgd.env = {"LD_PRELOAD": str(library), "FAULTY_DISK": f"{control}:{tgd.folder / 'state'}",
               "ASAN_OPTIONS": os.environ.get("ASAN_OPTIONS", "") + ":verify_asan_link_order=0"}

    def faults(line=""):
        if not line:
            control.unlink(missing_ok=True)
        else:
            (tgd.folder / "faults.new").write_text(line + "\n")
            (tgd.folder / "faults.new").rename(control)

    tgd.faults = faults
    tgd.start(tgd.env)
    tgd.call("waitReady", wait=20)
    return tgd


@pytest.mark.parametrize("number, state", [(errno.EROFS, "read_only"), (errno.EIO, "failing"), (errno.ENOSPC, "full"),
                                           (errno.EDQUOT, "full")])
def test_a_disk_that_takes_no_writes_any_more(faulty, sandbox, number, state):
    me = faulty.call("getMe")["id"]
    with faulty.subscribe(types=["message"], since="now") as c:
        faulty.faults(f"write {number}")
        sandbox("sendAs", **{"from": "alice", "to": me, "text": "first"})
        harness.wait_until("the state", lambda: faulty.call("getHealth")["storage"]["state"] == state)
        faulty.refuses("STORAGE", "sendMessage", chat_id="@alice", text="x")
        faulty.refuses("STORAGE", "addAccount", name="other")
        faulty.refuses("STORAGE", "getEvents", name="n", since="oldest")
        sandbox("sendAs", **{"from": "alice", "to": me, "text": "second"})
        faulty.faults()
        harness.wait_until("recovery", lambda: is_well(faulty))
        assert [c.event("message")["message"]["text"] for _ in range(2)] == ["first", "second"]
    faulty.call("waitReady", wait=20)
    faulty.call("addAccount", name="other")
    assert not list((faulty.folder / "state").glob("*.damaged-*"))


def test_a_start_on_a_disk_that_fails_sets_nothing_aside(faulty):
    faulty.stop()
    faulty.faults(f"write {errno.EIO}")
    faulty.start(faulty.env)
    assert faulty.ended() == 4
    faulty.faults()
    faulty.start(faulty.env)
    faulty.call("waitReady", wait=20)
    assert is_well(faulty) and not list((faulty.folder / "state").glob("*.damaged-*"))


def test_a_sync_that_fails_is_told_and_tried_again_by_itself(faulty):
    faulty.faults(f"sync {errno.EIO}")
    with faulty.lines() as c:
        c.send({"id": 1, "method": "sendMessage", "params": {"chat_id": "@alice", "text": "kept", "queue": True}})
        harness.wait_until("the state", lambda: faulty.call("getHealth")["storage"]["state"] == "unsynced")
        assert c.quiet()  # not before it is on the disk
        faulty.faults()  # and nobody writes any more
        assert c.receive()["result"]["state"] == "queued"
    harness.wait_until("health", lambda: is_well(faulty))
    assert "syncs work again" in faulty.log.read_text()


def test_a_sync_that_takes_long_holds_up_only_who_waits_for_it(faulty, sandbox):
    me = faulty.call("getMe")["id"]
    faulty.faults("sync ms 1000")
    with faulty.lines() as c, faulty.subscribe(types=["message"], direction="in", since="now") as events:
        c.send({"id": 1, "method": "sendMessage", "params": {"chat_id": "@alice", "text": "kept", "queue": True}})
        for i in range(20):
            sandbox("sendAs", **{"from": "alice", "to": me, "text": f"n{i}"})
        assert [events.event()["message"]["text"] for _ in range(20)] == [f"n{i}" for i in range(20)]
        assert c.quiet(0.001)
        assert faulty.call("sendMessage", chat_id="@alice", text="at once")["text"] == "at once"
        assert c.receive()["result"]["state"] == "queued"
    faulty.faults()
