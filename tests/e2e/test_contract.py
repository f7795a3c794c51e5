"""Sentences of the contract of the socket that no other test holds (tgd-rpc(7))."""
import json
import os
import subprocess

import harness
import pytest


def ask(daemon, text):
    with daemon.lines() as c:
        c.send(text.encode() if isinstance(text, str) else text)
        return c.line()


def error(line):
    return json.loads(line)["error"]


def test_an_id_has_at_most_256_bytes_and_is_no_object(daemon):
    longest = '"' + "x" * 254 + '"'
    assert ask(daemon, f'{{"id":{longest},"method":"getInfo"}}\n').startswith(f'{{"jsonrpc":"2.0","id":{longest},"result"')
    for wrong in ('"' + "x" * 255 + '"', "{}", "[1]", "true"):
        line = ask(daemon, f'{{"id":{wrong},"method":"getInfo"}}\n')
        assert json.loads(line)["id"] is None and error(line)["code"] == -32600


@pytest.mark.parametrize("number, taken", [("3", True), ('"3"', True), ("3e0", False), ("3.0", False), ('"3.0"', False),
                                           ('" 3"', False), ('"0x3"', False), ("true", False), ("null", False),
                                           ("99999999999999999999", False)])
def test_an_integer_is_a_number_or_its_decimal_text(bob, number, taken):
    line = ask(bob, f'{{"id":1,"method":"getHistory","params":{{"chat_id":"@alice","limit":{number}}}}}\n')
    if taken:
        assert json.loads(line)["result"]["items"]
    else:
        assert error(line)["code"] in (-32600, -32602)
        if "9999" not in number:
            assert error(line)["message"].startswith("params.limit:")


def test_names_of_the_bot_api_stand_for_ours_and_not_beside_them(bob):
    m = bob.call("sendMessage", chat_id="@alice", caption="x", reply_to_message_id=3, disable_notification=True)
    assert m["text"] == "x" and m["reply_to"]["message_id"] == 3
    e = bob.refuses("INVALID_PARAMS", "sendMessage", chat_id="@alice", text="x", silent=True, disable_notification=True)
    assert "silent" in str(e)


def test_the_first_word_of_a_parameter_is_enough_to_be_told_its_name(bob):
    assert "chat_id" in str(bob.refuses("INVALID_PARAMS", "sendMessage", chat="@alice", text="x"))
    assert "message_id" in str(bob.refuses("INVALID_PARAMS", "setReaction", chat_id="@alice", message=3))


def test_an_account_goes_by_each_of_its_names(bob):
    bob.call("addAccount", name="other")
    for name in ("main", str(bob.me), bob.me, "@bob", "+9996620002"):
        assert bob.call("getMe", **{"@account": name})["id"] == bob.me
    e = bob.refuses("ACCOUNT_AMBIGUOUS", "getMe")
    assert "main" in e.data["hint"] and "other" in e.data["hint"]


def test_what_waits_outlives_its_deadline_by_five_seconds(bob):
    """`wait` is what counts: a shorter timeout does not cut it off."""
    with bob.lines() as c:
        c.send({"id": 1, "method": "waitEvent", "params": {"wait": 20, "direction": "out"}, "timeout": 0.01})
        c.send({"id": 2, "method": "getInfo"})
        assert c.receive()["id"] == 2
        bob.call("sendMessage", chat_id="@alice", text="now")
        assert c.receive()["result"]["message"]["text"] == "now"


def test_tgctl_names_every_place_where_it_looked(tmp_path):
    env = {k: v for k, v in os.environ.items() if k not in ("TGD_SOCKET", "XDG_RUNTIME_DIR")}
    done = subprocess.run([harness.BIN["tgctl"], "getInfo"], env={**env, "XDG_RUNTIME_DIR": str(tmp_path)}, capture_output=True,
                          text=True, timeout=20, check=False)
    if done.returncode == 0:
        pytest.skip("a daemon of this machine answered")
    assert done.returncode == 2
    for path in (f"{tmp_path}/tgd/tgd.sock", f"/run/user/{os.getuid()}/tgd/tgd.sock", "/run/tgd/tgd.sock"):
        assert path in done.stderr


def test_an_error_says_its_name_its_account_and_its_method(bob):
    for request, account in (({"method": "getHistory", "params": {"chat_id": "@nobody_of_that_name"}}, "main"),
                             ({"method": "nonsense"}, ""), ({"method": "getMe", "account": "nobody"}, "")):
        e = error(ask(bob, json.dumps({"id": 1, **request}) + "\n"))
        assert e["data"]["method"] == request["method"] and e["data"]["account"] == account and e["data"]["name"].isupper()
