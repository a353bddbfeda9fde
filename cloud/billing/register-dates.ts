/** At which dates statements show the registers of a meter: where a lease or the part of a pool begins or ends. */
import type { Park, ParkMeter } from '../../protocols/park.ts';
import type { BillingPeriod } from './billing-period.ts';
import { type Holding, Occupancy } from './ownership.ts';
import { poolOrder } from './sharing/pool-order.ts';
import { isDeclared, partsOf } from './sharing/rules-in-force.ts';
import type { Part } from './sharing/scene.ts';

/** @returns the dates of a meter, ascending; none for a meter that is on no statement */
export function registerDates(park: Park, period: BillingPeriod): (meter: ParkMeter) => string[] {
  const occupancy = new Occupancy(park, period);
  const parts = partsOfPools(park, period);
  const edges = (spans: readonly (Part | Holding)[]): string[] =>
    [...new Set(spans.flatMap(({ from, to }) => [from, to]))].sort();
  const differences = new Set(park.pools.flatMap(({ difference }) => difference?.meter ?? []));
  const pools = new Map(park.pools.map((pool) => [pool.id, pool]));
  return ({ id, serves }) => {
    switch (serves.kind) {
      case 'landlord':
        return [];
      case 'branch':
        return differences.has(id) ? [period.from, period.to] : [];
      case 'unit':
        return edges(occupancy.of(serves.unit));
      case 'pool': {
        const declared = parts.get(serves.pool);
        if (declared !== undefined) return edges(declared);
        const scope = pools.get(serves.pool)?.scope;
        return scope?.kind === 'lease' ? edges(occupancy.ofLease(scope.lease)) : [period.from, period.to];
      }
    }
  };
}

/** Of the pools that are shared by declared rules. */
function partsOfPools(park: Park, period: BillingPeriod): Map<string, Part[]> {
  const parts = new Map<string, Part[]>();
  for (const utility of ['electricity', 'water'] as const) {
    const order = poolOrder(
      park,
      park.pools.filter((pool) => pool.utility === utility),
      period,
    );
    // Pools that go in a circle are refused by the run itself.
    if (!order.ok) continue;
    for (const group of order.groups) {
      if (group.pools.length === 1 && !group.pools.some((pool) => isDeclared(park, pool))) continue;
      const cut = partsOf(park, group, period);
      for (const { id } of group.pools) parts.set(id, cut);
    }
  }
  return parts;
}
