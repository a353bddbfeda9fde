/** Which version of its rule a pool is shared by on a date, and where the period is cut so that nothing changes in between. */
import type { Park, Pool } from '../../../protocols/park.ts';
import type { Utility } from '../../../protocols/units.ts';
import type { BillingPeriod, DateSpan } from '../billing-period.ts';
import { AREA_DAYS, type CompiledRule, compileRule, ruleName } from './compile-rule.ts';
import type { PoolGroup } from './pool-order.ts';
import { type Part, unitsIn } from './scene.ts';

export type RuleInForce = { ok: true; compiled: CompiledRule } | { ok: false; detail: string };

/** The park's rules, each compiled once. */
export class Rules {
  readonly #park: Park;
  readonly #utility: Utility;
  readonly #compiled = new Map<string, RuleInForce>();

  constructor(park: Park, utility: Utility) {
    this.#park = park;
    this.#utility = utility;
  }

  inForce({ id, rule }: Pool, date: string): RuleInForce {
    const versions = (this.#park.rules ?? []).filter((one) => one.id === rule.id);
    const version = versions.find(({ from, to }) => from <= date && (to === null || date < to));
    if (versions.length > 0 && version === undefined)
      return { ok: false, detail: `pool ${id}: no version of rule ${rule.id} is in force on ${date}` };
    const used = version ?? { ...rule, method: { kind: 'weights' as const, weight: AREA_DAYS } };
    const name = ruleName(used);
    const known = this.#compiled.get(name);
    if (known !== undefined) return known;
    const compiled = compileRule(this.#park, this.#utility, used);
    const result: RuleInForce = compiled.ok
      ? compiled
      : { ok: false, detail: `rule ${name}: ${compiled.problems[0] ?? ''}` };
    this.#compiled.set(name, result);
    return result;
  }
}

/**
 * Whether the pool is shared by what the park declares. The others are shared as they stand: area x days over the whole
 * period, one lease's alone, or the landlord's.
 */
export const isDeclared = ({ rules = [] }: Pick<Park, 'rules'>, pool: Pool): boolean =>
  pool.difference !== undefined ||
  pool.sharing === 'negotiated' ||
  rules.some(({ id }) => id === pool.rule.id);

/** The period, cut at every change of rule, lease, area or value that concerns a pool of the group. */
export function partsOf(
  park: Park,
  { pools }: Pick<PoolGroup, 'pools'>,
  { from, to }: BillingPeriod,
): Part[] {
  const units = new Set(pools.flatMap((pool) => unitsIn(park, pool).map(({ id }) => id)));
  const alone = new Set(pools.flatMap(({ scope }) => (scope.kind === 'lease' ? [scope.lease] : [])));
  const rules = new Set(pools.map(({ rule }) => rule.id));
  const leases = park.leases.filter((one) => alone.has(one.id) || one.units.some((unit) => units.has(unit)));
  const rows: DateSpan[] = [
    ...(park.rules ?? []).filter(({ id }) => rules.has(id)),
    ...leases,
    ...leases.flatMap(({ values = [] }) => values),
    ...park.units
      .filter(({ id }) => units.has(id))
      .flatMap(({ formerAreas = [] }) => formerAreas.map((one) => ({ from: one.to, to: null }))),
  ];
  const inside = rows
    .flatMap((row) => (row.to === null ? [row.from] : [row.from, row.to]))
    .filter((date) => from < date && date < to);
  const edges = [...new Set([from, ...inside, to])].sort();
  return edges.slice(0, -1).map((start, index) => ({ from: start, to: edges[index + 1] ?? to }));
}
