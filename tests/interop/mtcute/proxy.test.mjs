// mtcute through the sandbox's MTProxy: its greeting, framing and header are another's reading of the same rules.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { newClient, signIn } from './client.mjs';
import { startSandbox } from './sandbox.mjs';

const SECRET = '00112233445566778899aabbccddeeff';
const WRONG = 'ff112233445566778899aabbccddeeff';
const DOMAIN = Buffer.from('example.com').toString('hex');
const kinds = { plain: SECRET, padded: `dd${SECRET}`, 'fake TLS': `ee${SECRET}${DOMAIN}` };

for (const [kind, secret] of Object.entries(kinds)) {
    describe(`MTProxy, ${kind}`, { timeout: 60000 }, () => {
        let sandbox;
        const clients = [];
        const client = (with_) => {
            const c = newClient(sandbox, { mtproxy: { ...sandbox.mtproxy, secret: with_ } });
            clients.push(c);
            return c;
        };

        before(async () => {
            sandbox = await startSandbox(5, '--mtproxy', secret);
        });

        after(async () => {
            for (const c of clients) await c.tg.destroy();
            assert.equal(await sandbox.stop(Boolean(process.env.KEEP)), '');
        });

        it('signs in and exchanges messages', async () => {
            const alice = client(secret);
            assert.equal((await signIn(alice, sandbox, { phone: '9996620001' })).username, 'alice');
            const sent = await alice.tg.sendText('bob', 'x'.repeat(3000));
            assert.equal(sent.text.length, 3000);
            await sandbox.call('sendAs', { from: '@bob', to: '@alice', text: 'through the door' });
            assert.equal((await alice.heard.next('message')).text, 'through the door');
            assert.deepEqual(alice.complaints, []);
        });

        it('is not served with another secret', async () => {
            const stranger = client(secret.replace(SECRET, WRONG));
            const before_ = (await sandbox.call('stats')).calls;
            const asked = stranger.tg.call({ _: 'help.getNearestDc' }).then(() => 'served', () => 'refused');
            const waited = new Promise((resolve) => { setTimeout(() => resolve('silence'), 1500); });
            assert.notEqual(await Promise.race([asked, waited]), 'served');
            assert.equal((await sandbox.call('stats')).calls, before_);
        });
    });
}
