"""Slow, dead and hostile clients: none costs another one anything (design.md section 6)."""
import contextlib
import json
import os
import resource
import signal
import socket
import subprocess

import harness
from harness import Lines


def fill(sandbox, n, text="x"):
    for i in range(n):
        sandbox("sendAs", **{"from": "@alice", "to": "@bob", "text": f"{text}{i}"})


def subscriber(bob, **params):
    """A process of its own that subscribes and copies what comes to its output."""
    process = subprocess.Popen(["socat", "-t600", "-", f"UNIX:{bob.socket}"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    process.stdin.write((json.dumps({"id": 1, "method": "subscribe", "params": params}) + "\n").encode())
    process.stdin.flush()
    assert b'"subscription":1' in process.stdout.readline()
    return process


def test_a_holder_that_is_stopped_holds_up_nobody_and_is_taken_over(bob, sandbox):
    holder = subscriber(bob, name="bot", types=["message"])
    try:
        fill(sandbox, 1, "first")
        assert b"first0" in holder.stdout.readline()
        holder.send_signal(signal.SIGSTOP)
        with bob.subscribe(types=["message"]) as other:
            fill(sandbox, 150, "y" * 3000)  # more than is pushed ahead of a reader
            for i in range(150):
                assert other.event()["message"]["text"] == "y" * 3000 + str(i)
        assert bob.call("getMetrics")["clients"]["bytes"] < 1_000_000
        busy = bob.refuses("BUSY", "subscribe", name="bot", types=["message"])
        assert str(holder.pid) in str(busy)
        bob.refuses("BUSY", "getEvents", name="bot")
        with bob.subscribe(name="bot", types=["message"], takeover=True) as heir:
            texts = [heir.event()["message"]["text"] for _ in range(151)]  # nothing was acked
            assert texts == ["first0"] + ["y" * 3000 + str(i) for i in range(150)]
        holder.send_signal(signal.SIGCONT)  # what had left before, then the reason
        line = b""
        while b'"closed"' not in line:
            line = holder.stdout.readline()
        assert json.loads(line)["params"] == {"subscription": 1, "reason": "takeover"}
    finally:
        holder.send_signal(signal.SIGCONT)
        holder.kill()
        holder.communicate()


def test_an_ack_comes_over_any_connection_and_none_moves_back(bob, sandbox):
    with bob.subscribe(name="bot", types=["message"]) as holder:
        fill(sandbox, 3)
        cursors = [holder.event()["cursor"] for _ in range(3)]
        assert bob.call("ack", name="bot", cursor=cursors[1])["cursor"] == cursors[1]
        assert bob.call("ack", name="bot", cursor=cursors[0])["cursor"] == cursors[1]  # cumulative
    assert [e["message"]["text"] for e in bob.call("getEvents", name="bot", types=["message"])["items"]] == ["x2"]


def test_a_name_that_never_acks_is_told_again_from_its_place(bob, sandbox):
    bob.call("getEvents", name="deaf")
    fill(sandbox, 5)
    for _ in range(3):
        with bob.subscribe(name="deaf", types=["message"]) as c:
            assert [c.event()["message"]["text"] for _ in range(5)] == [f"x{i}" for i in range(5)]


def test_a_pattern_that_explodes_matches_nothing_and_stops_nobody(bob, sandbox):
    with bob.subscribe(types=["message"], text={"pattern": "^(?:(?:(?:a+)+)+)+$"}) as bad, \
            bob.subscribe(types=["message"], text={"contains": "aaa"}) as good:
        sandbox("sendAs", **{"from": "@alice", "to": "@bob", "text": "a" * 4000 + "!"})
        sandbox("sendAs", **{"from": "@alice", "to": "@bob", "text": "aaaa"})
        assert good.event()["message"]["text"].endswith("!")
        assert good.event()["message"]["text"] == "aaaa"
        assert bad.event()["message"]["text"] == "aaaa"


def test_who_reads_single_bytes_gets_every_byte(bob):
    expected = bob.call("rpc.discover", prefix="get")
    with contextlib.closing(socket.socket(socket.AF_UNIX)) as s:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
        s.connect(str(bob.socket))
        s.settimeout(harness.DEADLINE)
        s.sendall(b'{"id":1,"method":"rpc.discover","params":{"prefix":"get"}}\n')
        got = bytearray()
        while not got.endswith(b"\n"):
            got += s.recv(1)
    assert json.loads(got)["result"] == expected


def test_a_flood_of_junk_costs_its_sender_alone(bob):
    """It is not read while its errors are not; then each stretch has had one, and the connection still serves."""
    junk, n = b"}{,\n{]\n", 60_000
    with bob.lines() as flood:
        flood.sock.setblocking(False)
        sent = 0
        with contextlib.suppress(BlockingIOError):
            while sent < n * len(junk):
                sent += flood.sock.send((junk * n)[sent:sent + 65536])
        assert sent < n * len(junk)  # it was paused
        assert bob.call("getMetrics")["clients"]["bytes"] < 4_000_000
        flood.sock.settimeout(harness.DEADLINE)
        sent_in_full = sent - sent % len(junk)
        rest = junk[sent - sent_in_full:] if sent != sent_in_full else b""
        errors = 0
        answer = None
        flood.sock.settimeout(harness.DEADLINE)
        pid = os.fork()
        if pid == 0:  # writes while we read
            flood.sock.sendall(rest + b'\n{"id":"end","method":"getInfo"}\n')
            os._exit(0)
        while answer is None:
            line = flood.receive()
            if line.get("id") == "end":
                answer = line
            else:
                assert line["error"]["code"] == -32700 and line["id"] is None
                errors += 1
        os.waitpid(pid, 0)
        assert answer["result"]["name"] == "tgd"
        assert errors > 1000


def test_connections_that_come_and_go_leave_nothing(bob):
    before = bob.call("getMetrics")
    for _ in range(200):
        batch = [Lines(bob.socket) for _ in range(25)]
        batch[0].send(b'{"id":1,"method":"getI')  # half a request
        batch[1].send(b'{"id":1,"method":"waitEvent","params":{"wait":600}}\n')
        batch[2].send(b'{"id":1,"method":"subscribe"}\n{"id":1,"method":"rpc.discover"}\n')
        for c in batch:
            c.close()
    harness.wait_until("they are gone", lambda: bob.call("getMetrics")["clients"]["connections"] == 1)
    after = bob.call("getMetrics")
    assert after["clients"]["accepted"] >= before["clients"]["accepted"] + 5000
    assert after["descriptors"] == before["descriptors"]
    assert after["clients"]["requests"] == before["clients"]["requests"]


def test_without_descriptors_new_clients_wait_and_old_ones_are_served(bob):
    soft, hard = 80, 80
    resource.prlimit(bob.process.pid, resource.RLIMIT_NOFILE, (soft, hard))
    with contextlib.ExitStack() as held:
        clients = [held.enter_context(bob.lines()) for _ in range(100)]
        for c in clients:
            c.send({"id": 1, "method": "getInfo"})
        served = [c for c in clients[:20] if c.receive()["result"]]
        assert len(served) == 20
        last = clients[-1]
        assert last.quiet()
        for c in clients[:60]:
            c.close()
        assert last.receive()["result"]["name"] == "tgd"  # it waited in the backlog
        served[-1] = clients[70]
        clients[70].receive()
        clients[70].send({"id": 2, "method": "getInfo"})
        assert clients[70].receive()["id"] == 2


def test_a_thousand_clients_at_once_each_do_something(bob):
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard < 2500:
        raise AssertionError("this machine allows no 2,500 descriptors")
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    try:
        with contextlib.ExitStack() as held:
            clients = [held.enter_context(bob.lines()) for _ in range(1000)]
            for i, c in enumerate(clients):
                c.send({"id": i, "method": "subscribe", "params": {"types": ["message"]}} if i % 2 else
                       {"id": i, "method": "help.getNearestDc", "params": {}})
            for i, c in enumerate(clients):
                answer = c.receive()
                assert answer["id"] == i and "result" in answer
            assert bob.call("getMetrics")["clients"]["connections"] == 1001
            sent = bob.call("sendMessage", chat_id="@alice", text="to all")
            for c in clients[1::2]:
                assert c.event()["message"]["id"] == sent["id"]
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
