"""A tgd-sandbox of one's own: started in a temporary folder, spoken to over its control socket, ended."""
import json
import os
import pathlib
import shutil
import socket
import subprocess
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[3]


def build_folder():
    named = os.environ.get("TGD_BUILD")
    folders = [ROOT / named] if named else [ROOT / "build-test", ROOT / "build"]
    for folder in folders:
        if (folder / "tests/sandbox/tgd-sandbox").exists():
            return folder
    raise SystemExit(f"no tgd-sandbox in {', '.join(map(str, folders))}")


class Sandbox:
    def __init__(self, seed):
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="tgd-interop-"))
        program = build_folder() / "tests/sandbox/tgd-sandbox"
        self.process = subprocess.Popen(
            [program, "--dir", self.dir, "--seed", str(seed), "--verbose"],
            stdout=subprocess.PIPE, stderr=open(self.dir / "stderr", "w", encoding="utf-8"), text=True)
        if not self.process.stdout.readline().startswith("ready"):
            raise RuntimeError((self.dir / "stderr").read_text(encoding="utf-8"))
        self.servers = json.loads((self.dir / "servers.json").read_text(encoding="utf-8"))
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(20)
        self.socket.connect(str(self.dir / "control.sock"))
        self.lines = self.socket.makefile("r", encoding="utf-8")

    def call(self, method, **params):
        self.socket.sendall(json.dumps({"id": 1, "method": method, "params": params}).encode() + b"\n")
        answer = json.loads(self.lines.readline())
        if "error" in answer:
            raise RuntimeError(f"{method}: {answer['error']['message']}")
        return answer["result"]

    def stop(self):
        """Ends it; what sanitizers or the sandbox itself complained of."""
        self.lines.close()
        self.socket.close()
        self.process.terminate()
        self.process.wait(20)
        self.process.stdout.close()
        said = (self.dir / "stderr").read_text(encoding="utf-8")
        log = (self.dir / "log").read_text(encoding="utf-8", errors="replace")
        if not os.environ.get("KEEP"):
            shutil.rmtree(self.dir)
        return said + "\n".join(line for line in log.splitlines() if " BROKEN " in line)
