// mtcute clients of a sandbox: addresses and key from servers.json, memory storage, every complaint kept.
import path from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { Heard } from './heard.mjs';

const modules = path.join(path.dirname(fileURLToPath(import.meta.url)), '../node/node_modules');
const load = (file) => import(pathToFileURL(path.join(modules, file)));

// For each temporary key a destroyed client leaves long timers behind: they shall not keep us alive.
const { setTimeout } = globalThis;
globalThis.setTimeout = (run, wait, ...args) => {
    const timer = setTimeout(run, wait, ...args);
    return wait > 60000 ? timer.unref() : timer;
};

const node = await load('@mtcute/node/index.js');
const { addPublicKey } = await load('@mtcute/core/utils.js');
const { NodeCryptoProvider } = await load('@mtcute/node/utils.js');

const codecs = {
    intermediate: () => new node.IntermediatePacketCodec(),
    padded: () => new node.PaddedIntermediatePacketCodec(),
    'obfuscated intermediate': () => new node.ObfuscatedPacketCodec(new node.IntermediatePacketCodec()),
    'obfuscated padded': () => new node.ObfuscatedPacketCodec(new node.PaddedIntermediatePacketCodec()),
};
// What it complains of by its own fault. A ping that it writes while it is still connecting is sent, but forgotten
// as soon as it has connected. A key whose first byte is zero (one in 256) it hashes without that byte, and tries anew.
const OWN_FAULT = /received pong to unknown ping|Step 4: invalid nonce hash/;
export const transports = Object.keys(codecs);

const crypto = new NodeCryptoProvider();
await crypto.initialize?.();

/**
 * A client that starts at data centre `dc`. `heard` gets its updates by type, `complaints` what it logged as a
 * warning or worse and every error that no call returned. With `mtproxy` {host, port, secret} it goes through that.
 */
export function newClient(sandbox, { transport = 'intermediate', dc = 2, pfs = false, mtproxy } = {}) {
    for (const pem of sandbox.servers.rsa_keys) addPublicKey(crypto, pem);
    const address = sandbox.servers.dcs.find((d) => d.id === dc);
    const main = { id: dc, ipAddress: address.ip, port: address.port };
    const tcp = mtproxy ? new node.MtProxyTcpTransport(mtproxy) : new node.TcpTransport();
    if (!mtproxy) tcp.packetCodec = codecs[transport];
    const tg = new node.TelegramClient({
        apiId: 1,
        apiHash: '0123456789abcdef0123456789abcdef',
        storage: new node.MemoryStorage(),
        crypto,
        transport: tcp,
        defaultDcs: { main, media: { ...main, mediaOnly: true } },
        network: { usePfs: pfs },
        updates: { disableNoDispatch: true },
        logLevel: 4,
    });
    const complaints = [];
    const heard = new Heard();
    tg.log.mgr.handler = (_color, level, tag, text, args) => {
        const line = `${tag}: ${text} ${args.map(String).join(' ')}`;
        if (level <= 2 && !OWN_FAULT.test(line)) complaints.push(line);
        if (text.includes('updates loop started')) heard.add('listening', true);
        if (process.env.MTCUTE_LOG) console.error(level, tag, text, ...args);
    };
    tg.onError.add((e) => OWN_FAULT.test(e.message) || complaints.push(`error: ${e.stack ?? e}`));
    tg.onNewMessage.add((m) => heard.add('message', m));
    tg.onEditMessage.add((m) => heard.add('edit', m));
    tg.onDeleteMessage.add((u) => heard.add('delete', u));
    tg.onHistoryRead.add((u) => heard.add('read', u));
    tg.onUserTyping.add((u) => heard.add('typing', u));
    tg.onUserStatusUpdate.add((u) => heard.add('status', u));
    tg.onRawUpdate.add((u) => heard.add('raw', u.update));
    return { tg, heard, complaints };
}

/**
 * Signs in by phone, with the code that the sandbox sent and a password where one is set; or as a bot. mtcute's
 * start() does not wait for its first difference, and what comes with that one is not told: so we wait.
 */
export async function signIn(client, sandbox, { phone, password, botToken }) {
    const me = await client.tg.start(botToken ? { botToken } : {
        phone,
        code: async () => (await sandbox.call('lastCode', { phone })).code,
        password: password && (() => password),
        codeSentCallback: () => {},
        invalidCodeCallback: (what) => { throw new Error(`the ${what} was refused`); },
    });
    await client.heard.next('listening');
    return me;
}
