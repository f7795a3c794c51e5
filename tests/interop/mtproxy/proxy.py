"""The program mtprotoproxy, as it is, with the sandbox in the place of Telegram.

    proxy.py SERVERS.json SECRET plain | padded | tls     runs until its stdin ends

Its handling of a client is used unchanged; replaced are its start (it would ask the internet for its address) and where
its connections to Telegram go. Says in JSON lines: {"port": n}, then {"dc": n} for each data centre it was sent to.
"""
import asyncio
import importlib.util
import json
import pathlib
import sys

TLS_DOMAIN = "www.example.com"


def load(secret, kind):
    """The module, which reads its configuration from argv when it is loaded."""
    path = pathlib.Path(sys.executable).parent / "mtprotoproxy.py"
    sys.argv = [str(path), "0", secret]
    spec = importlib.util.spec_from_file_location("mtprotoproxy", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    module.init_config()
    # MASK would pass strangers on to a web server of the internet
    own = {"SECURE_ONLY": kind != "plain", "TLS_ONLY": kind == "tls", "TLS_DOMAIN": TLS_DOMAIN, "MASK": False,
           "USE_MIDDLE_PROXY": False, "CLIENT_HANDSHAKE_TIMEOUT": 1, "FAST_MODE": kind != "padded"}
    for name, value in own.items():
        setattr(module.config, name, value)
    module.asyncio.streams.IncompleteReadError = asyncio.IncompleteReadError  # it is older than python 3.11
    module.my_ip_info["ipv4"] = "127.0.0.1"
    module.init_stats()
    return module


def lead_to(module, servers):
    """Its list of addresses becomes names of data centres, and a connection to a name one to the sandbox."""
    dcs = {f"dc{dc['id']}": dc for dc in servers["dcs"]}
    module.TG_DATACENTERS_V4[:] = [f"dc{i + 1}" for i in range(5)]
    connect = module.asyncio.open_connection

    async def redirected(host, _port, **options):
        if host not in dcs:
            raise ConnectionRefusedError(host)
        print(json.dumps({"dc": dcs[host]["id"]}), flush=True)
        return await connect(dcs[host]["ip"], dcs[host]["port"], **options)

    module.asyncio.open_connection = redirected


async def serve(module):
    server = await asyncio.start_server(module.handle_client_wrapper, "127.0.0.1", 0)
    print(json.dumps({"port": server.sockets[0].getsockname()[1]}), flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)


def main():
    servers, secret, kind = sys.argv[1:]
    servers = json.loads(pathlib.Path(servers).read_text(encoding="utf-8"))
    module = load(secret, kind)
    lead_to(module, servers)
    asyncio.run(serve(module))


main()
