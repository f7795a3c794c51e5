"""Figures of many clients: connections, subscriptions, and a named one that comes back after a million events."""
import json
import resource
import sqlite3
import threading
import time

import figures
import harness

LIMITS = "[daemon]\njournal_events = 4000000\njournal_mib = 2048\n"


def connections(daemon, n):
    """n at once, each with a subscription and a request of its own that is answered."""
    pid = daemon.process.pid
    before, cpu, begin = figures.status(pid, "RssAnon"), figures.cpu_us(pid), time.perf_counter()
    held = [harness.Lines(daemon.socket) for _ in range(n)]
    for c in held:
        c.send(b'{"id":1,"method":"subscribe","params":{"types":["message"]}}\n{"id":2,"method":"help.getNearestDc"}\n')
    for c in held:
        if {json.loads(c.line())["id"], json.loads(c.line())["id"]} != {1, 2}:
            raise RuntimeError("not answered")
    took, cpu = time.perf_counter() - begin, figures.cpu_us(pid) - cpu
    after = figures.status(pid, "RssAnon")
    for c in held:
        c.close()
    return {"connections": n, "seconds": round(took, 2), "cpu_us_each": round(cpu / n, 1),
            "rss_anon_kib_each": round((after - before) / n, 2)}


def subscriptions(daemon, sandbox, conns, each, matching, updates):
    """An update where `matching` of conns * each subscriptions want it: CPU of the daemon, and memory."""
    pid = daemon.process.pid
    before, begin = figures.status(pid, "RssAnon"), time.perf_counter()
    held = [harness.Lines(daemon.socket) for _ in range(conns)]
    number = 0
    for c in held:
        for first in range(0, each, 50):  # as many in flight as are taken
            lines = []
            for _ in range(first, min(first + 50, each)):
                number += 1
                chat = "@bob" if number <= matching else 10_000_000 + number
                lines.append(json.dumps({"id": 1, "method": "subscribe", "params": {"chats": [chat], "types": ["message"]}}))
            c.send(("\n".join(lines) + "\n").encode())
            for _ in lines:
                if '"result"' not in c.line()[:60]:
                    raise RuntimeError("refused")
    made = time.perf_counter() - begin
    after, stalls = figures.status(pid, "RssAnon"), []
    cpu, quiet = figures.cpu_us(pid), figures.Client(daemon)
    for i in range(updates):
        sandbox("sendAs", **{"from": "@bob"}, to="@alice", text=f"n {i}")
        stalls += quiet.timed(1, "getInfo")
    cpu = figures.cpu_us(pid) - cpu
    wanted, got = matching * updates, 0
    for c in held:
        for _ in range(min(matching, each) * updates if got < wanted else 0):
            c.line()
            got += 1
    turns = quiet.call("getMetrics")["turns"]
    for c in held:
        c.close()
    return {"subscriptions": number, "connections": conns, "matching": matching, "made_in_s": round(made, 2),
            "rss_anon_kib_each": round((after - before) / number, 2), "cpu_us_an_update": round(cpu / updates, 1),
            "quiet_client": figures.spread(stalls), "turns": turns}


def fill_journal(daemon, n):
    """n events of the account as the journal keeps them, written while nobody has it open."""
    with sqlite3.connect(daemon.folder / "state/state.db") as db:
        last = db.execute("SELECT max(number) FROM journal").fetchone()[0] or 0
        account, seq, total = db.execute("SELECT account_id, seq, total FROM journal ORDER BY number DESC LIMIT 1").fetchone()
        now = int(time.time())
        body = ('"key":"message/5/%d","account":"main","type":"message","time":%d,"message":{"id":%d,"chat_id":5,"chat_type":'
                '"user","chat_title":"Somebody","sender_id":5,"sender_name":"Somebody","date":%d,"out":false,"text":"a line of '
                'text as people write it"}')
        rows = ((last + i, account, seq + i, total + 400 * i, now, 0, "message", 5, 5, 1, now, 0, (body % (i, now, i, now)).encode(),
                 None) for i in range(1, n + 1))
        db.executemany("INSERT INTO journal VALUES(?,?,?,?,?,?,?,?,?,?,?,?,?,?)", rows)
    db.close()


def comeback(daemon, n):
    """A name whose place is n events behind: until it has them all, with another client asking meanwhile."""
    daemon.call("getEvents", name="late", since="oldest", limit=1)
    daemon.stop()
    fill_journal(daemon, n)
    start = figures.start(daemon)
    daemon.call("waitReady", wait=30)
    pid, asked, most, end = daemon.process.pid, [], [0], threading.Event()
    before = figures.status(pid, "RssAnon")

    def others():
        quiet = figures.Client(daemon)
        while not end.is_set():
            asked.extend(quiet.timed(1, "getInfo"))
            most[0] = max(most[0], figures.status(pid, "RssAnon"))
            end.wait(0.01)

    thread = threading.Thread(target=others)
    thread.start()
    cpu, begin, got = figures.cpu_us(pid), time.perf_counter(), 0
    with daemon.subscribe(name="late", types=["message"]) as c:
        got = c.buf.count(b"\n")
        while got < n:
            got += c.sock.recv(1 << 20).count(b"\n")
    took, cpu = time.perf_counter() - begin, figures.cpu_us(pid) - cpu
    end.set()
    thread.join()
    return {"events": n, "start_ms": start, "per_second": round(n / took), "cpu_us_each": round(cpu / n, 2),
            "rss_anon_kib_more": most[0] - before, "quiet_client": figures.spread(asked),
            "turns": daemon.call("getMetrics")["turns"]}


def of_daemon(folder, quick):
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    (folder / "tgd.conf").write_text(LIMITS)
    sandbox = harness.Sandbox(folder, 1)
    daemon = harness.Daemon(folder, sandbox, "--log-level", "info", "--config", folder / "tgd.conf")
    try:
        daemon.log_in(figures.PEER)
        daemon.call("waitReady", wait=10)
        sandbox("sendAs", **{"from": "@bob"}, to="@alice", text="first")
        n = 20 if quick else 200
        out = {"connections": connections(daemon, 1000)}
        out["subscriptions"] = [subscriptions(daemon, sandbox, *shape, 10, n)
                                for shape in ((1, 10), (100, 10 if quick else 100), (1, 1000 if quick else 10000))]
        out["comeback"] = comeback(daemon, 50_000 if quick else 1_000_000)
        daemon.stop()
    finally:
        daemon.process.kill()
        sandbox.stop()
    return out
