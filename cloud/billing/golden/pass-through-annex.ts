import { z } from 'zod';
import { formatDecimal } from '../../../protocols/decimal.ts';
import { largestRemainder } from '../largest-remainder.ts';
import { add, divide, multiply, ONE, subtract, sum } from '../rational.ts';
import { roundUnits } from '../rounding.ts';
import { Decimals, Figure, goldenKind, orRefuse, shareTexts } from './golden-kind.ts';

/** Digits to which the loss coefficient is printed. */
const COEFFICIENT_DECIMALS = 6;

/** A grid bill passed through with its loss: own x (1 + k) x price x (1 + tax), rounded once over all. */
export const passThroughAnnexKind = goldenKind(
  z.strictObject({
    billExTax: Figure,
    billKwh: Figure,
    taxRate: Figure,
    decimals: Decimals,
    participants: z.array(z.strictObject({ id: z.string().min(1), kwh: Figure })).min(1),
  }),
  ({ billExTax, billKwh, taxRate, decimals, participants }) => {
    const metered = sum(participants.map(({ kwh }) => kwh));
    const coefficient = divide(subtract(billKwh, metered), metered);
    const total = roundUnits(multiply(billExTax, add(ONE, taxRate)), decimals, 'half_up');
    const { shares } = orRefuse(
      largestRemainder(
        total,
        participants.map(({ id, kwh }) => ({ id, weight: kwh })),
      ),
    );
    return {
      lossCoefficient: formatDecimal(
        roundUnits(coefficient, COEFFICIENT_DECIMALS, 'half_up'),
        COEFFICIENT_DECIMALS,
        COEFFICIENT_DECIMALS,
      ),
      shares: shareTexts(shares, decimals),
      sum: formatDecimal(
        [...shares.values()].reduce((a, b) => a + b, 0n),
        decimals,
        decimals,
      ),
    };
  },
);
