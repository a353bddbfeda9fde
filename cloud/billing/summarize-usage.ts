/**
 * Intervals of one meter, summed per site-local date and TOU period. Nothing is guessed here: an interval without a
 * quantity, a hole between intervals and an interval that straddles an edge of the segments all count as missing.
 */
import type { TouSegment } from './tou-segments.ts';

/** Consumption over `[startMs, endMs)`, millionths of the billing unit; null where it is missing. */
export interface UsageInterval {
  readonly startMs: number;
  readonly endMs: number;
  readonly quantity: bigint | null;
  readonly quality: 'actual' | 'estimated' | 'edited' | 'missing';
}

/** What a meter used in one TOU period of one date. */
export interface DailyUsage {
  readonly meter: string;
  readonly date: string;
  readonly touPeriod: string | null;
  /** Millionths of kWh or m3. */
  readonly quantity: bigint;
  /** What of `quantity` was estimated or edited. */
  readonly estimated: bigint;
  readonly intervals: number;
  readonly estimatedIntervals: number;
  readonly missingIntervals: number;
}

/** A row under construction; `coveredMs` is what of the segments the intervals tile. */
interface Cell {
  usage: { -readonly [K in keyof DailyUsage]: DailyUsage[K] };
  lengthMs: number;
  coveredMs: number;
}

/**
 * @param intervals of one meter, in any order
 * @param segments of the whole span (see `touSegments`); intervals outside of it are left out
 * @returns a row for every date and TOU period of the segments, also where nothing was metered
 */
export function summarizeUsage(
  meter: string,
  intervals: readonly UsageInterval[],
  segments: readonly TouSegment[],
): DailyUsage[] {
  const cells = new Map<string, Cell>();
  const cellOf = segments.map((segment) => {
    const key = `${segment.date} ${segment.touPeriod ?? ''}`;
    const cell = cells.get(key) ?? emptyCell(meter, segment);
    cell.lengthMs += segment.endMs - segment.startMs;
    cells.set(key, cell);
    return cell;
  });
  let index = 0;
  for (const interval of [...intervals].sort((a, b) => a.startMs - b.startMs)) {
    while ((segments[index]?.endMs ?? Number.POSITIVE_INFINITY) <= interval.startMs) index += 1;
    const segment = segments[index];
    const cell = cellOf[index];
    if (segment === undefined || cell === undefined) break;
    if (interval.endMs <= segment.startMs) continue;
    put(cell, interval, segment);
  }
  return [...cells.values()].map(settled);
}

/** What the intervals that start in one segment add up to; all of them are actual and end in it. */
export interface SegmentSum {
  readonly intervals: number;
  readonly quantity: bigint;
  readonly coveredMs: number;
}

/**
 * The same from sums: what a store added up where the intervals lie, which is far quicker than to hand them over.
 * @param sums by the place of the segment; a segment without intervals has none
 */
export function usageOfSums(
  meter: string,
  sums: ReadonlyMap<number, SegmentSum>,
  segments: readonly TouSegment[],
): DailyUsage[] {
  const cells = new Map<string, Cell>();
  for (const [index, segment] of segments.entries()) {
    const key = `${segment.date} ${segment.touPeriod ?? ''}`;
    const cell = cells.get(key) ?? emptyCell(meter, segment);
    cells.set(key, cell);
    const { intervals, quantity, coveredMs } = sums.get(index) ?? NO_INTERVALS;
    cell.lengthMs += segment.endMs - segment.startMs;
    cell.coveredMs += coveredMs;
    cell.usage.quantity += quantity;
    cell.usage.intervals += intervals;
  }
  return [...cells.values()].map(settled);
}

const NO_INTERVALS: SegmentSum = { intervals: 0, quantity: 0n, coveredMs: 0 };

/** Not tiled exactly: a hole or an overlap that no interval owned up to. */
const settled = ({ usage, lengthMs, coveredMs }: Cell): DailyUsage =>
  usage.missingIntervals === 0 && coveredMs !== lengthMs ? { ...usage, missingIntervals: 1 } : usage;

const emptyCell = (meter: string, { date, touPeriod }: TouSegment): Cell => ({
  usage: {
    meter,
    date,
    touPeriod,
    quantity: 0n,
    estimated: 0n,
    intervals: 0,
    estimatedIntervals: 0,
    missingIntervals: 0,
  },
  lengthMs: 0,
  coveredMs: 0,
});

function put(cell: Cell, interval: UsageInterval, segment: TouSegment): void {
  const { usage } = cell;
  const straddles = interval.startMs < segment.startMs || interval.endMs > segment.endMs;
  usage.intervals += 1;
  if (interval.quantity === null || straddles) {
    usage.missingIntervals += 1;
    return;
  }
  cell.coveredMs += interval.endMs - interval.startMs;
  usage.quantity += interval.quantity;
  if (interval.quality !== 'actual') {
    usage.estimated += interval.quantity;
    usage.estimatedIntervals += 1;
  }
}
