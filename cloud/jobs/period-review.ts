/** What a period would issue as it stands now, lease by lease, with what a reviewer should look at first. It issues nothing. */
import type { PeriodReadiness, PeriodReview } from '../../protocols/billing-api.ts';
import { formatMinor, micro, minor } from '../../protocols/units.ts';
import { type BillingPeriod, billingPeriod, clip, dayCount } from '../billing/billing-period.ts';
import { reviewFlags } from '../billing/review-flags.ts';
import { type InputSource, spanOf } from './billing-input.ts';
import { type ClosePeriod, closePeriod } from './close-period.ts';
import { periodReadiness } from './period-readiness.ts';

export type ReviewedPeriod = { ok: true; review: PeriodReview } | { ok: false; code: string; detail: string };

type Span = ReturnType<typeof spanOf>;

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
  const estimates = await estimatesOf(run, readiness, period);
  const leases = closed.statements.map(({ lease, tenant, gross }): PeriodReview['leases'][number] => {
    const own = metersOf(park, lease);
    const last = lastTotals.get(lease);
    const held = park.leases.find(({ id }) => id === lease);
    const days = held === undefined ? null : clip(held, period);
    const span = days === null ? null : spanOf(park, { ...period, ...days });
    const estimated = estimates
      .filter(({ meter }) => own.has(meter))
      .map((one) => ({ meter: one.meter, gross: span === null ? 0n : worthWithin(one, span) }))
      .filter(({ gross: worth }) => worth !== 0n);
    const flags = reviewFlags({
      gross: minor(gross),
      days: days === null ? 0 : dayCount(days),
      before: last === undefined ? null : { gross: minor(last.gross), days: dayCount(last) },
      monthBefore: earlier.length > 0,
      estimated: estimated.reduce((sum, one) => sum + one.gross, 0n),
      anomalous: [...own].some((meter) => doubted.has(meter)),
    });
    return {
      ...{ lease, tenant, gross, before: last?.gross ?? null },
      flags: flags.map(({ kind, atStake }) => ({ kind, atStake: formatMinor(atStake) })),
      meters: [...own].filter((id) => doubted.has(id) || estimated.some(({ meter }) => meter === id)),
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

/** What is estimated on one meter, interval by interval: a lease answers for those of the days on which it held the meter. */
interface Estimates {
  meter: string;
  /** Of all of them: millionths, and minor units. */
  quantity: bigint;
  gross: bigint;
  intervals: { startMs: number; quantity: bigint }[];
}

async function estimatesOf(
  { store, park }: ClosePeriod,
  { estimated }: PeriodReadiness,
  period: BillingPeriod,
): Promise<Estimates[]> {
  const all: Estimates[] = [];
  for (const { meter, quantity, gross } of estimated) {
    const rows = await store.intervals({ meters: [meter], ...spanOf(park, period) });
    const intervals = rows.flatMap((row) =>
      row.quality === 'actual' || row.quantity === null
        ? []
        : [{ startMs: row.startMs, quantity: row.quantity }],
    );
    all.push({ meter, quantity: micro(quantity), gross: minor(gross), intervals });
  }
  return all;
}

/** What of it lies in the dates, by its part of the quantity. */
function worthWithin({ quantity, gross, intervals }: Estimates, { fromMs, toMs }: Span): bigint {
  const own = intervals
    .filter(({ startMs }) => fromMs <= startMs && startMs < toMs)
    .reduce((sum, one) => sum + one.quantity, 0n);
  return quantity === 0n ? 0n : (gross * own) / quantity;
}

async function anomalousMeters({ store, park }: ClosePeriod, period: BillingPeriod): Promise<Set<string>> {
  const { fromMs, toMs } = spanOf(park, period);
  const anomalies = await store.anomalies();
  return new Set(
    anomalies.flatMap(({ meter, start, end }) =>
      Date.parse(start) < toMs && (end === null || Date.parse(end) > fromMs) ? [meter] : [],
    ),
  );
}
