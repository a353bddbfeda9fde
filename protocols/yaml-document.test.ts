import { expect, test } from 'vitest';
import { z } from 'zod';
import { checkYaml } from './yaml-document.ts';

const schema = z.strictObject({
  name: z.string(),
  buses: z.array(z.strictObject({ id: z.string(), unit: z.int().min(1) })),
});

/** A list of ten, then `levels` lists of ten times the one before. */
const aliasBomb = (levels: number): string =>
  Array.from({ length: levels + 1 }, (_, level) => {
    const item = level === 0 ? '1' : `*a${level - 1}`;
    return `a${level}: &a${level} [${Array(10).fill(item).join(', ')}]\n`;
  }).join('');

test.each<[string, string, string | RegExp]>([
  [
    'an unknown key',
    'name: a\nbuses:\n  - id: b\n    unit: 1\n    speed: 9\n',
    'f.yaml:5: buses.0.speed: unknown key',
  ],
  [
    'a value out of range',
    'name: a\nbuses:\n  - id: b\n    unit: 0\n',
    'f.yaml:4: buses.0.unit: Too small: expected number to be >=1',
  ],
  [
    'a missing key',
    'name: a\nbuses:\n  - id: b\n',
    'f.yaml:3: buses.0.unit: Invalid input: expected number, received undefined',
  ],
  ['a duplicate key', 'name: a\nname: b\nbuses: []\n', 'f.yaml:2: (document): Map keys must be unique'],
  ['a truncated file', 'name: "a\n', 'f.yaml:2: (document): Missing closing "quote'],
  ['an alias without an anchor', 'name: a\nbuses: *b\n', /^f\.yaml:2: \(document\): Unresolved alias/],
  ['aliases of aliases that grow without measure', aliasBomb(6), /^f\.yaml:7: \(document\): Excessive alias/],
  ['an empty file', '', 'f.yaml:1: (document): Invalid input: expected object, received null'],
])('%s is refused, naming file, line and key', (_, text, message) => {
  const parsed = checkYaml(schema, text, 'f.yaml');
  expect(parsed.ok ? [] : parsed.errors).toEqual([
    typeof message === 'string' ? message : expect.stringMatching(message),
  ]);
});

test('a good document is its value; JSON is YAML too', () => {
  expect(checkYaml(schema, '{"name": "a", "buses": []}', 'f.json')).toEqual({
    ok: true,
    value: { name: 'a', buses: [] },
  });
});
