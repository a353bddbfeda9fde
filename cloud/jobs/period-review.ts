/** What a period would issue as it stands now, lease by lease, with what a reviewer should look at first. It issues nothing. */
import type { PeriodReadiness, PeriodReview } from '../../protocols/billing-api.ts';
import { formatMinor, minor } from '../../protocols/units.ts';
import { type BillingPeriod, billingPeriod, clip, dayCount } from '../billing/billing-period.ts';
import { reviewFlags } from '../billing/review-flags.ts';
import { type InputSource, spanOf } from './billing-input.ts';
import { type ClosePeriod, closePeriod } from './close-period.ts';
import { periodReadiness } from './period-readiness.ts';

export type ReviewedPeriod = { ok: true; review: PeriodReview } | { ok: false; code: string; detail: string };

export async function reviewPeriod(run: ClosePeriod & InputSource): Promise<ReviewedPeriod> {
  const { store, park } = run;
  const period = billingPeriod(run.period, park.timeZone);
  const closed = await closePeriod({ ...run, dryRun: true });
  if (!closed.ok) return closed;
  if (period === null) throw new Error(`${run.period} was billed and is no month`);
  const readiness = await periodReadiness(run);
  const earlier = await store.statements({ period: monthBefore(period) });
  const lastTotals = new Map(
    earlier.filter(({ correctedBy }) => correctedBy === null).map((row) => [row.lease, row]),
  );
  const doubted = await anomalousMeters(run, period);
  const leases = closed.statements.map(({ lease, tenant, gross }): PeriodReview['leases'][number] => {
    const own = metersOf(park, lease);
    const last = lastTotals.get(lease);
    const held = park.leases.find(({ id }) => id === lease);
    const days = held === undefined ? null : clip(held, period);
    const flags = reviewFlags({
      gross: minor(gross),
      days: days === null ? 0 : dayCount(days),
      before: last === undefined ? null : { gross: minor(last.gross), days: dayCount(last) },
      monthBefore: earlier.length > 0,
      estimated: estimatedOn(own, readiness),
      anomalous: [...own].some((meter) => doubted.has(meter)),
    });
    return {
      ...{ lease, tenant, gross, before: last?.gross ?? null },
      flags: flags.map(({ kind, atStake }) => ({ kind, atStake: formatMinor(atStake) })),
      meters: [...own].filter((meter) => doubted.has(meter) || isEstimated(meter, readiness)),
    };
  });
  return { ok: true, review: { run: closed.run, warnings: closed.warnings, leases } };
}

const monthBefore = ({ from }: BillingPeriod): string =>
  `${Temporal.PlainDate.from(from).toPlainYearMonth().subtract({ months: 1 })}`;

/** The meters of the lease's own units. */
function metersOf(park: ClosePeriod['park'], lease: string): Set<string> {
  const units = new Set(park.leases.find(({ id }) => id === lease)?.units);
  return new Set(
    park.meters.flatMap(({ id, serves }) => (serves.kind === 'unit' && units.has(serves.unit) ? [id] : [])),
  );
}

const isEstimated = (meter: string, { estimated }: PeriodReadiness): boolean =>
  estimated.some((one) => one.meter === meter);

const estimatedOn = (own: ReadonlySet<string>, { estimated }: PeriodReadiness): bigint =>
  estimated.reduce((sum, { meter, gross }) => (own.has(meter) ? sum + minor(gross) : sum), 0n);

async function anomalousMeters({ store, park }: ClosePeriod, period: BillingPeriod): Promise<Set<string>> {
  const { fromMs, toMs } = spanOf(park, period);
  const anomalies = await store.anomalies();
  return new Set(
    anomalies.flatMap(({ meter, start, end }) =>
      Date.parse(start) < toMs && (end === null || Date.parse(end) > fromMs) ? [meter] : [],
    ),
  );
}
