/** Consumption over `[start, end)`, derived from readings and written anew whenever those change. */
import type { Quality } from '../../../protocols/api.ts';

export interface IntervalRow {
  meter: string;
  startMs: number;
  endMs: number;
  /** Millionths of the billing unit, after the multiplier; null exactly when the quality is `missing`. */
  quantity: bigint | null;
  quality: Quality;
  /** How it was made, e.g. `difference`. */
  method: string;
  /** Why not by plain difference; empty where it was. */
  reason: string;
}

/** What a meter's intervals of a span add up to, in millionths. */
export interface IntervalTotal {
  meter: string;
  /** Of the known intervals; 0 where there is none. */
  quantity: bigint;
  /** What of it was estimated or edited. */
  estimated: bigint;
  /** Intervals whose quantity is known, and is not. */
  known: number;
  missing: number;
}

/** What the intervals that start in one span add up to. */
export interface SpanSum {
  meter: string;
  /** The place of the span in the list that was asked for. */
  span: number;
  intervals: number;
  /** Millionths, of those that are known. */
  quantity: bigint;
  /** How long they are together. */
  coveredMs: number;
  /** Estimated, edited or missing. */
  unsettled: number;
  /** The end of the last of them. */
  endMs: number;
}

export interface IntervalsOperations {
  /** Puts `rows` in the place of the meter's intervals that start in `[fromMs, toMs)`, all or none. */
  replaceIntervals(meter: string, fromMs: number, toMs: number, rows: IntervalRow[]): void;
  /** Intervals that start in `[fromMs, toMs)`, by meter and start; of all meters where `meters` is null. */
  intervals(query: { meters: string[] | null; fromMs: number; toMs: number }): IntervalRow[];
  /** What is estimated, edited or missing of a meter's intervals that start in `[fromMs, toMs)`: few of very many. */
  unsettledIntervals(query: { meter: string; fromMs: number; toMs: number }): IntervalRow[];
  /** Summed where they lie: a month of a park is too much to hand over. Meters without intervals in the span are left out. */
  intervalTotals(query: { meters: string[]; fromMs: number; toMs: number }): IntervalTotal[];
  intervalSums: (query: {
    meters: string[];
    spans: {
      fromMs: number;
      toMs: number;
    }[];
  }) => SpanSum[];
  /** The end of each meter's last interval that starts before the instant and is known; meters without any are left out. */
  lastKnownEnds(query: { meters: string[]; beforeMs: number }): {
    meter: string;
    endMs: number;
  }[];
}
