/**
 * Who holds a unit on which dates: the period is cut at every lease change, and days on which nobody holds the unit are
 * the landlord's (vacancy). Leases of one unit do not overlap; the import of a park refuses those that do.
 */
import type { Lease, Park } from '../../protocols/park.ts';
import { type BillingPeriod, clip, dayCount } from './billing-period.ts';

/** A lease's id; null is the landlord. */
export type Holder = string | null;

/** `[from, to)` of site-local dates. */
export interface Holding {
  readonly holder: Holder;
  readonly from: string;
  readonly to: string;
}

/** Who holds the unit, tiling the period from its first to its last date. */
export function holdingsOf(park: Park, unit: string, period: BillingPeriod): Holding[] {
  return tile(
    park.leases.filter((lease) => lease.units.includes(unit)),
    period,
  );
}

/** The dates on which one lease runs, and the landlord's before and after. */
export function holdingsOfLease(park: Park, leaseId: string, period: BillingPeriod): Holding[] {
  return tile(
    park.leases.filter(({ id }) => id === leaseId),
    period,
  );
}

function tile(leases: readonly Lease[], period: BillingPeriod): Holding[] {
  const held = leases
    .flatMap((lease) => {
      const span = clip(lease, period);
      return span === null ? [] : [{ holder: lease.id, ...span }];
    })
    .sort((a, b) => (a.from < b.from ? -1 : 1));
  const holdings: Holding[] = [];
  let at = period.from;
  for (const holding of held) {
    if (at < holding.from) holdings.push({ holder: null, from: at, to: holding.from });
    holdings.push(holding);
    at = holding.to;
  }
  if (at < period.to) holdings.push({ holder: null, from: at, to: period.to });
  return holdings;
}

export const holderOn = (holdings: readonly Holding[], date: string): Holder =>
  holdings.find(({ from, to }) => from <= date && date < to)?.holder ?? null;

/** The leases that run in the period, each with its dates there, by id. */
export function leasesIn(
  park: Park,
  period: BillingPeriod,
): { lease: Lease; from: string; to: string; days: number }[] {
  return park.leases
    .flatMap((lease) => {
      const span = clip(lease, period);
      return span === null ? [] : [{ lease, ...span, days: dayCount(span) }];
    })
    .sort((a, b) => (a.lease.id < b.lease.id ? -1 : 1));
}
