"""Telethon as a client of the sandbox. Its layer is another than ours: the sandbox answers in that one.

    client.py [SEED...]      ends with "N passed, N failed"
"""
import asyncio
import logging
import sys
import traceback

from telethon import TelegramClient, connection, errors, events
from telethon.crypto import rsa
from telethon.sessions import MemorySession
from telethon.tl import functions, types
from telethon.tl.alltlobjects import LAYER

from sandbox import Sandbox

ALICE = "9996620001"
CAROL = "9996610003"  # lives on DC 1
TRANSPORTS = [
    connection.ConnectionTcpFull,
    connection.ConnectionTcpAbridged,
    connection.ConnectionTcpIntermediate,
    connection.ConnectionTcpObfuscated,
]
WAIT = 10
complaints = []


# A test cuts its connection: then it may reconnect twice and change its session on a connection that the old session
# has used already; a server goes on answering both, and Telethon says so of each message that is not for the new one.
AFTER_A_CUT = ("Server closed the connection",
               "Security error while unpacking a received message: Server replied with a wrong session ID")
# It hashes a key whose first byte is zero without that byte, so one key exchange in 256 is made again.
SHORT_KEY = "Attempt 1 at new auth_key failed: Step 3 invalid new nonce hash"


class Complaints(logging.Handler):
    cut = False  # whether this run has cut a connection already

    def emit(self, record):
        allowed = (SHORT_KEY, *AFTER_A_CUT) if Complaints.cut else SHORT_KEY
        if not record.getMessage().startswith(allowed):
            complaints.append(f"{record.name}: {record.getMessage()}")


class Heard:
    """Everything that a client was told, and waiting for what it has not been told yet."""

    def __init__(self, client):
        self.items, self.news = [], asyncio.Event()
        for kind in (events.NewMessage, events.MessageEdited, events.MessageDeleted, events.MessageRead):
            client.add_event_handler(self.add, kind())

    async def add(self, event):
        self.items.append(event)
        self.news.set()

    async def next(self, kind, fits):
        async def look():
            while True:
                for event in self.items:
                    if isinstance(event, kind) and fits(event):
                        self.items.remove(event)
                        return event
                self.news.clear()
                await self.news.wait()

        try:
            return await asyncio.wait_for(look(), WAIT)
        except asyncio.TimeoutError:
            raise AssertionError(f"no such {kind.__qualname__}; heard: {self.items}") from None


def new_client(sandbox, transport, dc=2):
    for pem in sandbox.servers["rsa_keys"]:
        rsa.add_key(pem, old=False)
    address = next(d for d in sandbox.servers["dcs"] if d["id"] == dc)
    session = MemorySession()
    session.set_dc(dc, address["ip"], address["port"])
    return TelegramClient(session, 1, "0123456789abcdef0123456789abcdef", connection=transport)


async def sign_in(client, sandbox, phone, password=None):
    await client.start(phone=phone, password=password,
                       code_callback=lambda: sandbox.call("lastCode", phone=phone)["code"])


class Tests:
    """In the order of their definition; each goes on where the one before ended."""

    def __init__(self, sandbox, transport):
        self.sandbox, self.transport = sandbox, transport
        self.alice = new_client(sandbox, transport)
        self.heard = Heard(self.alice)
        self.carol = new_client(sandbox, transport)

    async def signs_in_by_phone_and_code(self):
        await sign_in(self.alice, self.sandbox, ALICE)
        me = await self.alice.get_me()
        assert me.username == "alice" and me.phone == ALICE, me
        config = await self.alice(functions.help.GetConfigRequest())
        assert {o.id for o in config.dc_options} == {1, 2, 3}, config

    async def reads_the_chats_that_were_there_before(self):
        names = sorted(d.name for d in await self.alice.get_dialogs())
        assert names == ["Bob Baker", "family", "news", "team"], names
        texts = [m.text async for m in self.alice.iter_messages("bob")]
        assert texts == ["Hello Alice", "Hello Bob"], texts
        texts = [m.text async for m in self.alice.iter_messages("family")]
        assert "I bring the bread" in texts, texts

    async def sends_edits_deletes_and_reads(self):
        def there():
            return self.sandbox.call("history", of="@bob", chat="@alice", limit=1)["items"][0]["text"]

        sent = await self.alice.send_message("bob", "first")
        assert sent.out and sent.id and there() == "first", sent
        await self.alice.edit_message("bob", sent.id, "second")
        assert there() == "second", there()
        third = await self.alice.send_message("bob", "**bold** third", reply_to=sent.id)
        [read] = await self.alice.get_messages("bob", ids=[third.id])
        assert read.text == "**bold** third" and read.reply_to_msg_id == sent.id, read
        await self.alice.delete_messages("bob", [sent.id])
        assert there() == "bold third", there()
        await self.alice.send_read_acknowledge("bob")
        for chat in ("family", "news"):
            sent = await self.alice.send_message(chat, f"to {chat}")
            assert sent.text == f"to {chat}", sent

    async def forwards_copies_pins_reacts_and_waits(self):
        me = await self.alice.get_me()
        sent = await self.alice.send_message("bob", "worth keeping")
        forwarded = await self.alice.forward_messages("family", sent.id, "bob")
        assert forwarded.raw_text == "worth keeping" and forwarded.fwd_from.from_id.user_id == me.id, forwarded
        copied = await self.alice.forward_messages("family", sent.id, "bob", drop_author=True)
        assert copied.raw_text == "worth keeping" and copied.fwd_from is None, copied
        await self.alice.pin_message("bob", sent)
        like = functions.messages.SendReactionRequest("bob", sent.id, reaction=[types.ReactionEmoji("👍")])
        await self.alice(like)
        [seen] = await self.alice.get_messages("bob", ids=[sent.id])
        assert seen.pinned and seen.reactions.results[0].count == 1, seen
        try:
            await self.alice(like)
            raise AssertionError("the same reaction was taken twice")
        except errors.MessageNotModifiedError:
            pass
        await self.alice.unpin_message("bob", sent)
        self.sandbox.call("flood", user="@alice", function="messages.sendMessage", seconds=1)
        late = await self.alice.send_message("bob", "after the wait")  # Telethon sits short waits out by itself
        assert late.raw_text == "after the wait"

    async def hears_messages_edits_deletes_and_read_marks(self):
        def act(method, **params):
            return self.sandbox.call(method, **{"from": "@bob"}, **params)

        first = act("sendAs", to="@alice", text="knock")
        event = await self.heard.next(events.NewMessage.Event, lambda e: e.raw_text == "knock")
        assert not event.out and event.is_private, event
        act("editAs", chat="@alice", message_id=first["message_id"], text="knock knock")
        edit = await self.heard.next(events.MessageEdited.Event, lambda e: e.raw_text == "knock knock")
        assert edit.id == event.id, edit
        mine = await self.alice.send_message("bob", "who is there?")
        act("readAs", chat="@alice")
        await self.heard.next(events.MessageRead.Event, lambda e: e.outbox and e.is_read(mine))
        act("deleteAs", chat="@alice", message_ids=[first["message_id"]])
        await self.heard.next(events.MessageDeleted.Event, lambda e: event.id in e.deleted_ids)
        for chat in ("@family", "team"):
            act("sendAs", to=chat, text=f"into {chat}")
            event = await self.heard.next(events.NewMessage.Event, lambda e, t=f"into {chat}": e.raw_text == t)
            assert event.is_group, event

    async def recovers_what_it_missed(self):
        bob = {"from": "@bob", "to": "@alice"}
        self.sandbox.call("fault", do="gap")
        for text in ("lost", "after the gap"):
            self.sandbox.call("sendAs", text=text, **bob)
        for text in ("lost", "after the gap"):
            await self.heard.next(events.NewMessage.Event, lambda e, t=text: e.raw_text == t)
        Complaints.cut = True
        self.sandbox.call("fault", do="cut", match={"method": "users.getUsers"})
        assert (await self.alice.get_me()).username == "alice"

    async def signs_in_with_a_password_on_another_data_centre_and_writes(self):
        self.sandbox.call("setPassword", user="@carol", password="correct horse")
        try:
            await sign_in(self.carol, self.sandbox, CAROL, "wrong")
            raise AssertionError("a wrong password was taken")
        except (errors.PasswordHashInvalidError, RuntimeError):
            pass
        await self.carol.sign_in(password="correct horse")
        assert self.carol.session.dc_id == 1
        heard = Heard(self.carol)
        await self.carol.send_message("alice", "from another data centre")
        got = await self.heard.next(events.NewMessage.Event, lambda e: e.raw_text == "from another data centre")
        await got.reply("and back")
        back = await heard.next(events.NewMessage.Event, lambda e: e.raw_text == "and back")
        assert back.sender_id == (await self.alice.get_me()).id

    async def signs_out(self):
        await self.carol.log_out()
        assert (await self.alice.get_me()).username == "alice"

    async def had_nothing_to_complain_of_nor_had_the_sandbox(self):
        assert not complaints, complaints
        assert self.sandbox.call("stats")["protocol"]["bad_msg"] == 0
        assert self.sandbox.call("stubs") == {}, self.sandbox.call("stubs")

    async def end(self):
        for client in (self.alice, self.carol):
            await client.disconnect()


async def run(seed):
    transport = TRANSPORTS[seed % len(TRANSPORTS)]
    sandbox = Sandbox(seed)
    TelegramClient._config = None  # pylint: disable=protected-access  # it keeps addresses for all clients of a process
    tests = Tests(sandbox, transport)
    complaints.clear()
    Complaints.cut = False
    passed = failed = 0
    for name, test in vars(Tests).items():
        if name.startswith("_") or name == "end":
            continue
        try:
            await asyncio.wait_for(getattr(tests, name)(), 30)
            passed += 1
        except Exception:  # pylint: disable=broad-except  # one failed test of several
            failed += 1
            print(f"FAILED seed {seed}, {transport.__name__}, layer {LAYER}: {name}")
            traceback.print_exc(file=sys.stdout)
    await tests.end()
    said = sandbox.stop()
    if said:
        failed += 1
        print(f"FAILED seed {seed}: the sandbox said: {said}")
    return passed, failed


def main():
    logging.getLogger("telethon").addHandler(Complaints(level=logging.WARNING))
    seeds = [int(s) for s in sys.argv[1:]] or [1, 2, 3, 4]
    counts = [asyncio.run(run(seed)) for seed in seeds]
    passed, failed = map(sum, zip(*counts))
    print(f"{passed} passed, {failed} failed")
    return failed > 0


if __name__ == "__main__":
    sys.exit(main())
