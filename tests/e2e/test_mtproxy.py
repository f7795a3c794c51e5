"""MTProxy with each kind of secret, between tgd and the sandbox: the sandbox's half is another's code."""
import json
import subprocess

import pytest

import harness

SECRET = "00112233445566778899aabbccddeeff"
TLS = "ee" + SECRET + b"example.com".hex()
WRONG = "ff112233445566778899aabbccddeeff"


def door(sandbox):
    return json.loads((sandbox.dir / "mtproxy.json").read_text())


def use(tgd, sandbox, secret):
    d = door(sandbox)
    shown = tgd.call("setProxy", kind="mtproxy", host=d["host"], port=d["port"], secret=secret)
    tgd.call("waitReady", wait=20)
    return shown


def everything_works(tgd, sandbox):
    """A message each way, a long answer, another data centre, and that after a restart."""
    with tgd.subscribe(types=["message"], direction="in") as c:
        assert tgd.call("sendMessage", chat_id="@alice", text="x" * 4000)["text"] == "x" * 4000
        sandbox("sendAs", **{"from": "@alice", "to": "@terry", "text": "back"})
        assert c.event("message")["message"]["text"] == "back"
    assert tgd.call("help.getNearestDc", **{"@dc": 3})["this_dc"] == 3
    tgd.stop()
    tgd.start()
    tgd.call("waitReady", wait=20)
    assert tgd.call("listAccounts")["items"][0]["proxy"].startswith("mtproxy://127.0.0.1:")
    assert SECRET not in tgd.log.read_text()


@pytest.mark.sandbox("--mtproxy", SECRET)
@pytest.mark.parametrize("secret,mode", [(SECRET, "plain"), ("dd" + SECRET, "padded")])
def test_plain_and_padded(tgd, sandbox, secret, mode):
    assert use(tgd, sandbox, secret)["mode"] == mode
    everything_works(tgd, sandbox)


@pytest.mark.sandbox("--mtproxy", "dd" + SECRET)
def test_a_door_for_padded_only(tgd, sandbox):
    d = door(sandbox)
    tgd.refuses("NOT_CONNECTED", "testProxy", kind="mtproxy", host=d["host"], port=d["port"], secret=SECRET)
    use(tgd, sandbox, "dd" + SECRET)


@pytest.mark.sandbox("--mtproxy", TLS)
def test_fake_tls(tgd, sandbox):
    assert use(tgd, sandbox, TLS)["mode"] == "tls"
    everything_works(tgd, sandbox)


@pytest.mark.sandbox("--mtproxy", TLS)
def test_secrets_that_are_refused(tgd, sandbox):
    d = door(sandbox)
    bad = [SECRET, "dd" + SECRET, "ee" + WRONG + b"example.com".hex(), "ee" + SECRET + b"example.org".hex()]
    for secret in bad:
        e = tgd.refuses("NOT_CONNECTED", "testProxy", kind="mtproxy", host=d["host"], port=d["port"], secret=secret)
        assert "closed" in str(e), e
    link = f"https://t.me/proxy?server={d['host']}&port={d['port']}&secret={TLS}"
    assert tgd.call("testProxy", link=link)["proxy"]["mode"] == "tls"
    # what is set and wrong connects nobody, by no other way either
    before = sandbox("stats")["calls"]
    tgd.call("setProxy", kind="mtproxy", host=d["host"], port=d["port"], secret=bad[2])
    tgd.refuses("TIMEOUT", "getDialogs", **{"@timeout": 2})
    assert sandbox("stats")["calls"] == before
    tgd.call("setProxy", kind="default")
    tgd.call("waitReady", wait=20)


@pytest.mark.sandbox("--mtproxy", TLS)
def test_a_web_server_behind_the_address(tgd, folder):
    """Whoever answers in TLS but has no secret is left: here a program that shows a page."""
    port_file = folder / "port"
    script = ("import socket,sys;s=socket.create_server(('127.0.0.1',0));open(sys.argv[1],'w').write(str(s.getsockname()[1]));"
              "\nwhile True:\n c,_=s.accept();c.recv(4096);c.sendall(b'HTTP/1.1 400 Bad Request\\r\\n\\r\\n');c.close()")
    with subprocess.Popen(["python3", "-c", script, port_file]) as web:
        try:
            port = int(harness.wait_until("the port", lambda: port_file.exists() and port_file.read_text()))
            e = tgd.refuses("NOT_CONNECTED", "testProxy", kind="mtproxy", host="127.0.0.1", port=port, secret=TLS)
            assert "does not prove" in str(e)
        finally:
            web.kill()
