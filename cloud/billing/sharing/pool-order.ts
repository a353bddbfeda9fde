/**
 * In what order pools are shared. Pools that a rule gives a part of another pool come after it; those that serve one another
 * follow the park's declared order, and nothing flows back.
 */
import type { Park, Pool } from '../../../protocols/park.ts';
import { clip } from '../billing-period.ts';

/** Pools that hang together, each after those that pass on to it. */
export interface PoolGroup {
  /** The smallest id among the pools. */
  readonly id: string;
  readonly pools: readonly Pool[];
  /** To which pools of the group each pool may pass on. */
  readonly passesTo: ReadonlyMap<string, ReadonlySet<string>>;
}
export type PoolOrder = { ok: true; groups: PoolGroup[] } | { ok: false; detail: string };

/** @param span only rules that are in force in it count */
export function poolOrder(
  { rules = [], stepDown = [] }: Pick<Park, 'rules' | 'stepDown'>,
  pools: readonly Pool[],
  span: { from: string; to: string },
): PoolOrder {
  const sorted = [...pools].sort((a, b) => (a.id < b.id ? -1 : 1));
  const known = new Set(sorted.map(({ id }) => id));
  const rank = new Map(stepDown.map((id, index) => [id, index]));
  const flowsBack = (from: string, to: string): boolean => {
    const [a, b] = [rank.get(from), rank.get(to)];
    return a !== undefined && b !== undefined && a > b;
  };
  const passesTo = new Map<string, Set<string>>();
  for (const pool of sorted) {
    const to = rules
      .filter((rule) => rule.id === pool.rule.id && clip(rule, span) !== null)
      .flatMap((rule) => (rule.pools ?? []).map((one) => one.pool))
      .filter((id) => known.has(id) && id !== pool.id && !flowsBack(pool.id, id));
    passesTo.set(pool.id, new Set(to));
  }
  const order = sortByFlow(sorted, passesTo);
  if (typeof order === 'string') return { ok: false, detail: order };
  const groups = Map.groupBy(order, groupNames(sorted, passesTo));
  return {
    ok: true,
    groups: [...groups].map(([id, members]) => ({ id, pools: members, passesTo })),
  };
}

/** Each pool after all that pass on to it, or the sentence that says which go in a circle. */
function sortByFlow(
  pools: readonly Pool[],
  passesTo: ReadonlyMap<string, ReadonlySet<string>>,
): Pool[] | string {
  const order: Pool[] = [];
  let waiting = [...pools];
  while (waiting.length > 0) {
    const ready = waiting.filter(({ id }) => !waiting.some((other) => passesTo.get(other.id)?.has(id)));
    if (ready.length === 0) return circleIn(waiting, passesTo);
    order.push(...ready);
    waiting = waiting.filter((pool) => !ready.includes(pool));
  }
  return order;
}

/** Every pool that waits is passed on to by another one: walking upstream comes round. */
function circleIn(waiting: readonly Pool[], passesTo: ReadonlyMap<string, ReadonlySet<string>>): string {
  const path: string[] = [];
  let at = waiting[0]?.id ?? '';
  while (!path.includes(at)) {
    path.unshift(at);
    at = waiting.find((other) => passesTo.get(other.id)?.has(at))?.id ?? at;
  }
  const circle = [at, ...path.slice(0, path.indexOf(at) + 1)];
  return `pools ${circle.join(' -> ')} serve one another: declare their order in stepDown`;
}

/** Names each pool's group by the smallest id that it hangs together with. */
function groupNames(
  sorted: readonly Pool[],
  passesTo: ReadonlyMap<string, ReadonlySet<string>>,
): (pool: Pool) => string {
  const names = new Map(sorted.map(({ id }) => [id, id]));
  for (const [from, to] of passesTo)
    for (const id of to) {
      const [a, b] = [names.get(from) ?? from, names.get(id) ?? id];
      const [kept, gone] = a < b ? [a, b] : [b, a];
      for (const [pool, name] of names) if (name === gone) names.set(pool, kept);
    }
  return ({ id }) => names.get(id) ?? id;
}
