/** A small site for the tests of the jobs: meters, their registers quarter by quarter, and batches that carry them. */
import type { Park, ParkMeter } from '../../protocols/park.ts';
import type { Reading } from '../../protocols/reading.ts';
import { formatMicro } from '../../protocols/units.ts';
import type { Store } from '../store/store.ts';

export const timeZone = 'Asia/Shanghai';
export const QUARTER_MS = 900_000;
/** Site-local text to the instant: `at('2026-09-01T00:00')`. */
export const at = (text: string): number =>
  Temporal.PlainDateTime.from(text).toZonedDateTime(timeZone).epochMilliseconds;

export const meter = (id: string, over: Partial<ParkMeter> = {}): ParkMeter => ({
  id,
  name: id,
  serial: `S-${id}`,
  utility: id.startsWith('W') ? 'water' : 'electricity',
  register: id.startsWith('W') ? '8-0:1.0.0' : '1-0:1.8.0',
  parent: null,
  building: null,
  floor: null,
  room: null,
  serves: { kind: 'landlord' },
  multiplier: '1',
  digits: 6,
  maxPerHour: '100',
  accuracyPercent: '1',
  gateway: 'gw-a',
  ...over,
});

export const park = (meters: ParkMeter[], over: Partial<Park> = {}): Park => ({
  id: 'park-1',
  name: 'Park',
  issuer: 'Operator',
  timeZone,
  currency: 'CNY',
  buildings: [],
  units: [],
  leases: [],
  meters,
  exchanges: [],
  pools: [],
  tariffs: [],
  sourceBills: [],
  ...over,
});

/** A register value in Micro, read at an instant. */
export interface Point {
  atMs: number;
  value: bigint;
  /** The meter kept it itself, and gave it after an outage. */
  frozen?: boolean;
}

/** One gateway's stream into the store, with its own running sequence. */
export function gatewayInto(store: Store, arrivedAt = '2026-12-01T00:00:00Z') {
  let sequence = 0;
  return async (of: ParkMeter, points: readonly Point[]): Promise<void> => {
    if (points.length === 0) return;
    const from = sequence + 1;
    const items = points.map(({ atMs, value, frozen }): Reading => {
      sequence += 1;
      return {
        kind: 'reading',
        sequence,
        meter: of.id,
        register: of.register,
        readAt: Temporal.Instant.fromEpochMilliseconds(atMs).toString(),
        value: formatMicro(value),
        unit: of.utility === 'water' ? 'm3' : 'kWh',
        source: frozen ? 'frozen' : 'poll',
      };
    });
    await store.ingestBatch(
      { gateway: 'gw-a', epoch: '00000000000000aa', from, to: sequence, items },
      arrivedAt,
    );
  };
}

/** Registers on every quarter of `[fromMs, toMs]`, counting `perQuarter(k)` Micro in the k-th. */
export function counting(
  fromMs: number,
  toMs: number,
  perQuarter: (atMs: number) => bigint,
  start = 1_000_000n,
): Point[] {
  const points: Point[] = [];
  let value = start;
  for (let atMs = fromMs; atMs <= toMs; atMs += QUARTER_MS) {
    points.push({ atMs, value });
    value += perQuarter(atMs);
  }
  return points;
}
