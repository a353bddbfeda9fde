/**
 * Sharing a quantity of which only a factor is recovered, such as lobby cooling by the day's heat. What the factor leaves over
 * is the landlord's share, explicit, so that everything still adds up to the source.
 */
import { largestRemainder, type Participant } from './largest-remainder.ts';
import { compare, multiply, ONE, type Rational, subtract, sum, ZERO } from './rational.ts';

export type ScaledShares =
  | { ok: true; shares: Map<string, bigint>; landlord: bigint }
  | { ok: false; code: 'factor_above_one' | 'shares_refused'; detail: string };

/** No participant's id, and before all of them where fractions tie. */
const LANDLORD = '';

/** @param factor below zero recovers nothing; above one would recover more than there is, and is refused */
export function scaledShares(
  total: bigint,
  factor: Rational,
  participants: readonly Participant[],
): ScaledShares {
  if (compare(factor, ONE) > 0)
    return { ok: false, code: 'factor_above_one', detail: 'the factor recovers more than there is to share' };
  const recovered = factor.n < 0n ? ZERO : factor;
  const all = sum(participants.map(({ weight }) => weight));
  const shared = largestRemainder(total, [
    { id: LANDLORD, weight: multiply(all, subtract(ONE, recovered)) },
    ...participants.map(({ id, weight }) => ({ id, weight: multiply(weight, recovered) })),
  ]);
  if (!shared.ok) return { ok: false, code: 'shares_refused', detail: shared.detail };
  const landlord = shared.shares.get(LANDLORD) ?? 0n;
  shared.shares.delete(LANDLORD);
  return { ok: true, shares: shared.shares, landlord };
}
