/** A period billed by another park document, from the intervals as they stand: nothing is derived, settled or issued. */
import type { Park } from '../../protocols/park.ts';
import { billingPeriod } from '../billing/billing-period.ts';
import { billingTerms } from '../billing/billing-terms.ts';
import type { DailyUsage } from '../billing/summarize-usage.ts';
import { type WhatIf, type WhatIfInput, whatIf } from '../billing/what-if.ts';
import type { Store } from '../store/store.ts';
import { usageOfMeters } from './meter-usage.ts';

/** Estimates are taken as they are: what is compared is the rule. */
const ESTIMATES = { by: 'what-if', reason: 'a comparison, nothing is issued' };

export async function whatIfPark(
  store: Pick<Store, 'intervals' | 'intervalSums'>,
  { period, current, other }: { period: string; current: Park; other: Park },
): Promise<WhatIf> {
  const [before, after] = [await inputOf(store, current, period), await inputOf(store, other, period)];
  return whatIf(before, after);
}

/** The usage of every billed meter, classified by the calendar of the park itself. */
async function inputOf(
  store: Pick<Store, 'intervals' | 'intervalSums'>,
  park: Park,
  id: string,
): Promise<WhatIfInput> {
  const usage: DailyUsage[] = [];
  const period = billingPeriod(id, park.timeZone);
  const terms = period === null ? null : billingTerms(park, period);
  if (period !== null && terms?.ok === true)
    for (const { meters, segments } of terms.terms) {
      const ids = meters.map((meter) => meter.id);
      for await (const metered of usageOfMeters(store, ids, segments)) usage.push(...metered.usage);
    }
  return { park, period: id, usage, acceptEstimates: ESTIMATES };
}
