/**
 * Sharing a whole number of smallest units so that the shares add up to it: each share is floored, and the units left
 * over go one each to the largest fractions, ties to the smallest id. The only rounding of a shared amount.
 */
import { type Rational, rational } from './rational.ts';

export interface Participant {
  readonly id: string;
  readonly weight: Rational;
}

/** `zero_weight`: nobody to give it to; `negative_weight` and `repeated_id`: no sharing rule. */
export type Shares =
  | { ok: true; shares: Map<string, bigint> }
  | { ok: false; code: 'zero_weight' | 'negative_weight' | 'repeated_id'; detail: string };

/** @param total smallest units, of either sign; a credit is shared like the charge it takes back */
export function largestRemainder(total: bigint, participants: readonly Participant[]): Shares {
  const negative = participants.find(({ weight }) => weight.n < 0n);
  if (negative !== undefined)
    return { ok: false, code: 'negative_weight', detail: `the weight of ${negative.id} is below zero` };
  const ids = new Set(participants.map(({ id }) => id));
  if (ids.size !== participants.length)
    return { ok: false, code: 'repeated_id', detail: 'a participant stands twice' };
  const whole = wholeWeights(participants);
  const weightTotal = whole.reduce((sum, { weight }) => sum + weight, 0n);
  if (weightTotal === 0n) return { ok: false, code: 'zero_weight', detail: 'all weights are zero' };

  const sign = total < 0n ? -1n : 1n;
  const parts = whole.map(({ id, weight }) => {
    const exact = sign * total * weight;
    return { id, floor: exact / weightTotal, fraction: exact % weightTotal };
  });
  const floored = parts.reduce((sum, { floor }) => sum + floor, 0n);
  parts.sort((a, b) => byFraction(a.fraction, b.fraction) || (a.id < b.id ? -1 : 1));
  let left = sign * total - floored;
  const shares = new Map<string, bigint>();
  for (const { id, floor } of parts) {
    const extra = left > 0n ? 1n : 0n;
    left -= extra;
    shares.set(id, sign * (floor + extra));
  }
  return { ok: true, shares };
}

const byFraction = (a: bigint, b: bigint): number => {
  if (a === b) return 0;
  return a > b ? -1 : 1;
};

/** Weights over one denominator, so that only whole numbers are compared. */
function wholeWeights(participants: readonly Participant[]): { id: string; weight: bigint }[] {
  const denominator = participants.reduce((lcm, { weight }) => leastCommon(lcm, weight.d), 1n);
  return participants.map(({ id, weight }) => ({ id, weight: weight.n * (denominator / weight.d) }));
}

/** `lcm(a, b)`: b / gcd(a, b) is the denominator of a/b in lowest terms. */
const leastCommon = (a: bigint, b: bigint): bigint => a * rational(a, b).d;
