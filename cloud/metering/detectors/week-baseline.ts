/**
 * What a meter usually takes at an hour of the week: the median of the same hours of the weeks before, at the level of the
 * last day or so, and carried on from the hour before. Hours that were judged wrong never enter.
 */
import type { Hour } from './hour-meter.ts';
import { median, quantile } from './robust.ts';

export interface Expected {
  value: number;
  /** Usual size of the error at this hour. */
  scale: number;
  /** From the low to the high hours of the last weeks. */
  range: number;
}

const WEEK = 168;
const WEEKS = 6;
const TO_LEARN = 2 * WEEK;
const RANGE_HOURS = 4 * WEEK;
/** How fast level, errors and persistence follow. */
const LEVEL_RATE = 0.08;
const ERROR_RATE = 0.06;

export class WeekBaseline {
  /** By hour of the week: the last values, newest overwriting oldest. */
  private readonly weeks = new Float64Array(WEEK * WEEKS);
  private readonly counts = new Uint16Array(WEEK);
  private readonly errors = new Float64Array(48).fill(Number.NaN);
  private readonly recent = new Float64Array(RANGE_HOURS);
  private learned = 0;
  private level = 0;
  private carry = 0;
  private range = Number.NaN;
  private floor = 0;
  private expected: Expected | null = null;
  private base = 0;

  expect(hour: Hour): Expected | null {
    this.base = this.usual(hour);
    this.expected = null;
    if (this.learned < TO_LEARN || Number.isNaN(this.base)) return null;
    const value = Math.max(this.base + this.level + this.carry, 0);
    const known = this.errors[classOf(hour)] ?? Number.NaN;
    const scale = Math.max(Number.isNaN(known) ? this.range : known, this.floor);
    this.expected = { value, scale, range: this.range };
    return this.expected;
  }

  learn(hour: Hour, quantity: number): void {
    const at = hour.weekday * 24 + hour.hour;
    const count = this.counts[at] ?? 0;
    if (!Number.isNaN(this.base)) this.learnError(hour, quantity);
    this.weeks[at * WEEKS + (count % WEEKS)] = quantity;
    this.counts[at] = count + 1;
    this.recent[this.learned % RANGE_HOURS] = quantity;
    this.learned += 1;
    if (this.learned >= TO_LEARN && (Number.isNaN(this.range) || this.learned % 24 === 0))
      this.measureRange();
  }

  /** The hour was wrong: nothing is learned from it, and nothing is carried on. */
  passOver(_: Hour): void {
    this.carry *= 0.7;
  }

  skip(): void {
    this.carry = 0;
  }

  /** The level has changed for good. */
  relevel(quantity: number): void {
    this.level = quantity - this.base;
    this.carry = 0;
  }

  private learnError(hour: Hour, quantity: number): void {
    const off = quantity - this.base;
    if (this.expected !== null) {
      const error = Math.abs(quantity - this.expected.value);
      const at = classOf(hour);
      const before = this.errors[at] ?? Number.NaN;
      this.errors[at] = Number.isNaN(before)
        ? Math.min(error, this.range)
        : before + ERROR_RATE * (Math.min(error, 4 * before + this.floor) - before);
    }
    const rest = off - this.level;
    this.carry = 0.6 * rest;
    this.level += LEVEL_RATE * rest;
  }

  private usual(hour: Hour): number {
    const at = hour.weekday * 24 + hour.hour;
    const count = Math.min(this.counts[at] ?? 0, WEEKS);
    if (count === 0) return Number.NaN;
    return median(this.weeks.subarray(at * WEEKS, at * WEEKS + count));
  }

  private measureRange(): void {
    const known = this.recent.subarray(0, Math.min(this.learned, RANGE_HOURS));
    const high = quantile(known, 0.95);
    this.range = Math.max(high - quantile(known, 0.05), 0.02 * high, 1e-9);
    this.floor = 0.02 * this.range;
  }
}

const classOf = ({ hour, weekday }: Hour): number => hour + (weekday >= 5 ? 24 : 0);
