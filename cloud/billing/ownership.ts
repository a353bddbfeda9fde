/**
 * Who holds a unit on which dates: the period is cut at every lease change, and days on which nobody holds the unit are
 * the landlord's (vacancy). Leases of one unit do not overlap; the import of a park refuses those that do.
 */
import type { Lease, Park, ParkUnit } from '../../protocols/park.ts';
import { type BillingPeriod, clip, type DateSpan, dayCount } from './billing-period.ts';

/** A lease's id; null is the landlord. */
export type Holder = string | null;

/** `[from, to)` of site-local dates. */
export interface Holding {
  readonly holder: Holder;
  readonly from: string;
  readonly to: string;
}

/** The park's leases by what they hold, made once for a period. */
export class Occupancy {
  readonly #period: BillingPeriod;
  readonly #leases: ReadonlyMap<string, Lease>;
  readonly #holdings: ReadonlyMap<string, Holding[]>;

  constructor({ units, leases }: Pick<Park, 'units' | 'leases'>, period: BillingPeriod) {
    this.#period = period;
    this.#leases = new Map(leases.map((lease) => [lease.id, lease]));
    const byUnit = Map.groupBy(
      leases.flatMap((lease) => lease.units.map((unit) => ({ unit, lease }))),
      ({ unit }) => unit,
    );
    this.#holdings = new Map(
      units.map(({ id }) => [
        id,
        tile(
          (byUnit.get(id) ?? []).map(({ lease }) => lease),
          period,
        ),
      ]),
    );
  }

  /** Who holds the unit, tiling the period from its first to its last date. */
  of(unit: string): readonly Holding[] {
    return this.#holdings.get(unit) ?? tile([], this.#period);
  }

  /** The dates on which one lease runs, and the landlord's before and after. */
  ofLease(id: string): readonly Holding[] {
    const lease = this.#leases.get(id);
    return tile(lease === undefined ? [] : [lease], this.#period);
  }

  lease(id: string): Lease | null {
    return this.#leases.get(id) ?? null;
  }
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

/** The unit's areas over a span, each with its dates. */
export function areasOf(
  { areaM2, formerAreas = [] }: Pick<ParkUnit, 'areaM2' | 'formerAreas'>,
  span: { from: string; to: string },
): { areaM2: string; from: string; to: string }[] {
  const former = [...formerAreas].sort((a, b) => (a.to < b.to ? -1 : 1));
  const rows: (DateSpan & { areaM2: string })[] = former.map((one, index) => ({
    areaM2: one.areaM2,
    from: former[index - 1]?.to ?? '',
    to: one.to,
  }));
  rows.push({ areaM2, from: former.at(-1)?.to ?? '', to: null });
  return rows.flatMap((row) => {
    const clipped = clip(row, span);
    return clipped === null ? [] : [{ areaM2: row.areaM2, ...clipped }];
  });
}

/** The leases that run in the period, each with its dates there, by id. */
export function leasesIn(
  park: Pick<Park, 'leases'>,
  period: BillingPeriod,
): { lease: Lease; from: string; to: string; days: number }[] {
  return park.leases
    .flatMap((lease) => {
      const span = clip(lease, period);
      return span === null ? [] : [{ lease, ...span, days: dayCount(span) }];
    })
    .sort((a, b) => (a.lease.id < b.lease.id ? -1 : 1));
}
