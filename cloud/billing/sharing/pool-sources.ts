/** What a pool holds before anything is shared: what its own meters counted, or what a branch counted beyond those below it. */
import type { ParkMeter, Pool } from '../../../protocols/park.ts';
import type { BillingPeriod } from '../billing-period.ts';
import { largestRemainder } from '../largest-remainder.ts';
import { accumulate, type ByTou } from '../leaf.ts';
import { rational } from '../rational.ts';
import type { DailyUsage } from '../summarize-usage.ts';
import { type Part, within } from './scene.ts';

/** Millionths of kWh or m3, counted in one part of the period. */
export interface PoolSource {
  readonly pool: string;
  readonly part: Part;
  /** Whose registers stand behind it, sorted. */
  readonly meters: readonly string[];
  readonly quantities: ByTou;
  readonly byDay: ReadonlyMap<string, bigint>;
  /** Of a meter difference: what the branch and the meters below it counted over the whole period. */
  readonly difference: { readonly meter: string; readonly above: bigint; readonly below: bigint } | null;
}

type Row = Pick<DailyUsage, 'date' | 'touPeriod' | 'quantity'>;

/** What the pool's own meters counted in the part; null where it has none. */
export function meteredSource(
  pool: Pool,
  part: Part,
  meters: readonly ParkMeter[],
  usage: ReadonlyMap<string, readonly DailyUsage[]>,
): PoolSource | null {
  const own = meters.filter(({ serves }) => serves.kind === 'pool' && serves.pool === pool.id);
  if (own.length === 0) return null;
  const rows = own.flatMap(({ id }) => usage.get(id) ?? []);
  return { ...sourceOf(pool, part, rows), meters: own.map(({ id }) => id).sort(), difference: null };
}

/** A branch's difference, cut into cells of a date and a TOU period: whole millionths that add up to it. */
export interface MeterDifference {
  readonly meter: string;
  readonly above: bigint;
  readonly below: bigint;
  readonly cells: readonly Row[];
}

/**
 * What the branch counted beyond the meters that lay below it. Where it is less than nothing it is none; in a cell in which the
 * others counted more, there is none of it.
 */
export function meterDifference(
  branch: ParkMeter,
  childrenOn: (date: string) => readonly ParkMeter[],
  usage: ReadonlyMap<string, readonly DailyUsage[]>,
): MeterDifference {
  let below = 0n;
  let above = 0n;
  const byDate = new Map<string, ReadonlyMap<string, Row[]>>();
  const childRows = (date: string, touPeriod: string | null): bigint => {
    const known =
      byDate.get(date) ??
      Map.groupBy(
        childrenOn(date).flatMap(({ id }) => (usage.get(id) ?? []).filter((row) => row.date === date)),
        (row) => row.touPeriod ?? '',
      );
    byDate.set(date, known);
    return (known.get(touPeriod ?? '') ?? []).reduce((sum, { quantity }) => sum + quantity, 0n);
  };
  const cells = (usage.get(branch.id) ?? []).map(({ date, touPeriod, quantity }) => {
    const counted = childRows(date, touPeriod);
    below += counted;
    above += quantity;
    return { date, touPeriod, residual: quantity - counted };
  });
  const nameOf = ({ date, touPeriod }: { date: string; touPeriod: string | null }): string =>
    `${date} ${touPeriod ?? ''}`;
  const total = above - below;
  const shared = largestRemainder(
    total > 0n ? total : 0n,
    cells.map((cell) => ({ id: nameOf(cell), weight: rational(cell.residual > 0n ? cell.residual : 0n) })),
  );
  return {
    meter: branch.id,
    above,
    below,
    cells: cells.map(({ date, touPeriod }) => ({
      date,
      touPeriod,
      quantity: shared.ok ? (shared.shares.get(nameOf({ date, touPeriod })) ?? 0n) : 0n,
    })),
  };
}

export function differenceSource(
  pool: Pool,
  part: Part,
  { cells, ...difference }: MeterDifference,
): PoolSource {
  return { ...sourceOf(pool, part, cells), meters: [difference.meter], difference };
}

function sourceOf(
  { id }: Pool,
  part: Part,
  rows: readonly Row[],
): Pick<PoolSource, 'pool' | 'part' | 'quantities' | 'byDay'> {
  const quantities = new Map<string | null, bigint>();
  const byDay = new Map<string, bigint>();
  for (const row of rows) {
    if (!within(row, part)) continue;
    accumulate(quantities, row.touPeriod, row.quantity);
    byDay.set(row.date, (byDay.get(row.date) ?? 0n) + row.quantity);
  }
  return { pool: id, part, quantities, byDay };
}

/** Below which meter it lies on a date. */
export function parentOn({ parent, formerParents = [] }: ParkMeter, date: string): string | null {
  const former = [...formerParents].sort((a, b) => (a.to < b.to ? -1 : 1)).find(({ to }) => date < to);
  return former === undefined ? parent : former.parent;
}

/** The period, cut where a meter is moved below another one. */
export function treeParts(meters: readonly ParkMeter[], { from, to }: BillingPeriod): Part[] {
  const moves = meters
    .flatMap(({ formerParents = [] }) => formerParents.map((one) => one.to))
    .filter((date) => from < date && date < to);
  const edges = [...new Set([from, ...moves, to])].sort();
  return edges.slice(0, -1).map((start, index) => ({ from: start, to: edges[index + 1] ?? to }));
}
