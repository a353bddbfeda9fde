/**
 * Estimation: readings of a billing register to contiguous half-open intervals on the site's grid. Between two readings the
 * total is known exactly; only its shape over the boundaries that nobody read is estimated. Nothing is known beyond the
 * last reading: that is missing, never zero.
 */
import type { Quality } from '../../protocols/api.ts';
import { type BadPoint, type CountAnchor, countAnchors, type RegisterEvent } from './count-anchors.ts';
import { likeDayProfile, type Profile } from './like-day-profile.ts';
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
  const gaps: { from: CountAnchor; to: CountAnchor; first: number; last: number }[] = [];
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
  const profile = likeDayProfile(
    grid,
    (k) => measuredAt(at, k) ?? measured.get(grid.boundaries[k] ?? 0) ?? null,
  );
  for (const { from, to, first, last } of gaps) shape(grid, at, from, to, first, last, profile);
  return at;
}

function measuredAt({ counts, methods }: BoundaryCounts, k: number): bigint | null {
  const start = counts[k];
  const end = counts[k + 1];
  if (!isRead(methods[k]) || !isRead(methods[k + 1])) return null;
  return typeof start === 'bigint' && typeof end === 'bigint' ? end - start : null;
}

/** Shares the known total between two anchors over the boundaries `first..last` that lie between them. */
function shape(
  grid: SiteGrid,
  at: BoundaryCounts,
  from: CountAnchor,
  to: CountAnchor,
  first: number,
  last: number,
  profile: Profile,
): void {
  const lengths: bigint[] = [];
  const shaped: (bigint | null)[] = [];
  for (let k = first - 1; k <= last; k += 1) {
    const startMs = Math.max(grid.boundaries[k] ?? from.atMs, from.atMs);
    const endMs = Math.min(grid.boundaries[k + 1] ?? to.atMs, to.atMs);
    const length = BigInt(endMs - startMs);
    const usual = profile(k);
    lengths.push(length);
    shaped.push(usual === null ? null : usual * length);
  }
  const known = shaped.filter((weight) => weight !== null);
  const isKnown = known.length === shaped.length && known.some((weight) => weight > 0n);
  const weights = isKnown ? known : lengths;
  const sum = weights.reduce((a, b) => a + b, 0n);
  let soFar = 0n;
  weights.slice(0, -1).forEach((weight, index) => {
    soFar += weight;
    // Floors of the running total: each interval is within one Micro of its share, and all of them add up.
    at.counts[first + index] = from.count + ((to.count - from.count) * soFar) / sum;
    at.methods[first + index] = isKnown ? 'profile_scaled' : 'linear';
  });
}
