"""Logins: phone, code, 2FA, bot; several accounts; log out."""
import pytest
from harness import RpcError


def test_a_phone_login_over_separate_connections(daemon, sandbox):
    me = sandbox.user()
    state = daemon.call("logIn", phone="+99966 2 1234")
    assert state["step"] == "code" and state["length"] == 5
    with pytest.raises(RpcError) as e:
        daemon.call("submitCode", code="11111")
    assert e.value.name == "PHONE_CODE_INVALID" and e.value.code == 2400
    state = daemon.call("submitCode", code="22222")
    assert state["step"] == "ready" and state["user"]["id"] == me
    assert daemon.call("getMe")["id"] == me


def test_two_factor_login(daemon, sandbox):
    me = sandbox.user(password="correct horse")
    state = daemon.log_in()
    assert state["step"] == "password"
    with pytest.raises(RpcError) as e:
        daemon.call("submitPassword", password="wrong")
    assert e.value.name == "PASSWORD_HASH_INVALID"
    state = daemon.call("submitPassword", password="correct horse")
    assert state["step"] == "ready" and state["user"]["id"] == me


def test_a_number_of_another_dc_is_followed(daemon, sandbox):
    me = sandbox.user(phone="9996631234")
    assert daemon.log_in("9996631234", "33333")["user"]["id"] == me


def test_a_bot_logs_in_with_its_token(daemon, sandbox):
    bot = sandbox("addBot", username="helper_bot")
    state = daemon.call("logIn", bot_token=bot["token"])
    assert state["step"] == "ready" and daemon.call("getMe")["bot"] is True
    with pytest.raises(RpcError) as e:
        daemon.call("getDialogs")
    assert e.value.name == "NOT_FOR_BOTS"


def test_a_login_survives_a_restart_and_ends_with_log_out(tgd):
    tgd.stop()
    tgd.start()
    tgd.call("waitReady", wait=10)
    assert tgd.call("getMe")["id"] == tgd.me
    assert tgd.call("logOut")["step"] in ("none", "logged_out")
    with pytest.raises(RpcError) as e:
        tgd.call("getMe")
    assert e.value.name == "NOT_LOGGED_IN"


def test_several_accounts_in_one_process(tgd, sandbox):
    other = sandbox.user(phone="9996624321", name="Other")
    tgd.call("addAccount", name="shop")
    assert tgd.log_in("9996624321", account="shop")["step"] == "ready"
    assert tgd.call("getMe", account="shop")["id"] == other
    assert tgd.call("getMe", account="main")["id"] == tgd.me
    with pytest.raises(RpcError) as e:
        tgd.call("getMe")
    assert e.value.name == "ACCOUNT_AMBIGUOUS"
    names = [a["name"] for a in tgd.call("listAccounts")["items"]]
    assert sorted(names) == ["main", "shop"]
    tgd.call("pauseAccount", account="shop")
    assert [a["paused"] for a in tgd.call("listAccounts")["items"] if a["name"] == "shop"] == [True]
    tgd.call("resumeAccount", account="shop")
    tgd.call("waitReady", account="shop", wait=10)
    tgd.call("removeAccount", name="shop")
    assert [a["name"] for a in tgd.call("listAccounts")["items"]] == ["main"]


def test_wrong_steps_are_refused(daemon, sandbox):
    sandbox.user()
    daemon.call("addAccount", name="main")
    with pytest.raises(RpcError) as e:
        daemon.call("submitCode", code="1")
    assert e.value.name == "WRONG_STEP"
    daemon.call("logIn", phone="9996621234")
    assert daemon.call("cancelLogin")["step"] == "none"


def test_a_code_may_be_sent_again_another_way(daemon, sandbox):
    me = sandbox.user()
    assert daemon.call("logIn", phone="+9996621234")["next"]
    assert daemon.call("resendCode")["step"] == "code"
    assert daemon.call("submitCode", code="22222")["user"]["id"] == me
