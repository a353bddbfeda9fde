/**
 * Quantity bands with a price. The upper bound is inclusive: usage on a boundary belongs to the lower tier. `graduated`
 * prices each band's part of the quantity, `volume` prices all of it at the band it ends in. A tier's flat amount is due
 * once the tier is reached; the first tier always is, even at zero.
 */
import { add, compare, multiply, ONE, type Rational, smaller, subtract, sum, ZERO } from './rational.ts';

export interface PricedTier {
  /** Null is without end; only the last may be. */
  readonly upTo: Rational | null;
  readonly unit: Rational;
  readonly flat: Rational;
}
export type TierMode = 'graduated' | 'volume';

/** What one reached tier took of the quantity, and its exact amount. */
export interface TierPart {
  readonly quantity: Rational;
  readonly amount: Rational;
}
export type TieredAmount =
  | { ok: true; amount: Rational; parts: TierPart[] }
  | { ok: false; code: 'bounds_not_rising' | 'negative_quantity' | 'above_last_tier'; detail: string };

/** @param boundMultiplier scales every bound: months, households, or days held over days of the period */
export function tieredAmount(
  mode: TierMode,
  tiers: readonly PricedTier[],
  quantity: Rational,
  boundMultiplier: Rational = ONE,
): TieredAmount {
  const problem = checkTiers(tiers);
  if (problem !== null) return { ok: false, code: 'bounds_not_rising', detail: problem };
  if (quantity.n < 0n) return { ok: false, code: 'negative_quantity', detail: 'the quantity is below zero' };
  const scaled = tiers.map((tier) => ({
    ...tier,
    upTo: tier.upTo === null ? null : multiply(tier.upTo, boundMultiplier),
  }));
  const last = scaled.findIndex(({ upTo }) => upTo === null || compare(quantity, upTo) <= 0);
  if (last === -1)
    return { ok: false, code: 'above_last_tier', detail: 'the quantity lies above the last tier' };
  const parts =
    mode === 'graduated'
      ? graduatedParts(scaled.slice(0, last + 1), quantity)
      : scaled.slice(last, last + 1).map((tier) => priced(tier, quantity));
  return { ok: true, amount: sum(parts.map(({ amount }) => amount)), parts };
}

function graduatedParts(reached: readonly PricedTier[], quantity: Rational): TierPart[] {
  let below = ZERO;
  return reached.map((tier) => {
    const top = tier.upTo === null ? quantity : smaller(quantity, tier.upTo);
    const part = priced(tier, subtract(top, below));
    below = top;
    return part;
  });
}

const priced = ({ unit, flat }: PricedTier, quantity: Rational): TierPart => ({
  quantity,
  amount: add(flat, multiply(unit, quantity)),
});

/** Says what is wrong with the bounds, or null: they rise, and only the last is open. */
function checkTiers(tiers: readonly PricedTier[]): string | null {
  if (tiers.length === 0) return 'there is no tier';
  let below = ZERO;
  for (const [index, { upTo }] of tiers.entries()) {
    if (upTo === null) {
      if (index !== tiers.length - 1) return `tier ${index + 1} is without end, but not the last`;
    } else {
      if (compare(upTo, below) <= 0) return `the bound of tier ${index + 1} does not rise`;
      below = upTo;
    }
  }
  return null;
}
