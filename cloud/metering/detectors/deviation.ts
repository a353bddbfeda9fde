/**
 * Surge and drop: an hour that lies far from what the meter does at this hour of the week, at its level of these days.
 * The threshold of each meter is solved from a budget of false alarms: the tail of its own scores says how far it goes.
 */
import { type Alarm, figure, localTime, percent, type Raise } from './alarm.ts';
import type { Hour } from './hour-meter.ts';
import { TailThreshold } from './tail-threshold.ts';
import { type Expected, WeekBaseline } from './week-baseline.ts';

export interface DeviationSettings {
  /** False alarms that are accepted, per meter and month. */
  perMonth: number;
  /** Part of the meter's usual range that an hour must be off at least. */
  leastOfRange: number;
}

/** A change of level that lasts so long is the new level. */
const NEW_LEVEL_HOURS = 72;
const HOUR_MS = 3_600_000;
/** The mean of some hours sees what lasts. */
const LATELY_RATE = 0.2;
/** Beyond all that was seen in weeks: by so much of the range, or below so much of the lowest. */
const ABOVE_HIGHEST = 0.3;
const BELOW_LOWEST = 0.4;

interface Scores {
  /** Errors of one hour ahead and of the level, in usual errors, and the latter in the unit. */
  next: number;
  level: number;
  levelOff: number;
  sustained: number;
}

export class Deviation {
  private readonly meter: { meter: string; timeZone: string; unit: string };
  private readonly settings: DeviationSettings;
  private readonly raise: Raise;
  private readonly baseline = new WeekBaseline();
  private readonly sudden: TailThreshold;
  private readonly sustained: TailThreshold;
  /** Mean of the last hours' errors of the level, in usual errors. */
  private lately = 0;
  private open: Alarm | null = null;
  private hours = 0;

  constructor(
    meter: { meter: string; timeZone: string; unit: string },
    settings: DeviationSettings,
    raise: Raise,
  ) {
    this.meter = meter;
    this.settings = settings;
    this.raise = raise;
    this.sudden = new TailThreshold(settings.perMonth / 2);
    this.sustained = new TailThreshold(settings.perMonth / 2);
  }

  take(hour: Hour): void {
    const { quantity } = hour;
    const expected = quantity === null ? null : this.baseline.expect(hour);
    if (quantity === null) this.baseline.passOver();
    else if (expected === null) this.baseline.learn(hour, quantity);
    else this.judge(hour, quantity, expected);
  }

  private judge(hour: Hour, quantity: number, expected: Expected): void {
    const scores = this.scores(quantity, expected);
    if (this.open !== null) {
      // While it lasts, only the level of before it counts: what is carried on is part of it.
      const isOff =
        scores.levelOff > this.settings.leastOfRange * expected.range &&
        scores.level > 0.5 * this.sustained.limit();
      if (
        isOff &&
        Math.sign(quantity - expected.level) === this.direction() &&
        this.hours < NEW_LEVEL_HOURS
      ) {
        this.hours += 1;
        this.baseline.passOver();
        return;
      }
      this.open.endMs = hour.startMs;
      if (this.hours >= NEW_LEVEL_HOURS) this.baseline.relevel(quantity);
      this.open = null;
      this.lately = 0;
    } else if (this.isWrong(quantity, expected, scores)) {
      this.tell(hour, quantity, expected, scores);
      this.baseline.passOver();
      return;
    }
    this.sudden.learn(scores.next);
    this.sustained.learn(scores.sustained);
    this.baseline.learn(hour, quantity);
  }

  private scores(quantity: number, expected: Expected): Scores {
    const off = quantity - expected.level;
    this.lately += LATELY_RATE * (off / expected.levelError - this.lately);
    return {
      next: Math.abs(quantity - expected.next) / expected.nextError,
      level: Math.abs(off) / expected.levelError,
      levelOff: Math.abs(off),
      sustained: Math.abs(this.lately),
    };
  }

  private isWrong(quantity: number, expected: Expected, scores: Scores): boolean {
    const least = this.settings.leastOfRange * expected.range;
    const isFar = scores.levelOff > least;
    if (isFar && Math.abs(quantity - expected.next) > least && scores.next > this.sudden.limit()) return true;
    if (isFar && scores.sustained > this.sustained.limit() && scores.level > 1) return true;
    const beyond = Math.max(quantity - expected.highest, 0) / expected.range;
    const under =
      expected.lowest > 0 &&
      quantity < BELOW_LOWEST * expected.lowest &&
      expected.lowest > 0.05 * expected.range;
    return (beyond > ABOVE_HIGHEST || under) && scores.next > 0.6 * this.sudden.limit();
  }

  private direction(): number {
    return this.open?.type === 'surge' ? 1 : -1;
  }

  private tell(hour: Hour, quantity: number, expected: Expected, scores: Scores): void {
    const usual = expected.level;
    const isSudden = scores.next > this.sudden.limit() || scores.sustained <= this.sustained.limit();
    const limit = isSudden ? this.sudden.limit() : this.sustained.limit();
    const scale = isSudden ? expected.nextError : expected.levelError;
    const { meter, timeZone, unit } = this.meter;
    const surge = quantity > usual;
    const when = localTime(hour.startMs, timeZone);
    const beyond = figure(Math.abs(quantity - usual) / scale);
    const share = usual > 0 ? percent(Math.abs(quantity - usual) / usual) : '∞ %';
    const [q, u, l] = [figure(quantity), figure(usual), figure(limit)];
    this.hours = 1;
    this.open = {
      meter,
      type: surge ? 'surge' : 'drop',
      startMs: hour.startMs,
      seenMs: hour.startMs + HOUR_MS,
      raisedMs: hour.knownMs,
      endMs: null,
      severity: 'warning',
      text: {
        'zh-CN': `${when} 起一小时用了 ${q} ${unit}，此时段应为 ${u} ${unit}，${surge ? '高' : '低'} ${share}：偏离 ${beyond} 倍常差，本表限值 ${l}。`,
        en: `In the hour from ${when} it took ${q} ${unit} where ${u} ${unit} are usual, ${share} ${surge ? 'above' : 'below'}: ${beyond} usual errors, its limit is ${l}.`,
      },
      figures: { quantity, usual, usualError: scale, limit },
    };
    this.raise(this.open);
  }
}
