import { expect, test } from 'vitest';
import { micro } from '../../protocols/units.ts';
import { validateRegisters } from './validate-registers.ts';

const QUARTER_MS = 15 * 60_000;
const series = (text: string) =>
  text.split(' ').map((value, i) => ({ atMs: i * QUARTER_MS, value: micro(value) }));
/** One letter per value: `.` good, else the first letter of the code. */
const judged = (text: string, limits: { modulus: bigint; maxPerHour: bigint } | null = null) =>
  validateRegisters(series(text), limits)
    .map((code) => code?.[0] ?? '.')
    .join('');

test.each([
  [
    'a dip that recovers above is bad while it lasts',
    '844966.0625 844966.0625 826142.0625 826142.0625 845019.0625',
    '..dd.',
  ],
  ['a dip that recovers to the same value', '33600 33600 33500 33500 33600 33600', '..dd..'],
  ['a single value below', '23999 23999 23000 24000 24001', '..d..'],
  ['a dip to zero', '115823.0078125 0 0 0 115969.0078125'.replaceAll('78125', '78'), '.ddd.'],
  ['a backward step of one litre is a dip of one', '100 105 104 110 111', '..d..'],
  ['a single upward spike that falls back to the count', '7990 7990 8990 7990 7990 7990', '..s...'],
  ['a spike while the count goes on', '100 500 101 102 103', '.s...'],
  ['a spike of several values', '100 101 9000 9001 102 103 104 105', '..ss....'],
  ['a fall that nothing takes back is backward to the end', '100 120 140 5 6 7', '...bbb'],
  ['without limits no step up is implausible', '100 101 900000', '...'],
  ['nothing to judge', '100', '.'],
])('%s', (_, text, expected) => {
  expect(judged(text)).toBe(expected);
});

const limits = { modulus: micro('10000'), maxPerHour: micro('40') };
test.each([
  ['a rollover from the top by a plausible amount', '9995 9999 3 12', '....'],
  ['a fall from the middle is no rollover', '5000 3 4', '.bb'],
  ['a fall from the top by more than the hours allow is no rollover', '9990 600 601', '.bb'],
  ['a zero near the top that the count takes back is a dip', '9990 9995 0 9998 9999', '..d..'],
  ['a jump beyond the rating that falls back', '100 700 104 108', '.s..'],
  ['a jump beyond the rating that stays', '100 104 700 704 708', '..iii'],
  ['a burst just above the rating evens out', '100 113 116 118', '....'],
  ['more than the face can show', '100 10000 104', '.o.'],
  ['below zero', '100 -1 104', '.o.'],
])('within limits: %s', (_, text, expected) => {
  expect(judged(text, limits)).toBe(expected);
});

test('a level that holds for more than a day is not taken for consumption when the hours would allow it', () => {
  const text = Array.from({ length: 400 }, (_, i) => (i < 4 ? 100 + i : 2000 + i)).join(' ');
  expect(judged(text, limits)).toBe(`....${'i'.repeat(396)}`);
});
