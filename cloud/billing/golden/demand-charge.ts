import { z } from 'zod';
import { compare, type Rational, sum } from '../rational.ts';
import { tieredAmount } from '../tiers.ts';
import { Figure, goldenKind, orRefuse, RefusedCase, Tiers } from './golden-kind.ts';

/** The maximum mean kW in each TOU period, priced by that period's tiers. */
export const demandChargeKind = goldenKind(
  z.strictObject({
    meanKw: z.array(Figure),
    periodOf: z.array(z.string()),
    tiers: z.record(z.string(), Tiers),
  }),
  ({ meanKw, periodOf, tiers }) => {
    if (meanKw.length !== periodOf.length) throw new RefusedCase('not every mean has a period');
    const peaks = new Map<string, Rational>();
    for (const [index, kw] of meanKw.entries()) {
      const period = periodOf[index] ?? '';
      const peak = peaks.get(period);
      if (peak === undefined || compare(kw, peak) > 0) peaks.set(period, kw);
    }
    const amounts = [...peaks].map(([period, peak]) => {
      const own = tiers[period];
      if (own === undefined) throw new RefusedCase(`period ${period} has no tiers`);
      return orRefuse(tieredAmount('graduated', own, peak)).amount;
    });
    return { amount: sum(amounts) };
  },
);
