"""Ways out: real proxy programs of Debian between tgd and the sandbox, and nothing beside them."""
import contextlib
import pathlib
import shutil
import signal
import socket
import subprocess

import pytest

import harness

USER, PASSWORD = "proxyuser", "pr0xy-pass-w0rd"


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def listens(port):
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
        return True
    return False


class Proxy:
    """A proxy program on loopback."""

    def __init__(self, folder, command, port):
        self.port = port
        self.command = command
        self.log = folder / "proxy.txt"
        self.start()

    def start(self):
        self.out = open(self.log, "ab")
        self.process = subprocess.Popen(self.command, stdout=self.out, stderr=self.out)
        harness.wait_until("the proxy", lambda: listens(self.port))

    def stop(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGKILL)
        self.process.wait(harness.DEADLINE)
        self.out.close()


def microsocks(folder, *options):
    if not shutil.which("microsocks"):
        pytest.skip("microsocks is not installed")
    port = free_port()
    return Proxy(folder, ["microsocks", "-i", "127.0.0.1", "-p", str(port), *options], port)


def tinyproxy(folder, *lines):
    if not shutil.which("tinyproxy"):
        pytest.skip("tinyproxy is not installed")
    port = free_port()
    conf = folder / "tinyproxy.conf"
    conf.write_text("\n".join([f"Port {port}", "Listen 127.0.0.1", "Timeout 600", "MaxClients 20", *lines, ""]))
    return Proxy(folder, ["tinyproxy", "-d", "-c", str(conf)], port)


@pytest.fixture
def socks(folder):
    p = microsocks(folder)
    yield p
    p.stop()


@pytest.fixture
def socks_with_password(folder):
    p = microsocks(folder, "-u", USER, "-P", PASSWORD)
    yield p
    p.stop()


@pytest.fixture
def http(folder):
    p = tinyproxy(folder)
    yield p
    p.stop()


@pytest.fixture
def http_with_password(folder):
    p = tinyproxy(folder, f"BasicAuth {USER} {PASSWORD}")
    yield p
    p.stop()


def conns_of(sandbox):
    return sandbox("stats")["protocol"]["connections"]


def connected(tgd):
    return tgd.call("listAccounts")["items"][0]["connected"]


def stands_still(pid):
    """A signal reaches threads that run a little later."""
    tasks = pathlib.Path(f"/proc/{pid}/task").iterdir()
    return all((task / "stat").read_text().rsplit(")", 1)[1].split()[0] == "T" for task in tasks)


def goes_through(tgd, sandbox, proxy):
    """A message there and back, while every connection is one of the proxy's."""
    sent = tgd.call("sendMessage", chat_id="@alice", text="through it")
    assert sent["text"] == "through it"
    proxy.process.send_signal(signal.SIGSTOP)  # all connections stand still with it
    harness.wait_until("the proxy stands still", lambda: stands_still(proxy.process.pid))
    try:
        before = sandbox("stats")["calls"]
        tgd.refuses("TIMEOUT", "getDialogs", **{"@timeout": 1})
        assert sandbox("stats")["calls"] == before
    finally:
        proxy.process.send_signal(signal.SIGCONT)


def use(tgd, proxy, **more):
    shown = tgd.call("setProxy", host="127.0.0.1", port=proxy.port, **more)
    harness.wait_until("a connection through the proxy", lambda: connected(tgd))
    return shown


def no_secret(tgd, *secrets):
    text = tgd.log.read_text()
    for secret in secrets:
        assert secret not in text


def test_socks5(tgd, sandbox, socks):
    assert use(tgd, socks, kind="socks5") == {"kind": "socks5", "host": "127.0.0.1", "port": socks.port, "source": "all"}
    assert tgd.call("listAccounts")["items"][0]["proxy"] == f"socks5://127.0.0.1:{socks.port}"
    goes_through(tgd, sandbox, socks)
    assert tgd.call("testProxy")["proxy"]["kind"] == "socks5"


def test_socks5_with_a_password(tgd, sandbox, socks_with_password):
    e = tgd.refuses("NOT_CONNECTED", "testProxy", kind="socks5", host="127.0.0.1", port=socks_with_password.port)
    assert "user and a password" in str(e)
    e = tgd.refuses("NOT_CONNECTED", "testProxy", kind="socks5", host="127.0.0.1", port=socks_with_password.port, user=USER,
                    password="wr0ng-pass-w0rd")
    shown = use(tgd, socks_with_password, kind="socks5", user=USER, password=PASSWORD)
    assert shown["user"] == USER and "password" not in shown
    goes_through(tgd, sandbox, socks_with_password)
    no_secret(tgd, PASSWORD, "wr0ng-pass-w0rd")


def test_http(tgd, sandbox, http):
    use(tgd, http, kind="http")
    goes_through(tgd, sandbox, http)


def test_http_with_a_password(tgd, sandbox, http_with_password):
    e = tgd.refuses("NOT_CONNECTED", "testProxy", kind="http", host="127.0.0.1", port=http_with_password.port)
    assert " 407" in str(e) or " 401" in str(e), e
    result = tgd.call("testProxy", link=f"http://{USER}:{PASSWORD}@127.0.0.1:{http_with_password.port}")
    assert result["ok"] and result["dc_id"] == 2
    use(tgd, http_with_password, kind="http", user=USER, password=PASSWORD)
    goes_through(tgd, sandbox, http_with_password)
    no_secret(tgd, PASSWORD)


def test_a_name_is_resolved_and_a_bad_one_told(tgd, socks):
    assert tgd.call("testProxy", kind="socks5", host="localhost", port=socks.port)["ok"]
    e = tgd.refuses("NOT_CONNECTED", "testProxy", kind="socks5", host="no-such-host.invalid", port=1080)
    assert "the proxy's name" in str(e)
    e = tgd.refuses("NOT_CONNECTED", "testProxy", kind="http", host="127.0.0.1", port=socks.port)
    assert "no HTTP proxy" in str(e) or "closed" in str(e)


def test_a_proxy_that_is_gone_is_never_gone_around(tgd, sandbox, socks):
    use(tgd, socks, kind="socks5")
    conns = conns_of(sandbox)
    with tgd.subscribe(types=["connection"]) as c:
        socks.stop()
        gone = c.event("connection")["connection"]
        assert not gone["connected"]
        while "refused" not in gone.get("reason", ""):
            gone = c.event("connection")["connection"]
        tgd.refuses("TIMEOUT", "getDialogs", **{"@timeout": 2})
        assert conns_of(sandbox) == conns  # nobody came by another way
        socks.start()
        while not c.event("connection")["connection"]["connected"]:
            pass
    assert conns_of(sandbox) > conns


def test_kept_over_restarts_and_stronger_for_one_account(tgd, sandbox, socks, folder):
    use(tgd, socks, kind="socks5")
    tgd.stop()
    socks.stop()
    conns = conns_of(sandbox)
    (folder / "state" / "state.db").unlink()  # losing it must not mean going out directly
    tgd.start()
    assert tgd.call("getProxy")["source"] == "all"
    tgd.refuses("TIMEOUT", "waitReady", wait=1)
    assert conns_of(sandbox) == conns
    assert tgd.call("setProxy", account="main", kind="direct") == {"kind": "direct", "source": "account"}
    tgd.call("waitReady", wait=20)
    assert tgd.call("getProxy")["kind"] == "socks5" and tgd.call("getProxy", account="main")["kind"] == "direct"
    assert tgd.call("setProxy", account="main", kind="default")["source"] == "all"
    harness.wait_until("the proxy counts again", lambda: not connected(tgd))
    assert tgd.call("setProxy", kind="default")["source"] == "none"
    tgd.call("waitReady", wait=20)


def test_a_proxy_of_the_configuration(tgd, sandbox, socks_with_password, folder):
    secret = f"socks5://{USER}:{PASSWORD}@127.0.0.1:{socks_with_password.port}"
    conf = folder / "tgd.conf"
    tgd.stop()
    conf.write_text(f"[daemon]\nproxy = {secret}\n")
    tgd.command += ["--config", conf]
    tgd.start()
    tgd.call("waitReady", wait=20)
    assert tgd.call("getProxy")["source"] == "config"
    goes_through(tgd, sandbox, socks_with_password)
    item = [i for i in tgd.call("getConfig")["items"] if i["name"] == "daemon.proxy"][0]
    assert item["value"] == "set"
    conf.write_text(f"[daemon]\nproxy = {secret}\n[account main]\nproxy = direct\n")
    tgd.call("reload")
    harness.wait_until("the account goes its own way", lambda: tgd.call("getProxy", account="main")["kind"] == "direct")
    tgd.call("waitReady", wait=20)
    assert "proxy" not in tgd.call("listAccounts")["items"][0]
    no_secret(tgd, PASSWORD)
    conf.write_text("[daemon]\nproxy = gopher://x\n")
    bad = subprocess.run([*tgd.command, "--check-config"], capture_output=True, text=True, check=False)
    assert bad.returncode == 1 and "proxy" in bad.stderr


@pytest.mark.parametrize("params,where", [
    ({}, "kind"),
    ({"kind": "socks5"}, "host"),
    ({"kind": "mtproxy", "host": "h"}, "secret"),
    ({"kind": "mtproxy", "host": "h", "secret": "00"}, "secret"),
    ({"kind": "mtproxy", "host": "h", "secret": "dd" + 32 * "0", "user": "x"}, "user"),
    ({"kind": "socks5", "host": "h", "secret": 32 * "0"}, "secret"),
    ({"kind": "socks5", "host": "h h"}, "host"),
    ({"kind": "socks5", "host": "h", "user": "u"}, "password"),
    ({"kind": "direct", "host": "h"}, "host"),
    ({"kind": "socks5", "link": "socks5://h"}, "kind"),
    ({"link": "gopher://h"}, "link"),
    ({"link": "mtproxy://h:1?secret=deadbeefdeadbeef"}, "link"),
])
def test_what_is_no_proxy(daemon, params, where):
    e = daemon.refuses("INVALID_PARAMS", "setProxy", **params)
    assert where in str(e)
    assert "deadbeef" not in str(e)
    assert daemon.call("getProxy") == {"kind": "direct", "source": "none"}
