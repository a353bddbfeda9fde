/** Whether a period can be billed as it stands, meter by meter, and what its estimates are worth. */
import type { PeriodReadiness } from '../../protocols/billing-api.ts';
import { formatMicro, formatMinor, micro, minor } from '../../protocols/units.ts';
import { billingPeriod } from '../billing/billing-period.ts';
import { type BillingTerms, billingTerms } from '../billing/billing-terms.ts';
import type { DailyUsage } from '../billing/summarize-usage.ts';
import { type InputSource, loadMetered } from './billing-input.ts';

export async function periodReadiness(source: InputSource & { period: string }): Promise<PeriodReadiness> {
  const nothing = { meters: 0, missing: [], estimated: [], estimatedGross: '0.00', totalGross: '0.00' };
  const period = billingPeriod(source.period, source.park.timeZone);
  if (period === null) return { ...nothing, blockers: [`"${source.period}" is no month such as 2026-09`] };
  const terms = billingTerms(source.park, period);
  if (!terms.ok) return { ...nothing, blockers: [`${terms.code}: ${terms.detail}`] };
  const { usage } = await loadMetered(source, period);
  const byMeter = Map.groupBy(usage, ({ meter }) => meter);
  const meters = terms.terms.flatMap((one) => one.meters.map(({ id }) => ({ id, terms: one })));
  const missing: PeriodReadiness['missing'] = [];
  const estimated: PeriodReadiness['estimated'] = [];
  let stake = 0n;
  for (const { id, terms: one } of meters) {
    const rows = byMeter.get(id) ?? [];
    const holes = rows.reduce((sum, { missingIntervals }) => sum + missingIntervals, 0);
    if (rows.length === 0 || holes > 0) missing.push({ meter: id, intervals: holes });
    const intervals = rows.reduce((sum, { estimatedIntervals }) => sum + estimatedIntervals, 0);
    if (intervals === 0) continue;
    const quantity = rows.reduce((sum, row) => sum + row.estimated, 0n);
    const gross = worthOf(one, rows);
    estimated.push({ meter: id, intervals, quantity: formatMicro(quantity), gross: formatMinor(gross) });
    stake += gross;
  }
  return {
    blockers: missing.map(({ meter, intervals }) =>
      intervals === 0 ? `${meter}: nothing was metered` : `${meter}: ${intervals} intervals are missing`,
    ),
    meters: meters.length,
    missing,
    estimated,
    estimatedGross: formatMinor(stake),
    totalGross: formatMinor(terms.terms.reduce((sum, one) => sum + grossOf(one), 0n)),
  };
}

const grossOf = ({ bill }: BillingTerms): bigint =>
  bill.lines.reduce((sum, { net, tax }) => sum + minor(net) + minor(tax), 0n);

/** At the bill's mean price: what is at stake, not what it will cost. */
function worthOf(terms: BillingTerms, rows: readonly DailyUsage[]): bigint {
  const total = micro(terms.bill.quantity);
  const quantity = rows.reduce((sum, { estimated }) => sum + estimated, 0n);
  return total === 0n ? 0n : (quantity * grossOf(terms)) / total;
}
