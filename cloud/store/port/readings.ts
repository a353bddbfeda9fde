/** Readings as the gateways sent them. */

export const HOUR_MS = 3_600_000;

export const hourOf = (ms: number): number => Math.floor(ms / HOUR_MS);

export interface ReadingRow {
  meter: string;
  register: string;
  atMs: number;
  /** Millionths of `unit`; null with a `code`. */
  value: bigint | null;
  unit: string;
  code: string | null;
  /** Hex of the registers it was decoded from. */
  raw: string | null;
  source: string;
  gateway: string;
  epoch: string;
  sequence: number;
}

/** One register of one meter at an instant. */
export interface ReadingPoint {
  meter: string;
  register: string;
  ms: number;
}

export interface ReadingsOperations {
  /** Ascending over `[fromMs, toMs)`. */
  readings(query: {
    meter: string;
    register: string;
    fromMs: number;
    toMs: number;
    limit?: number;
  }): ReadingRow[];
  /** The newest reading of the register not after the instant. */
  readingAtOrBefore(asked: ReadingPoint): ReadingRow | null;
  /** The oldest reading of the register not before the instant. */
  readingAtOrAfter(asked: ReadingPoint): ReadingRow | null;
  /** The newest reading of every register of every meter. */
  lastReadings(): ReadingRow[];
}
