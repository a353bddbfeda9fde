/**
 * Surge and drop: an hour that lies far from what the meter does at this hour of the week, at its level of these days.
 * The threshold of each meter is solved from a budget of false alarms: the tail of its own scores says how far it goes.
 */
import { type Alarm, figure, localTime, percent, type Raise } from './alarm.ts';
import type { Hour } from './hour-meter.ts';
import { TailThreshold } from './tail-threshold.ts';
import { WeekBaseline } from './week-baseline.ts';

export interface DeviationSettings {
  /** False alarms that are accepted, per meter and month. */
  perMonth: number;
  /** Part of the meter's usual range that an hour must be off at least. */
  leastOfRange: number;
}

/** A change of level that lasts so long is the new level. */
const NEW_LEVEL_HOURS = 72;
const HOUR_MS = 3_600_000;

export class Deviation {
  private readonly meter: { meter: string; timeZone: string; unit: string };
  private readonly settings: DeviationSettings;
  private readonly raise: Raise;
  private readonly baseline = new WeekBaseline();
  private readonly tail: TailThreshold;
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
    this.tail = new TailThreshold(settings.perMonth);
  }

  take(hour: Hour): void {
    if (hour.quantity === null) {
      this.baseline.skip();
      return;
    }
    const quantity = hour.quantity;
    const expected = this.baseline.expect(hour);
    if (expected === null) {
      this.baseline.learn(hour, quantity);
      return;
    }
    const off = quantity - expected.value;
    const score = Math.abs(off) / expected.scale;
    const limit = this.tail.limit();
    const isOff = score > limit && Math.abs(off) > this.settings.leastOfRange * expected.range;
    if (this.open !== null && isOff && this.hours < NEW_LEVEL_HOURS && Math.sign(off) === this.direction()) {
      this.hours += 1;
      this.baseline.passOver(hour);
      return;
    }
    if (this.open !== null) {
      this.open.endMs = hour.startMs;
      if (this.hours >= NEW_LEVEL_HOURS) this.baseline.relevel(quantity);
      this.open = null;
    } else if (isOff) {
      this.tell(hour, quantity, expected.value, expected.scale, limit);
      this.baseline.passOver(hour);
      return;
    }
    this.tail.learn(score);
    this.baseline.learn(hour, quantity);
  }

  private direction(): number {
    return this.open?.type === 'surge' ? 1 : -1;
  }

  private tell(hour: Hour, quantity: number, usual: number, scale: number, limit: number): void {
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
