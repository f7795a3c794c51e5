#!/usr/bin/env python3
"""Makes the man pages that repeat facts of the code: tgd-rpc(7) and tgd.conf(5).

    generate.py --source ROOT --out DIR

The prose stands in *.in beside this file; a line `@NAME@` is replaced by what is read from rpc/schema/,
rpc/errors.def and the tables of daemon/config_table.c. A fact that cannot be found is an error, not a hole.
"""
import argparse
import glob
import json
import os
import re
import sys

CODES = re.compile(r'RPC_ERROR\((-?\d+), (\w+), "([^"]*)"\)')
ROW = re.compile(r'\{"(\w+)", "(\w+)", (T_\w+), (?:AT|OF|PF)\([\w.\[\]]+\), (NULL|"[^"]*"), (\w+), (\w+),\s*(NULL|"[^"]*"),\s*'
                 r'(true|false),\s*(true|false),\s*"([^"]*)"\}')
NUMBERS = {'INT32_MAX': '2147483647'}


class Problem(Exception):
    pass


def esc(text):
    """Text as roff shows it; `code` in bold."""
    text = text.replace('\\', '\\e').replace('-', '\\-').replace("'", '\\(aq').replace('"', '\\(dq')
    text = re.sub(r'`([^`]+)`', r'\\fB\1\\fP', text)
    return ('\\&' if text.startswith(('.', '\\(aq')) else '') + text


def read(root, *path):
    with open(os.path.join(root, *path), encoding='utf-8') as f:
        return f.read()


# --- tgd-rpc(7) ---

def shape(schema):
    """The type of a schema in a few words."""
    if '$ref' in schema:
        return schema['$ref']
    kind = schema.get('type', 'any')
    if kind == 'array':
        return 'list of ' + shape(schema['items']) if 'items' in schema else 'list'
    return ' or '.join(kind) if isinstance(kind, list) else kind


def limits(schema):
    out = []
    if 'enum' in schema:
        out.append('one of ' + ', '.join(map(str, schema['enum'])))
    for word, text in (('minimum', 'from {}'), ('maximum', 'to {}'), ('minLength', 'at least {} long'),
                       ('maxLength', 'at most {} long'), ('default', 'default {}')):
        if word in schema:
            out.append(text.format(json.dumps(schema[word]) if word == 'default' else schema[word]))
    if schema.get('secret'):
        out.append('a secret')
    if schema.get('aliases'):
        out.append('also ' + ', '.join(schema['aliases']))
    return f" ({'; '.join(out)})" if out else ''


def members(rows, required, depth=0):
    for name, schema in rows:
        mark = ', required' if name in required else ''
        yield f'.TP\n.BR {name} " \\- {esc(shape(schema))}{mark}"'
        yield esc(schema.get('summary', '') + limits(schema))
        inner = schema.get('properties') or schema.get('items', {}).get('properties')
        if inner and depth < 2:
            yield '.RS'
            yield from members(inner.items(), (schema if 'properties' in schema else schema['items']).get('required', ()), depth + 1)
            yield '.RE'


def example(value):
    yield '.EX'
    yield esc(json.dumps(value, ensure_ascii=False, separators=(',', ':')))
    yield '.EE'


def method(m):
    yield f'.SS {m["name"]}'
    yield esc(m['summary'])
    if m.get('description'):
        yield esc(m['description'])
    yield esc('Class ' + ', '.join('@' + f for f in m['flags'] if f in ('read', 'send', 'admin')) + '.')
    if m.get('deprecated'):
        yield esc('Deprecated: ' + json.dumps(m['deprecated']))
    yield from members([(p['name'], p) for p in m['params']], [p['name'] for p in m['params'] if p.get('required')])
    result = m['result']
    words = result.get('description') or ('' if '$ref' not in result else 'A ' + result['$ref'] + '.')
    if result.get('properties') or words:
        yield '.PP\nAnswer:' + (' ' + esc(words) if words else '')
        yield from members(result.get('properties', {}).items(), result.get('required', ()))
    if m['errors']:
        yield '.PP\nErrors of its own:'
        yield esc(', '.join(m['errors']) + '.')
    yield '.PP'
    yield from example(m['example']['request'])


def methods(root):
    paths = sorted(glob.glob(os.path.join(root, 'rpc/schema/methods/*.json')), key=lambda p: os.path.basename(p).lower())
    if not paths:
        raise Problem('no method schemas')
    for path in paths:
        yield from method(json.loads(read(path)))


def types(root):
    for name, schema in sorted(json.loads(read(root, 'rpc/schema/types.json'))['types'].items()):
        yield f'.SS {name}'
        yield esc(schema['summary'] + limits(schema))
        if schema.get('description'):
            yield esc(schema['description'])
        if '$ref' not in schema and schema.get('type') != 'object':
            yield esc(f'JSON: {shape(schema)}.')
        yield from members(schema.get('properties', {}).items(), schema.get('required', ()))


def errors(root):
    rows = CODES.findall(read(root, 'rpc/errors.def'))
    if not rows:
        raise Problem('rpc/errors.def: no row')
    for code, name, text in rows:
        yield f'.TP\n.BR {esc(code)} " {name}"'
        yield esc(text[0].upper() + text[1:] + ('' if text[-1] in '.?' else '.'))


def mapped(root, kind):
    """Update constructors by what becomes of them."""
    by = {}
    for line in read(root, 'rpc/schema/updates.map').splitlines():
        words = line.split(None, 1)
        if words and not words[0].startswith('#'):
            by.setdefault(words[1].split(':')[0].strip(), []).append(words[0])
    for name in sorted(by):
        if (name in ('state', 'ignore')) == (kind == 'silent'):
            yield f'.TP\n.B {name}'
            yield esc(', '.join(by[name]) + '.')


def owned(root):
    """Functions that the engine keeps to itself, with what to use."""
    block = re.search(r'owned\[\] = \{(.*?)\n\};', read(root, 'rpc/raw.c'), re.S)
    rows = re.findall(r'\{"([^"]+)", "([^"]+)"\}', block.group(1)) if block else []
    if not rows:
        raise Problem('rpc/raw.c: no table of owned functions')
    for name, instead in rows:
        yield f'.TP\n.B {esc(name)}'
        yield esc(instead) + '.'


# --- tgd.conf(5) ---

def unquote(text):
    return None if text == 'NULL' else text[1:-1]


def keys(root):
    text = read(root, 'daemon/config_table.c')
    table = text[text.index('const struct tgd_key tgd_keys[]'):]
    rows = ROW.findall(table)
    there = len(re.findall(r'[ ,](?:AT|OF|PF)\([\w.\[\]]+\), (?:NULL|")', table))
    if len(rows) != there:
        raise Problem(f'daemon/config_table.c: read {len(rows)} of {there} rows of the tables')
    section = None
    for where, name, kind, fallback, low, high, choices, secret, live, about in rows:
        if where != section:
            section = where
            yield f'.SS [{section}{" NAME" if section == "account" else ""}]'
        yield f'.TP\n.B {name}'
        out = [about[0].upper() + about[1:] + '.']
        if unquote(choices):
            out.append('One of ' + unquote(choices).replace('|', ', ') + '.')
        if kind == 'T_INT':
            out.append(f'A number from {low} to {NUMBERS.get(high, high)}.')
        if kind == 'T_MODE':
            out.append(f'Octal, at most {high}.')
        if unquote(fallback) not in (None, '0'):
            out.append(f'Default: {unquote(fallback)}.')
        if secret == 'true':
            out.append('Secret: shown to nobody.')
        if live == 'true':
            out.append('A reload changes it.')
        yield esc(' '.join(out))


PAGES = {
    'tgd-rpc.7': {'METHODS': methods, 'TYPES': types, 'ERRORS': errors, 'OWNED': owned,
                  'EVENTS': lambda root: mapped(root, 'event'), 'SILENT': lambda root: mapped(root, 'silent')},
    'tgd.conf.5': {'KEYS': keys},
}


def main():
    args = argparse.ArgumentParser()
    args.add_argument('--source', required=True)
    args.add_argument('--out', required=True)
    args = args.parse_args()
    for page, parts in PAGES.items():
        out = []
        for line in read(args.source, 'daemon', 'man', page + '.in').splitlines():
            name = line.strip('@')
            if line.startswith('@') and line.endswith('@'):
                out.extend(parts[name](args.source))
            else:
                out.append(line)
        with open(os.path.join(args.out, page), 'w', encoding='utf-8') as f:
            f.write('\n'.join(out) + '\n')


try:
    main()
except (Problem, KeyError, OSError, ValueError) as e:
    sys.exit(f'{os.path.basename(sys.argv[0])}: {e!r}' if not isinstance(e, Problem) else str(e))
