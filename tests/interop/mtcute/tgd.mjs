// A daemon of one's own on a sandbox, driven through its socket like by any other program.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { Heard } from './heard.mjs';
import { buildFolder, end, LineClient } from './sandbox.mjs';

const BAD = /AddressSanitizer|LeakSanitizer|runtime error:|BROKEN|Assertion/;

/** tgd with a subscription to everything: its events stand in `heard` under their type. */
export async function startTgd(sandbox, ...options) {
    const dir = sandbox.dir;
    const socket = path.join(dir, 'tgd.sock');
    const child = spawn(path.join(buildFolder(), 'daemon/tgd'), [
        '--state-dir', path.join(dir, 'state'), '--socket', socket, '--servers', path.join(dir, 'servers.json'),
        '--api-id', '12345', '--api-hash', '0123456789abcdef0123456789abcdef', '--log-level', 'debug', ...options,
    ], { stdio: ['ignore', 'ignore', 'pipe'] });
    let said = '';
    child.stderr.on('data', (d) => { said += d; });
    const ended = once(child, 'exit').then(() => { throw new Error(`tgd ended:\n${said}`); });
    const heard = new Heard();
    const onPush = ({ method, params }) => method === 'event' && heard.add(params.type, params);
    const connect = async () => {
        for (;;) {
            try {
                return await LineClient.connect(socket, onPush);
            } catch (e) {
                if (e.code !== 'ENOENT' && e.code !== 'ECONNREFUSED') throw e;
                await new Promise((resolve) => { setTimeout(resolve, 20); });
            }
        }
    };
    const client = await Promise.race([connect(), ended]);
    ended.catch(() => {});
    return {
        heard,
        call: (method, params) => client.call(method, params),
        /** Signs in with the code that the sandbox sent; whose account it is. */
        async logIn(phone, password) {
            await client.call('logIn', { phone: `+${phone}` });
            const { code } = await sandbox.call('lastCode', { phone });
            let state = await client.call('submitCode', { code });
            if (state.step === 'password') state = await client.call('submitPassword', { password });
            await client.call('waitReady', { wait: 10 });
            await client.call('subscribe', {});
            return state.user;
        },
        /** Ends it; what was wrong in its log. */
        async stop() {
            client.close();
            const status = await end(child);
            const wrong = said.split('\n').filter((line) => BAD.test(line));
            if (status !== 0) wrong.push(`exit status ${status}`);
            if (process.env.KEEP) console.error(said);
            return wrong;
        },
    };
}
