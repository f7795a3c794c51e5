"""The socket contract, sections 1 and 2, byte by byte; hostile clients."""
import json
import socket
import time

import pytest
from harness import Lines


def raw(daemon, data, half_close=True):
    """Everything the daemon answers to these bytes."""
    with Lines(daemon.socket) as c:
        c.send(data)
        if half_close:
            c.sock.shutdown(socket.SHUT_WR)
        lines = []
        while (line := c.line()) is not None:
            lines.append(json.loads(line))
        return lines


INFO = b'{"id":1,"method":"getInfo"}'


def test_no_newline_no_id_no_jsonrpc_is_answered(daemon):
    (answer,) = raw(daemon, b'{"method":"getInfo"}')
    assert answer["id"] is None and answer["result"]["name"] == "tgd"


def test_a_notification_is_silent(daemon):
    assert raw(daemon, b'{"jsonrpc":"2.0","method":"getInfo"}\n') == []


def test_two_requests_in_one_write_and_one_over_several_lines(daemon):
    answers = raw(daemon, b'{"id":1,"method":"getInfo"}{"id":2,\r\n\r\n"method":\n"getInfo"}\n\n{"id":"x","method":"getInfo"}')
    assert sorted(str(a["id"]) for a in answers) == ["1", "2", "x"]


def test_a_request_cut_into_single_bytes(daemon):
    with Lines(daemon.socket) as c:
        for b in INFO + b"\n":
            c.send(bytes([b]))
        assert c.receive()["id"] == 1


@pytest.mark.parametrize("literal", ["12345678901234567890123", '"a\\u00e9\\u0022"', "1.50", "null", "-0"])
def test_an_id_comes_back_byte_for_byte(daemon, literal):
    with Lines(daemon.socket) as c:
        c.send(f'{{"id":{literal},"method":"getInfo"}}\n'.encode())
        assert f'"id":{literal},' in c.line()


def test_broken_json_costs_only_itself(daemon):
    answers = raw(daemon, b'{"id":1,"method":\ngarbage here\n' + INFO + b"\n")
    assert answers[0]["error"]["code"] == -32700 and answers[0]["id"] is None
    assert answers[-1]["result"]["name"] == "tgd"


def test_http_is_told_so(daemon):
    (answer,) = raw(daemon, b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
    assert "HTTP" in answer["error"]["message"]


def test_a_batch_is_one_array(daemon):
    (answers,) = raw(daemon, b'[{"id":1,"method":"getInfo"},{"id":2,"method":"nope"},{"id":3,"method":"subscribe"}]\n')
    by_id = {a["id"]: a for a in answers}
    assert by_id[1]["result"] and by_id[2]["error"]["code"] == -32601 and by_id[3]["error"]


def test_unknown_things_are_named_with_the_nearest(daemon):
    for request, word in [(b'{"id":1,"method":"getInfos"}', "getInfo"),
                          (b'{"id":1,"method":"help","params":{"metod":"x"}}', "method"),
                          (b'{"id":1,"method":"getInfo","acount":"x"}', "account"),
                          (b'{"id":1,"method":"messages.getHistroy"}', "messages.getHistory")]:
        (answer,) = raw(daemon, request)
        assert word in answer["error"]["message"], answer


def test_names_twice_and_nul_are_refused(daemon):
    for request in (b'{"id":1,"id":2,"method":"getInfo"}', b'{"id":1,"method":"help","params":{"method":"a\\u0000b"}}',
                    b'{"id":1,"method":"help","params":{"method":"\\ud800"}}'):
        (answer,) = raw(daemon, request)
        assert answer["error"]["code"] in (-32700, -32600, -32602), answer


def rss(daemon):
    for line in open(f"/proc/{daemon.process.pid}/status", encoding="ascii"):
        if line.startswith("RssAnon"):
            return int(line.split()[1])
    raise AssertionError


@pytest.mark.parametrize("what", ["objects", "arrays", "digits", "string"])
def test_sixteen_mebibytes_of_nonsense_are_refused_and_given_back(daemon, what):
    size = 16 * 1024 * 1024 + 64
    data = {"objects": b"[" + b"{}," * (size // 3), "arrays": b"[" * size, "digits": b"1" * size,
            "string": b'"' + b"a" * size}[what]
    before = rss(daemon)
    with Lines(daemon.socket) as c:
        try:
            c.send(data)
        except (BrokenPipeError, ConnectionResetError):
            pass
        start = time.monotonic()
        answer = c.receive()
        assert answer is None or answer["error"], answer
        assert time.monotonic() - start < 5
    assert daemon.call("getInfo")["name"] == "tgd"
    assert rss(daemon) - before < 40 * 1024  # sanitizers hold freed memory back


def test_two_hundred_connections_pipeline_and_one_never_reads(daemon):
    deaf = Lines(daemon.socket)
    deaf.sock.settimeout(0.2)
    with pytest.raises(TimeoutError):
        while True:
            deaf.send(b'{"id":1,"method":"help"}\n' * 200)
    clients = [Lines(daemon.socket) for _ in range(200)]
    for c in clients:
        c.send(b"".join(b'{"id":%d,"method":"getInfo"}\n' % i for i in range(100)))
    for c in clients:
        assert sorted(c.receive()["id"] for _ in range(100)) == list(range(100))
        c.close()
    assert daemon.call("getInfo")["name"] == "tgd"
    deaf.close()


def test_a_live_socket_is_never_taken_and_a_stale_one_is(daemon, sandbox, folder):
    import harness
    second = harness.subprocess.run([harness.BIN["tgd"], "--state-dir", folder / "other", "--socket", daemon.socket,
                                     "--servers", sandbox.dir / "servers.json"], capture_output=True, text=True,
                                    timeout=20, check=False)
    assert second.returncode == 1 and "another process listens" in second.stderr
    same = harness.subprocess.run([harness.BIN["tgd"], "--state-dir", folder / "state", "--socket", folder / "b.sock",
                                   "--servers", sandbox.dir / "servers.json"], capture_output=True, text=True,
                                  timeout=20, check=False)
    assert same.returncode == 3 and str(daemon.process.pid) in same.stderr
    daemon.kill()
    assert daemon.socket.exists()
    daemon.start()
    assert daemon.call("getInfo")["name"] == "tgd"
