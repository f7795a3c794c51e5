"""Telethon on a sandbox: telethon_client.py FOLDER prints {"login_ms", "rss_anon_kib", "history_100_ms"}."""
import asyncio
import json
import re
import statistics
import sys
import time

from telethon import TelegramClient, connection
from telethon.crypto import rsa
from telethon.sessions import MemorySession

PHONE, CODE = "9996620001", "22222"


async def main(folder, began):
    with open(folder + "/servers.json", encoding="utf-8") as f:
        servers = json.load(f)
    for pem in servers["rsa_keys"]:
        rsa.add_key(pem, old=False)
    address = next(d for d in servers["dcs"] if d["id"] == 2)
    session = MemorySession()
    session.set_dc(2, address["ip"], address["port"])
    client = TelegramClient(session, 1, "0123456789abcdef0123456789abcdef", connection=connection.ConnectionTcpObfuscated)
    await client.start(phone=PHONE, code_callback=lambda: CODE)
    await client.get_me()
    out = {"login_ms": round((time.time() - began) * 1000, 1)}
    took = []
    for _ in range(20):
        begin = time.perf_counter()
        got = await client.get_messages("bob", limit=100)
        took.append(time.perf_counter() - begin)
        assert len(got) == 100
    out["history_100_ms"] = round(statistics.median(took) * 1000, 2)
    with open("/proc/self/status", encoding="ascii") as f:
        out["rss_anon_kib"] = int(re.search(r"RssAnon:\s+(\d+)", f.read()).group(1))
    print(json.dumps(out))
    await client.disconnect()


asyncio.run(main(sys.argv[1], float(sys.argv[2])))
