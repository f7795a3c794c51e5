// Cross codec: our tables and walkers against @mtcute/core's generated readers and writers.
//
//   node run.mjs TL_CODEC [ROUNDS]
//
// ours -> theirs: random values of every def from our generator, read by their reader, written by their
//   writer, compared byte by byte. They have no readers for API methods: those go through our JSON instead.
// theirs -> ours: random values made here from their schema, written by their writer, read by us into JSON
//   (compared with the value), and from that JSON back into bytes.
import { spawnSync } from 'node:child_process';
import { createRequire } from 'node:module';
import path from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { pathToFileURL, fileURLToPath } from 'node:url';

const modules = path.join(path.dirname(fileURLToPath(import.meta.url)), '../node/node_modules');
const require = createRequire(path.join(modules, '../package.json'));
const load = (file) => import(pathToFileURL(path.join(modules, file)));
const { __tlReaderMap: readers } = await load('@mtcute/core/tl/binary/reader.js');
const { __tlWriterMap: writers } = await load('@mtcute/core/tl/binary/writer.js');
const { TlBinaryReader, TlBinaryWriter } = await load('@mtcute/tl-runtime/index.js');
const { default: Long } = await load('long/index.js');

const [codec, rounds = '3'] = process.argv.slice(2);
const OLDER = { inputPeerPhotoFileLocationLegacy: true, inputStickerSetThumbLegacy: true };
// Their writer hands a bare vector's items the wrong arguments (and counts 4 bytes too many): they never write it.
const UNWRITABLE = 'mt_future_salts';
const schema = [...require('@mtcute/core/tl/api-schema.json').e, ...require('@mtcute/core/tl/mtp-schema.json')]
    .filter((e) => !e.name.startsWith('mtcute.') && e.name !== UNWRITABLE);
const byName = new Map(schema.map((e) => [e.name, e]));
const byId = new Map(schema.map((e) => [e.id, e]));
const byType = new Map();
for (const e of schema) {
    if (e.kind !== 'class' || OLDER[e.name]) continue;
    if (!byType.has(e.type)) byType.set(e.type, []);
    byType.get(e.type).push(e);
}
const ourName = (name) => name.replace(/^mt_/, '');
const camel = (name) => name.replace(/_(.)/g, (_, c) => c.toUpperCase());

const results = {};
function count(direction, ok, what) {
    const r = (results[direction] ??= { passed: 0, failed: 0 });
    if (ok) {
        r.passed++;
    } else if (r.failed++ < 10) {
        console.log(`FAILED ${direction}: ${what}`);
    }
}

function ask(lines) {
    const r = spawnSync(codec, { input: lines.join('\n') + '\n', maxBuffer: 2 ** 30 });
    if (r.status !== 0) throw new Error(`${codec}: ${r.signal ?? r.status} ${r.stderr}`);
    return r.stdout.toString().trimEnd().split('\n');
}

const hex = (bytes) => Buffer.from(bytes).toString('hex');
const write = (object) => TlBinaryWriter.serializeObject(writers, object);

// --- our JSON <-> their objects, by their schema ---

const isVector = (arg) => arg.typeModifiers?.isVector || arg.typeModifiers?.isBareVector;
const fields = (entry) => entry.arguments.filter((a) => a.type !== '#');

function plainFromJson(type, v) {
    switch (type) {
        case 'long': return Long.fromString(v);
        case 'int53': return Number(v);
        case 'bytes': case 'int128': case 'int256': return new Uint8Array(Buffer.from(v, 'base64'));
        case 'double': return Number(v);
        default: return v !== null && typeof v === 'object' ? fromJson(v) : v;
    }
}

function fromJson(json) {
    const entry = byName.get(json._) ?? byName.get('mt_' + json._);
    const out = { _: entry.name };
    for (const a of fields(entry)) {
        const v = json[a.name];
        if (v === undefined) continue;
        out[camel(a.name)] = isVector(a) ? v.map((i) => plainFromJson(a.type, i)) : plainFromJson(a.type, v);
    }
    return out;
}

function plainToJson(type, v) {
    switch (type) {
        case 'long': case 'int53': return v.toString();
        case 'bytes': case 'int128': case 'int256': return Buffer.from(v).toString('base64');
        case 'double': return Number.isFinite(v) ? v : String(v);
        default: return v !== null && typeof v === 'object' ? toJson(v) : v;
    }
}

function toJson(object) {
    const entry = byName.get(object._);
    const out = { _: ourName(object._) };
    for (const a of fields(entry)) {
        const v = object[camel(a.name)];
        if (v === undefined || (a.type === 'true' && !v)) continue;
        out[a.name] = isVector(a) ? v.map((i) => plainToJson(a.type, i)) : plainToJson(a.type, v);
    }
    return out;
}

// --- random values of their schema; mulberry32, so that a run can be repeated ---

let state = 1;
function random() {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
}
const below = (n) => Math.floor(random() * n);
const pick = (list) => list[below(list.length)];
const blob = (n) => Uint8Array.from({ length: n }, () => below(256));
const MAX_DEPTH = 5;

const rank = new Map(schema.map((e) => [e, Infinity]));
for (let changed = true; changed;) {
    changed = false;
    for (const e of schema) {
        const inner = fields(e).filter((a) => !isVector(a) && !a.typeModifiers?.predicate && byType.has(a.type));
        const r = Math.max(0, ...inner.map((a) => 1 + Math.min(...byType.get(a.type).map((c) => rank.get(c)))));
        if (r < rank.get(e)) {
            rank.set(e, r);
            changed = true;
        }
    }
}
const shallowest = (type) => byType.get(type).reduce((a, b) => (rank.get(b) < rank.get(a) ? b : a));

function plain(type, depth) {
    switch (type) {
        case 'int': return pick([0, 1, -1, 2147483647, -2147483648, below(2 ** 31)]);
        case 'long': return new Long(below(2 ** 32) | 0, below(2 ** 32) | 0);
        case 'int53': return pick([0, 1, below(2 ** 31), below(2 ** 53), -1, Number.MAX_SAFE_INTEGER]);
        case 'double': return pick([0, 1, -1.5, 0.1, 1e300, 5e-324, Infinity, -Infinity, NaN, -0, random()]);
        case 'string': return 'aé😀"\\\n\u0001'.repeat(below(4)) + 'x'.repeat(pick([0, 1, 2, 3, 253, 254, 255, 256]));
        case 'bytes': return blob(pick([0, 1, 2, 3, 4, 253, 254, 255]));
        case 'int128': return blob(16);
        case 'int256': return blob(32);
        case 'Bool': return random() < 0.5;
        case '!X': return value(byName.get(pick(['help.getConfig', 'users.getUsers', 'help.getNearestDc'])), depth + 1);
        default: return value(depth < MAX_DEPTH ? pick(byType.get(type)) : shallowest(type), depth + 1);
    }
}

function value(entry, depth) {
    const chosen = new Map();
    const out = { _: entry.name };
    for (const a of fields(entry)) {
        const flag = a.typeModifiers?.predicate;
        if (flag) {
            if (!chosen.has(flag)) chosen.set(flag, depth < MAX_DEPTH && random() < 0.4);
            if (!chosen.get(flag)) continue;
        }
        if (a.type === 'true') {
            out[camel(a.name)] = true;
        } else if (isVector(a)) {
            const n = depth < MAX_DEPTH || flag ? below(3) + (flag ? 1 : 0) : 0;
            out[camel(a.name)] = Array.from({ length: n }, () => plain(a.type, depth));
        } else {
            out[camel(a.name)] = plain(a.type, depth);
        }
    }
    return out;
}

// --- the two directions ---

function oursToTheirs() {
    const total = Number(ask(['defs'])[0]);
    const small = schema.flatMap((e) => e.arguments.filter((a) => a.type === 'int53')
        .map((a) => `small ${ourName(e.name)} ${a.name}`));
    let lacking = 0;
    for (let seed = 0; seed < Number(rounds); seed++) {
        for (const line of ask([...small, ...Array.from({ length: total }, (_, i) => `make ${i} ${seed}`)])) {
            if (line === '-') continue;
            const [name, bytes] = line.split(' ', 2);
            const id = Buffer.from(bytes, 'hex').readUInt32LE(0);
            if (!byId.has(id)) {
                lacking++;
                continue;
            }
            const direction = readers[id] ? 'ours -> their reader -> their writer' : 'ours -> JSON -> their writer';
            try {
                let object;
                if (readers[id]) {
                    const reader = new TlBinaryReader(readers, Buffer.from(bytes, 'hex'));
                    object = reader.object();
                    if (reader.pos !== bytes.length / 2) throw new Error(`read ${reader.pos} of ${bytes.length / 2}`);
                } else {
                    object = fromJson(JSON.parse(line.slice(name.length + bytes.length + 2)));
                }
                const again = hex(write(object));
                count(direction, again === bytes, `${name}\n  ${bytes}\n  ${again}`);
            } catch (e) {
                count(direction, false, `${name}: ${e.message}`);
            }
        }
    }
    console.log(`not theirs (secret chats, containers, future_salts): ${lacking / Number(rounds)} defs`);
}

function theirsToOurs() {
    const direction = 'theirs -> ours -> JSON -> ours';
    for (let round = 0; round < Number(rounds); round++) {
        const objects = schema.filter((e) => !OLDER[e.name]).map((e) => value(e, 1));
        const bytes = objects.map((o) => hex(write(o)));
        ask(bytes.map((b) => 'back ' + b)).forEach((line, i) => {
            const at = line.indexOf(' ');
            const same = line.slice(0, at) === bytes[i];
            const json = same ? JSON.parse(line.slice(at + 1)) : null;
            count(direction, same && isDeepStrictEqual(json, toJson(objects[i])),
                `${objects[i]._}\n  ${bytes[i]}\n  ${line}`);
        });
    }
}

oursToTheirs();
theirsToOurs();
let failed = 0;
for (const [direction, r] of Object.entries(results)) {
    console.log(`${direction}: ${r.passed} passed, ${r.failed} failed`);
    failed += r.failed;
}
process.exit(failed ? 1 : 0);
