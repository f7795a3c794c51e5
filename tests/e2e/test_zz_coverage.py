"""The last of the run: a method that no test called is not tested."""
import harness
import pytest
import schema


def test_discovery_tells_of_every_method(daemon):
    names = {m["name"] for m in daemon.call("rpc.discover", kind="friendly")["methods"]}
    assert names >= set(schema.METHODS)
    for name in schema.METHODS:
        (method,) = daemon.call("help", **{"method": name})["items"]
        assert method["name"] == name and method["example"]


def test_every_method_was_called(request):
    if len({item.path for item in request.session.items}) < 5:
        pytest.skip("only part of the tests runs")
    pending = schema.FOLDER / "pending.list"
    excused = set(pending.read_text().split()) if pending.exists() else set()
    assert sorted(set(schema.METHODS) - harness.called - excused) == []
