/** Readings that do not come, that come twice, and an hour that comes twice: told from the stamps alone. */
import { type Alarm, figure, localTime, type Raise } from './alarm.ts';

const HOUR_MS = 3_600_000;
/** A meter is silent after so many of its usual steps, but not before `LEAST_MS`. */
const STEPS = 2.5;
const LEAST_MS = HOUR_MS;
const CRITICAL_MS = 72 * HOUR_MS;
const STEPS_TO_LEARN = 8;
/** Repeats that follow on each other so closely are one cause. */
const ONE_CAUSE_MS = 2 * HOUR_MS;

export class Silence {
  private readonly meter: { meter: string; timeZone: string };
  private readonly raise: Raise;
  private lastMs = Number.NaN;
  /** The usual step between readings: the median of the last few. */
  private readonly steps: number[] = [];
  private stepMs = HOUR_MS;
  private open: Alarm | null = null;
  private repeatMs = Number.NEGATIVE_INFINITY;

  constructor(meter: { meter: string; timeZone: string }, raise: Raise) {
    this.meter = meter;
    this.raise = raise;
  }

  /** A reading at a new instant. */
  heard(ms: number): void {
    if (!Number.isNaN(this.lastMs)) {
      this.until(ms);
      this.learn(ms - this.lastMs);
    }
    if (this.open !== null) this.open.endMs = ms;
    this.open = null;
    this.lastMs = ms;
  }

  /** So far the replay has come: silence is known without a reading to end it. */
  until(nowMs: number): void {
    const limitMs = Math.max(STEPS * this.stepMs, LEAST_MS);
    const dueMs = this.lastMs + limitMs;
    if (this.open !== null || this.steps.length < STEPS_TO_LEARN || !(nowMs > dueMs)) return;
    const { meter, timeZone } = this.meter;
    const when = localTime(this.lastMs, timeZone);
    const [silent, usual] = [figure(limitMs / HOUR_MS), figure(this.stepMs / HOUR_MS)];
    this.open = {
      meter,
      type: 'gap',
      startMs: this.lastMs,
      seenMs: dueMs,
      raisedMs: dueMs,
      endMs: null,
      severity: limitMs >= CRITICAL_MS ? 'critical' : 'warning',
      text: {
        'zh-CN': `自 ${when} 起 ${silent} 小时没有读数，平时每 ${usual} 小时一次。`,
        en: `No reading for ${silent} h since ${when}; usually one comes every ${usual} h.`,
      },
      figures: { hours: limitMs / HOUR_MS, usualHours: this.stepMs / HOUR_MS },
    };
    this.raise(this.open);
  }

  /** The instant was read already: with the same value, or with another one. */
  repeated(ms: number, same: boolean): void {
    const goesOn = ms - this.repeatMs <= ONE_CAUSE_MS;
    this.repeatMs = ms;
    if (goesOn) return;
    const when = localTime(ms, this.meter.timeZone);
    this.tell('duplicate', ms, {
      'zh-CN': `${when} 的读数来了两次，数值${same ? '相同' : '不同'}。`,
      en: `The reading of ${when} came twice, with ${same ? 'the same value' : 'another value'}.`,
    });
  }

  /** The local time of the reading came for the second time, when the clock had been turned back. */
  hourRepeated(ms: number): void {
    const when = localTime(ms, this.meter.timeZone);
    this.tell('dst_repeat', ms, {
      'zh-CN': `${when} 这一小时因拨回时钟出现两次；读数按先后分开。`,
      en: `The local hour of ${when} came twice, the clock was turned back; its readings were told apart by their order.`,
    });
  }

  private tell(type: 'duplicate' | 'dst_repeat', ms: number, text: Alarm['text']): void {
    const instant = { startMs: ms, seenMs: ms, raisedMs: ms, endMs: ms };
    this.raise({ meter: this.meter.meter, type, ...instant, severity: 'info', text, figures: {} });
  }

  private learn(stepMs: number): void {
    if (this.steps.length >= 64) return;
    this.steps.push(stepMs);
    this.stepMs = [...this.steps].sort((a, b) => a - b)[this.steps.length >> 1] ?? HOUR_MS;
  }
}
