"""Several sockets, each with what its profile admits."""
import os
import socket
import subprocess

import harness
import pytest
from harness import Lines, RpcError

CONFIG = """
[socket]
mode = 0600
[socket reader]
path = {folder}/reader.sock
mode = 0666
profile = news, nobodys
[socket nocodes]
path = {folder}/nocodes.sock
group = {gid}
mode = 0660
profile = nocodes
[profile news]
users = nobody
methods = @read messages.getHistory
chats = @news
[profile nobodys]
users = 4711
groups = 4713
methods = @read
[profile nocodes]
methods = @read, @send, messages.*
"""


def through(daemon, name):
    """The daemon as another socket shows it."""
    other = object.__new__(harness.Daemon)
    other.__dict__.update(daemon.__dict__)
    other.socket = daemon.folder / f"{name}.sock"
    return other


@pytest.fixture
def limited(bob, folder):
    bob.stop()
    (folder / "tgd.conf").write_text(CONFIG.format(folder=folder, gid=os.getgid()))
    bob.command += ["--config", folder / "tgd.conf"]
    bob.start()
    bob.call("waitReady", wait=10)
    return bob


def ask(lines):
    lines.send({"id": 1, "method": "getInfo"})
    return lines.receive()


def denied(daemon, method, **params):
    return daemon.refuses("DENIED", method, **params)


def test_a_socket_shows_its_chats_only(limited, sandbox):
    reader = through(limited, "reader")
    assert reader.call("getInfo")["accounts"] == ["main"]
    assert reader.call("getHistory", chat_id="@news", limit=3)["items"] is not None
    assert [d["chat_id"] for d in reader.call("getDialogs")["items"]] == [limited.call("resolvePeer", chat_id="@news")["id"]]
    denied(reader, "getHistory", chat_id="@alice")
    denied(reader, "resolvePeer", chat_id="@carol")
    denied(reader, "sendMessage", chat_id="@news", text="no")
    denied(reader, "messages.getHistory", peer="@news", limit=1)
    denied(reader, "shutdown")
    with reader.subscribe(types=["message"]) as c, limited.subscribe(types=["message"]) as all_of_it:
        sandbox("sendAs", **{"from": "@alice", "to": "@bob", "text": "for your eyes only"})
        sandbox("sendAs", **{"from": "@alice", "to": "@news", "text": "for all"})
        assert c.event()["message"]["text"] == "for all"
        assert all_of_it.event()["message"]["text"] == "for your eyes only"
    events = reader.call("getEvents", since="oldest", types=["message"])["items"]
    assert [e["message"]["text"] for e in events] == ["for all"]


def test_login_codes_stay_with_those_who_administer(limited, sandbox):
    nocodes = through(limited, "nocodes")
    with nocodes.subscribe(types=["message"]) as c:
        sandbox("sendAs", **{"from": 777000, "to": "@bob", "text": "Login code: 54321"})
        sandbox("sendAs", **{"from": "@alice", "to": "@bob", "text": "hello"})
        assert c.event()["message"]["text"] == "hello"
    assert limited.call("getHistory", chat_id=777000, limit=1)["items"][0]["text"] == "Login code: 54321"
    denied(nocodes, "getHistory", chat_id=777000)
    denied(nocodes, "messages.getHistory", peer=777000, limit=1)
    denied(nocodes, "messages.getDialogs", limit=10)
    assert nocodes.call("messages.getHistory", peer="@alice", limit=1)["messages"]
    assert 777000 not in [d["chat_id"] for d in nocodes.call("getDialogs")["items"]]
    assert 777000 in [d["chat_id"] for d in limited.call("getDialogs")["items"]]
    assert nocodes.call("sendMessage", chat_id="@alice", text="hi")["text"] == "hi"


def test_modes_groups_and_a_reload(limited, folder):
    assert (folder / "reader.sock").stat().st_mode & 0o777 == 0o666
    assert (folder / "nocodes.sock").stat().st_mode & 0o777 == 0o660
    assert (folder / "nocodes.sock").stat().st_gid == os.getgid()
    config = {item["name"]: item.get("value") for item in limited.call("getConfig")["items"]}
    assert config["socket reader.profile"] == "news, nobodys" and config["profile news.chats"] == "@news"
    reader = through(limited, "reader")
    with reader.lines() as before, through(limited, "nocodes").lines() as unconcerned:
        text = CONFIG.format(folder=folder, gid=os.getgid())
        (folder / "tgd.conf").write_text(text.replace("chats = @news", "chats = @news @alice"))
        assert limited.call("reload") == {"ok": True}
        assert reader.call("getHistory", chat_id="@alice", limit=1) is not None
        assert before.receive() is None  # who was connected by other rules is to connect anew
        assert ask(unconcerned)["result"]["name"] == "tgd"
    (folder / "tgd.conf").write_text(text.replace("@read, @send", "@reed"))
    with pytest.raises(RpcError, match="@reed"):
        limited.call("reload")
    denied(through(limited, "nocodes"), "shutdown")
    done = subprocess.run([harness.BIN["tgd"], "--check-config", "--config", folder / "tgd.conf"], capture_output=True, text=True,
                          timeout=20, check=False)
    assert done.returncode == 1 and "[profile nocodes]" in done.stderr


def test_a_profile_that_gets_narrower_ends_what_is_live(limited, sandbox, folder):
    reader = through(limited, "reader")
    text = CONFIG.format(folder=folder, gid=os.getgid())
    with reader.subscribe(types=["message"], name="mine") as live, reader.lines() as waiting:
        waiting.send({"id": 7, "method": "waitEvent", "params": {"wait": 50}})
        assert ask(waiting)["result"]
        (folder / "tgd.conf").write_text(text.replace("chats = @news", "chats = @carol"))
        limited.call("reload")
        sandbox("sendAs", **{"from": "@alice", "to": "@news", "text": "not for you any more"})
        closed = live.receive()
        assert closed["method"] == "closed" and "profile" in closed["params"]["reason"]
        assert live.receive() is None
        assert waiting.receive()["error"]["data"]["name"] == "CANCELLED"
    assert reader.call("getEvents", name="mine", types=["message"])["items"] == []


def test_what_is_hidden_is_not_changed_by_its_number(limited, sandbox):
    nocodes = through(limited, "nocodes")
    sandbox("sendAs", **{"from": 777000, "to": "@bob", "text": "Login code: 54321"})
    code = limited.call("waitEvent", since="oldest", types=["message"], chats=[777000], wait=10)["message"]["id"]
    mine = limited.call("sendMessage", chat_id="@alice", text="mine")["id"]
    denied(nocodes, "deleteMessages", chat_id="@alice", message_ids=[mine, code])
    denied(nocodes, "copyMessages", chat_id="@alice", from_chat_id="@alice", message_ids=[code])
    denied(nocodes, "messages.deleteMessages", id=[code])
    denied(nocodes, "messages.forwardMessages", from_peer="@alice", to_peer="@alice", id=[code])
    denied(nocodes, "messages.search", peer={"_": "inputPeerEmpty"}, q="54321", limit=1, min_date=0, max_date=0,
           filter={"_": "inputMessagesFilterEmpty"})
    assert limited.call("getHistory", chat_id=777000, limit=1)["items"][0]["text"] == "Login code: 54321"
    assert limited.call("getMessages", chat_id="@alice", message_ids=[mine])["items"][0]["text"] == "mine"
    assert nocodes.call("deleteMessages", chat_id="@alice", message_ids=[mine])["deleted"] == 1
    first = nocodes.call("getDialogs", limit=1)
    assert len(first["items"]) == 1 and "777000" not in str(first) and "total" not in first


def test_the_configuration_is_shown_as_far_as_it_concerns(limited):
    shown = {item["name"] for item in through(limited, "reader").call("getConfig")["items"]}
    assert "profile news.chats" in shown and "daemon.log_level" in shown
    assert not [n for n in shown if n.startswith(("profile nocodes", "socket ", "file")) or n.endswith(".proxy")]


@pytest.mark.skipif(os.getuid() != 0, reason="needs root, to be somebody else")
def test_who_connects_is_known_by_the_kernel(limited, folder):
    for up in [folder, *folder.parents]:
        if up.stat().st_mode & 0o5 != 0o5 and str(up).startswith("/tmp/"):
            up.chmod(0o755)
    for uid, groups, socket_name, expected in [(65534, [], "reader", '"result"'), (4711, [], "reader", '"result"'),
                                               (4712, [], "reader", "DENIED"), (4712, [4714, 4713], "reader", '"result"'),
                                               (4712, [4714], "reader", "DENIED")]:
        said = subprocess.run(["socat", "-t60", "-", f"UNIX:{folder}/{socket_name}.sock"], user=uid, group=uid,
                              extra_groups=groups, input='{"id":1,"method":"getInfo"}', capture_output=True, text=True,
                              timeout=60, check=True).stdout
        assert expected in said, (uid, said)


def test_systemd_hands_over_several_by_name(limited, folder):
    limited.stop()
    listeners = []
    for name in ("handed.sock", "reader.sock"):
        s = socket.socket(socket.AF_UNIX)
        s.bind(str(folder / name))
        s.listen()
        listeners.append(s)
    at = limited.command.index("--socket")
    rest = limited.command[:at] + limited.command[at + 2:]
    script = f'exec 3<&{listeners[0].fileno()} 4<&{listeners[1].fileno()}; export LISTEN_PID=$$ LISTEN_FDS=2; exec "$@"'
    with open(limited.log, "ab") as out:
        limited.process = subprocess.Popen(["bash", "-c", script, "bash", *rest], stdout=out, stderr=out,
                                           pass_fds=[s.fileno() for s in listeners],
                                           env={**os.environ, "LISTEN_FDNAMES": "tgd.socket:reader"})
    limited.socket = folder / "handed.sock"
    limited.call("waitReady", wait=10)
    assert limited.call("getHistory", chat_id="@alice", limit=1) is not None
    denied(through(limited, "reader"), "getHistory", chat_id="@alice")
    assert through(limited, "nocodes").call("getInfo")["name"] == "tgd"  # not handed over: bound by tgd itself
    limited.process.terminate()
    assert limited.process.wait(harness.DEADLINE) == 0
    for s in listeners:
        s.close()
    with pytest.raises(OSError):
        Lines(folder / "nocodes.sock")
