// mtcute on a sandbox: mtcute_client.mjs FOLDER BEGAN prints {"login_ms", "rss_anon_kib", "history_100_ms"}.
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { newClient } from '../../interop/mtcute/client.mjs';

const [folder, began] = process.argv.slice(2);
const { tg } = newClient({ servers: JSON.parse(readFileSync(path.join(folder, 'servers.json'))) },
    { transport: 'obfuscated intermediate' });
await tg.start({ phone: '9996620001', code: () => '22222', codeSentCallback: () => {} });
await tg.getMe();
const login = Date.now() - Number(began) * 1000;
const took = [];
for (let i = 0; i < 20; i++) {
    const begin = performance.now();
    const got = await tg.getHistory('bob', { limit: 100 });
    took.push(performance.now() - begin);
    if (got.length !== 100) throw new Error(`${got.length} messages`);
}
took.sort((a, b) => a - b);
const status = readFileSync('/proc/self/status', 'ascii');
console.log(JSON.stringify({
    login_ms: Math.round(login),
    history_100_ms: Number(took[10].toFixed(2)),
    rss_anon_kib: Number(/RssAnon:\s+(\d+)/.exec(status)[1]),
}));
await tg.destroy();
process.exit(0);
