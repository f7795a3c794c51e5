// A tgd-sandbox of one's own: starts it in a temporary folder, speaks to its control socket, ends it.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import readline from 'node:readline';
import { fileURLToPath } from 'node:url';

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../../..');

/** The folder that holds the programs under test: $TGD_BUILD, else the first of build-test and build. */
export function buildFolder() {
    const named = process.env.TGD_BUILD;
    const folders = named ? [path.resolve(root, named)] : [path.join(root, 'build-test'), path.join(root, 'build')];
    const found = folders.find((f) => existsSync(path.join(f, 'tests/sandbox/tgd-sandbox')));
    if (!found) throw new Error(`no tgd-sandbox in ${folders.join(' nor ')}`);
    return found;
}

/** JSON-RPC over a Unix socket, a line each way. Lines that answer nothing go to onPush. */
export class LineClient {
    static async connect(socketPath, onPush = () => {}) {
        const c = new LineClient();
        c.waiting = new Map();
        c.next = 1;
        c.socket = net.createConnection(socketPath);
        await once(c.socket, 'connect');
        readline.createInterface({ input: c.socket }).on('line', (line) => {
            const o = JSON.parse(line);
            const done = c.waiting.get(o.id);
            if (!done) return onPush(o);
            c.waiting.delete(o.id);
            if (o.error) done.reject(Object.assign(new Error(`${done.method}: ${o.error.message}`), o.error));
            else done.resolve(o.result);
        });
        c.socket.on('close', () => {
            for (const w of c.waiting.values()) w.reject(new Error(`${w.method}: the socket was closed`));
        });
        return c;
    }

    call(method, params = {}) {
        const id = this.next++;
        this.socket.write(`${JSON.stringify({ jsonrpc: '2.0', id, method, params })}\n`);
        return new Promise((resolve, reject) => this.waiting.set(id, { method, resolve, reject }));
    }

    close() {
        this.socket.destroy();
    }
}

/** Ends a program that we started; its exit status, null where a signal ended it. */
export async function end(child, signal = 'SIGTERM') {
    if (child.exitCode === null && child.signalCode === null) {
        child.kill(signal);
        await once(child, 'exit');
    }
    return child.exitCode;
}

/** `options`: more of tgd-sandbox's; with --mtproxy `mtproxy` says where it is. */
export async function startSandbox(seed, ...options) {
    const dir = mkdtempSync(path.join(os.tmpdir(), 'tgd-interop-'));
    const program = path.join(buildFolder(), 'tests/sandbox/tgd-sandbox');
    const child = spawn(program, ['--dir', dir, '--seed', String(seed), '--verbose', ...options], {
        stdio: ['ignore', 'pipe', 'pipe'],
    });
    let said = '';
    child.stderr.on('data', (d) => { said += d; });
    await Promise.race([
        once(child.stdout, 'data'),
        once(child, 'exit').then(() => { throw new Error(`tgd-sandbox ended: ${said}`); }),
    ]);
    const servers = JSON.parse(readFileSync(path.join(dir, 'servers.json')));
    const mtproxy = existsSync(path.join(dir, 'mtproxy.json')) && JSON.parse(readFileSync(path.join(dir, 'mtproxy.json')));
    const control = await LineClient.connect(path.join(dir, 'control.sock'));
    return {
        dir,
        servers,
        mtproxy,
        control,
        call: (method, params) => control.call(method, params),
        log: () => readFileSync(path.join(dir, 'log'), 'utf8'),
        /** Ends it; what sanitizers or the sandbox itself complained of. */
        async stop(keep = false) {
            control.close();
            await end(child);
            const log = readFileSync(path.join(dir, 'log'), 'utf8');
            if (!keep) rmSync(dir, { recursive: true });
            return said + log.split('\n').filter((l) => / BROKEN /.test(l)).join('\n');
        },
    };
}
