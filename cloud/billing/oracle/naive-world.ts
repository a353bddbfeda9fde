/** What the oracle looks things up in. */
import type { Park, ParkMeter, Pool } from '../../../protocols/park.ts';
import type { SharingRule } from '../../../protocols/sharing.ts';
import { dec, type F } from './naive-fractions.ts';

export interface World {
  park: Park;
  days: string[];
  tous: (string | null)[];
  count: (meter: string, day: string, tou: string | null) => bigint;
  guess: (meter: string, day: string, tou: string | null) => bigint;
}

export function holderOf(park: Park, unit: string, day: string): string {
  for (const lease of park.leases)
    if (lease.units.includes(unit) && lease.from <= day && (lease.to === null || day < lease.to))
      return lease.id;
  return '';
}
export const parentOf = (meter: ParkMeter, day: string): string | null => {
  for (const { to, parent } of meter.formerParents ?? []) if (day < to) return parent;
  return meter.parent;
};

/** The days, cut before each of some dates. */
export function stretches(days: readonly string[], cuts: ReadonlySet<string>): string[][] {
  const all: string[][] = [];
  for (const day of days) {
    if (all.length === 0 || cuts.has(day)) all.push([]);
    all.at(-1)?.push(day);
  }
  return all;
}

export const unitsOf = (park: Park, { scope }: Pool): string[] =>
  park.units
    .filter(
      (unit) => scope.kind === 'park' || (scope.kind === 'building' && unit.building === scope.building),
    )
    .map(({ id }) => id);
export function areaOn(park: Park, id: string, day: string): F {
  const unit = park.units.find((other) => other.id === id);
  for (const former of unit?.formerAreas ?? []) if (day < former.to) return dec(former.areaM2);
  return dec(unit?.areaM2 ?? '0');
}

export const rulesOf = (park: Park, pool: Pool): SharingRule[] =>
  (park.rules ?? []).filter(({ id }) => id === pool.rule.id);
