/**
 * Estimation: readings of a billing register to contiguous half-open intervals on the site's grid. Between two readings the
 * total is known exactly; only its shape over the boundaries that nobody read is estimated. Nothing is known beyond the
 * last reading: that is missing, never zero.
 */
import type { Quality } from '../../protocols/api.ts';
import { approximate } from './approximate.ts';
import { type BadPoint, type CountAnchor, countAnchors, type RegisterEvent } from './count-anchors.ts';
import { LikeSpans } from './like-spans.ts';
import type { MeterFacts } from './meter-facts.ts';
import type { RegisterPoint } from './register-step.ts';
import { boundaryAtOrBefore, type SiteGrid } from './site-grid.ts';

/**
 * `difference` of two readings; `frozen` when the meter kept one of them itself and gave it after an outage; the gap's total
 * shaped by like days, or evenly; `none` where nothing is known.
 */
export type IntervalMethod = 'difference' | 'frozen' | 'profile_scaled' | 'linear' | 'none';

const isRead = (method: IntervalMethod | undefined): boolean =>
  method === 'difference' || method === 'frozen';

export interface DerivedInterval {
  startMs: number;
  endMs: number;
  /** Micro, after the multiplier; null exactly when the quality is `missing`. */
  quantity: bigint | null;
  quality: Quality;
  method: IntervalMethod;
  /** Empty for `actual`; else `gap`, `no_reading` (before the first one), or the code of the bad register there. */
  reason: string;
}

export interface Derivation {
  intervals: DerivedInterval[];
  /** Rollovers and exchanges among the readings. */
  events: RegisterEvent[];
  bad: BadPoint[];
}

export interface DeriveInput {
  /** Covers the readings. */
  grid: SiteGrid;
  readings: readonly RegisterPoint[];
  /** Intervals measured elsewhere on the grid, in Micro by their start: they too tell what a like day is. */
  measured?: ReadonlyMap<number, bigint>;
  facts: MeterFacts;
  /** Intervals that start in `[fromMs, toMs)` are returned. */
  fromMs: number;
  toMs: number;
  /** A reading so little after a boundary is the boundary's. */
  toleranceMs?: number;
}

const TOLERANCE_MS = 120_000;
/** A gap no longer than this is a straight line. */
const LINEAR_MS = 2 * 3_600_000;

/** The count at each boundary of the grid, and how it is known. */
interface BoundaryCounts {
  counts: (bigint | null)[];
  methods: IntervalMethod[];
  reasons: (string | undefined)[];
}

/**
 * Any order and repetition of the readings gives the same intervals. Over a span with a reading at both ends the
 * quantities add up to the difference of the registers exactly, times the multiplier, floored to Micro at its ends.
 */
export function deriveIntervals(input: DeriveInput): Derivation {
  const { grid, facts, fromMs, toMs, toleranceMs = TOLERANCE_MS } = input;
  const { anchors, events, bad } = countAnchors(input.readings, facts, grid, toleranceMs, fromMs);
  const at = boundaryCounts(grid, anchors, input.measured ?? new Map());
  for (const { atMs, code } of bad) at.reasons[boundaryAtOrBefore(grid, atMs)] ??= code;
  const firstMs = anchors[0]?.atMs ?? Number.POSITIVE_INFINITY;
  const intervals: DerivedInterval[] = [];
  for (let k = Math.max(boundaryAtOrBefore(grid, fromMs - 1) + 1, 0); k < grid.slots.length; k += 1) {
    const startMs = grid.boundaries[k] ?? 0;
    if (startMs >= toMs) break;
    intervals.push(intervalAt(grid, at, k, startMs < firstMs));
  }
  return { intervals, events, bad };
}

function intervalAt(grid: SiteGrid, at: BoundaryCounts, k: number, isBefore: boolean): DerivedInterval {
  const span = { startMs: grid.boundaries[k] ?? 0, endMs: grid.boundaries[k + 1] ?? 0 };
  const start = at.counts[k] ?? null;
  const end = at.counts[k + 1] ?? null;
  const unread = [k, k + 1].filter((boundary) => !isRead(at.methods[boundary]));
  const reason = unread.map((boundary) => at.reasons[boundary]).find((code) => code !== undefined) ?? 'gap';
  if (start === null || end === null) {
    const unknown = { quantity: null, quality: 'missing', method: 'none' } as const;
    return { ...span, ...unknown, reason: isBefore ? 'no_reading' : reason };
  }
  const quantity = end - start;
  const [first] = unread;
  if (first === undefined) {
    const method = [k, k + 1].some((boundary) => at.methods[boundary] === 'frozen') ? 'frozen' : 'difference';
    return { ...span, quantity, quality: 'actual', method, reason: '' };
  }
  return { ...span, quantity, quality: 'estimated', method: at.methods[first] ?? 'linear', reason };
}

function boundaryCounts(
  grid: SiteGrid,
  anchors: readonly CountAnchor[],
  measured: ReadonlyMap<number, bigint>,
): BoundaryCounts {
  const size = grid.boundaries.length;
  const at: BoundaryCounts = {
    counts: new Array<bigint | null>(size).fill(null),
    methods: new Array<IntervalMethod>(size).fill('none'),
    reasons: new Array<string | undefined>(size).fill(undefined),
  };
  const gaps: Gap[] = [];
  let previous: CountAnchor | undefined;
  for (const anchor of anchors) {
    const k = boundaryAtOrBefore(grid, anchor.atMs);
    const onBoundary = grid.boundaries[k] === anchor.atMs;
    if (onBoundary) {
      at.counts[k] = anchor.count;
      at.methods[k] = anchor.frozen ? 'frozen' : 'difference';
    }
    if (previous !== undefined) {
      const first = boundaryAtOrBefore(grid, previous.atMs) + 1;
      const last = onBoundary ? k - 1 : k;
      if (first <= last) gaps.push({ from: previous, to: anchor, first, last });
    }
    previous = anchor;
  }
  if (gaps.length === 0) return at;
  const isShort = ({ from, to }: Gap): boolean => to.atMs - from.atMs <= LINEAR_MS;
  for (const gap of gaps.filter(isShort)) shape(grid, at, gap, null);
  const long = gaps.filter((gap) => !isShort(gap));
  if (long.length === 0) return at;
  const likes = new LikeSpans(grid, knownSeries(grid, at, measured));
  for (const gap of long) shape(grid, at, gap, likes);
  return at;
}

/** What is known before any long gap is shaped: intervals between boundaries that were read, or lie near to readings. */
function knownSeries(
  grid: SiteGrid,
  { counts }: BoundaryCounts,
  measured: ReadonlyMap<number, bigint>,
): Float64Array {
  return Float64Array.from(grid.slots, (_, k) => {
    const start = counts[k];
    const end = counts[k + 1];
    if (typeof start === 'bigint' && typeof end === 'bigint') return approximate(end - start);
    const elsewhere = measured.get(grid.boundaries[k] ?? 0);
    return elsewhere === undefined ? Number.NaN : approximate(elsewhere);
  });
}

/** The boundaries `first..last` lie between two anchors, and nobody read them. */
interface Gap {
  from: CountAnchor;
  to: CountAnchor;
  first: number;
  last: number;
}

/** Shares the known total of a gap over its boundaries: by the spans like it, or else by time. */
function shape(grid: SiteGrid, at: BoundaryCounts, gap: Gap, likes: LikeSpans | null): void {
  const { from, to, first, last } = gap;
  const total = to.count - from.count;
  const usual = likes?.shape({ from: first - 1, to: last + 1, total: approximate(total) }) ?? null;
  const lengths: bigint[] = [];
  for (let k = first - 1; k <= last; k += 1) {
    const startMs = Math.max(grid.boundaries[k] ?? from.atMs, from.atMs);
    const endMs = Math.min(grid.boundaries[k + 1] ?? to.atMs, to.atMs);
    lengths.push(BigInt(endMs - startMs));
  }
  const shaped = usual === null ? lengths : lengths.map((length, i) => length * weightOf(usual[i] ?? 0));
  const isShaped = usual !== null && shaped.some((weight) => weight > 0n);
  const weights = isShaped ? shaped : lengths;
  const sum = weights.reduce((a, b) => a + b, 0n);
  let soFar = 0n;
  weights.slice(0, -1).forEach((weight, index) => {
    soFar += weight;
    // Floors of the running total: each interval is within one Micro of its share, and all of them add up.
    at.counts[first + index] = from.count + (total * soFar) / sum;
    at.methods[first + index] = isShaped ? 'profile_scaled' : 'linear';
  });
}

/** In Micro, so that equal shapes give equal shares. */
const weightOf = (quantity: number): bigint => BigInt(Math.round(quantity * 1_000_000));
