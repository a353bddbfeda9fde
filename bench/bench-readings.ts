/** The readings that benchmarks and fault runs feed: 84 meters, each read on every quarter of an hour. */
import { ACTIVE_IMPORT } from '../protocols/obis.ts';
import type { Reading } from '../protocols/reading.ts';
import type { Batch } from '../protocols/uplink.ts';

export const METERS = 84;
export const QUARTER_MS = 900_000;
/** 2026-09-01 in `TIME_ZONE`. */
export const START_MS = Date.UTC(2026, 7, 31, 16);
export const TIME_ZONE = 'Asia/Shanghai';
/** Later than any reading here: the store refuses readings from the future. */
export const INGESTED_MS = Date.UTC(2100, 0, 1);

/** The `n`th reading, from 0, in the order in which a gateway takes them. */
export function benchReading(n: number): Reading {
  const m = n % METERS;
  const slot = Math.floor(n / METERS);
  return {
    kind: 'reading',
    sequence: n + 1,
    meter: `E-A-${101 + m}`,
    register: ACTIVE_IMPORT,
    readAt: Temporal.Instant.fromEpochMilliseconds(START_MS + slot * QUARTER_MS).toString(),
    value: `${1000 + m}.${String(slot).padStart(6, '0')}`,
    unit: 'kWh',
    raw: '000f4240',
    source: 'poll',
  };
}

export const benchReadings = (first: number, count: number): Reading[] =>
  Array.from({ length: count }, (_, i) => benchReading(first + i));

/** What a poll hands to the outbox, which gives it its key. */
export const withoutKey = ({ kind: _kind, sequence: _sequence, ...reading }: Reading) => reading;

/** Contiguous batches from the `first`th reading on. */
export function benchBatches(first: number, size: { batches: number; items: number }): Batch[] {
  return Array.from({ length: size.batches }, (_, b) => {
    const from = first + b * size.items;
    const items = benchReadings(from, size.items);
    return { gateway: 'gw-bench', epoch: '00000000000000aa', from: from + 1, to: from + size.items, items };
  });
}
