import { expect, test } from 'vitest';
import { parseStrictJson } from './strict-json.ts';

const parse = (text: string) => parseStrictJson(new TextEncoder().encode(text));

test.each([
  ['{}', {}],
  ['{"a":[1,-2.5,1e3,"x,{\\"a\\":1}"],"b":{"a":null}}', { a: [1, -2.5, 1000, 'x,{"a":1}'], b: { a: null } }],
  ['[{"a":1},{"a":2}]', [{ a: 1 }, { a: 2 }]],
  ['"{\\"a\\":1,\\"a\\":2}"', '{"a":1,"a":2}'],
])('%s is read as it stands', (text, value) => {
  expect(parse(text)).toEqual({ ok: true, value });
});

test.each([
  ['a key twice', '{"day":"2026-09-01","day":"2026-09-02"}', 'twice'],
  ['a key twice, once escaped', '{"day":1,"\\u0064ay":2}', 'twice'],
  ['a key twice, further in', '[{"a":{"b":1,"c":[],"b":2}}]', 'twice'],
  ['__proto__', '{"__proto__":{"admin":true}}', '__proto__'],
  ['__proto__, escaped', '{"\\u005f_proto__":1}', '__proto__'],
  ['2^53+1', '{"n":9007199254740993}', 'another one'],
  ['1e400', '{"n":1e400}', 'another one'],
  ['-0', '[-0]', 'another one'],
  ['30,000 arrays deep', '['.repeat(30_000) + ']'.repeat(30_000), 'deeper'],
  ['a byte order mark', '\ufeff{}', 'JSON'],
  ['NaN', '{"n":NaN}', 'JSON'],
  ['a truncated text', '{"a":', 'JSON'],
  ['nothing', '', 'JSON'],
])('%s is refused', (_, text, detail) => {
  const parsed = parse(text);
  expect(parsed.ok ? parsed : parsed.detail).toContain(detail);
});

test('bytes that are not UTF-8 are refused', () => {
  expect(parseStrictJson(Uint8Array.of(0x22, 0xff, 0x22)).ok).toBe(false);
});
