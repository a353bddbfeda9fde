/** How quantities run through pools, for the oracle. */
import type { Park, Pool } from '../../../protocols/park.ts';
import { type F, f, largest, one, over, plus, times, zero } from './naive-fractions.ts';
import { type Content, shareStretch } from './naive-shares.ts';
import { areaOn, holderOf, parentOf, rulesOf, stretches, unitsOf, type World } from './naive-world.ts';

/** So much of a pool for somebody; the landlord's holder is empty. */
export interface Drop {
  holder: string;
  pool: string;
  tou: string | null;
  quantity: F;
}

export function sharePools(world: World, drops: Drop[]): void {
  const { park } = world;
  const seen = new Set<string>();
  for (const pool of park.pools) {
    if (seen.has(pool.id)) continue;
    const group = groupOf(park, pool);
    for (const { id } of group) seen.add(id);
    shareGroup(world, group, drops);
  }
}

/** To which later pools a pool passes on, by any version. */
const passes = (park: Park, pool: Pool): string[] =>
  rulesOf(park, pool)
    .flatMap(({ pools = [] }) => pools.map((to) => to.pool))
    .filter((id) => park.pools.findIndex((other) => other.id === id) > park.pools.indexOf(pool));

function groupOf(park: Park, first: Pool): Pool[] {
  const names = new Set([first.id]);
  for (let size = 0; size < names.size; ) {
    size = names.size;
    for (const pool of park.pools)
      for (const to of passes(park, pool))
        if (names.has(pool.id) || names.has(to)) {
          names.add(pool.id);
          names.add(to);
        }
  }
  return park.pools.filter(({ id }) => names.has(id));
}

function shareGroup(world: World, group: readonly Pool[], drops: Drop[]): void {
  const { park, days, tous, count } = world;
  const isPlain =
    group.length === 1 &&
    group.every((pool) => rulesOf(park, pool).length === 0 && pool.difference === undefined) &&
    group.every(({ sharing }) => sharing !== 'negotiated');
  const [only] = group;
  if (isPlain && only !== undefined && only.sharing === 'mandatory') {
    shareAreaDays(world, only, drops);
    return;
  }
  const differences = new Map(group.map((pool) => [pool.id, differenceCells(world, pool)]));
  for (const stretch of stretches(days, isPlain ? new Set(days) : cutsOf(park, group))) {
    const contents = new Map<string, Content>(group.map(({ id }) => [id, new Map()]));
    const isThere = new Set<string>();
    for (const pool of group) {
      const content = contents.get(pool.id) ?? new Map<string, F>();
      const cells = differences.get(pool.id);
      const meters = park.meters.filter(({ serves }) => serves.kind === 'pool' && serves.pool === pool.id);
      for (const day of stretch)
        for (const tou of tous) {
          let sum = f(cells?.get(`${day}|${tou}`) ?? 0n);
          for (const { id } of meters) sum = plus(sum, f(count(id, day, tou)));
          content.set(`${day}|${tou}`, plus(content.get(`${day}|${tou}`) ?? zero, sum));
        }
      if (meters.length > 0 || cells !== null) isThere.add(pool.id);
      if (!isThere.has(pool.id)) continue;
      for (const { to, kind, share } of shareStretch(world, pool, stretch, content, group)) {
        for (const day of stretch)
          for (const tou of tous) {
            const quantity = times(content.get(`${day}|${tou}`) ?? zero, share);
            if (kind === 'pool') {
              isThere.add(to);
              const next = contents.get(to);
              next?.set(`${day}|${tou}`, plus(next.get(`${day}|${tou}`) ?? zero, quantity));
            } else drops.push({ holder: to, pool: `${pool.id}${kind}`, tou, quantity });
          }
      }
    }
  }
}

/** Mandatory and without a rule: area x days over the whole month. */
function shareAreaDays({ park, days, tous, count }: World, pool: Pool, drops: Drop[]): void {
  const weights = new Map<string, F>();
  let total = zero;
  for (const unit of unitsOf(park, pool))
    for (const day of days) {
      const holder = holderOf(park, unit, day);
      const area = areaOn(park, unit, day);
      weights.set(holder, plus(weights.get(holder) ?? zero, area));
      total = plus(total, area);
    }
  if (total[0] === 0n) weights.set('', one);
  for (const meter of park.meters)
    if (meter.serves.kind === 'pool' && meter.serves.pool === pool.id)
      for (const tou of tous) {
        const quantity = days.reduce((sum, day) => sum + count(meter.id, day, tou), 0n);
        for (const [holder, weight] of weights)
          drops.push({
            holder,
            pool: pool.id,
            tou,
            quantity: times(f(quantity), total[0] === 0n ? one : over(weight, total)),
          });
      }
}

/** What the pool is given of a branch, by day and time of use; null where it is given none of any. */
function differenceCells({ park, days, tous, count }: World, pool: Pool): Map<string, bigint> | null {
  const branch = pool.difference?.meter;
  if (branch === undefined) return null;
  let total = 0n;
  const cells: { id: string; weight: F }[] = [];
  for (const day of days)
    for (const tou of tous) {
      let rest = count(branch, day, tou);
      for (const meter of park.meters) if (parentOf(meter, day) === branch) rest -= count(meter.id, day, tou);
      total += rest;
      cells.push({ id: `${day} ${tou ?? ''}`, weight: f(rest > 0n ? rest : 0n) });
    }
  const shares = largest(total > 0n ? total : 0n, cells);
  const given = new Map<string, bigint>();
  for (const day of days)
    for (const tou of tous) given.set(`${day}|${tou}`, shares.get(`${day} ${tou ?? ''}`) ?? 0n);
  return given;
}

/** The dates on which something changes for the pools. */
function cutsOf(park: Park, group: readonly Pool[]): Set<string> {
  const cuts = new Set<string>();
  const put = ({ from, to }: { from: string; to: string | null }): void => {
    cuts.add(from);
    if (to !== null) cuts.add(to);
  };
  for (const pool of group) {
    for (const rule of rulesOf(park, pool)) put(rule);
    const units = unitsOf(park, pool);
    for (const unit of park.units)
      if (units.includes(unit.id)) for (const { to } of unit.formerAreas ?? []) cuts.add(to);
    for (const lease of park.leases) {
      const concerns =
        lease.units.some((unit) => units.includes(unit)) ||
        (pool.scope.kind === 'lease' && pool.scope.lease === lease.id);
      if (!concerns) continue;
      put(lease);
      for (const value of lease.values ?? []) put(value);
    }
  }
  return cuts;
}
