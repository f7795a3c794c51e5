"""Stories 1, 2, 3, 5 to 11 and 13, word for word but for names of chats and places of files."""
import json
import select

import harness
import pytest
from harness import wait_until


def texts(sandbox, who, chat, n=10):
    return [m["text"] for m in sandbox("history", of=who, chat=chat, limit=n)["items"]]


def test_1_send(bob, sandbox):
    answer = json.loads(bob.shell(r"""
echo '{"method":"sendMessage","params":{"chat_id":"@alice","text":"build ok"}}' | socat -t60 - UNIX:$S"""))
    assert answer["result"]["text"] == "build ok" and answer["result"]["out"] is True
    bob.shell("""
make() { seq 1 30; echo 'it'\\''s "done" $HOME' >&2; }
make 2>&1 | tail -n 20 | tgctl send @alice -""")
    first, second = texts(sandbox, "@alice", "@bob", 2)
    assert second == "build ok"
    assert first.splitlines()[-1] == 'it\'s "done" $HOME' and len(first.splitlines()) == 20


def test_2_reply_to_the_last_message(bob, sandbox):
    sandbox("sendAs", **{"from": "@alice", "to": "@bob", "text": "the server is down"})
    wait_until("alice's message", lambda: bob.call("getHistory", chat_id="@alice", limit=1)["items"][0]["text"] ==
               "the server is down")
    bob.shell("""
id=$(tgctl getHistory chat_id=@alice limit=1 -r '.items[0].id') && tgctl sendMessage chat_id=@alice reply_to=$id text='on it'""")
    last, before = bob.call("getHistory", chat_id="@alice", limit=2)["items"]
    assert last["text"] == "on it" and last["reply_to"]["message_id"] == before["id"]


def test_3_ask_and_wait(bob, sandbox):
    (bob.folder / "deploy").write_text("#!/bin/sh\necho deployed\n")
    (bob.folder / "deploy").chmod(0o755)
    with bob.background(r"""
a=$(tg ask '{"chat_id":"@alice","text":"Deploy? yes/no","wait":600}' | jq -r .message.text) && [ "$a" = yes ] && ./deploy""") as ask:
        wait_until("the question", lambda: texts(sandbox, "@alice", "@bob", 1) == ["Deploy? yes/no"])
        sandbox("sendAs", **{"from": "@alice", "to": "@bob", "text": "yes"})
        assert ask.stdout.readline() == "deployed\n"
    nobody = bob.shell("tgctl ask chat_id=@alice text='Anybody?' wait=0.1", check=False)
    assert nobody.returncode == 6 and "TIMEOUT" in nobody.stderr


def test_6_cron_network_or_not_once(bob, sandbox):
    line = """tgctl send @alice 'disk is full' --queue --dedup "disk-$(date +\\%F)\""""
    bob.call("resolvePeer", chat_id="@alice")
    bob.call("pauseAccount", account="main")  # no network
    for _ in range(3):  # cron comes again
        assert json.loads(bob.shell(f"{line} | jq -c ."))["state"] == "queued"
    bob.kill()
    bob.start()
    assert texts(sandbox, "@alice", "@bob", 5).count("disk is full") == 0
    bob.call("resumeAccount", account="main")
    wait_until("it", lambda: "disk is full" in texts(sandbox, "@alice", "@bob", 5))
    told = bob.call("waitEvent", types=["send"], since="oldest", wait=10)["send"]
    assert told["state"] == "sent" and told["dedup_key"].startswith("disk-20")
    bob.shell(line)
    assert texts(sandbox, "@alice", "@bob", 5).count("disk is full") == 1


def test_11_react_and_take_it_back(bob, sandbox):
    sandbox("sendAs", **{"from": "@alice", "to": "@bob", "text": "done"})
    message = wait_until("it", lambda: [m["id"] for m in bob.call("getHistory", chat_id="@alice", limit=1)["items"]
                                        if m["text"] == "done"])[0]
    bob.shell(f"tgctl setReaction chat_id=@alice message_id={message} reaction=👍")
    seen = bob.call("getMessages", chat_id="@alice", message_ids=[message])["items"][0]
    assert seen["reactions"] == [{"reaction": "👍", "total": 1, "mine": True}]
    bob.shell(f"tgctl setReaction chat_id=@alice message_id={message} reaction=")
    assert "reactions" not in bob.call("getMessages", chat_id="@alice", message_ids=[message])["items"][0]


def test_5_follow_a_channel(bob, sandbox):
    with bob.background(r"""
echo '{"id":1,"method":"subscribe","params":{"chats":["@news"],"types":["message"],"heartbeat":600}}' | socat -t86400 - UNIX:$S |
  jq --unbuffered -r 'select(.params.type=="message").params.message | "\(.chat_title)  \(.sender_name): \(.text)"'
""") as follow:
        def said():  # jq hides the answer, so this is how it shows that socat has subscribed
            sandbox("sendAs", **{"from": "@alice", "to": "@news", "text": "one"})
            return select.select([follow.stdout], [], [], 0.3)[0]
        wait_until("socat to subscribe", said)
        sandbox("sendAs", **{"from": "@alice", "to": "@news", "text": "two"})
        line = follow.stdout.readline()
        while line == "news  news: one\n":
            line = follow.stdout.readline()
        assert line == "news  news: two\n"


def test_5_follow_a_channel_by_name(bob, sandbox):
    script = "tgctl listen chats=@news types=message name=news -r .message.text"

    def held():
        return [s for s in bob.call("listSubscriptions")["items"] if s["name"] == "news" and s["held"]]

    with bob.background(script) as listen:
        wait_until("tgctl listen", held)
        sandbox("sendAs", **{"from": "@alice", "to": "@news", "text": "one"})
        assert listen.stdout.readline() == "one\n"
        place = held()[0]["cursor"]
        wait_until("its ack", lambda: bob.call("getEvents", since=held()[0]["cursor"], types=["message"])["items"] == []
                   or held()[0]["cursor"] != place)
    wait_until("its end", lambda: not held())
    sandbox("sendAs", **{"from": "@alice", "to": "@news", "text": "two"})
    with bob.background(script) as listen:
        assert listen.stdout.readline() == "two\n"


LOOP = r"""
c=; while r=$(tg getEvents "$(jq -cn --arg c "$c" '{name:"bot",types:["message"],direction:"in",wait:3000,limit:1} + if $c=="" then {} else {ack:$c} end')"); do
  c=$(jq -r .cursor <<<"$r"); e=$(jq -c '.items[0]//empty' <<<"$r"); [ "$e" ] || continue
  case $(jq -r .message.text <<<"$e") in /ping*) tg sendMessage "$(jq -c '{chat_id:.message.chat_id,reply_to:.message.id,text:"pong",dedup_key:("bot/"+.key)}' <<<"$e")";; esac
done
"""


def answers(sandbox, of, chat):
    return [m["text"] for m in sandbox("history", of=of, chat=chat, limit=50)["items"] if m["text"] == "pong"]


@pytest.fixture
def bot(daemon, sandbox):
    token = sandbox("addBot", username="ping_bot", first_name="Ping")["token"]
    assert daemon.call("logIn", bot_token=token)["step"] == "ready"
    daemon.call("waitReady", wait=10)
    return daemon


def test_7_two_way_bot_in_a_shell_loop(bot, sandbox):
    def held():
        return [s for s in bot.call("listSubscriptions")["items"] if s["held"]]

    with bot.background(LOOP):
        wait_until("the loop", held)
        for i in range(3):
            sandbox("sendAs", **{"from": "@alice", "to": "@ping_bot", "text": f"/ping {i}"})
        sandbox("sendAs", **{"from": "@alice", "to": "@ping_bot", "text": "no answer to this"})
        wait_until("three answers", lambda: len(answers(sandbox, "@alice", "@ping_bot")) == 3)
    wait_until("the loop's end", lambda: not held())
    sandbox("sendAs", **{"from": "@carol", "to": "@ping_bot", "text": "/ping while nobody listens"})
    with bot.background(LOOP):
        wait_until("the answer to Carol", lambda: answers(sandbox, "@carol", "@ping_bot"))
    assert len(answers(sandbox, "@alice", "@ping_bot")) == 3
    assert len(answers(sandbox, "@carol", "@ping_bot")) == 1


def test_7_two_way_bot_by_tgctl(bot, sandbox):
    script = bot.folder / "answer.sh"
    script.write_text("""#!/bin/sh
e=$(cat)
[ "$TGD_TYPE" = message ] || exit 0
text=$(printf %s "$e" | jq -r .message.text)
if [ "$text" = "/fail" ] && ! [ -e failed ]; then touch failed; exit 1; fi
tgctl sendMessage chat_id=$TGD_CHAT_ID reply_to=$TGD_MESSAGE_ID text=pong dedup_key="$(printf %s "$e" | jq -r .key)"
""")
    script.chmod(0o755)
    with bot.background("tgctl listen name=bot types=message --exec ./answer.sh"):
        wait_until("tgctl listen", lambda: [s for s in bot.call("listSubscriptions")["items"] if s["held"]])
        for text in ("/ping", "/fail", "/ping"):
            sandbox("sendAs", **{"from": "@alice", "to": "@ping_bot", "text": text})
        wait_until("the answers", lambda: len(answers(sandbox, "@alice", "@ping_bot")) == 3)
        end = bot.call("getEvents", since="oldest", types=["message"], direction="in", limit=100)["items"][-1]["cursor"]
        wait_until("the ack", lambda: bot.call("listSubscriptions")["items"][0]["cursor"] == end)
    assert (bot.folder / "failed").exists()


def test_8_login_without_a_terminal(daemon, sandbox, folder):
    sandbox.user(password="correct horse")
    (folder / "api_hash").write_text(harness.API_HASH + "\n")
    (folder / "tg.password").write_text("correct horse\n")
    (folder / "bot.token").write_text(sandbox("addBot", username="helper_bot")["token"] + "\n")
    state = daemon.shell(r"""
tgctl addAccount name=main api_id=12345 api_hash=@./api_hash
tgctl logIn account=main phone=@- <<<"+9996621234"
CODE=22222
tgctl submitCode account=main code=@- <<<"$CODE"
tgctl submitPassword account=main password=@./tg.password
tgctl logIn account=bot bot_token=@./bot.token && tgctl waitReady wait=60""")
    steps = [json.loads(line) for line in state.splitlines()]
    assert [s["step"] for s in steps[:5]] == ["none", "code", "password", "ready", "ready"]
    assert steps[1]["where"] in ("app", "sms")
    assert [a["step"] for a in daemon.call("listAccounts")["items"]] == ["ready", "ready"]


def test_9_several_accounts(bob, sandbox):
    shop = sandbox.user(name="Shop")
    bob.call("addAccount", name="shop")
    bob.log_in(account="shop")
    bob.call("waitReady", account="shop", wait=10)
    ids = bob.shell("""
tgctl listAccounts -r '.items[].name' | while read -r a; do tgctl -a "$a" getMe -r .id; done""").split()
    assert sorted(map(int, ids)) == sorted([bob.me, shop])
    with bob.background(r"""
echo '{"id":1,"method":"subscribe","params":{"accounts":["main","shop"],"types":["message"],"direction":"in"}}' | socat -t86400 - UNIX:$S
""") as listen:
        assert "result" in json.loads(listen.stdout.readline())
        sandbox("sendAs", **{"from": "@alice", "to": "@bob", "text": "to bob"})
        event = json.loads(listen.stdout.readline())["params"]
        assert (event["account"], event["message"]["text"]) == ("main", "to bob")
        sandbox("sendAs", **{"from": "@alice", "to": shop, "text": "to the shop"})
        event = json.loads(listen.stdout.readline())["params"]
        assert (event["account"], event["message"]["text"]) == ("shop", "to the shop")
    bob.call("sendMessage", chat_id="me", text="hi", **{"@account": "shop"})
    assert texts(sandbox, shop, shop, 1) == ["hi"]


def test_10_a_history_to_ndjson_resumable(bob, sandbox):
    script = """
f=family.ndjson; touch $f
tgctl getHistory chat_id=@family order=asc after_id=$(tail -n1 $f | jq .id | grep . || echo 0) --all >> $f"""
    for i in range(230):
        sandbox("sendAs", **{"from": "@alice", "to": "@family", "text": f"line {i}"})
    bob.shell(script)
    for i in range(230, 240):
        sandbox("sendAs", **{"from": "@alice", "to": "@family", "text": f"line {i}"})
    bob.shell(script)
    bob.shell(script)  # nothing new: nothing written
    lines = [json.loads(line) for line in (bob.folder / "family.ndjson").read_text().splitlines()]
    ids = [m["id"] for m in lines]
    assert ids == sorted(set(ids))
    assert [m["text"] for m in lines if m["text"].startswith("line")] == [f"line {i}" for i in range(240)]
    assert len(lines) == len(sandbox("history", of="@bob", chat="@family", limit=1000)["items"])


def test_13_raw(bob):
    options = json.loads(bob.shell(
        """echo '{"method":"help.getConfig"}' | socat -t60 - UNIX:$S | jq .result.dc_options"""))
    assert {o["id"] for o in options} >= {1, 2, 3} and all(o["ip_address"] for o in options)
