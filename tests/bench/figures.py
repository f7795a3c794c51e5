"""Figures of a running tgd on the sandbox: what it costs in time, memory and wake-ups."""
import glob
import json
import os
import re
import statistics
import subprocess
import sys
import time

import harness

PEER = "9996620001"  # Alice, who is there from the start; Bob writes to her


def status(pid, key):
    with open(f"/proc/{pid}/status", encoding="ascii") as f:
        return int(re.search(rf"^{key}:\s+(\d+)", f.read(), re.M).group(1))


def cpu_us(pid):
    """CPU time of all threads so far, from the scheduler."""
    total = 0
    for path in glob.glob(f"/proc/{pid}/task/*/schedstat"):
        with open(path, encoding="ascii") as f:
            total += int(f.read().split()[0])
    return total / 1000


def wake_ups(pid):
    total = 0
    for path in glob.glob(f"/proc/{pid}/task/*/status"):
        with open(path, encoding="ascii") as f:
            total += int(re.search(r"^voluntary_ctxt_switches:\s+(\d+)", f.read(), re.M).group(1))
    return total


def spread(seconds):
    """Milliseconds: median, 99th percentile, longest."""
    ms = sorted(s * 1000 for s in seconds)
    return {"p50_ms": round(statistics.median(ms), 3), "p99_ms": round(ms[min(len(ms) - 1, len(ms) * 99 // 100)], 3),
            "max_ms": round(ms[-1], 3)}


class Client:
    """One connection that is kept; no check of schemas, which would be most of the time."""

    def __init__(self, daemon):
        self.lines = harness.Lines(daemon.socket)

    def call(self, method, **params):
        self.lines.send({"id": 1, "method": method, "params": params})
        answer = json.loads(self.lines.line())
        if "error" in answer:
            raise harness.RpcError(answer["error"])
        return answer["result"]

    def timed(self, n, method, **params):
        took = []
        for _ in range(n):
            begin = time.perf_counter()
            self.call(method, **params)
            took.append(time.perf_counter() - begin)
        return took

    def pipelined(self, n, method, **params):
        """n requests, as many in flight as the daemon takes; seconds in all."""
        line = (json.dumps({"id": 1, "method": method, "params": params}) + "\n").encode()
        begin = time.perf_counter()
        for _ in range(n // 50):
            self.lines.send(line * 50)
            for _ in range(50):
                answer = self.lines.line()
                if '"error"' in answer[:200]:
                    raise RuntimeError(answer)
        return time.perf_counter() - begin


def start(daemon):
    """Stops it, starts it again: milliseconds until the socket answers a request."""
    daemon.stop()
    begin = time.perf_counter()
    daemon.start()
    Client(daemon).call("getInfo")
    return round((time.perf_counter() - begin) * 1000, 1)


def idle(daemon, seconds):
    """What it does when nothing happens; the window begins after a moment of rest."""
    pid = daemon.process.pid
    time.sleep(2)
    wakes, cpu, begin = wake_ups(pid), cpu_us(pid), time.monotonic()
    time.sleep(seconds)
    took = time.monotonic() - begin
    return {"seconds": round(took), "wake_ups_per_minute": round((wake_ups(pid) - wakes) * 60 / took, 1),
            "cpu_us_per_minute": round((cpu_us(pid) - cpu) * 60 / took), "rss_anon_kib": status(pid, "RssAnon"),
            "rss_kib": status(pid, "VmRSS")}


def requests(daemon, n):
    pid, client = daemon.process.pid, Client(daemon)
    client.timed(50, "help.getNearestDc")
    out = {"local": spread(client.timed(n, "getInfo"))}
    cpu = cpu_us(pid)
    out["raw"] = spread(client.timed(n, "help.getNearestDc"))
    out["raw_cpu_us"] = round((cpu_us(pid) - cpu) / n, 1)
    cpu = cpu_us(pid)
    took = client.pipelined(n, "help.getNearestDc")
    out["pipelined"] = {"raw_cpu_us": round((cpu_us(pid) - cpu) / n, 1), "per_second": round(n / took)}
    return out


def program(name, *args):
    done = subprocess.run([harness.BUILD / "tests/bench" / name, *map(str, args)], capture_output=True, text=True, timeout=120,
                          check=True)
    return json.loads(done.stdout)


def beside_engine(daemon, sandbox, n, rounds=5):
    """
    A raw request by a program in C through the daemon, and by one that links the engine, in turns: microseconds. The
    budget is the ratio of the two within a round.
    """
    sandbox.user(phone="9996624242", name="Engine")
    out = {"asked": [], "engine_alone": []}
    for _ in range(rounds):
        out["asked"].append(program("bench_asks", daemon.socket, "help.getNearestDc", n))
        out["engine_alone"].append(program("bench_alone", sandbox.dir / "servers.json", "9996624242", "22222", n))
    return out


def updates(daemon, sandbox, subscribers, n):
    """n messages that somebody sends to us, until the last subscriber has them all."""
    pid = daemon.process.pid
    conns = [daemon.subscribe(types=["message"], direction="in") for _ in range(subscribers)]
    quiet, stalls = Client(daemon), []
    begin, cpu = time.perf_counter(), cpu_us(pid)
    for i in range(n):
        sandbox.control.send({"id": i, "method": "sendAs", "params": {"from": "@bob", "to": "@alice", "text": f"n {i}"}})
        if i % 50 == 49:
            stalls += quiet.timed(1, "getInfo")
            for _ in range(50):
                sandbox.control.line()
    for conn in conns:
        for _ in range(n):
            conn.line()
    took, cpu = time.perf_counter() - begin, cpu_us(pid) - cpu
    for conn in conns:
        conn.close()
    return {"subscribers": subscribers, "per_second": round(n / took), "cpu_us": round(cpu / n, 1), "quiet_client": spread(stalls)}


def gap(daemon, sandbox, n):
    """An update is lost: from the next one, which shows it, until both are told."""
    seconds = []
    with daemon.subscribe(types=["message"], direction="in") as conn:
        for i in range(n):
            sandbox("fault", do="gap")
            sandbox("sendAs", **{"from": "@bob"}, to="@alice", text=f"lost {i}")
            begin = time.perf_counter()
            sandbox("sendAs", **{"from": "@bob"}, to="@alice", text=f"next {i}")
            texts = [conn.event()["message"]["text"] for _ in range(2)]
            seconds.append(time.perf_counter() - begin)
            if texts != [f"lost {i}", f"next {i}"]:
                raise RuntimeError(f"not recovered: {texts}")
    return spread(seconds)


LOUD = """
import json, selectors, socket, sys
sel, block = selectors.DefaultSelector(), b'{"id":1,"method":"getInfo"}\\n' * 100
for _ in range(200):
    s = socket.socket(socket.AF_UNIX)
    s.connect(sys.argv[1])
    s.sendall(block)
    sel.register(s, selectors.EVENT_READ, [0])
deaf = socket.socket(socket.AF_UNIX)
deaf.connect(sys.argv[1])
deaf.setblocking(False)
try:
    while True:
        deaf.send(b'{"id":1,"method":"help"}\\n' * 200)
except BlockingIOError:
    pass
rounds = 0
while True:
    for key, _ in sel.select():
        key.data[0] += key.fileobj.recv(262144).count(b"\\n")
        while key.data[0] >= 100:
            key.data[0] -= 100
            key.fileobj.sendall(block)
            rounds += 1
            if rounds == 400:
                print("all are answered twice", flush=True)
"""


def fairness(daemon, rounds, asked):
    """
    A quiet client beside 200 that pipeline 100 requests each and one that never reads, against the same client alone, in
    turns: milliseconds, with the noise of the machine. `turns` is what no other load changes: the CPU time of the loop's
    turns, of which a question waits for one at most.
    """
    daemon.stop()
    daemon.start()
    quiet = Client(daemon)
    out = {"alone": [], "beside_200": []}
    for _ in range(rounds):
        for phase, took in out.items():
            crowd = None
            if phase != "alone":
                crowd = subprocess.Popen([sys.executable, "-c", LOUD, str(daemon.socket)], stdout=subprocess.PIPE)
                crowd.stdout.readline()
            took += quiet.timed(asked, "getInfo")
            if crowd:
                crowd.kill()
                crowd.communicate()
                quiet.call("getInfo")
    return {**{phase: spread(took) for phase, took in out.items()}, "turns": daemon.call("getMetrics")["turns"]}


def fill_chat(sandbox, n=120):
    for i in range(n):
        sandbox("sendAs", **{"from": "@bob", "to": "@alice", "text": f"history {i}"})


def of_daemon(folder, quick):
    sandbox = harness.Sandbox(folder, 1)
    fill_chat(sandbox)
    begin = time.perf_counter()
    daemon = harness.Daemon(folder, sandbox, "--log-level", "info")
    out = {}
    try:
        daemon.log_in(PEER)
        daemon.call("waitReady", wait=10)
        daemon.call("getMe")
        out["login_ms"] = round((time.perf_counter() - begin) * 1000, 1)
        history = Client(daemon).timed(20, "getHistory", chat_id="@bob", limit=100)
        out["history_100"] = spread(history)
        out["start_ms"] = min(start(daemon) for _ in range(5))
        daemon.call("waitReady", wait=10)
        out["idle"] = idle(daemon, 10 if quick else 60)
        out["request"] = requests(daemon, 500 if quick else 5000)
        out.update(beside_engine(daemon, sandbox, 500 if quick else 3000))
        out["fairness"] = fairness(daemon, 2 if quick else 4, 300 if quick else 1000)
        count = 500 if quick else 5000
        out["updates"] = [updates(daemon, sandbox, subscribers, count) for subscribers in (1, 5)]
        out["gap"] = gap(daemon, sandbox, 3 if quick else 10)
        out["rss_anon_kib_after_load"] = status(daemon.process.pid, "RssAnon")
        out["many"] = many(daemon, sandbox, 5 if quick else int(os.environ.get("TGD_BENCH_ACCOUNTS", "100")) - 1)
        daemon.stop()
    finally:
        daemon.process.kill()
        sandbox.stop()
    return out


def many(daemon, sandbox, n):
    """n accounts more, each logged in; memory compared after a start of its own, before and after."""
    start(daemon)
    daemon.call("waitReady", wait=10)
    time.sleep(2)
    before = status(daemon.process.pid, "RssAnon")
    for i in range(n):
        phone = f"999662{5000 + i}"
        sandbox.user(phone=phone, name=f"User {i}")
        daemon.log_in(phone, account=f"a{i}")
    ms = min(start(daemon) for _ in range(3))
    for i in range(n):
        daemon.call("waitReady", account=f"a{i}", wait=30)
    time.sleep(2)
    after = status(daemon.process.pid, "RssAnon")
    return {"accounts": n + 1, "start_ms": ms, "rss_anon_kib": after, "rss_anon_kib_per_further_account": round((after - before) / n, 1)}
