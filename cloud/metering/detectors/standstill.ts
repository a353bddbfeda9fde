/**
 * A register that stands still through hours in which, by its own history, it moves. Each still hour weighs by how rarely
 * its like was still before; the meter's own longest standstill so far is no news.
 */
import { type Alarm, figure, localTime, type Raise } from './alarm.ts';
import type { Hour } from './hour-meter.ts';

const CLASSES = 48;
const HOUR_MS = 3_600_000;
/** An hour of the day (of workdays or weekends) is known after so many of them. */
const SAMPLES = 5;
/** A meter that stands still in this part of its hours rests now and then. */
const RESTS = 0.02;
/** Memory of an hour's habits, in like days. */
const MEMORY = 60;

export interface StandstillSettings {
  /** Evidence in nats that is needed at least. */
  evidence: number;
  /** And so many times the evidence of the meter's longest standstill so far. */
  beyondSeen: number;
  /** Of a meter that never rests, and of one that stands still now and then: whoever it serves may be away. */
  leastHours: number;
  leastHoursAway: number;
}

export class Standstill {
  private readonly meter: { meter: string; timeZone: string };
  private readonly raise: Raise;
  private readonly settings: StandstillSettings;
  private readonly hours = new Float64Array(CLASSES);
  private readonly still = new Float64Array(CLASSES);
  private sinceMs = 0;
  private run = 0;
  private known = 0;
  private rested = 0;
  private evidence = 0;
  private longest = 0;
  private open: Alarm | null = null;

  constructor(meter: { meter: string; timeZone: string }, settings: StandstillSettings, raise: Raise) {
    this.meter = meter;
    this.settings = settings;
    this.raise = raise;
  }

  take(hour: Hour): void {
    if (hour.quantity === null) return;
    const at = hour.hour + (hour.weekday >= 5 ? 24 : 0);
    if (hour.quantity > 0) {
      this.moved(hour.startMs);
      this.learn(at, 0);
      return;
    }
    if (this.run === 0) this.sinceMs = hour.startMs;
    this.run += 1;
    this.evidence += this.weight(at);
    // A standstill that is being judged teaches nothing.
    if (this.open === null) this.learn(at, 1);
    if (this.open !== null || this.run < this.leastHours()) return;
    if (this.evidence > Math.max(this.settings.evidence, this.settings.beyondSeen * this.longest))
      this.tell(hour);
  }

  /** The register jumped to where it ought to be: it had stood still over the span. */
  caughtUp(span: { fromMs: number; toMs: number; knownMs: number }, quantity: number, unit: string): void {
    const { fromMs, toMs, knownMs } = span;
    const hours = (toMs - fromMs) / HOUR_MS;
    const when = localTime(fromMs, this.meter.timeZone);
    if (this.open === null)
      this.raise({
        meter: this.meter.meter,
        type: 'stuck',
        startMs: fromMs,
        seenMs: toMs,
        raisedMs: knownMs,
        endMs: toMs,
        severity: 'warning',
        text: {
          'zh-CN': `读数自 ${when} 起 ${figure(hours)} 小时不动，随后一次补上 ${figure(quantity)} ${unit}。`,
          en: `The register stood still for ${figure(hours)} h since ${when} and then made up ${figure(quantity)} ${unit} at once.`,
        },
        figures: { hours, quantity },
      });
    // What was the meter's fault says nothing of how long it may stand still.
    this.end(toMs);
  }

  private moved(ms: number): void {
    this.rested += this.run;
    this.longest = Math.max(this.longest, this.evidence);
    this.end(ms);
  }

  private end(ms: number): void {
    if (this.open !== null) this.open.endMs = ms;
    this.open = null;
    this.run = 0;
    this.evidence = 0;
  }

  private weight(at: number): number {
    const hours = this.hours[at] ?? 0;
    if (hours < SAMPLES) return 0;
    return -Math.log(((this.still[at] ?? 0) + 0.5) / (hours + 1));
  }

  private leastHours(): number {
    const { leastHours, leastHoursAway } = this.settings;
    return this.rested > RESTS * this.known ? leastHoursAway : leastHours;
  }

  private learn(at: number, still: number): void {
    this.known += 1;
    const fade = (this.hours[at] ?? 0) >= MEMORY ? 1 - 1 / MEMORY : 1;
    this.hours[at] = (this.hours[at] ?? 0) * fade + 1;
    this.still[at] = (this.still[at] ?? 0) * fade + still;
  }

  private tell(hour: Hour): void {
    const { meter, timeZone } = this.meter;
    const when = localTime(this.sinceMs, timeZone);
    const rarity = figure(this.evidence / Math.LN10);
    this.open = {
      meter,
      type: 'stuck',
      startMs: this.sinceMs,
      seenMs: hour.startMs + HOUR_MS,
      raisedMs: hour.knownMs,
      endMs: null,
      severity: 'warning',
      text: {
        'zh-CN': `读数自 ${when} 起 ${this.run} 小时不动；按本表以往同类时段，这样的概率约为 10^−${rarity}。`,
        en: `The register has not moved for ${this.run} h since ${when}; by its own like hours the chance of that is about 10^−${rarity}.`,
      },
      figures: { hours: this.run, evidence: this.evidence },
    };
    this.raise(this.open);
  }
}
