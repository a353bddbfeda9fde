import { expect, test } from 'vitest';
import { type CanonicalValue, canonicalJson } from './canonical-json.ts';

test.each<[string, CanonicalValue, string]>([
  [
    'keys rise by UTF-16 code units',
    { b: 1, a: 2, '😀': 3, '\uFB33': 4, '\u20AC': 5, '': 6 },
    '{"":6,"a":2,"b":1,"€":5,"😀":3,"\uFB33":4}',
  ],
  [
    'text is escaped as little as may be',
    '\u0000\b\t\n\f\r"\\/\u007F中',
    '"\\u0000\\b\\t\\n\\f\\r\\"\\\\/\u007F中"',
  ],
  ['lists keep their order', [3, 'a', null, true, [], {}], '[3,"a",null,true,[],{}]'],
  ['zero has no sign', [-0, 0], '[0,0]'],
  ['members without a value are left out', { a: undefined, b: null }, '{"b":null}'],
])('%s', (_, value, text) => {
  expect(canonicalJson(value)).toBe(text);
});

test.each<[string, CanonicalValue]>([
  ['a fraction', 0.5],
  ['a number beyond the safe integers', 2 ** 53],
  ['NaN', Number.NaN],
  ['a lone surrogate', 'a\uD800'],
  ['a lone surrogate in a key', { '\uDC00': 1 }],
  ['nothing in a list', [undefined]],
])('%s has no canonical form', (_, value) => {
  expect(() => canonicalJson(value)).toThrow(TypeError);
});
