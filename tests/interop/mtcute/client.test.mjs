// mtcute as a client of the sandbox. A seed decides between the forms that a real server may use, so all is done
// with several, each over another transport.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { newClient, signIn, transports } from './client.mjs';
import { startSandbox } from './sandbox.mjs';

const ALICE = { phone: '9996620001' };
const CAROL = { phone: '9996610003', password: 'correct horse' }; // lives on DC 1
const ECHO_BOT = { botToken: '6000000001:sandbox-token-of-echo-bot' };
const seeds = (process.env.SEEDS ?? '1 2 3 4').split(' ').map(Number);

for (const seed of seeds) {
    const transport = transports[(seed - 1) % transports.length];
    const pfs = seed % 2 === 0;

    describe(`seed ${seed}, ${transport}${pfs ? ', temporary keys' : ''}`, { timeout: 60000 }, () => {
        let sandbox;
        let alice;
        let bobId;
        const clients = [];
        const client = (options) => {
            const c = newClient(sandbox, { transport, pfs, ...options });
            clients.push(c);
            return c;
        };

        before(async () => {
            sandbox = await startSandbox(seed);
            bobId = (await sandbox.call('state', { user: '@bob' })).user_id;
            alice = client();
        });

        after(async () => {
            for (const c of clients) await c.tg.destroy();
            const said = await sandbox.stop(Boolean(process.env.KEEP));
            assert.equal(said, '');
        });

        it('signs in by phone and code', async () => {
            const me = await signIn(alice, sandbox, ALICE);
            assert.equal(me.username, 'alice');
            assert.equal(me.phoneNumber, ALICE.phone);
            assert.equal((await alice.tg.getMe()).id, me.id);
        });

        it('reads the chats that were there before', async () => {
            const dialogs = [];
            for await (const d of alice.tg.iterDialogs()) dialogs.push(d);
            const names = dialogs.map((d) => d.peer.displayName).sort();
            assert.deepEqual(names, ['Bob Baker', 'family', 'news', 'team']);
            const history = await alice.tg.getHistory('bob');
            assert.deepEqual(history.map((m) => m.text), ['Hello Alice', 'Hello Bob']);
            assert.equal(history[0].sender.id, bobId);
            assert.equal(history[1].isOutgoing, true);
            const family = await alice.tg.getHistory('family');
            assert.ok(family.some((m) => m.text === 'I bring the bread'));
        });

        it('sends, edits, deletes and reads, and the other side has it', async () => {
            const sent = await alice.tg.sendText('bob', 'first');
            assert.equal(sent.text, 'first');
            let there = await sandbox.call('history', { of: '@bob', chat: '@alice', limit: 1 });
            assert.equal(there.items[0].text, 'first');
            const edited = await alice.tg.editMessage({ chatId: 'bob', message: sent.id, text: 'second' });
            assert.equal(edited.text, 'second');
            there = await sandbox.call('history', { of: '@bob', chat: '@alice', limit: 1 });
            assert.equal(there.items[0].text, 'second');
            const reply = await alice.tg.sendText('bob', 'third', { replyTo: sent.id });
            const [read] = await alice.tg.getMessages('bob', [reply.id]);
            assert.equal(read.text, 'third');
            assert.equal(read.replyToMessage.id, sent.id);
            await alice.tg.deleteMessagesById('bob', [sent.id], { revoke: true });
            there = await sandbox.call('history', { of: '@bob', chat: '@alice', limit: 1 });
            assert.equal(there.items[0].text, 'third');
            await alice.tg.readHistory('bob');
            const state = await sandbox.call('state', { user: '@bob' });
            const me = await alice.tg.getMe();
            const dialog = state.dialogs.find((d) => d.chat_id === me.id);
            const bobs = (await sandbox.call('history', { of: '@bob', chat: '@alice' })).items.filter((m) => m.out);
            assert.equal(dialog.read_out, bobs[0].message_id);
        });

        it('sends formatted text, and to a group and a channel', async () => {
            const entities = [{ _: 'messageEntityBold', offset: 0, length: 4 }];
            const sent = await alice.tg.sendText('bob', { text: 'bold 🦊 text', entities });
            assert.equal(sent.entities[0].kind, 'bold');
            assert.equal((await alice.tg.sendText('family', 'to the group')).text, 'to the group');
            assert.equal((await alice.tg.sendText('news', 'to the channel')).text, 'to the channel');
        });

        it('hears messages, edits, deletes, read marks and typing', async () => {
            const act = (method, params) => sandbox.call(method, { from: '@bob', ...params });
            const first = await act('sendAs', { to: '@alice', text: 'knock' });
            const message = await alice.heard.next('message', (m) => m.text === 'knock');
            assert.equal(message.chat.id, bobId);
            assert.equal(message.isOutgoing, false);
            await act('editAs', { chat: '@alice', message_id: first.message_id, text: 'knock knock' });
            const edit = await alice.heard.next('edit', (m) => m.text === 'knock knock');
            assert.equal(edit.id, message.id);
            const mine = await alice.tg.sendText('bob', 'who is there?');
            await act('readAs', { chat: '@alice' });
            const read = await alice.heard.next('read', (u) => u.isOutbox && u.maxReadId >= mine.id);
            assert.equal(read.chatId, bobId);
            await act('deleteAs', { chat: '@alice', message_ids: [first.message_id] });
            const gone = await alice.heard.next('delete', (u) => u.messageIds.includes(message.id));
            assert.equal(gone.channelId, null);
            await act('typeAs', { to: '@alice' });
            const typing = await alice.heard.next('typing', (u) => u.userId === bobId);
            assert.equal(typing.status, 'typing');
        });

        it('hears a group, a supergroup and a channel', async () => {
            for (const to of ['@family', 'team']) {
                const sent = await sandbox.call('sendAs', { from: '@bob', to, text: `into ${to}` });
                const message = await alice.heard.next('message', (m) => m.text === `into ${to}`);
                assert.equal(message.sender.id, bobId);
                assert.equal(message.chat.id, sent.chat_id);
            }
            const sent = await sandbox.call('sendAs', { from: '@alice', to: '@news', text: 'news' });
            const message = await alice.heard.next('message', (m) => m.text === 'news');
            await sandbox.call('editAs', {
                from: '@alice', chat: '@news', message_id: sent.message_id, text: 'old news',
            });
            assert.equal((await alice.heard.next('edit', (m) => m.text === 'old news')).id, message.id);
            await sandbox.call('deleteAs', { from: '@alice', chat: '@news', message_ids: [sent.message_id] });
            const gone = await alice.heard.next('delete', (u) => u.messageIds.includes(message.id));
            assert.ok(gone.channelId);
        });

        it('hears a hundred messages in their order', async () => {
            for (let i = 0; i < 100; i++) sandbox.call('sendAs', { from: '@bob', to: '@alice', text: `n${i}` });
            await alice.heard.next('message', (m) => m.text === 'n99');
            const texts = alice.heard.items.filter((x) => x.type === 'message' && /^n\d/.test(x.value.text));
            assert.deepEqual(texts.map((x) => x.value.text), [...Array(99).keys()].map((i) => `n${i}`));
        });

        it('recovers from a gap, from a cut connection and from lost sessions', async () => {
            await sandbox.call('fault', { do: 'gap' });
            const texts = ['lost', 'after the gap', 'and after that'];
            for (const text of texts) await sandbox.call('sendAs', { from: '@bob', to: '@alice', text });
            for (const text of texts) await alice.heard.next('message', (m) => m.text === text);
            await sandbox.call('fault', { do: 'cut', match: { method: 'users.getUsers' } });
            assert.equal((await alice.tg.getMe()).username, 'alice');
            await sandbox.call('sendAs', { from: '@bob', to: '@alice', text: 'after the cut' });
            await alice.heard.next('message', (m) => m.text === 'after the cut');
            await sandbox.call('restart');
            await sandbox.call('sendAs', { from: '@bob', to: '@alice', text: 'during the restart' });
            await alice.tg.getMe();
            // it asks for the difference when the next push shows the gap, not when the session is new
            await sandbox.call('sendAs', { from: '@bob', to: '@alice', text: 'after the restart' });
            // Where its timer for the gap fires a fraction of a millisecond early it wakes itself while it is still
            // awake, and sleeps on until the next update: so there is one, if need be.
            const healed = alice.heard.next('message', (m) => m.text === 'during the restart', 40000);
            const nudge = setInterval(() => sandbox.call('sendAs', { from: '@bob', to: '@alice', text: 'nudge' }), 2000);
            try {
                await healed;
            } finally {
                clearInterval(nudge);
            }
            await alice.heard.next('message', (m) => m.text === 'after the restart');
        });

        it('signs in on the data centre where the user lives, with a password', async () => {
            await sandbox.call('setPassword', { user: '@carol', password: CAROL.password, hint: 'battery' });
            const wrong = client();
            await assert.rejects(signIn(wrong, sandbox, { ...CAROL, password: 'wrong' }), /the password was refused/);
            const carol = client();
            const me = await signIn(carol, sandbox, CAROL);
            assert.equal(me.username, 'carol');
            assert.equal(await carol.tg.getPrimaryDcId(), 1);
            const sent = await carol.tg.sendText('alice', 'from another data centre');
            const got = await alice.heard.next('message', (m) => m.text === 'from another data centre');
            assert.equal(got.sender.id, me.id);
            assert.equal(sent.isOutgoing, true);
        });

        it('signs in as a bot and answers', async () => {
            const bot = client();
            const me = await signIn(bot, sandbox, ECHO_BOT);
            assert.equal(me.isBot, true);
            await alice.tg.sendText('echo_bot', '/ping');
            const ping = await bot.heard.next('message', (m) => m.text === '/ping');
            await bot.tg.replyText(ping, 'pong');
            await alice.heard.next('message', (m) => m.text === 'pong' && !m.isOutgoing);
        });

        it('signs out', async () => {
            const second = client();
            await signIn(second, sandbox, ALICE);
            assert.deepEqual(second.complaints, []);
            await second.tg.logOut();
            await assert.rejects(second.tg.getMe(), { text: 'AUTH_KEY_UNREGISTERED' });
            second.complaints.length = 0; // it pings in a session that it throws away
            assert.equal((await alice.tg.getMe()).username, 'alice');
        });

        it('had nothing to complain of, nor had the sandbox', async () => {
            for (const c of clients) assert.deepEqual(c.complaints, []);
            const stats = await sandbox.call('stats');
            assert.equal(stats.protocol.bad_msg, 0);
            assert.deepEqual(await sandbox.call('stubs'), {});
        });
    });
}
