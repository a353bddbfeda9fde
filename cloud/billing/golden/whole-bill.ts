import { z } from 'zod';
import { RoundingMode } from '../../../protocols/rounding-mode.ts';
import { add, compare, fromDecimal, multiply, sum } from '../rational.ts';
import { type Rounding, round } from '../rounding.ts';
import { tieredAmount } from '../tiers.ts';
import { Figure, goldenKind, orRefuse, RefusedCase, Tiers } from './golden-kind.ts';

/** `floor-10`: mode and step. */
const RoundingText = z
  .string()
  .regex(/^[a-z-]+-\d+(\.\d+)?$/)
  .transform((text, context): Rounding => {
    const cut = text.lastIndexOf('-');
    const mode = RoundingMode.safeParse(text.slice(0, cut).replace('-', '_'));
    const step = fromDecimal(text.slice(cut + 1));
    if (mode.success && step.n > 0n) return { mode: mode.data, step };
    context.addIssue({ code: 'custom', message: `"${text}" is no rounding` });
    return z.NEVER;
  });

/** A household bill: tiers, a base fee by the band the quantity ends in, tax, a fund, each with its own rounding. */
export const wholeBillKind = goldenKind(
  z.strictObject({
    quantity: Figure,
    tiers: Tiers,
    baseFeeByBand: z.array(z.strictObject({ upTo: Figure.nullable(), fee: Figure })),
    vat: Figure,
    fund: Figure,
    rounding: z.strictObject({
      tier: RoundingText,
      vat: RoundingText,
      fund: RoundingText,
      total: RoundingText,
    }),
  }),
  ({ quantity, tiers, baseFeeByBand, vat, fund, rounding }) => {
    const { parts } = orRefuse(tieredAmount('graduated', tiers, quantity));
    const tierAmounts = parts.map(({ amount }) => round(amount, rounding.tier));
    const band = baseFeeByBand.find(({ upTo }) => upTo === null || compare(quantity, upTo) <= 0);
    if (band === undefined) throw new RefusedCase('the quantity lies above the last band');
    const base = band.fee;
    const charges = add(sum(tierAmounts), base);
    const vatAmount = round(multiply(charges, vat), rounding.vat);
    const fundAmount = round(multiply(charges, fund), rounding.fund);
    const total = round(sum([charges, vatAmount, fundAmount]), rounding.total);
    return { tierAmounts, base, vat: vatAmount, fund: fundAmount, total };
  },
);
