/**
 * Interval values that repeat to the last digit: a meter that is stuck, or a gateway that sends its last value again. How
 * rare a repeat is, the meter's own values say; zeros are left to the drop.
 */
import { type Alarm, figure, localTime, type Raise } from './alarm.ts';

/** So many equal values at least, and so much evidence in nats that they are no chance. */
const LEAST = 4;
const EVIDENCE = 14;
/** And so many times the evidence of the longest repeat so far. */
const BEYOND_SEEN = 1.5;
const TO_LEARN = 168;

export class Repeats {
  private readonly meter: { meter: string; timeZone: string; unit: string };
  private readonly raise: Raise;
  private last = Number.NaN;
  private sinceMs = 0;
  private run = 1;
  private values = 0;
  private repeats = 0;
  private longest = 0;
  private open: Alarm | null = null;

  constructor(meter: { meter: string; timeZone: string; unit: string }, raise: Raise) {
    this.meter = meter;
    this.raise = raise;
  }

  /** The value of the interval `[ms, endMs)`, known at its end. */
  take(ms: number, endMs: number, value: number): void {
    if (value !== this.last || value === 0) {
      if (this.open !== null) this.open.endMs = ms;
      else this.learn();
      this.open = null;
      this.last = value;
      this.sinceMs = ms;
      this.run = 1;
      return;
    }
    this.run += 1;
    const evidence = this.evidence();
    if (this.open !== null || this.values < TO_LEARN || this.run < LEAST) return;
    if (evidence > Math.max(EVIDENCE, BEYOND_SEEN * this.longest)) this.tell(endMs);
  }

  private evidence(): number {
    return -(this.run - 1) * Math.log((this.repeats + 0.5) / (this.values + 1));
  }

  /** A run that was no alarm has ended. */
  private learn(): void {
    if (Number.isNaN(this.last)) return;
    this.values += this.run;
    this.repeats += this.run - 1;
    if (this.run > 1) this.longest = Math.max(this.longest, this.evidence());
  }

  private tell(nowMs: number): void {
    const { meter, timeZone, unit } = this.meter;
    const when = localTime(this.sinceMs, timeZone);
    const value = `${figure(this.last)} ${unit}`;
    this.open = {
      meter,
      type: 'stuck',
      startMs: this.sinceMs,
      seenMs: nowMs,
      raisedMs: nowMs,
      endMs: null,
      severity: 'warning',
      text: {
        'zh-CN': `自 ${when} 起连续 ${this.run} 个值都是 ${value}；此前 ${this.values} 个值中只有 ${this.repeats} 个与前一个相同。`,
        en: `Since ${when} ${this.run} values in a row were ${value}; of ${this.values} values before only ${this.repeats} repeated the one before.`,
      },
      figures: { value: this.last, repeats: this.run, seenBefore: this.repeats },
    };
    this.raise(this.open);
  }
}
