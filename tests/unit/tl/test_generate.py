#!/usr/bin/env python3
"""tl/generate.py refuses what the tables cannot say; its output depends on nothing but its input."""
import os
import shutil
import subprocess
import sys
import tempfile
import unittest

ROOT = os.path.abspath(os.path.join(os.path.dirname(__file__), '../../..'))
SCHEMA = os.path.join(ROOT, 'tl/schema')

sys.path.insert(0, os.path.join(ROOT, 'tl'))
sys.dont_write_bytecode = True
from generate import computed_id  # noqa: E402


def generate(api, schema=SCHEMA, *more):
    """Writes `api` over a copy of the schema; answers (exit status, stderr, tables, ids)."""
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, 'api.tl')
        with open(path, 'w', encoding='utf-8') as f:
            f.write(api)
        run = subprocess.run([sys.executable, os.path.join(ROOT, 'tl/generate.py'), '--api', path, '--schema',
                              schema, '--out', folder, *more], capture_output=True, text=True, check=False)
        text = {}
        for name in ('tables.c', 'ids.h'):
            target = os.path.join(folder, name)
            if os.path.exists(target):
                with open(target, encoding='utf-8') as f:
                    text[name] = f.read()
        return run.returncode, run.stderr, text.get('tables.c'), text.get('ids.h')


with open(os.path.join(SCHEMA, 'api.tl'), encoding='utf-8') as schema_file:
    API = schema_file.read()


class Generator(unittest.TestCase):
    def refused(self, api, words):
        status, stderr, tables, _ = generate(api)
        self.assertNotEqual(status, 0)
        self.assertIn(words, stderr)
        self.assertIsNone(tables)

    def changed(self, old, new):
        self.assertIn(old, API)
        return API.replace(old, new, 1)

    def test_the_same_schema_gives_the_same_tables_in_any_order_of_its_lines(self):
        types, functions = API.split('---functions---\n')
        lines = types.split('\n')
        shuffled = '\n'.join(lines[:3] + lines[:2:-1]) + '\n---functions---\n' + functions
        self.assertEqual(generate(API), generate(shuffled))

    def test_an_id_that_is_not_the_crc32_of_its_line_is_refused(self):
        self.refused(self.changed('inputPeerSelf#7da07ec9', 'inputPeerSelf#7da07eca'), 'id should be 7da07ec9')
        self.refused(self.changed('inputPeerChat#35a95cb9 chat_id:long', 'inputPeerChat#35a95cb9 chat_id:int'),
                     'inputPeerChat: id should be')

    def test_a_line_twice_is_refused(self):
        line = next(l for l in API.split('\n') if l.startswith('inputPeerSelf#')) + '\n'
        self.refused(self.changed(line, line + line), 'is there already')

    def test_a_type_that_nothing_makes_is_refused(self):
        line = next(l for l in API.split('\n') if l.startswith('auth.loggedOut#')) + '\n'
        self.refused(self.changed(line, ''), 'nothing is a auth.LoggedOut')

    def test_what_is_no_declaration_is_refused(self):
        self.refused(self.changed('inputPeerSelf#7da07ec9 =', 'inputPeerSelf ='), 'not a declaration')
        self.refused(API.replace('// LAYER', '// LAIER'), 'LAYER')

    def test_a_flag_needs_its_word_before_it(self):
        for fields in ('update:flags.0?Update date:int', 'update:flags.0?Update flags:# date:int'):
            line = 'updateShort#%08x %s = Updates;'
            line %= computed_id(line % (0, fields)), fields
            self.refused(self.changed('updateShort#78d4dec1 update:Update date:int = Updates;', line),
                         'updateShort.update: no # called flags before it')

    def test_more_fields_than_a_view_holds_are_refused(self):
        line = 'updateShort#%08x' + ''.join(' f%d:int' % i for i in range(97)) + ' = Updates;'
        line %= computed_id(line % 0)
        self.refused(self.changed('updateShort#78d4dec1 update:Update date:int = Updates;', line), 'too many fields')

    def test_another_shape_is_for_other_layers_than_ours(self):
        self.refused(API.replace('// LAYER 227', '// LAYER 229'), 'is no other shape for layers 228-')

    def test_a_name_in_a_list_that_the_layer_lacks_is_refused_unless_the_schema_is_foreign(self):
        with tempfile.TemporaryDirectory() as folder:
            schema = os.path.join(folder, 'schema')
            shutil.copytree(SCHEMA, schema)
            with open(os.path.join(schema, 'repeatable.list'), 'a', encoding='utf-8') as f:
                f.write('messages.getNothing\n')
            status, stderr, _, _ = generate(API, schema)
            self.assertNotEqual(status, 0)
            self.assertIn('no function messages.getNothing', stderr)
            self.assertEqual(generate(API, schema, '--foreign')[0], 0)


if __name__ == '__main__':
    unittest.main()
