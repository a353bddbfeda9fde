/** The leaves of all pools that are shared by declared rules: a lease's part of a pool, and the landlord's, line by line. */
import type { Pool } from '../../../protocols/park.ts';
import { type Leaf, leafId, quantityIn } from '../leaf.ts';
import { add, type Rational, ZERO } from '../rational.ts';
import { PoolCascade, quantityOf, type SharedPart, type Stream } from './cascade.ts';
import { poolOrder } from './pool-order.ts';
import { isDeclared } from './rules-in-force.ts';
import type { Scene } from './scene.ts';

export type SharedPools =
  | {
      ok: true;
      leaves: Leaf[];
      /** The pools that were shared here. */
      declared: string[];
      /** What they hold of differences between meters, millionths. */
      differences: bigint;
      warnings: string[];
    }
  | { ok: false; detail: string };

/** The landlord's lines beside its own share of a pool: pools of their own, so that they are charges of their own. */
export const LANDLORD_LINES = { unassigned: '.unassigned', unrecovered: '.unrecovered' } as const;

export function sharePools(scene: Scene, pools: readonly Pool[]): SharedPools {
  const { park, period } = scene;
  const order = poolOrder(park, pools, period);
  if (!order.ok) return order;
  const groups = order.groups.filter(
    ({ pools: members }) => members.length > 1 || members.some((pool) => isDeclared(park, pool)),
  );
  const result: Extract<SharedPools, { ok: true }> = {
    ok: true,
    leaves: [],
    declared: groups.flatMap(({ pools: members }) => members.map(({ id }) => id)),
    differences: 0n,
    warnings: [],
  };
  if (groups.length === 0) return result;
  const cascade = new PoolCascade(scene);
  for (const group of groups) {
    const shared = cascade.share(group);
    if (!shared.ok) return shared;
    result.warnings.push(...shared.warnings);
    for (const { cells } of shared.differences)
      result.differences += cells.reduce((total, { quantity }) => total + quantity, 0n);
    result.leaves.push(...leavesOf(group.id, shared.parts));
  }
  return result;
}

function leavesOf(group: string, parts: readonly SharedPart[]): Leaf[] {
  const named = parts.map((part) => ({ ...part, pool: poolOf(part) }));
  return [...Map.groupBy(named, leafId).values()].flatMap((own) => {
    const [first] = own;
    if (first === undefined) return [];
    const streams = own.map(({ stream }) => stream);
    return [
      {
        holder: first.holder,
        pool: first.pool,
        meters: [...new Set(streams.flatMap(({ source }) => source.meters))].sort(),
        quantities: quantitiesOf(streams),
        basis: { kind: 'streams' as const, streams },
        together: group,
        buildings: buildingsOf(own),
      },
    ];
  });
}

function poolOf(part: SharedPart): string {
  if (part.holder !== null || part.reason === 'vacancy') return part.pool;
  return `${part.pool}${LANDLORD_LINES[part.reason]}`;
}

function quantitiesOf(streams: readonly Stream[]): Map<string | null, Rational> {
  const periods = new Set(streams.flatMap(({ source }) => [...source.quantities.keys()]));
  return new Map([...periods].map((touPeriod) => [touPeriod, quantityOf(streams, touPeriod)]));
}

function buildingsOf(parts: readonly SharedPart[]): Map<string | null, Rational> {
  const buildings = new Map<string | null, Rational>();
  for (const part of parts) {
    if (part.holder !== null) continue;
    const { source, fraction } = part.stream;
    const counted = quantityIn(source.quantities, null);
    const quantity = { n: counted * fraction.n, d: fraction.d };
    buildings.set(part.building, add(buildings.get(part.building) ?? ZERO, quantity));
  }
  return buildings;
}
