/**
 * Routes what each end meter used to whoever bears it. A meter of a unit follows its leases and falls to the landlord when
 * vacant; the landlord's meters and pools are the landlord's; an exclusive pool follows its one lease. A mandatory pool without
 * a rule of its own is shared by area x days over the units in its scope, vacant area-days staying with the landlord. Pools
 * that the park declares rules for are shared out by `sharing/`. A meter serves one thing, so each kWh leaves exactly one pool.
 */
import type { ParkMeter, ParkUnit, Pool } from '../../protocols/park.ts';
import { dayCount } from './billing-period.ts';
import {
  accumulate,
  type ByTou,
  type Leaf,
  leafId,
  METERING_DIFFERENCE,
  OWN,
  quantityIn,
  VACANCY,
} from './leaf.ts';
import { areasOf, type Holder, type Holding, holderOn, type Occupancy } from './ownership.ts';
import { add, divide, fromDecimal, multiply, type Rational, rational, sum, ZERO } from './rational.ts';
import { type Scene, unitsIn } from './sharing/scene.ts';
import { sharePools } from './sharing/shared-leaves.ts';

export type Apportionment =
  | {
      ok: true;
      /** By leaf id. */
      leaves: Leaf[];
      /** What pools hold of the differences between branches and the meters below them, millionths. */
      differences: bigint;
      warnings: string[];
    }
  | { ok: false; code: 'rule_refused'; detail: string };

/** @param lost what the tree lost beyond its tolerance, the landlord's metering difference */
export function apportion(scene: Scene, lost: ByTou): Apportionment {
  const { park, utility } = scene;
  const pools = park.pools.filter((pool) => pool.utility === utility);
  const shared = sharePools(scene, pools);
  if (!shared.ok) return { ok: false, code: 'rule_refused', detail: shared.detail };
  const counted = countLeaves(scene, new Set(shared.declared));
  const warnings = [...shared.warnings];
  const leaves = [...shared.leaves, ...counted.direct];
  for (const [pool, content] of counted.pools) {
    const areaDays = shareByAreaDays(scene, pool, content);
    leaves.push(...areaDays.leaves);
    warnings.push(...areaDays.warnings);
  }
  if (lost.size > 0)
    leaves.push({
      ...leafOf(null, METERING_DIFFERENCE, [], lost),
      buildings: new Map([[null, rational(quantityIn(lost, null))]]),
    });
  return {
    ok: true,
    leaves: leaves.sort((a, b) => (leafId(a) < leafId(b) ? -1 : 1)),
    differences: shared.differences,
    warnings,
  };
}

/** Quantities under construction. */
interface Content {
  meters: Set<string>;
  quantities: Map<string | null, bigint>;
  buildings: Map<string | null, bigint>;
}

/** What goes to one holder as it was counted, and what pools hold that are shared by area x days. */
function countLeaves(
  scene: Scene,
  declared: ReadonlySet<string>,
): { direct: Leaf[]; pools: Map<Pool, Content> } {
  const direct = new Map<string, Content & { holder: Holder; pool: string }>();
  const pools = new Map<Pool, Content>();
  const units = new Map(scene.park.units.map((unit) => [unit.id, unit]));
  for (const meter of scene.meters) {
    if (meter.serves.kind === 'pool' && declared.has(meter.serves.pool)) continue;
    const route = routeOf(scene, meter);
    const building = meter.serves.kind === 'unit' ? units.get(meter.serves.unit)?.building : meter.building;
    for (const row of scene.usage.get(meter.id) ?? []) {
      const to = route(row.date);
      const target =
        'shared' in to
          ? obtain(pools, to.shared, emptyContent)
          : obtain(direct, leafId(to), () => ({ ...to, ...emptyContent() }));
      target.meters.add(meter.id);
      accumulate(target.quantities, row.touPeriod, row.quantity);
      if ('holder' in to && to.holder === null) accumulate(target.buildings, building ?? null, row.quantity);
    }
  }
  return {
    direct: [...direct.values()].map(({ holder, pool, meters, quantities, buildings }) => ({
      ...leafOf(holder, pool, [...meters], quantities),
      buildings: exact(buildings),
    })),
    pools,
  };
}

const emptyContent = (): Content => ({ meters: new Set(), quantities: new Map(), buildings: new Map() });

const exact = (quantities: ByTou): Map<string | null, Rational> =>
  new Map([...quantities].map(([key, quantity]) => [key, rational(quantity)]));

const leafOf = (holder: Holder, pool: string, meters: readonly string[], quantities: ByTou): Leaf => ({
  holder,
  pool,
  meters: [...meters].sort(),
  quantities: exact(quantities),
  basis: { kind: 'own' },
  together: null,
  buildings: new Map(),
});

type Route = { holder: Holder; pool: string } | { shared: Pool };

/** Where a meter's consumption of a date goes. */
function routeOf({ park, occupancy }: Scene, { serves }: ParkMeter): (date: string) => Route {
  switch (serves.kind) {
    case 'branch':
    case 'landlord':
      return () => ({ holder: null, pool: OWN });
    case 'unit': {
      const holdings = occupancy.of(serves.unit);
      return (date) => heldBy(holdings, date, OWN, VACANCY);
    }
    case 'pool': {
      const pool = park.pools.find(({ id }) => id === serves.pool);
      if (pool?.sharing === 'mandatory') return () => ({ shared: pool });
      if (pool?.scope.kind !== 'lease') return () => ({ holder: null, pool: serves.pool });
      const holdings = occupancy.ofLease(pool.scope.lease);
      return (date) => heldBy(holdings, date, pool.id, pool.id);
    }
  }
}

function heldBy(holdings: readonly Holding[], date: string, tenants: string, landlords: string): Route {
  const holder = holderOn(holdings, date);
  return { holder, pool: holder === null ? landlords : tenants };
}

function shareByAreaDays(
  scene: Scene,
  pool: Pool,
  { meters, quantities }: Content,
): { leaves: Leaf[]; warnings: string[] } {
  const { weights, vacant } = areaDays(scene, pool);
  const totalWeight = sum(weights.values());
  const scope = pool.scope.kind === 'building' ? pool.scope.building : null;
  if (totalWeight.n === 0n)
    return {
      leaves: [
        {
          ...leafOf(null, pool.id, [...meters], quantities),
          buildings: new Map([[scope, rational(quantityIn(quantities, null))]]),
        },
      ],
      warnings: [`pool ${pool.id} has no area in its scope: the landlord bears it`],
    };
  const leaves = [...weights].map(([holder, weight]): Leaf => {
    const share = divide(weight, totalWeight);
    return {
      holder,
      pool: pool.id,
      meters: [...meters].sort(),
      quantities: new Map(
        [...quantities].map(([touPeriod, quantity]) => [touPeriod, multiply(rational(quantity), share)]),
      ),
      basis: { kind: 'area_days', weight, totalWeight, pool: quantities },
      together: pool.id,
      buildings: holder === null ? vacant : new Map(),
    };
  });
  return { leaves, warnings: [] };
}

/** Area x days in m2 d of every holder over the units in the pool's scope, and the vacant ones by building. */
function areaDays(
  { park, occupancy }: Scene,
  pool: Pool,
): { weights: Map<Holder, Rational>; vacant: Map<string | null, Rational> } {
  const weights = new Map<Holder, Rational>();
  const vacant = new Map<string | null, Rational>();
  const put = <K>(into: Map<K, Rational>, key: K, weight: Rational) =>
    into.set(key, add(into.get(key) ?? ZERO, weight));
  for (const unit of unitsIn(park, pool))
    for (const { holder, weight } of weightsOf(unit, occupancy)) {
      put(weights, holder, weight);
      if (holder === null) put(vacant, unit.building, weight);
    }
  return { weights, vacant };
}

const weightsOf = (unit: ParkUnit, occupancy: Occupancy): { holder: Holder; weight: Rational }[] =>
  occupancy.of(unit.id).flatMap((holding) =>
    areasOf(unit, holding).map((span) => ({
      holder: holding.holder,
      weight: multiply(fromDecimal(span.areaM2), rational(BigInt(dayCount(span)))),
    })),
  );

function obtain<K, V>(map: Map<K, V>, key: K, make: () => V): V {
  const found = map.get(key) ?? make();
  map.set(key, found);
  return found;
}
