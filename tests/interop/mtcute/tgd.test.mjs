// tgd as Alice and mtcute as Bob on one sandbox: what one does, both ends assert.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { newClient, signIn } from './client.mjs';
import { startSandbox } from './sandbox.mjs';
import { startTgd } from './tgd.mjs';

const seeds = (process.env.SEEDS ?? '1 2 3 4').split(' ').map(Number);
const transports = ['abridged', 'intermediate', 'padded', 'full', 'obfuscated'];

for (const seed of seeds) {
    const transport = transports[seed % transports.length];

    describe(`tgd and mtcute, seed ${seed}, tgd over ${transport}`, { timeout: 60000 }, () => {
        let sandbox;
        let tgd;
        let bob;
        let aliceId;
        let bobId;

        before(async () => {
            sandbox = await startSandbox(seed);
            tgd = await startTgd(sandbox, '--transport', transport);
            bob = newClient(sandbox);
            aliceId = (await tgd.logIn('9996620001')).id;
            bobId = (await signIn(bob, sandbox, { phone: '9996620002' })).id;
        });

        after(async () => {
            await bob?.tg.destroy();
            const wrong = tgd ? await tgd.stop() : [];
            assert.equal(await sandbox.stop(), '');
            assert.deepEqual(wrong, []);
        });

        it('a message of tgd is heard by mtcute, and by tgd', async () => {
            const sent = await tgd.call('sendMessage', { chat_id: '@bob', text: 'hello *Bob* 🦊', parse_mode: 'markdown' });
            assert.equal(sent.text, 'hello Bob 🦊');
            const there = await bob.heard.next('message', (m) => m.text === 'hello Bob 🦊');
            assert.equal(there.sender.id, aliceId);
            assert.equal(there.entities[0].kind, 'bold');
            const here = await tgd.heard.next('message', (e) => e.message.text === 'hello Bob 🦊');
            assert.equal(here.message.id, sent.id);
            assert.equal(here.message.out, true);
        });

        it('a message of mtcute is heard by tgd', async () => {
            const sent = await bob.tg.sendText('alice', 'hello Alice');
            const { message } = await tgd.heard.next('message', (e) => e.message.text === 'hello Alice');
            assert.equal(message.chat_id, bobId);
            assert.equal(message.sender_id, bobId);
            assert.equal(message.out, false);
            assert.equal(sent.text, message.text);
            const { items } = await tgd.call('getHistory', { chat_id: '@bob', limit: 2 });
            assert.deepEqual(items.map((m) => m.text), ['hello Alice', 'hello Bob 🦊']);
        });

        it('a reply points to the message that it answers, on both sides', async () => {
            const asked = await tgd.call('sendMessage', { chat_id: '@bob', text: 'lunch?' });
            const there = await bob.heard.next('message', (m) => m.text === 'lunch?');
            await bob.tg.replyText(there, 'yes');
            const { message } = await tgd.heard.next('message', (e) => e.message.text === 'yes');
            assert.equal(message.reply_to.message_id, asked.id);
        });

        it('an edit of tgd is heard by mtcute', async () => {
            const sent = await tgd.call('sendMessage', { chat_id: '@bob', text: 'tpyo' });
            const there = await bob.heard.next('message', (m) => m.text === 'tpyo');
            await tgd.call('editMessage', { chat_id: '@bob', message_id: sent.id, text: 'typo' });
            const edit = await bob.heard.next('edit', (m) => m.text === 'typo');
            assert.equal(edit.id, there.id);
            const here = await tgd.heard.next('edit', (e) => e.edit.text === 'typo');
            assert.equal(here.edit.id, sent.id);
        });

        it('an edit of mtcute is heard by tgd', async () => {
            const sent = await bob.tg.sendText('alice', 'wrogn');
            const first = await tgd.heard.next('message', (e) => e.message.text === 'wrogn');
            await bob.tg.editMessage({ chatId: 'alice', message: sent.id, text: 'wrong' });
            const { edit } = await tgd.heard.next('edit', (e) => e.edit.text === 'wrong');
            assert.equal(edit.id, first.message.id);
            assert.ok(edit.edit_date);
        });

        it('a message that tgd deletes is gone for mtcute', async () => {
            const sent = await tgd.call('sendMessage', { chat_id: '@bob', text: 'oops' });
            const there = await bob.heard.next('message', (m) => m.text === 'oops');
            await tgd.call('deleteMessages', { chat_id: '@bob', message_ids: [sent.id] });
            await bob.heard.next('delete', (u) => u.messageIds.includes(there.id));
            assert.deepEqual(await bob.tg.getMessages('alice', [there.id]), [null]);
            await tgd.heard.next('delete', (e) => e.delete.message_ids.includes(sent.id));
        });

        it('a message that mtcute deletes is gone for tgd', async () => {
            const sent = await bob.tg.sendText('alice', 'never mind');
            const { message } = await tgd.heard.next('message', (e) => e.message.text === 'never mind');
            await bob.tg.deleteMessagesById('alice', [sent.id], { revoke: true });
            const gone = await tgd.heard.next('delete', (e) => e.delete.message_ids.includes(message.id));
            assert.equal(gone.delete.chat_id, bobId);
            const { items } = await tgd.call('getMessages', { chat_id: '@bob', message_ids: [message.id] });
            assert.equal(items[0].missing, true);
        });

        it('what tgd reads is marked for mtcute', async () => {
            const sent = await bob.tg.sendText('alice', 'read me');
            const { message } = await tgd.heard.next('message', (e) => e.message.text === 'read me');
            await tgd.call('markRead', { chat_id: '@bob' });
            const read = await bob.heard.next('read', (u) => u.isOutbox && u.maxReadId >= sent.id);
            assert.equal(read.chatId, aliceId);
            const own = await tgd.heard.next('read', (e) => !e.read.out && e.read.message_id >= message.id);
            assert.equal(own.read.chat_id, bobId);
        });

        it('what mtcute reads is marked for tgd', async () => {
            const sent = await tgd.call('sendMessage', { chat_id: '@bob', text: 'and you me' });
            await bob.heard.next('message', (m) => m.text === 'and you me');
            await bob.tg.readHistory('alice');
            const { read } = await tgd.heard.next('read', (e) => e.read.out && e.read.message_id >= sent.id);
            assert.equal(read.chat_id, bobId);
        });

        it('what tgd forwards, copies, pins and reacts to is so for mtcute', async () => {
            const said = await bob.tg.sendText('alice', 'worth keeping');
            const { message } = await tgd.heard.next('message', (e) => e.message.text === 'worth keeping');
            const family = (await tgd.call('getDialogs', {})).items.find((d) => d.chat_title === 'family').chat_id;
            const ids = { from_chat_id: '@bob', message_ids: [message.id] };
            const [forwarded] = (await tgd.call('forwardMessages', { chat_id: family, ...ids })).items;
            const there = await bob.heard.next('message', (m) => m.id === forwarded.id && m.chat.id === family);
            assert.equal(there.text, 'worth keeping');
            assert.equal(there.forward.sender.id, bobId);
            const [copied] = (await tgd.call('copyMessages', { chat_id: family, ...ids })).items;
            const copy = await bob.heard.next('message', (m) => m.id === copied.id && m.chat.id === family);
            assert.equal(copy.text, 'worth keeping');
            assert.equal(copy.forward, null);
            await tgd.call('pinMessage', { chat_id: '@bob', message_id: message.id, silent: true });
            await tgd.call('setReaction', { chat_id: '@bob', message_id: message.id, reaction: '👍' });
            const [seen] = await bob.tg.getMessages('alice', [said.id]);
            assert.equal(seen.raw.pinned, true);
            assert.equal(seen.raw.reactions.results[0].count, 1);
            assert.equal(seen.raw.reactions.results[0].reaction.emoticon, '👍');
            await tgd.call('setReaction', { chat_id: '@bob', message_id: message.id });
            await tgd.call('unpinMessage', { chat_id: '@bob', message_id: message.id });
            const [after_] = await bob.tg.getMessages('alice', [said.id]);
            assert.ok(!after_.raw.pinned && !after_.raw.reactions?.results.length);
        });

        it('a group and a supergroup carry messages both ways', async () => {
            const dialogs = (await tgd.call('getDialogs', {})).items;
            for (const title of ['team', 'family']) {
                const { chat_id: id } = dialogs.find((d) => d.chat_title === title);
                await tgd.call('sendMessage', { chat_id: id, text: `tgd in ${title}` });
                const there = await bob.heard.next('message', (m) => m.text === `tgd in ${title}`);
                assert.equal(there.chat.id, id);
                await bob.tg.replyText(there, `mtcute in ${title}`);
                const { message } = await tgd.heard.next('message', (e) => e.message.text === `mtcute in ${title}`);
                assert.equal(message.chat_id, id);
                assert.equal(message.sender_id, bobId);
            }
        });

        it('a hundred messages each way keep their order', async () => {
            const mine = [...Array(100).keys()].map((i) => `a${i}`);
            const theirs = [...Array(100).keys()].map((i) => `b${i}`);
            const sends = mine.map((text) => tgd.call('sendMessage', { chat_id: '@bob', text }));
            for (const text of theirs) await bob.tg.sendText('alice', text);
            await Promise.all(sends);
            for (const text of mine) await bob.heard.next('message', (m) => m.text.startsWith('a') && m.text === text);
            for (const text of theirs) await tgd.heard.next('message', (e) => e.message.text === text);
            const { items } = await tgd.call('getHistory', { chat_id: '@bob', limit: 100 });
            for (const sign of ['a', 'b']) {
                const numbers = items.filter((m) => m.text.startsWith(sign)).map((m) => Number(m.text.slice(1)));
                assert.deepEqual(numbers, numbers.toSorted((x, y) => y - x));
            }
        });

        it('what happened while tgd was cut off arrives', async () => {
            await sandbox.call('restart');
            await sandbox.call('sendAs', { from: '@bob', to: '@alice', text: 'while you were away' });
            await tgd.heard.next('message', (e) => e.message.text === 'while you were away');
        });

        it('neither client complained, nor did the sandbox', async () => {
            assert.deepEqual(bob.complaints, []);
            assert.equal((await sandbox.call('stats')).protocol.bad_msg, 0);
            assert.deepEqual(await sandbox.call('stubs'), {});
        });
    });
}
