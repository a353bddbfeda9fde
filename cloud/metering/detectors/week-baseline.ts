/**
 * What a meter usually takes at an hour of the week: the median of the same hours of the weeks before, at the level of the
 * last days, and carried on from the hour before. Hours that were judged wrong never enter.
 */
import type { Hour } from './hour-meter.ts';
import { median, quantile } from './robust.ts';

export interface Expected {
  /** One hour ahead, and without what is carried on from the hour before. */
  next: number;
  level: number;
  /** Usual sizes of the errors of `next` and of `level` at this hour. */
  nextError: number;
  levelError: number;
  /** From the low to the high hours of the last weeks. */
  range: number;
  /** The least and the most of the last weeks. */
  lowest: number;
  highest: number;
}

const WEEK = 168;
const WEEKS = 6;
const TO_LEARN = 2 * WEEK;
const RANGE_HOURS = 4 * WEEK;
/** How fast level, errors and persistence follow. */
const LEVEL_RATE = 0.03;
const ERROR_RATE = 0.06;
const CARRY_RATE = 0.01;

export class WeekBaseline {
  /** By hour of the week: the last values, newest overwriting oldest. */
  private readonly weeks = new Float64Array(WEEK * WEEKS);
  private readonly counts = new Uint16Array(WEEK);
  private readonly nextErrors = new Float64Array(48).fill(Number.NaN);
  private readonly levelErrors = new Float64Array(48).fill(Number.NaN);
  private readonly recent = new Float64Array(RANGE_HOURS);
  private learned = 0;
  private level = 0;
  /** What was left of the hour before, and how much of it lasts into the next. */
  private rest = 0;
  private lasting = { product: 0.5, square: 1 };
  private bounds = { range: Number.NaN, lowest: 0, highest: 0 };
  private floor = 0;
  private base = 0;
  private expected: Expected | null = null;

  expect(hour: Hour): Expected | null {
    this.base = this.usual(hour);
    this.expected = null;
    if (this.learned < TO_LEARN || Number.isNaN(this.base)) return null;
    const level = Math.max(this.base + this.level, 0);
    const next = Math.max(level + this.carried(), 0);
    const at = classOf(hour);
    this.expected = {
      next,
      level,
      nextError: this.errorAt(this.nextErrors, at),
      levelError: this.errorAt(this.levelErrors, at),
      ...this.bounds,
    };
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
    if (this.learned >= TO_LEARN && (Number.isNaN(this.bounds.range) || this.learned % 24 === 0))
      this.measure();
  }

  /** The hour was wrong, or is not known: what was left before fades. */
  passOver(): void {
    this.rest *= 0.7;
  }

  /** The level has changed for good. */
  relevel(quantity: number): void {
    this.level = quantity - this.base;
    this.rest = 0;
  }

  private carried(): number {
    return Math.min(Math.max(this.lasting.product / this.lasting.square, 0), 0.95) * this.rest;
  }

  private errorAt(errors: Float64Array, at: number): number {
    const known = errors[at] ?? Number.NaN;
    return Math.max(Number.isNaN(known) ? this.bounds.range : known, this.floor);
  }

  private learnError(hour: Hour, quantity: number): void {
    const { expected, floor } = this;
    const at = classOf(hour);
    const rest = quantity - this.base - this.level;
    if (expected !== null) {
      follow(this.nextErrors, at, Math.abs(quantity - expected.next), this.bounds.range, floor);
      follow(this.levelErrors, at, Math.abs(quantity - expected.level), this.bounds.range, floor);
      const unit = expected.levelError;
      const [before, now] = [bounded(this.rest / unit), bounded(rest / unit)];
      this.lasting.product += CARRY_RATE * (before * now - this.lasting.product);
      this.lasting.square += CARRY_RATE * (before * before - this.lasting.square);
    }
    this.rest = rest;
    this.level += LEVEL_RATE * rest;
  }

  private usual(hour: Hour): number {
    const at = hour.weekday * 24 + hour.hour;
    const count = Math.min(this.counts[at] ?? 0, WEEKS);
    if (count === 0) return Number.NaN;
    return median(this.weeks.subarray(at * WEEKS, at * WEEKS + count));
  }

  private measure(): void {
    const known = this.recent.subarray(0, Math.min(this.learned, RANGE_HOURS));
    const high = quantile(known, 0.95);
    const range = Math.max(high - quantile(known, 0.05), 0.02 * high, 1e-9);
    this.bounds = { range, lowest: quantile(known, 0), highest: quantile(known, 1) };
    this.floor = 0.02 * range;
  }
}

const bounded = (value: number): number => Math.min(Math.max(value, -4), 4);

function follow(errors: Float64Array, at: number, error: number, first: number, floor: number): void {
  const before = errors[at] ?? Number.NaN;
  errors[at] = Number.isNaN(before)
    ? Math.min(error, first)
    : before + ERROR_RATE * (Math.min(error, 4 * before + floor) - before);
}

const classOf = ({ hour, weekday }: Hour): number => hour + (weekday >= 5 ? 24 : 0);
