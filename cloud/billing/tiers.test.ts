import { expect, test } from 'vitest';
import { fromDecimal, toDecimal } from './rational.ts';
import { type PricedTier, type TierMode, tieredAmount } from './tiers.ts';

const tiers = (...rows: [string | null, string, string][]): PricedTier[] =>
  rows.map(([upTo, unit, flat]) => ({
    upTo: upTo === null ? null : fromDecimal(upTo),
    unit: fromDecimal(unit),
    flat: fromDecimal(flat),
  }));
const steps = tiers(['10', '1', '0'], ['20', '2', '5'], [null, '3', '7']);

test.each<[string, TierMode, string, string | undefined, string]>([
  ['usage on a boundary belongs to the lower tier', 'graduated', '10', undefined, '10'],
  ['the flat amount of a tier is due once it is reached', 'graduated', '10.5', undefined, '16'],
  ['each reached tier prices its part', 'graduated', '21', undefined, '45'],
  ['zero lies in the first tier', 'graduated', '0', undefined, '0'],
  ['volume prices all of it at the tier it ends in', 'volume', '20', undefined, '45'],
  ['volume falls off the cliff just above a bound', 'volume', '20.5', undefined, '68.5'],
  ['bounds scale up', 'graduated', '20', '2', '20'],
  ['bounds scale down', 'graduated', '10', '0.5', '20'],
])('%s', (_, mode, quantity, multiplier, expected) => {
  const result = tieredAmount(
    mode,
    steps,
    fromDecimal(quantity),
    multiplier === undefined ? undefined : fromDecimal(multiplier),
  );
  expect(result.ok && toDecimal(result.amount)).toBe(expected);
});

test.each([
  ['a bound that does not rise', tiers(['10', '1', '0'], ['10', '2', '0']), '1', 'bounds_not_rising'],
  ['an open tier that is not the last', tiers([null, '1', '0'], ['10', '2', '0']), '1', 'bounds_not_rising'],
  ['a bound of zero', tiers(['0', '1', '0']), '1', 'bounds_not_rising'],
  ['no tier', [], '1', 'bounds_not_rising'],
  ['a negative quantity', steps, '-1', 'negative_quantity'],
  ['a quantity above the last bound', tiers(['10', '1', '0']), '10.01', 'above_last_tier'],
])('%s is refused', (_, list, quantity, code) => {
  expect(tieredAmount('graduated', list, fromDecimal(quantity))).toMatchObject({ ok: false, code });
});
