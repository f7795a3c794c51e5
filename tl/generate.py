#!/usr/bin/env python3
"""Turns tl/schema/*.tl into tables.c and ids.h (what they hold: tl/schema.h, tl/tables.h).

    generate.py --api tl/schema/api.tl --schema tl/schema --out build/tl

Run by meson. Fails on an id that is not the crc32 of its declaration, on a type that nothing makes, and on
anything else that the tables cannot say; so what compiles is consistent.
"""
import argparse
import os
import re
import sys
import zlib

VIEW_FIELDS = 96  # TL_VIEW_FIELDS of tl/view.h
NO_TYPE = 0xffff
NO_FLAG = 0xff
# Ids that are not the crc32 of our declaration: the first three are written otherwise where they come from
# (mtproto_extra.tl); the last was computed with bytes written as bytes.
GIVEN_IDS = {0x5bb8e511, 0x73f1f8dc, 0xe06046b2, 0x6abd9782}
KINDS = {'int': 'INT', '#': 'FLAGS', 'long': 'LONG', 'double': 'DOUBLE', 'int128': 'INT128', 'int256': 'INT256',
         'string': 'STRING', 'bytes': 'BYTES', 'Bool': 'BOOL', 'true': 'TRUE', 'Object': 'ANY', '!X': 'ANY',
         'X': 'ANY'}
SECTIONS = [('api', 'API'), ('mtproto', 'MTPROTO'), ('mtproto_extra', 'MTPROTO'), ('e2e', 'E2E'),
            ('compat', 'COMPAT')]


def fail(text):
    sys.exit('generate.py: ' + text)


class Field:
    """One field, or the result of a function. `type` is a name until resolve() makes it an index."""

    def __init__(self, name, spec, where):
        self.name, self.flag, self.bit, self.item = name, None, NO_FLAG, 0
        condition, _, plain = spec.rpartition('?')
        if condition:
            self.flag, dot, bit = condition.partition('.')
            if not dot or not bit.isdigit() or int(bit) > 31:
                fail('%s: bad condition %r' % (where, spec))
            self.bit = int(bit)
        vector = re.fullmatch(r'([Vv])ector<(.*)>', plain)
        if vector:
            self.kind = 'VECTOR' if vector[1] == 'V' else 'BARE_VECTOR'
            self.item, self.type = self.plain_kind(vector[2])
            if self.item in ('TRUE', 'FLAGS') or 'ector<' in vector[2]:
                fail('%s: no vector of %s' % (where, vector[2]))
        else:
            self.kind, self.type = self.plain_kind(plain)
        if self.kind == 'TRUE' and not self.flag:
            fail('%s: true without a flag' % where)

    @staticmethod
    def plain_kind(name):
        if name in KINDS:
            return KINDS[name], None
        return ('OBJECT' if name.split('.')[-1][0].isupper() else 'BARE'), name

    def row(self, pool, flag_index):
        item = 'TL_K_' + self.item if self.item else '0'
        return '{%d,%d,TL_K_%s,%s,%d,%d}' % (pool.at(self.name), NO_TYPE if self.type is None else self.type,
                                             self.kind, item, self.bit, flag_index)


class Def:
    def __init__(self, line, section, is_function, where):
        match = re.fullmatch(r'([\w.]+)#([0-9a-f]{8})((?: \S+)*) = ([\w.<>]+);', line)
        if not match:
            fail('%s: not a declaration: %s' % (where, line))
        self.name, self.id = match[1], int(match[2], 16)
        self.section, self.is_function, self.where = section, is_function, where
        self.access, self.repeatable, self.layers = 'BOTH', False, None
        self.result_spec = match[4]
        if self.id not in GIVEN_IDS and computed_id(line) != self.id:
            fail('%s: %s: id should be %08x' % (where, self.name, computed_id(line)))
        fields = [f for f in match[3].split() if f[0] != '{']
        self.fields = [Field(*f.split(':', 1), where) for f in fields]
        names = [f.name for f in self.fields]
        if len(names) > VIEW_FIELDS or len(set(names)) != len(names):
            fail('%s: %s: too many fields, or one twice' % (where, self.name))
        for i, f in enumerate(self.fields):
            if f.flag and not any(g.name == f.flag and g.kind == 'FLAGS' for g in self.fields[:i]):
                fail('%s: %s.%s: no # called %s before it' % (where, self.name, f.name, f.flag))

    def flag_index(self, field):
        return next((i for i, f in enumerate(self.fields) if f.name == field.flag), 0)

    def key(self):
        """Functions, then constructors, then other shapes; each by name. tl_def_by_name() relies on it."""
        compat = self.section == 'COMPAT'
        return (2 if compat else 0 if self.is_function else 1, self.name, self.id)


def computed_id(line):
    """crc32 of the declaration without its id, its true flags and the marks of generics."""
    text = re.sub(r'#[0-9a-f]{8} ', ' ', line.rstrip(';'), count=1)
    text = re.sub(r' \w+:\w+\.\d+\?true', '', text)
    text = re.sub(r'([:?])bytes ', r'\1string ', text)
    text = text.replace('<', ' ').translate(str.maketrans('', '', '>{}'))
    return zlib.crc32(text.encode())


class Pool:
    """Every name once; field names first, so that 16 bits reach them."""

    def __init__(self):
        self.offsets, self.names, self.size = {}, [], 0

    def at(self, name):
        if name not in self.offsets:
            self.offsets[name] = self.size
            self.names.append(name)
            self.size += len(name) + 1
        return self.offsets[name]


def read_layers(text, where):
    """What "// LAYERS a-b" says: a pair, open ends filled in; None for "-"."""
    match = re.fullmatch(r'(\d*)-(\d*)', text)
    if not match:
        fail('%s: not a range of layers: %s' % (where, text))
    return (int(match[1] or 0), int(match[2] or 0xffff)) if match[1] or match[2] else None


def read_defs(path, section):
    is_function, layer, layers, defs = False, None, None, []
    with open(path, encoding='utf-8') as f:
        for number, line in enumerate(f, 1):
            line = line.strip()
            if line.startswith('// LAYER '):
                layer = int(line.split()[2])
            elif line.startswith('// LAYERS '):
                layers = read_layers(line.split()[2], '%s:%d' % (path, number))
            elif line in ('---functions---', '---types---'):
                is_function = line == '---functions---'
            elif line and not line.startswith('//'):
                defs.append(Def(line, section, is_function, '%s:%d' % (path, number)))
                defs[-1].layers = layers
    return defs, layer


def read_all(api, folder):
    defs, layer = [], None
    for name, section in SECTIONS:
        path = api if name == 'api' else os.path.join(folder, name + '.tl')
        more, its_layer = read_defs(path, section)
        defs += more
        layer = layer or its_layer
    if not layer:
        fail('%s: no line "// LAYER n"' % api)
    defs.sort(key=Def.key)
    for what in (lambda d: d.id, lambda d: (d.key()[:2] if d.section != 'COMPAT' else d.id)):
        seen = {}
        for d in defs:
            if what(d) in seen:
                fail('%s: %s is there already: %s' % (d.where, d.name, seen[what(d)].where))
            seen[what(d)] = d
    return defs, layer


def resolve(defs):
    """Names of types become indexes; returns the types and their constructors."""
    ctors = {}
    for i, d in enumerate(defs):
        if not d.is_function:
            ctors.setdefault(d.result_spec, [])
            if d.section != 'COMPAT':
                ctors[d.result_spec].append(i)
    types = {name: i for i, name in enumerate(sorted(ctors))}
    empty = [name for name in types if not ctors[name]]
    if empty:
        fail('all constructors of %s are other shapes' % empty[0])
    by_name = {d.name: i for i, d in enumerate(defs) if not d.is_function and d.section != 'COMPAT'}
    for d in defs:
        if d.is_function:
            d.result = Field('', d.result_spec, d.where)
        for f in d.fields + ([d.result] if d.is_function else []):
            if f.type is not None:
                bare = 'BARE' in (f.kind, f.item)
                target = (by_name if bare else types).get(f.type)
                if target is None:
                    fail('%s: %s: nothing is a %s' % (d.where, d.name, f.type))
                f.type = target
                if bare and not any(g.flag is None and g.kind != 'FLAGS' for g in defs[target].fields):
                    fail('%s: bare %s may take no bytes' % (d.where, defs[target].name))
    return [(name, ctors[name]) for name in sorted(ctors)], types


def read_marks(defs, folder, foreign):
    functions = {d.name: d for d in defs if d.is_function}
    with open(os.path.join(folder, 'errors.list'), encoding='utf-8') as f:
        for words in map(str.split, f):
            if words[0] in ('user', 'bot') and words[1] in functions:
                functions[words[1]].access = words[0].upper()
    path = os.path.join(folder, 'repeatable.list')
    with open(path, encoding='utf-8') as f:
        for name in (line.strip() for line in f):
            if not name or name[0] == '#':
                continue
            if name in functions:
                functions[name].repeatable = True
            elif not foreign:
                fail('%s: no function %s' % (path, name))


def shape_rows(defs, layer):
    """Rows of tl_shapes; an empty one where there are none, as C wants."""
    named = {(d.is_function, d.name): i for i, d in enumerate(defs) if d.section != 'COMPAT'}
    out = []
    for i, d in enumerate(defs):
        if d.layers:
            if (d.is_function, d.name) not in named or d.layers[0] <= layer <= d.layers[1]:
                fail('%s: %s is no other shape for layers %d-%d' % ((d.where, d.name) + d.layers))
            out.append('{%d,%d,%d,%d}' % ((i, named[d.is_function, d.name]) + d.layers))
    return out


def id_table(defs):
    """Open addressing; the slot is the top bits of a multiplication (tl_def_by_id() does the same)."""
    bits = max(4, (len(defs) * 3 // 2).bit_length())
    slots = [0xffff] * (1 << bits)
    for i, d in enumerate(defs):
        at = (d.id * 0x9e3779b1 & 0xffffffff) >> (32 - bits)
        while slots[at] != 0xffff:
            at = (at + 1) % len(slots)
        slots[at] = i
    return bits, slots


def rows(items, each=12):
    items = list(items)
    return ',\n'.join(','.join(map(str, items[i:i + each])) for i in range(0, len(items), each))


def tables_text(defs, types, type_index, layer):
    pool, fields, lines = Pool(), [], []
    for name in sorted({f.name for d in defs for f in d.fields} | {''}):
        pool.at(name)
    if pool.size > 0xffff:
        fail('names of fields take more than 64 KiB')
    for d in defs:
        result = d.result.row(pool, 0) if d.is_function else '{0,0,0,0,0,0}'
        of = d.result.type if d.is_function and d.result.kind == 'OBJECT' else type_index.get(d.result_spec)
        lines.append('{0x%08x,%d,%d,%d,%d,TL_S_%s,%d,TL_A_%s,%d,%s}' % (
            d.id, pool.at(d.name), NO_TYPE if of is None else of, len(fields), len(d.fields), d.section,
            d.is_function, d.access, d.repeatable, result))
        fields += [f.row(pool, d.flag_index(f)) for f in d.fields]
    type_rows, ctor_rows = [], []
    for name, ctors in types:
        type_rows.append('{%d,%d,%d}' % (pool.at(name), len(ctor_rows), len(ctors)))
        ctor_rows += ctors
    if max(len(fields), len(ctor_rows), len(types)) >= 0xffff:
        fail('more rows than 16 bits can count')
    bits, slots = id_table(defs)
    shapes = shape_rows(defs, layer)
    n_functions = sum(d.key()[0] == 0 for d in defs)
    n_named = sum(d.key()[0] < 2 for d in defs)
    return '\n'.join([
        '/* Made by tl/generate.py. */', '#include "tl/tables.h"', '', 'const int tl_layer = %d;' % layer,
        '#pragma GCC diagnostic ignored "-Woverlength-strings"', 'const char tl_names[] =',
        '\n'.join('"%s\\0"' % n for n in pool.names) + ';',
        'const struct tl_field tl_fields[] = {', rows(fields, 6), '};',
        'const struct tl_def tl_defs[] = {', ',\n'.join(lines), '};',
        'const struct tl_type tl_types[] = {', rows(type_rows, 8), '};',
        'const uint16_t tl_ctors[] = {', rows(ctor_rows), '};',
        'const uint16_t tl_id_slots[] = {', rows(slots), '};',
        'const struct tl_shape tl_shapes[] = {', rows(shapes or ['{0,0,0,0}'], 4), '};',
        'const struct tl_counts tl_counts = {%d,%d,%d,%d,%d,%d};' % (
            n_functions, n_named, len(defs), len(types), len(shapes), 32 - bits), ''])


def ids_text(defs, layer):
    out = ['/* Made by tl/generate.py. */', '#pragma once', '', '#define TL_LAYER %d' % layer]
    for d in defs:
        name = d.name.replace('.', '_') + ('_%08x' % d.id if d.section == 'COMPAT' else '')
        out.append('#define TL_%s UINT32_C(0x%08x)' % (name, d.id))
        out += ['#define TLF_%s__%s %d' % (name, f.name, i) for i, f in enumerate(d.fields)]
    return '\n'.join(out) + '\n'


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument('--api', required=True)
    parser.add_argument('--schema', required=True)
    parser.add_argument('--out', required=True)
    parser.add_argument('--foreign', action='store_true', help='an API schema that repeatable.list is not for')
    args = parser.parse_args()
    defs, layer = read_all(args.api, args.schema)
    types, type_index = resolve(defs)
    read_marks(defs, args.schema, args.foreign)
    for name, text in (('tables.c', tables_text(defs, types, type_index, layer)),
                       ('ids.h', ids_text(defs, layer))):
        with open(os.path.join(args.out, name), 'w', encoding='utf-8') as f:
            f.write(text)


if __name__ == '__main__':
    main()
