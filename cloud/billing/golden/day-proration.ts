import { z } from 'zod';
import { DateText } from '../../../protocols/reading.ts';
import { clip, dayCount } from '../billing-period.ts';
import { multiply, rational } from '../rational.ts';
import { roundWhole } from '../rounding.ts';
import { goldenKind, Whole } from './golden-kind.ts';

/** Both ends are in. */
const InclusiveDates = z
  .tuple([DateText, DateText])
  .refine(([from, to]) => from <= to, { error: 'ends before it begins' })
  .transform(([from, to]) => ({ from, to: `${Temporal.PlainDate.from(to).add({ days: 1 })}` }));

/** A period's amount for the days of it that were active. */
export const dayProrationKind = goldenKind(
  z.strictObject({ periodAmountMinor: Whole, period: InclusiveDates, active: InclusiveDates }),
  ({ periodAmountMinor, period, active }) => {
    const held = clip(active, period);
    const days = held === null ? 0 : dayCount(held);
    const exact = multiply(rational(periodAmountMinor), rational(BigInt(days), BigInt(dayCount(period))));
    return { amountMinor: `${roundWhole(exact, 'half_up')}` };
  },
);
