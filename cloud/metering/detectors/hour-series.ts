/** The hours of one meter as columns, with the instant at which each was known: so that nothing is used before its time. */
import type { Hour } from './hour-meter.ts';

const HOUR_MS = 3_600_000;

export class HourSeries {
  /** Number of the first hour, counted from 1970. */
  first = 0;
  length = 0;
  private quantities = new Float64Array(0);
  private known = new Float64Array(0);

  /** Hours come in order, with holes. */
  push({ startMs, quantity, knownMs }: Pick<Hour, 'startMs' | 'quantity' | 'knownMs'>): void {
    const hour = hourNumber(startMs);
    if (this.length === 0) this.first = hour;
    const at = hour - this.first;
    if (at < 0) return;
    if (at >= this.quantities.length) this.grow(at + 1);
    this.quantities[at] = quantity ?? Number.NaN;
    this.known[at] = knownMs;
    this.length = Math.max(this.length, at + 1);
  }

  /** NaN where it is not known by then. */
  at(hour: number, nowMs: number): number {
    const at = hour - this.first;
    if (at < 0 || at >= this.length || (this.known[at] ?? 0) > nowMs) return Number.NaN;
    return this.quantities[at] ?? Number.NaN;
  }

  private grow(size: number): void {
    const quantities = new Float64Array(Math.max(size, 2 * this.quantities.length, 1024)).fill(Number.NaN);
    const known = new Float64Array(quantities.length);
    quantities.set(this.quantities);
    known.set(this.known);
    this.quantities = quantities;
    this.known = known;
  }
}

export const hourNumber = (ms: number): number => Math.floor(ms / HOUR_MS);
