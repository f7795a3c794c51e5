"""The daemon as a service, and tgctl as a program: notify, listen descriptors, signals, exit codes, secrets."""
import json
import os
import signal
import socket
import subprocess

import harness
import pytest
from harness import wait_until


class Notify:
    """What systemd would hear."""

    def __init__(self, path):
        self.path = path
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.sock.bind(str(path))
        self.sock.settimeout(harness.DEADLINE)
        self.heard = []

    def until(self, word):
        while not any(word in line for line in self.heard):
            self.heard += self.sock.recv(4096).decode().splitlines()
        line = next(x for x in self.heard if word in x)
        self.heard = self.heard[self.heard.index(line) + 1:]
        return line


def test_ready_status_watchdog_reload_stopping(bob, folder):
    bob.stop()
    notify = Notify(folder / "notify")
    config = folder / "tgd.conf"
    config.write_text("[daemon]\nlog_level = debug\n")
    bob.command += ["--config", config]
    bob.start({"NOTIFY_SOCKET": str(notify.path), "WATCHDOG_USEC": "200000"})
    notify.until("READY=1")
    assert "1 account" in notify.until("STATUS=")
    notify.until("WATCHDOG=1")
    notify.until("WATCHDOG=1")
    bob.process.send_signal(signal.SIGHUP)
    notify.until("RELOADING=1")
    notify.until("MONOTONIC_USEC=")
    notify.until("READY=1")
    config.write_text("[daemon]\nlog_level = nonsense\n")
    with pytest.raises(harness.RpcError):
        bob.call("reload")
    assert bob.call("getInfo")["name"] == "tgd"
    config.write_text("[daemon]\nlog_level = info\n")
    assert bob.call("reload")["ok"] is True
    with bob.subscribe() as c:
        bob.process.terminate()
        notify.until("STOPPING=1")
        assert bob.ended() == 0
        assert c.receive() is None
    assert not bob.socket.exists()


def start_with_socket(bob, path, n=1):
    """tgd with a listening socket as descriptor 3, as systemd hands it over."""
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(path))
    listener.listen()
    command = ["bash", "-c", f'exec 3<&{listener.fileno()}; export LISTEN_PID=$$ LISTEN_FDS={n}; exec "$@"', "bash"]
    at = bob.command.index("--socket")
    rest = bob.command[:at] + bob.command[at + 2:]
    with open(bob.log, "ab") as out:
        bob.process = subprocess.Popen([*command, *rest], pass_fds=[listener.fileno()], stdout=out, stderr=out,
                                       env={**os.environ, "LISTEN_FDNAMES": "tgd.socket"})
    return listener


def test_a_socket_that_systemd_made_is_used_and_left(bob, folder):
    bob.stop()
    bob.socket = folder / "handed.sock"
    with start_with_socket(bob, bob.socket):
        assert bob.call("getInfo")["pid"] == bob.process.pid
        bob.call("waitReady", wait=10)
        assert bob.call("getMe")["id"] == bob.me
        bob.process.terminate()
        assert bob.process.wait(harness.DEADLINE) == 0
    assert bob.socket.exists(), "it is systemd's to remove"


def test_a_login_comes_back_after_sigterm_and_shutdown(bob):
    bob.kill(signal.SIGTERM)
    assert bob.process.returncode == 0
    bob.start()
    bob.call("waitReady", wait=10)
    assert bob.call("shutdown")["ok"] is True
    assert bob.ended() == 0
    bob.start()
    assert bob.call("getLoginState")["step"] == "ready"


def run(*words, env=None):
    return subprocess.run([harness.BIN["tgd"], *words], capture_output=True, text=True, timeout=20, check=False,
                          env={**os.environ, **(env or {})})


def test_check_config_and_print_socket(folder):
    config = folder / "tgd.conf"
    config.write_text("[daemon]\nlog_levle = info\n")
    done = run("--check-config", "--config", config)
    assert done.returncode == 1 and "log_level" in done.stderr
    config.write_text(f"[daemon]\nlog_level = info\n[socket]\npath = {folder}/x.sock\n")
    done = run("--check-config", "--config", config)
    assert done.returncode == 0 and "ok" in done.stdout
    done = run("--print-socket", "--config", config)
    assert done.stdout == f"{folder}/x.sock\n"
    done = run("--print-socket", env={"XDG_RUNTIME_DIR": str(folder), "RUNTIME_DIRECTORY": ""})
    assert done.stdout == f"{folder}/tgd/tgd.sock\n"
    assert "log_level" in run("--help-config").stdout
    assert run("--no-such-option").returncode == 2
    assert run("--version").stdout.startswith("tgd ")


def test_get_config_tells_every_setting_but_secrets(bob):
    items = {i["name"]: i for i in bob.call("getConfig")["items"]}
    assert items["daemon.log_level"]["value"] == "debug"
    assert "0123456789abcdef" not in json.dumps(items), "a secret is shown"


# --- tgctl ---

def ctl(daemon, words, **more):
    return daemon.shell("tgctl " + words, check=False, **more)


def test_tgctl_exit_codes(bob, sandbox):
    assert ctl(bob, "getMe").returncode == 0
    done = ctl(bob, "getChat chat_id=@nobody_of_that_name")
    assert done.returncode == 1 and "PEER_UNKNOWN" in done.stderr and done.stdout == ""
    assert ctl(bob, "--socket /nowhere/tgd.sock getInfo").returncode == 2
    assert ctl(bob, "").returncode == 3
    assert ctl(bob, "getMe nonsense").returncode == 3
    assert ctl(bob, "--no-such-option").returncode == 3
    assert ctl(bob, "getChatt chat_id=1").returncode == 1
    bob.call("addAccount", name="empty")
    assert ctl(bob, "-a empty getMe").returncode == 4
    sandbox("fault", match={"method": "messages.sendMessage", "nth": 1}, do="error", code=420, text="FLOOD_WAIT_99")
    done = ctl(bob, "-a main send @alice x")
    assert done.returncode == 5 and "99" in done.stderr
    assert ctl(bob, "waitEvent types=chat wait=0.05").returncode == 6


def test_tgctl_prints(bob):
    assert json.loads(ctl(bob, "getMe").stdout)["id"] == bob.me
    assert ctl(bob, "getMe -r .id").stdout == f"{bob.me}\n"
    assert ctl(bob, "getMe -r .username").stdout == "bob\n"
    assert ctl(bob, "getMe -r .nothing").returncode == 1
    lines = ctl(bob, "history @family --all").stdout.splitlines()
    assert [json.loads(line)["chat_title"] for line in lines] == ["family"] * len(lines) and len(lines) >= 2
    assert "family" in ctl(bob, "-H chats").stdout
    assert json.loads(ctl(bob, "info").stdout)["name"] == "tgd"
    assert json.loads(ctl(bob, "status").stdout)["ok"] is True
    assert json.loads(ctl(bob, "help method=getMe").stdout)["items"][0]["name"] == "getMe"
    assert ctl(bob, "messages.getHistory peer=@alice limit=1 -r .messages[0].message").stdout == "Hello Alice\n"
    assert ctl(bob, "sendMessage chat_id=@alice text:='\"json\"' silent=true -r .text").stdout == "json\n"


def test_tgctl_tables_for_people(bob, sandbox):
    head, *rows = ctl(bob, "-H chats").stdout.splitlines()
    assert head.split() == ["CHAT", "TITLE", "UNREAD", "DATE", "LAST"]
    starts = {row.index(title) for row in rows for title in ("family", "team", "news") if f"  {title} " in row}
    assert len(starts) == 1 and starts == {head.index("TITLE")}
    wide = "\u65e5\u672c"  # two characters, four columns
    sandbox("sendAs", **{"from": "@alice", "to": "@bob", "text": f"{wide}\x9b31mred\u202e\nline"})
    wait_until("the message", lambda: bob.call("getHistory", chat_id="@alice", limit=1)["items"][0]["text"].startswith(wide))
    text = ctl(bob, "-H history @alice limit=2").stdout
    assert text.splitlines()[0].split() == ["ID", "DATE", "FROM", "TEXT"]
    assert f"{wide}?31mred? line" in text  # neither a sequence of the terminal nor an override of direction
    assert len(ctl(bob, "-H history @family --all").stdout.splitlines()) >= 2
    lines = ctl(bob, "-H getMe").stdout.splitlines()
    assert ["username", "bob"] in [line.split() for line in lines]
    assert ctl(bob, "-H status").stdout.split()[:2] == ["ok", "yes"]


def test_tgctl_help_is_a_page_for_people(bob):
    page = ctl(bob, "-H help sendMessage").stdout
    assert page.startswith("sendMessage - ") and "\n    chat_id  Peer, required\n" in page and '"build ok"' in page
    assert max(map(len, page[:page.index("Example")].splitlines())) <= 110
    assert any(line.split()[0] == "getMe" for line in ctl(bob, "-H help").stdout.splitlines() if line)
    assert json.loads(ctl(bob, "help getMe").stdout)["items"][0]["name"] == "getMe"
    assert "messages.getHistory - " in ctl(bob, "-H help messages.getHistory").stdout
    assert ctl(bob, "-H help nothing").returncode == 1
    for word, method in (("send", "sendMessage"), ("listen", "subscribe"), ("chats", "getDialogs")):
        assert json.loads(ctl(bob, f"help {word}").stdout)["items"][0]["name"] == method  # what stands behind a short word


def test_tgctl_refuses_secrets_on_its_command_line(daemon):
    for words in ("logIn phone=+9996620002", "logIn bot_token=1:x", "submitPassword password=x", "submitCode code=22222",
                  "addAccount name=a api_hash=0123"):
        done = ctl(daemon, words)
        assert done.returncode == 3 and "@-" in done.stderr, words
    assert daemon.call("listAccounts")["items"] == []


def test_tgctl_login_asks_at_the_terminal(daemon, sandbox):
    sandbox.user(password="correct horse")
    done = daemon.shell("tgctl login", stdin="+9996621234\n22222\ncorrect horse\n", check=False)
    assert done.returncode == 0, done.stderr
    assert daemon.call("getLoginState")["step"] == "ready"
    assert "correct horse" not in done.stdout + done.stderr


def test_tgctl_send_queues_and_dedups(bob, sandbox):
    first = json.loads(ctl(bob, "send @alice disk --dedup today").stdout)
    assert json.loads(ctl(bob, "send @alice disk --dedup today").stdout)["id"] == first["id"]
    queued = json.loads(ctl(bob, "send @alice later --queue").stdout)
    assert queued["state"] == "queued"
    wait_until("it", lambda: bob.call("getSend", send_id=queued["send_id"])["state"] == "sent")
    texts = [m["text"] for m in sandbox("history", of="@alice", chat="@bob", limit=10)["items"]]
    assert texts.count("disk") == 1 and texts.count("later") == 1


@pytest.mark.parametrize("on_fail", ["stop", "skip"])
def test_tgctl_exec_retries_or_skips(bob, sandbox, on_fail):
    script = bob.folder / "work.sh"
    script.write_text("""#!/bin/sh
jq -r .message.text >> seen
[ "$TGD_TYPE" = message ] && [ -n "$TGD_CURSOR" ] && [ "$(wc -l < seen)" -gt 1 ]
""")
    script.chmod(0o755)
    with bob.background(f"tgctl listen name=w types=message --exec ./work.sh --on-fail {on_fail}"):
        wait_until("it", lambda: [s for s in bob.call("listSubscriptions")["items"] if s["held"]])
        for text in ("one", "two"):
            sandbox("sendAs", **{"from": "@alice", "to": "@bob", "text": text})
        bob.call("sendMessage", chat_id="@alice", text="mine: no event for --exec")
        want = {"stop": ["one", "one", "two"], "skip": ["one", "two"]}[on_fail]
        seen = bob.folder / "seen"
        wait_until("the work", lambda: seen.exists() and len(seen.read_text().splitlines()) >= len(want))
        end = bob.call("getEvents", since="oldest", types=["message"], direction="in")["items"][-1]["cursor"]
        wait_until("the ack", lambda: bob.call("listSubscriptions")["items"][0]["cursor"] == end)
        assert seen.read_text().splitlines() == want
