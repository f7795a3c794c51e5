"""backup: a copy while running, restored by copying it back."""
import shutil
import stat

import harness



def test_a_backup_is_restored_by_copying_it_back(tgd, sandbox, folder):
    me = tgd.call("getMe")["id"]
    for i in range(30):
        sandbox("sendAs", **{"from": "alice", "to": me, "text": f"b{i} " + "x" * 2000})
    tgd.call("waitEvent", since="oldest", types=["message"], text={"prefix": "b29 "}, wait=20)
    to = folder / "copies"
    to.mkdir()
    with tgd.lines() as c:
        c.send({"id": "b", "method": "backup", "params": {"path": str(to / "one")}, "progress": True})
        seen = []
        while "result" not in (line := c.receive()):
            assert line["method"] == "progress" and line["params"]["id"] == "b"
            assert line["params"]["done"] <= line["params"]["total"]
            seen.append(line["params"]["done"])
        assert seen == sorted(seen) and seen[-1] == line["result"]["size"] > 60000
    assert line["result"]["path"] == str(to / "one") and [f.name for f in to.iterdir()] == ["one"]
    assert all(stat.S_IMODE(f.stat().st_mode) == (0o700 if f.is_dir() else 0o600) for f in (to / "one").rglob("*"))
    assert "exists already" in str(tgd.refuses("STORAGE", "backup", path=str(to / "one")))
    tgd.refuses("INVALID_PARAMS", "backup", path="here")
    tgd.refuses("INVALID_PARAMS", "backup", path=str(folder / "state/files/x"))
    assert "no such" in str(tgd.refuses("STORAGE", "backup", path="/no/such/folder")).lower()

    late = tgd.call("getEvents", since="now")["cursor"]
    sandbox("sendAs", **{"from": "alice", "to": me, "text": "after"})
    after = tgd.call("waitEvent", since=late, types=["message"], wait=10)["cursor"]
    tgd.kill()
    shutil.rmtree(folder / "state")
    shutil.copytree(to / "one", folder / "state")
    tgd.start()
    tgd.call("waitReady", wait=20)  # no login is needed
    assert tgd.call("getMe")["id"] == me
    # what came after the backup is recovered; a cursor of then names nothing of now
    event = tgd.call("waitEvent", since=after, types=["message"], text={"contains": "after"}, wait=20)
    assert event["cursor"].split(".")[0] > after.split(".")[0]
    kept = tgd.call("getEvents", since="oldest", types=["message"], limit=100)["items"]
    assert [e["message"]["text"].split()[0] for e in kept] == [f"b{i}" for i in range(30)] + ["after"]


def test_a_backup_under_traffic_is_of_one_moment(tgd, sandbox, folder):
    me = tgd.call("getMe")["id"]
    with tgd.lines() as c:
        for i in range(5):
            c.send({"id": i, "method": "backup", "params": {"path": str(folder / f"c{i}")}})
            for k in range(20):
                sandbox("sendAs", **{"from": "alice", "to": me, "text": f"t{i * 20 + k}"})
            answer = c.receive()
            assert answer["id"] == i and answer["result"]["size"] > 0
    tgd.call("waitEvent", since="oldest", types=["message"], text={"pattern": "^t99$"}, wait=20)
    tgd.kill()
    shutil.rmtree(folder / "state")
    shutil.copytree(folder / "c3", folder / "state")
    tgd.start()
    tgd.call("waitReady", wait=20)
    tgd.call("waitEvent", since="oldest", types=["message"], text={"pattern": "^t99$"}, wait=20)
    kept = tgd.call("getEvents", since="oldest", types=["message"], limit=200)["items"]
    assert [e["message"]["text"] for e in kept] == [f"t{i}" for i in range(100)]


def test_who_hangs_up_ends_it(tgd, folder):
    with tgd.lines() as c:
        c.send({"id": 1, "method": "backup", "params": {"path": str(folder / "x" / "y")}})
    harness.wait_until("the end of it", lambda: "backup: not made" in tgd.log.read_text())
    tgd.call("backup", path=str(folder / "z"))
