/**
 * Routes what each end meter used to whoever bears it. A meter of a unit follows its leases and falls to the landlord when
 * vacant; a mandatory pool is shared by area x days over the units in its scope, vacant area-days staying with the
 * landlord; an exclusive pool follows its one lease; the landlord's meters and pools are the landlord's. A meter serves
 * one thing, so each kWh leaves exactly one pool.
 */
import type { Park, ParkMeter, Pool } from '../../protocols/park.ts';
import { type BillingPeriod, dayCount } from './billing-period.ts';
import { accumulate, type ByTou, type Leaf, leafId, METERING_DIFFERENCE, OWN, VACANCY } from './leaf.ts';
import { type Holder, type Holding, holderOn, holdingsOf, holdingsOfLease } from './ownership.ts';
import { add, fromDecimal, multiply, type Rational, rational, sum, ZERO } from './rational.ts';
import type { DailyUsage } from './summarize-usage.ts';

export interface Apportionment {
  /** By leaf id. */
  leaves: Leaf[];
  warnings: string[];
}

/**
 * @param meters the end meters of one utility: those that serve a unit, a pool or the landlord
 * @param usage rows of any meters; those of others are left out
 * @param lost what the tree lost beyond its tolerance, the landlord's metering difference
 */
export function apportion(
  { park, period }: { park: Park; period: BillingPeriod },
  meters: readonly ParkMeter[],
  usage: ReadonlyMap<string, readonly DailyUsage[]>,
  lost: ByTou,
): Apportionment {
  const leaves = new Map<
    string,
    { holder: Holder; pool: string; meters: Set<string>; quantities: Map<string | null, bigint> }
  >();
  const shared = new Map<Pool, { meters: Set<string>; quantities: Map<string | null, bigint> }>();
  for (const meter of meters) {
    const route = routeOf(park, period, meter);
    for (const row of usage.get(meter.id) ?? []) {
      const to = route(row.date);
      const target =
        'shared' in to
          ? obtain(shared, to.shared, () => ({
              meters: new Set<string>(),
              quantities: new Map<string | null, bigint>(),
            }))
          : obtain(leaves, leafId(to), () => ({
              ...to,
              meters: new Set<string>(),
              quantities: new Map<string | null, bigint>(),
            }));
      target.meters.add(meter.id);
      accumulate(target.quantities, row.touPeriod, row.quantity);
    }
  }
  const warnings: string[] = [];
  const all: Leaf[] = [...leaves.values()].map((leaf) => ({
    ...leaf,
    meters: [...leaf.meters].sort(),
    share: null,
  }));
  for (const [pool, { meters: names, quantities }] of shared) {
    const weights = areaDays(park, pool, period);
    const totalWeight = sum(weights.values());
    const common = { pool: pool.id, meters: [...names].sort(), quantities };
    if (totalWeight.n === 0n) {
      warnings.push(`pool ${pool.id} has no area in its scope: the landlord bears it`);
      all.push({ ...common, holder: null, share: null });
    } else
      for (const [holder, weight] of weights) all.push({ ...common, holder, share: { weight, totalWeight } });
  }
  if (lost.size > 0)
    all.push({ holder: null, pool: METERING_DIFFERENCE, meters: [], quantities: lost, share: null });
  return { leaves: all.sort((a, b) => (leafId(a) < leafId(b) ? -1 : 1)), warnings };
}

type Route = { holder: Holder; pool: string } | { shared: Pool };

/** Where a meter's consumption of a date goes. */
function routeOf(park: Park, period: BillingPeriod, { serves }: ParkMeter): (date: string) => Route {
  switch (serves.kind) {
    case 'branch':
    case 'landlord':
      return () => ({ holder: null, pool: OWN });
    case 'unit': {
      const holdings = holdingsOf(park, serves.unit, period);
      return (date) => heldBy(holdings, date, OWN, VACANCY);
    }
    case 'pool': {
      const pool = park.pools.find(({ id }) => id === serves.pool);
      if (pool?.sharing === 'mandatory') return () => ({ shared: pool });
      if (pool?.scope.kind !== 'lease') return () => ({ holder: null, pool: serves.pool });
      const holdings = holdingsOfLease(park, pool.scope.lease, period);
      return (date) => heldBy(holdings, date, pool.id, pool.id);
    }
  }
}

function heldBy(holdings: readonly Holding[], date: string, tenants: string, landlords: string): Route {
  const holder = holderOn(holdings, date);
  return { holder, pool: holder === null ? landlords : tenants };
}

/** Area x days in m2 d of every holder over the units in the pool's scope. */
export function areaDays(park: Park, { scope }: Pool, period: BillingPeriod): Map<Holder, Rational> {
  const units = park.units.filter(
    (unit) => scope.kind === 'park' || (scope.kind === 'building' && unit.building === scope.building),
  );
  const weights = new Map<Holder, Rational>();
  for (const unit of units)
    for (const holding of holdingsOf(park, unit.id, period)) {
      const weight = multiply(fromDecimal(unit.areaM2), rational(BigInt(dayCount(holding))));
      weights.set(holding.holder, add(weights.get(holding.holder) ?? ZERO, weight));
    }
  return weights;
}

function obtain<K, V>(map: Map<K, V>, key: K, make: () => V): V {
  const found = map.get(key) ?? make();
  map.set(key, found);
  return found;
}
