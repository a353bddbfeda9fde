/** The steps from a tiered quantity to its amount, with the exact arithmetic of the replay. */
import {
  fromDecimal,
  isZero,
  multiply,
  parseFraction,
  type Rational,
  rational,
  sum,
} from '../../cloud/billing/rational.ts';
import { exactQuantity, pricedTogether } from '../../cloud/billing/replay-statement.ts';
import { roundUnits } from '../../cloud/billing/rounding.ts';
import { TIERED_ROUNDING } from '../../cloud/billing/tiered-charges.ts';
import { tieredAmount } from '../../cloud/billing/tiers.ts';
import type { Statement, StatementLine } from '../../protocols/statement.ts';
import { formatMicro, formatMinor, MICRO_SCALE, MINOR_SCALE } from '../../protocols/units.ts';

export interface TierSteps {
  /** Of each tier reached: what it took of the quantity, at what price, and its flat amount where it has one. */
  parts: { quantity: string; unit: string; flat: string | null }[];
  /** The sum before rounding, where rounding changed it. */
  unrounded: string | null;
  net: string;
  /** What the rate is applied to. */
  taxed: string;
  /** `9` for 9 %. */
  percent: string;
  tax: string;
  /** Several lines share the amounts by quantity; one alone has all of them. */
  shared: boolean;
}

const micros = (value: Rational): string => formatMicro(roundUnits(value, MICRO_SCALE, 'half_up'));
const isWholeCents = (value: Rational): boolean => 100n % value.d === 0n;

/** Null where the figures of the statement allow no such computation: the check says what is wrong with them. */
export function tierSteps(line: StatementLine, lines: Statement['lines']): TierSteps | null {
  const { pricing } = line;
  if (pricing.kind !== 'tiers') return null;
  try {
    const multiplier = parseFraction(pricing.boundMultiplier);
    if (multiplier === null) return null;
    const together = pricedTogether(line, lines);
    const quantity = sum(together.map(exactQuantity));
    const tiers = pricing.tiers.map(({ upTo, unit, flat }) => ({
      upTo: upTo === null ? null : fromDecimal(upTo),
      unit: fromDecimal(unit),
      flat: fromDecimal(flat),
    }));
    const priced = tieredAmount(pricing.mode ?? 'graduated', tiers, quantity, multiplier);
    if (!priced.ok) return null;
    const rate = fromDecimal(pricing.taxRate);
    const cents = (value: Rational): string =>
      formatMinor(roundUnits(value, MINOR_SCALE, pricing.rounding ?? TIERED_ROUNDING));
    const unrounded = isWholeCents(priced.amount) ? null : micros(priced.amount);
    return {
      parts: priced.parts.map((part, index) => ({
        quantity: micros(part.quantity),
        unit: pricing.tiers[index]?.unit ?? '',
        flat: flatOf(pricing.tiers[index]?.flat ?? '0'),
      })),
      unrounded,
      net: cents(priced.amount),
      taxed: unrounded ?? cents(priced.amount),
      percent: micros(multiply(rate, rational(100n))),
      tax: cents(multiply(priced.amount, rate)),
      shared: together.length > 1 && !isZero(quantity),
    };
  } catch (error) {
    if (error instanceof RangeError) return null;
    throw error;
  }
}

/** A flat amount, or null where it is zero. */
export const flatOf = (flat: string): string | null => (isZero(fromDecimal(flat)) ? null : flat);
