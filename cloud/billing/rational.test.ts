import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { RoundingMode } from '../../protocols/rounding-mode.ts';
import {
  add,
  compare,
  divide,
  formatFraction,
  fromDecimal,
  multiply,
  parseFraction,
  rational,
  subtract,
  toDecimal,
} from './rational.ts';
import { round, roundUnits, roundWhole } from './rounding.ts';

test('a fraction is in lowest terms with a positive denominator', () => {
  expect(rational(6n, -4n)).toEqual({ n: -3n, d: 2n });
  expect(rational(0n, -7n)).toEqual({ n: 0n, d: 1n });
});

test.each([
  ['29/30', { n: 29n, d: 30n }],
  ['0.5', { n: 1n, d: 2n }],
  ['-1.25/2', { n: -5n, d: 8n }],
  ['1/0', null],
  ['1/2/3', null],
  ['1e3', null],
  ['', null],
])('"%s" is read exactly or not at all', (text, value) => {
  expect(parseFraction(text)).toEqual(value);
});

test('division by zero is refused, never Infinity', () => {
  expect(() => divide(rational(1n), rational(0n))).toThrow(RangeError);
});

test('a third has no decimal', () => {
  expect(toDecimal(rational(3n, 8n))).toBe('0.375');
  expect(() => toDecimal(rational(1n, 3n))).toThrow(RangeError);
  expect(formatFraction(rational(1n, 3n))).toBe('1/3');
});

test('what is added and taken away, multiplied and divided, is what it was', () => {
  const any = fc
    .tuple(fc.bigInt(-(10n ** 20n), 10n ** 20n), fc.bigInt(1n, 10n ** 9n))
    .map(([n, d]) => rational(n, d));
  fc.assert(
    fc.property(any, any, (a, b) => {
      expect(subtract(add(a, b), b)).toEqual(a);
      if (b.n !== 0n) expect(divide(multiply(a, b), b)).toEqual(a);
      expect(compare(a, b)).toBe(-compare(b, a) + 0);
    }),
    { seed: 6, numRuns: 300 },
  );
});

/** 2.5, -2.5, 3.5, 2.4, -2.6, 2 */
const rounded: [RoundingMode, bigint[]][] = [
  ['floor', [2n, -3n, 3n, 2n, -3n, 2n]],
  ['ceiling', [3n, -2n, 4n, 3n, -2n, 2n]],
  ['down', [2n, -2n, 3n, 2n, -2n, 2n]],
  ['up', [3n, -3n, 4n, 3n, -3n, 2n]],
  ['half_up', [3n, -3n, 4n, 2n, -3n, 2n]],
  ['half_even', [2n, -2n, 4n, 2n, -3n, 2n]],
];
test.each(rounded)('%s', (mode, expected) => {
  expect(
    ['2.5', '-2.5', '3.5', '2.4', '-2.6', '2'].map((text) => roundWhole(fromDecimal(text), mode)),
  ).toEqual(expected);
});

test('a step is what amounts are multiples of', () => {
  expect(round(fromDecimal('923.4'), { mode: 'floor', step: rational(10n) })).toEqual(rational(920n));
  expect(round(fromDecimal('0.874'), { mode: 'half_up', step: fromDecimal('0.05') })).toEqual(
    fromDecimal('0.85'),
  );
  expect(roundUnits(fromDecimal('12.345'), 2, 'half_up')).toBe(1235n);
});

test('what no double holds is rounded exactly', () => {
  const amount = 10n ** 18n + 1n;
  expect(roundWhole(rational(2n * amount + 1n, 2n), 'down')).toBe(amount);
  expect(roundUnits(rational(amount, 100n), 2, 'half_even')).toBe(amount);
});
