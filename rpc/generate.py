#!/usr/bin/env python3
"""Makes the method table, its parameters and the map of updates out of rpc/schema/; see rpc/method.h.

The schema files are the contract, so this is also where they are checked: words of the dictionary, references,
error names, examples, and one event (or a reason for none) for every Update constructor of the layer. A method
whose handler is not written yet stands in rpc/schema/pending.list; there is no such file where there is none.
"""
import argparse
import glob
import json
import os
import re
import sys

FLAGS = {'read': 'READ', 'send': 'SEND', 'admin': 'ADMIN', 'waits': 'WAITS', 'account': 'ACCOUNT',
         'login': 'LOGIN', 'changes': 'CHANGES', 'stream': 'STREAM', 'list': 'LIST', 'users': 'USERS', 'bots': 'BOTS'}
KINDS = {'boolean': 'BOOL', 'integer': 'INT', 'number': 'NUMBER', 'string': 'STRING', 'object': 'OBJECT',
         'array': 'ARRAY'}
SCHEMA_WORDS = {'name', 'type', '$ref', 'summary', 'description', 'required', 'aliases', 'default', 'secret',
                'minimum', 'maximum', 'minLength', 'maxLength', 'enum', 'items', 'properties', 'pattern'}
METHOD_WORDS = {'name', 'summary', 'description', 'since', 'flags', 'params', 'result', 'errors', 'example',
                'deprecated', 'progress'}
MAP_TYPES = {'raw', 'state'}


class Problem(Exception):
    pass


class Schemas:
    def __init__(self, folder):
        with open(os.path.join(folder, 'types.json'), encoding='utf-8') as f:
            self.doc = json.load(f)
        self.types = self.doc['types']
        self.words = self.doc['dictionary']['words']
        self.instead = self.doc['dictionary']['instead']
        self.events = set(self.types['Event']['properties']['type']['enum'])
        self.methods = {}
        for path in sorted(glob.glob(os.path.join(folder, 'methods', '*.json'))):
            with open(path, encoding='utf-8') as f:
                method = json.load(f)
            if os.path.basename(path) != method['name'] + '.json':
                raise Problem(f'{path}: holds method {method["name"]}')
            self.methods[method['name']] = method

    def follow(self, schema):
        """The schema with its reference resolved; what stands beside the reference wins."""
        if '$ref' not in schema:
            return schema
        if schema['$ref'] not in self.types:
            raise Problem(f'no type {schema["$ref"]}')
        return {**self.follow(self.types[schema['$ref']]), **{k: v for k, v in schema.items() if k != '$ref'}}

    def check_word(self, where, name, schema):
        if where == 'Lagged.count':  # how many are gone: neither a limit nor the length of a list
            return
        if name in self.instead and not (where.startswith('Event.') and name in self.events):
            raise Problem(f'{where}: say {self.instead[name]}, not {name}')
        if name in self.words:
            shape = schema.get('$ref', schema.get('type'))
            if shape not in self.words[name] and not (where.startswith('Event.') and name in self.events):
                raise Problem(f'{where}: {name} is {" or ".join(self.words[name])} everywhere, not {shape}')

    def check(self, where, schema):
        unknown = set(schema) - SCHEMA_WORDS
        if unknown:
            raise Problem(f'{where}: unknown members {sorted(unknown)}')
        if '$ref' in schema:
            self.follow(schema)
        elif 'type' not in schema:
            raise Problem(f'{where}: has no type')
        text = schema.get('summary', '.')
        if not re.search(r'[.)…]$', text):
            raise Problem(f'{where}: a summary is a sentence and ends so: {text}')
        for name, sub in schema.get('properties', {}).items():
            if 'summary' not in sub:
                raise Problem(f'{where}.{name}: has no summary')
            self.check_word(f'{where}.{name}', name, sub)
            self.check(f'{where}.{name}', sub)
        if 'items' in schema:
            self.check(where + '[]', schema['items'])

    def check_method(self, m, errors):
        where = m['name']
        missing = METHOD_WORDS - {'description', 'deprecated', 'progress'} - set(m)
        if missing or set(m) - METHOD_WORDS:
            raise Problem(f'{where}: missing {sorted(missing)} or unknown {sorted(set(m) - METHOD_WORDS)}')
        for flag in m['flags']:
            if flag not in FLAGS:
                raise Problem(f'{where}: unknown flag {flag}')
        if len({'read', 'send', 'admin'} & set(m['flags'])) != 1:
            raise Problem(f'{where}: one of read, send, admin')
        seen = set()
        for p in m['params']:
            self.check_word(f'{where}.{p["name"]}', p['name'], p)
            self.check(f'{where}.{p["name"]}', p)
            for name in [p['name']] + p.get('aliases', []):
                if name in seen:
                    raise Problem(f'{where}: {name} stands for two parameters')
                seen.add(name)
        self.check(f'{where} result', m['result'])
        for name in m['errors']:
            if name not in errors:
                raise Problem(f'{where}: no error {name} in errors.def')
        request = m['example']['request']
        for name in request.get('params', {}):
            if name not in seen:
                raise Problem(f'{where}: its example has a parameter {name}')
        for p in m['params']:
            if p.get('required') and p['name'] not in request.get('params', {}):
                raise Problem(f'{where}: its example lacks {p["name"]}')

    def check_all(self, errors):
        for name, schema in self.types.items():
            self.check(name, schema)
        for method in self.methods.values():
            self.check_method(method, errors)


def c_string(text):
    out = []
    for b in text.encode('utf-8'):
        c = chr(b)
        out.append('\\' + c if c in '"\\' else c if 32 <= b < 127 and c != '?' else '\\%03o' % b)
    pieces, line, size = [], '', 0
    for part in out:
        if size + len(part) > 96:
            pieces.append(line)
            line, size = '', 0
        line += part
        size += len(part)
    pieces.append(line)
    return '\n    '.join('"' + p + '"' for p in pieces)


def c_list(items):
    return '"' + ''.join(i + '\\0' for i in items) + '"' if items else 'NULL'


class Writer:
    def __init__(self, schemas):
        self.s = schemas
        self.tables = []
        self.made = {}

    def kinds(self, schema):
        if schema.get('$ref') == 'Peer':
            return 'RPC_T_PEER'
        kind = self.s.follow(schema)['type']
        kinds = kind if isinstance(kind, list) else [kind]
        return ' | '.join('RPC_T_' + KINDS[k] for k in kinds)

    def members(self, schema):
        """The table for the members of an object; '' and 0 where they are free."""
        flat = self.s.follow(schema)
        if 'items' in flat:
            return self.members(flat['items'])
        if not flat.get('properties'):
            return 'NULL', 0
        key = json.dumps(flat['properties'], sort_keys=True)
        if key not in self.made:
            name = f'members_{len(self.made)}'
            required = flat.get('required', [])
            required = required if isinstance(required, list) else []
            params = [{'name': n, **v, 'required': n in required} for n, v in flat['properties'].items()]
            self.made[key] = (name, len(params))
            self.table(name, params)
        return self.made[key]

    def row(self, p):
        flat = self.s.follow(p)
        members, n_members = self.members(p) if p.get('$ref') != 'Peer' else ('NULL', 0)
        lo = flat.get('minimum', flat.get('minLength'))
        hi = flat.get('maximum', flat.get('maxLength'))
        item = self.kinds(flat['items']) if 'items' in flat else '0'
        default = c_string(json.dumps(p['default'])) if 'default' in p else 'NULL'
        return (f'    {{.name = "{p["name"]}", .aliases = {c_list(p.get("aliases"))}, '
                f'.choices = {c_list([e for e in flat.get("enum", []) if e])}, .fallback = {default}, '
                f'.min = {"INT64_MIN" if lo is None else lo}, .max = {"INT64_MAX" if hi is None else hi}, '
                f'.members = {members}, .n_members = {n_members}, .types = {self.kinds(p)}, .item = {item}, '
                f'.required = {"true" if p.get("required") else "false"}, '
                f'.or_empty = {"true" if "" in flat.get("enum", []) else "false"}, '
                f'.secret = {"true" if p.get("secret") else "false"}}},\n')

    def table(self, name, params):
        rows = ''.join(self.row(p) for p in params)
        self.tables.append(f'static const struct rpc_param {name}[] = {{\n{rows}}};\n')


def c_name(method):
    return method.replace('.', '_')


def read_pending(folder, schemas):
    path = os.path.join(folder, 'pending.list')
    if not os.path.exists(path):
        return set()
    with open(path, encoding='utf-8') as f:
        names = {line.strip() for line in f if line.strip() and not line.startswith('#')}
    if names - set(schemas.methods):
        raise Problem(f'pending.list: no such methods: {sorted(names - set(schemas.methods))}')
    return names


def make_methods(s, pending):
    w = Writer(s)
    for name in sorted(s.methods):
        if s.methods[name]['params']:
            w.table(f'params_{c_name(name)}', s.methods[name]['params'])
    out = ['/* Made by rpc/generate.py out of rpc/schema/. */\n#include "rpc/method_list.h"\n\n'
           '#pragma GCC diagnostic ignored "-Woverlength-strings"\n\n'] + w.tables
    out.append('\nconst struct rpc_method rpc_methods[] = {\n')
    for name in sorted(s.methods):
        m = s.methods[name]
        flags = ' | '.join('RPC_M_' + FLAGS[f] for f in m['flags'])
        params = f'params_{c_name(name)}' if m['params'] else 'NULL'
        handler = 'NULL' if name in pending else 'rpc_m_' + c_name(name)
        help_text = c_string(json.dumps(m, ensure_ascii=False, separators=(',', ':')))
        out.append(f'    {{.name = "{name}", .run = {handler}, .params = {params}, .n_params = {len(m["params"])}, '
                   f'.flags = {flags}, .summary =\n    {c_string(m["summary"])}, .help =\n    {help_text}}},\n')
    out.append(f'}};\nconst size_t rpc_n_methods = {len(s.methods)};\n')
    types = json.dumps(s.types, ensure_ascii=False, separators=(',', ':'))
    out.append(f'const char rpc_types_json[] =\n    {c_string(types)};\n')
    return ''.join(out)


def make_list(s, pending):
    rows = ''.join(f'void rpc_m_{c_name(n)}(struct rpc_req *req, struct mt_now now);\n'
                   for n in sorted(s.methods) if n not in pending)
    return ('/* Made by rpc/generate.py: the handler of every method in rpc/schema/methods/. */\n'
            '#pragma once\n\n#include "rpc/method.h"\n\n' + rows)


def read_updates(path, api, s):
    with open(api, encoding='utf-8') as f:
        layer = [line.split()[0].split('#')[0] for line in f if line.rstrip().endswith(' = Update;')]
    kinds = {}
    with open(path, encoding='utf-8') as f:
        for line in f:
            if not line.strip() or line.startswith('#'):
                continue
            name, kind = line.split(None, 1)
            kind = kind.strip()
            if name in kinds:
                raise Problem(f'{path}: {name} twice')
            if kind not in MAP_TYPES and kind not in s.events and not kind.startswith('ignore: '):
                raise Problem(f'{path}: {name}: no event type {kind}')
            kinds[name] = kind
    if set(layer) != set(kinds):
        raise Problem(f'{path}: missing {sorted(set(layer) - set(kinds))}, '
                      f'not in the layer {sorted(set(kinds) - set(layer))}')
    return kinds


def make_updates(kinds):
    groups = {}
    for name, kind in kinds.items():
        groups.setdefault('' if kind == 'state' or kind.startswith('ignore') else kind, []).append(name)
    out = ['/* Made by rpc/generate.py out of rpc/schema/updates.map. */\n#include "rpc/method.h"\n'
           '#include "tl/ids.h"\n\nconst char *rpc_update_type(uint32_t id)\n{\n    switch (id) {\n']
    for kind, names in sorted(groups.items()):
        out += [f'    case TL_{n}:\n' for n in sorted(names)]
        out.append(f'        return {chr(34) + kind + chr(34) if kind else "NULL"};\n')
    out.append('    }\n    return NULL;\n}\n')
    return ''.join(out)


def main():
    a = argparse.ArgumentParser()
    a.add_argument('--schema', required=True)
    a.add_argument('--errors', required=True)
    a.add_argument('--api', required=True)
    a.add_argument('--out', required=True)
    a = a.parse_args()
    try:
        s = Schemas(a.schema)
        with open(a.errors, encoding='utf-8') as f:
            errors = set(re.findall(r'^RPC_ERROR\(-?\d+, (\w+),', f.read(), re.M))
        s.check_all(errors)
        pending = read_pending(a.schema, s)
        files = {'methods.c': make_methods(s, pending), 'method_list.h': make_list(s, pending),
                 'updates_map.c': make_updates(read_updates(os.path.join(a.schema, 'updates.map'), a.api, s))}
    except (Problem, KeyError, json.JSONDecodeError) as e:
        sys.exit(f'rpc/generate.py: {e}')
    for name, text in files.items():
        with open(os.path.join(a.out, name), 'w', encoding='utf-8') as f:
            f.write(text)


main()
