"""The state folder: damaged files, wrong owners and modes, two daemons, keys at rest."""
import contextlib
import os
import pathlib
import shutil
import sqlite3
import stat
import subprocess
import tempfile
import time

import harness
import pytest

ALICE = "@alice"


def start_fails(d):
    """Starts the daemon, which ends by itself; its exit status and the last line that it wrote."""
    d.start()
    return d.ended(), d.log.read_text().splitlines()[-1]


def scratch(path, where):
    """Writes nonsense into a file: its header, a page in the middle, or all of it."""
    size = path.stat().st_size
    at, n = {"header": (0, 100), "middle": (size // 2 // 4096 * 4096, 4096), "all": (0, size)}[where]
    with open(path, "r+b") as f:
        f.seek(at)
        f.write(bytes((i * 37 + 11) % 256 for i in range(n)))


def fill(d, sandbox, n=40):
    me = d.call("getMe")["id"]
    at = d.call("getEvents", since="now")["cursor"]
    for i in range(n):
        sandbox("sendAs", **{"from": "alice", "to": me, "text": f"m{i} " + "x" * 500})
    d.call("waitEvent", since=at, types=["message"], text={"prefix": f"m{n - 1} "}, wait=20)


@pytest.mark.parametrize("name, where", [("state.db", "header"), ("state.db", "middle"), ("state.db", "all"),
                                         ("state.db-wal", "header"), ("state.db-wal", "all"), ("cache.db", "header"),
                                         ("cache.db", "all"), ("tgd.lock", "all")])
def test_a_damaged_file_costs_no_login(tgd, sandbox, folder, name, where):
    fill(tgd, sandbox)
    if name.endswith("-wal"):
        tgd.kill()  # else it is folded in and empty
    else:
        tgd.stop()
    scratch(folder / "state" / name, where)
    tgd.start()
    tgd.call("waitReady", wait=20)
    assert tgd.call("getMe")["username"] == "terry"
    sandbox("sendAs", **{"from": "alice", "to": tgd.call("getMe")["id"], "text": "after"})
    tgd.call("waitEvent", since="oldest", types=["message"], text={"pattern": "^after$"}, wait=20)
    assert tgd.call("sendMessage", chat_id=ALICE, text="y")["text"] == "y"
    health = tgd.call("getHealth")
    set_aside = [f.name for f in (folder / "state").glob("state.db.damaged-*")]
    if health["ok"]:
        assert not set_aside
    elif set_aside:
        assert set_aside[0] in health["storage"]["text"]
    else:  # met while it runs: the next start sees to it
        assert health["storage"]["state"] == "damaged"
        tgd.stop()
        tgd.start()
        tgd.call("waitReady", wait=20)
        assert list((folder / "state").glob("state.db.damaged-*"))


def test_damaged_keys_close_their_account_and_no_other(tgd, sandbox, folder):
    tgd.call("addAccount", name="other")
    assert tgd.log_in("9996620002", account="other")["step"] == "ready"
    tgd.stop()
    keys = folder / "state/accounts/main/keys.db"
    shutil.copy(keys, folder / "good")
    scratch(keys, "header")
    tgd.start()
    tgd.call("waitReady", wait=20)
    health = tgd.call("getHealth")
    assert not health["ok"] and health["storage"] == {"state": "ok"}
    assert any("account main stays closed" in p for p in health["problems"])
    assert tgd.call("getMe", account="other")["id"]
    # with the keys back there is no new login
    tgd.stop()
    shutil.copy(folder / "good", keys)
    tgd.start()
    tgd.call("waitReady", account="main", wait=20)
    # and what stays closed can be removed
    tgd.stop()
    scratch(keys, "all")
    tgd.start()
    tgd.call("removeAccount", name="main")
    assert tgd.call("getHealth")["ok"] or "main" not in str(tgd.call("getHealth")["problems"])
    assert not keys.exists()
    tgd.call("addAccount", name="main")


def test_the_socket_answers_before_all_accounts_are_open(tgd, folder):
    names = [f"a{i:02}" for i in range(30)]
    for name in names:
        tgd.call("addAccount", name=name)
    tgd.stop()
    scratch(folder / "state/accounts/a20/keys.db", "all")
    tgd.start()
    first = tgd.call("getInfo")["accounts"]
    assert {"main", *names} - set(first) <= {"a20"}  # the first question may come after it was tried
    assert tgd.call("getLoginState", account="a29")["step"] == "none"
    assert [a["name"] for a in tgd.call("listAccounts")["items"]] == ["main", *(n for n in names if n != "a20")]
    assert [p for p in tgd.call("getHealth")["problems"] if "a20 stays closed" in p]


def test_a_folder_that_a_restart_of_the_machine_empties_is_said(sandbox):
    if subprocess.run(["stat", "-f", "-c", "%T", "/dev/shm"], capture_output=True, text=True, check=False).stdout != "tmpfs\n":
        pytest.skip("/dev/shm is not in memory here")
    with tempfile.TemporaryDirectory(dir="/dev/shm") as folder:
        d = harness.Daemon(pathlib.Path(folder), sandbox)
        try:
            warnings = d.call("getHealth")["warnings"]
            assert any("memory" in w for w in warnings), warnings
        finally:
            d.stop()


def test_a_second_daemon_is_told_of_the_first(tgd, folder, sandbox):
    second = subprocess.run([*tgd.command[:3], "--socket", folder / "other.sock", "--servers",
                             sandbox.dir / "servers.json"], capture_output=True, text=True, check=False, timeout=20)
    assert second.returncode == 3
    assert f"pid {tgd.process.pid}" in second.stderr and str(tgd.socket) in second.stderr
    assert tgd.call("getHealth")["ok"]


def test_a_folder_of_others_is_refused_and_an_open_one_is_closed(tgd, folder):
    tgd.stop()
    state = folder / "state"
    for path in (state, state / "accounts", state / "accounts/main"):
        path.chmod(0o755)
    for path in (state / "state.db", state / "accounts/main/keys.db"):
        path.chmod(0o644)
    tgd.start()
    tgd.call("waitReady", wait=20)
    assert "was open to others" in tgd.log.read_text()
    assert stat.S_IMODE(state.stat().st_mode) == stat.S_IMODE((state / "accounts").stat().st_mode) == 0o700
    for path in (state / "state.db", state / "accounts/main/keys.db"):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    tgd.stop()
    if os.geteuid() == 0:
        os.chown(state, 12345, 12345)
        status, line = start_fails(tgd)
        assert status == 4 and "belongs to the user with number 12345" in line
        os.chown(state, 0, 0)
        tgd.start()
        tgd.call("waitReady", wait=20)


def test_what_is_newer_or_no_folder_is_refused(tgd, folder):
    tgd.stop()
    state = folder / "state"
    subprocess.run(["python3", "-c", "import sqlite3, sys; sqlite3.connect(sys.argv[1]).execute('PRAGMA user_version=99')",
                    state / "state.db"], check=True)
    before = (state / "state.db").read_bytes()
    status, line = start_fails(tgd)
    assert status == 4 and "99" in line and "knows versions up to" in line
    assert (state / "state.db").read_bytes() == before
    shutil.rmtree(state)
    state.write_text("")
    status, line = start_fails(tgd)
    assert status == 4 and "state" in line


def test_a_start_on_a_full_disk_fails_with_words_and_works_later(tgd, folder):
    tgd.stop()
    command, tgd.command = tgd.command, ["prlimit", "--fsize=0:unlimited", *tgd.command]
    log = tgd.log.stat().st_size
    tgd.command = ["bash", "-c", 'exec "$@" 2> >(cat >&2) > >(cat)', "bash", *tgd.command]  # the log is no file of ours
    status, line = start_fails(tgd)
    assert status == 4, tgd.log.read_text()[log:]
    harness.wait_until("the words", lambda: "tgd: " in tgd.log.read_text()[log:])
    tgd.command = command
    tgd.start()
    tgd.call("waitReady", wait=20)
    assert tgd.call("getHealth")["ok"]


# --- keys at rest ---

def credentials(folder, name, text=None):
    made = folder / name
    made.mkdir(exist_ok=True)
    if text:
        (made / "keys").write_text(text)
    return {"CREDENTIALS_DIRECTORY": str(made)}


def closed(d):
    return [p for p in d.call("getHealth")["problems"] if "main stays closed" in p]


def test_keys_are_sealed_under_a_credential(tgd, folder):
    keys = folder / "state/accounts/main/keys.db"
    good = credentials(folder, "good", "correct horse battery staple\n")
    tgd.stop()
    with contextlib.closing(sqlite3.connect(keys)) as db:
        part = db.execute("SELECT key FROM dc").fetchone()[0][1:33]
    assert part in keys.read_bytes()
    tgd.start(good)
    tgd.call("waitReady", wait=20)
    assert "its keys are sealed now" in tgd.log.read_text()
    tgd.stop()
    assert part not in keys.read_bytes()

    sealed = keys.read_bytes()
    for env, words in ((credentials(folder, "none"), "is not given"),
                       (credentials(folder, "wrong", "incorrect horse battery staple"), "another key")):
        tgd.start(env)
        assert words in closed(tgd)[0]
        tgd.stop()
        assert keys.read_bytes() == sealed
    tgd.start(credentials(folder, "short", "short"))
    assert tgd.ended() == 1 and "shorter than 16 bytes" in tgd.log.read_text()

    (folder / "tgd.conf").write_text("[daemon]\nseal_keys = no\n")
    tgd.command += ["--config", folder / "tgd.conf"]
    tgd.start(good)
    tgd.call("waitReady", wait=20)
    tgd.stop()
    tgd.start()
    tgd.call("waitReady", wait=20)
    assert tgd.call("getMe")["username"] == "terry"


def test_recovery_is_quick_when_there_is_room_again(tgd, folder):
    """The daemon itself finds out, without anybody asking."""
    subprocess.run(["prlimit", "--pid", str(tgd.process.pid), "--fsize=1024:unlimited"], check=True)
    tgd.refuses("STORAGE", "getEvents", name="x", since="oldest")
    assert tgd.call("getHealth")["storage"]["state"] == "full"
    subprocess.run(["prlimit", "--pid", str(tgd.process.pid), "--fsize=unlimited:unlimited"], check=True)
    began = time.monotonic()
    harness.wait_until("recovery", lambda: "storage: works again" in tgd.log.read_text())
    assert time.monotonic() - began < 20
    tgd.call("waitReady", wait=20)
    tgd.call("getEvents", name="x", since="oldest")
