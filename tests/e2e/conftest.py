"""Fixtures: `sandbox`, `daemon` (fresh), `tgd` (logged in as Terry, friend of Alice)."""
import json
import pathlib
import sys
import tempfile

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import harness  # noqa: E402

SECRETS = ["9996621234", "9996620002", "22222", harness.API_HASH, "correct horse"]


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    report = (yield).get_result()
    setattr(item, "failed_" + report.when, report.failed)


@pytest.fixture
def folder(request):
    with tempfile.TemporaryDirectory(prefix="tgd-e2e.") as name:
        path = pathlib.Path(name)
        yield path
        wrong = harness.read_logs(path, SECRETS)
        harness.read_turns(path)
        if wrong or getattr(request.node, "failed_call", False):
            print("kept in", harness.keep(path, request.node.name))
        assert not wrong, "\n".join(wrong[:20])


@pytest.fixture
def sandbox(folder, request):
    marker = request.node.get_closest_marker("seed")
    options = request.node.get_closest_marker("sandbox")
    sb = harness.Sandbox(folder, marker.args[0] if marker else 1, *(options.args if options else ()))
    yield sb
    stubs = sb("stubs")
    sb.stop()
    assert not [s for s in json.dumps(stubs) if s in "123456789"], f"stubs were called: {stubs}"


@pytest.fixture
def daemon(folder, sandbox):
    d = harness.Daemon(folder, sandbox)
    yield d
    d.stop()


@pytest.fixture
def tgd(daemon, sandbox):
    daemon.me = sandbox.user(username="terry")
    assert daemon.log_in()["step"] == "ready"
    daemon.call("waitReady", wait=10)
    return daemon


@pytest.fixture
def bob(daemon):
    """Logged in as Bob, who is in @family and team, reads @news and knows Alice."""
    assert daemon.log_in("9996620002")["step"] == "ready"
    daemon.call("waitReady", wait=10)
    daemon.me = daemon.call("getMe")["id"]
    return daemon


def pytest_terminal_summary(terminalreporter):
    """The longest stall of any daemon's loop over the whole run, sanitizers and all."""
    if harness.turns:
        total, cpu999, cpu, stall999, stall = zip(*harness.turns)
        terminalreporter.write_line(
            f"loop: {sum(total)} turns of {len(total)} daemons; CPU of a turn: p99.9 of the worst {max(cpu999) / 1000:.1f} ms, "
            f"longest {max(cpu) / 1000:.1f} ms; stall: {max(stall999) / 1000:.1f} and {max(stall) / 1000:.1f} ms")


def pytest_configure(config):
    config.addinivalue_line("markers", "seed(n): the sandbox's seed")
    config.addinivalue_line("markers", "sandbox(option, ...): more options of tgd-sandbox")
