/** The power factor of a month's registers, and what a utility adds to the bill for a poor one. The table is data. */
import {
  compare,
  divide,
  multiply,
  type Rational,
  rational,
  smaller,
  subtract,
  sum,
  ZERO,
} from './rational.ts';
import { round } from './rounding.ts';

/**
 * cos phi = P / sqrt(P^2 + Q^2), rounded half up to `decimals`, exactly: the root is taken of whole numbers.
 * @returns null where nothing was metered
 */
export function powerFactor(active: Rational, reactive: Rational, decimals: number): Rational | null {
  const activeSquared = multiply(active, active);
  const apparentSquared = sum([activeSquared, multiply(reactive, reactive)]);
  if (apparentSquared.n === 0n) return null;
  const scale = 10n ** BigInt(decimals);
  const square = divide(activeSquared, apparentSquared);
  const twice = squareRoot((square.n * 4n * scale * scale) / square.d);
  return rational((twice + 1n) / 2n, scale);
}

/** The whole part of the square root. */
function squareRoot(value: bigint): bigint {
  if (value < 2n) return value;
  let root = 1n << BigInt((value.toString(2).length + 1) >> 1);
  for (;;) {
    const next = (root + value / root) / 2n;
    if (next >= root) return root;
    root = next;
  }
}

/** Each step by which the factor lies below `below`, down to the next band, costs `percentPerStep` of the base. */
export interface PowerFactorBand {
  readonly below: Rational;
  readonly percentPerStep: Rational;
}

/** The exact surcharge. The factor is rounded to the step first, as the tables are written. */
export function powerFactorSurcharge(
  base: Rational,
  factor: Rational,
  bands: readonly PowerFactorBand[],
  step: Rational,
): Rational {
  const rounded = round(factor, { mode: 'half_up', step });
  const falling = [...bands].sort((a, b) => compare(b.below, a.below));
  const percent = falling.map(({ below, percentPerStep }, index) => {
    const floor = falling[index + 1]?.below ?? ZERO;
    const reached = compare(rounded, floor) < 0 ? floor : smaller(rounded, below);
    return multiply(divide(subtract(below, reached), step), percentPerStep);
  });
  return divide(multiply(base, sum(percent)), rational(100n));
}
