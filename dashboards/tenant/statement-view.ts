/** What of a statement is shown where: lines by utility and pool, consumption by time of use. Pure. */
import type { Statement, StatementLine } from '../../protocols/statement.ts';
import { sumOf } from '../format.ts';

export interface LineGroup {
  utility: StatementLine['utility'];
  /** `own`, or the pool that is shared. */
  pool: string;
  poolName: string;
  lines: StatementLine[];
  gross: string;
}

/** In the order of the file. */
export function groupLines(lines: readonly StatementLine[]): LineGroup[] {
  const groups = Map.groupBy(lines, ({ utility, pool }) => `${utility} ${pool}`);
  return [...groups.values()].flatMap((group) => {
    const [first] = group;
    if (first === undefined) return [];
    const { utility, pool, poolName } = first;
    return [
      {
        utility,
        pool,
        poolName,
        lines: group,
        gross: sumOf(
          group.map(({ gross }) => gross),
          2,
        ),
      },
    ];
  });
}

export interface TimeOfUse {
  period: string;
  quantity: string;
  unit: string;
  gross: string;
}

/** What was used in each period of the day. A pool is counted once, however many components price it. */
export function byTimeOfUse(lines: readonly StatementLine[]): TimeOfUse[] {
  const timed = lines.filter(({ touPeriod }) => touPeriod !== null);
  const periods = Map.groupBy(timed, ({ touPeriod }) => touPeriod ?? '');
  const inOrder = [...periods].sort(([a], [b]) => rankOf(a) - rankOf(b));
  return inOrder.map(([period, own]) => {
    const once = [...Map.groupBy(own, ({ pool }) => pool).values()].flatMap((group) => group.slice(0, 1));
    return {
      period,
      quantity: sumOf(
        once.map(({ quantity }) => quantity),
        6,
      ),
      unit: own[0]?.unit ?? '',
      gross: sumOf(
        own.map(({ gross }) => gross),
        2,
      ),
    };
  });
}

/** The meters that only this lease is billed by, as they are named in the statement. */
export function ownMeters({ lines, registers }: Statement): { id: string; name: string }[] {
  const own = new Set(lines.flatMap(({ basis }) => (basis.kind === 'own' ? basis.meters : [])));
  return [...own].map((id) => ({ id, name: registers.find(({ meter }) => meter === id)?.name ?? id }));
}

/** Looked for in this order: `off-peak` is a valley, `super-peak` is sharp. */
const knownPeriods = {
  sharp: /sharp|critical|super/,
  valley: /valley|off|low|trough/,
  flat: /flat|normal|shoulder|mid/,
  peak: /peak|high/,
} as const;
export type KnownPeriod = keyof typeof knownPeriods;

/** Which of 尖 峰 平 谷 a calendar's own name for a period means; null: none of them. */
export function knownPeriod(id: string): KnownPeriod | null {
  const names = Object.keys(knownPeriods) as KnownPeriod[];
  return names.find((name) => knownPeriods[name].test(id.toLowerCase())) ?? null;
}

/** The dearest first, as they are always listed: 尖 峰 平 谷. */
function rankOf(period: string): number {
  const known = knownPeriod(period);
  return known === null ? 4 : ['sharp', 'peak', 'flat', 'valley'].indexOf(known);
}
