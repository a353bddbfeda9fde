import { expect, test } from 'vitest';
import { z } from 'zod';
import { checkYaml } from './yaml-document.ts';

const schema = z.strictObject({
  name: z.string(),
  buses: z.array(z.strictObject({ id: z.string(), unit: z.int().min(1) })),
});

test.each([
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
  ['an empty file', '', 'f.yaml:1: (document): Invalid input: expected object, received null'],
])('%s is refused, naming file, line and key', (_, text, message) => {
  const parsed = checkYaml(schema, text, 'f.yaml');
  expect(parsed.ok ? [] : parsed.errors).toEqual([message]);
});

test('a good document is its value; JSON is YAML too', () => {
  expect(checkYaml(schema, '{"name": "a", "buses": []}', 'f.json')).toEqual({
    ok: true,
    value: { name: 'a', buses: [] },
  });
});
