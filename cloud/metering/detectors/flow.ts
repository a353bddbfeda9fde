/** Water that never stops: every hour of some days has its flow, although it is a small one. */
import { type Alarm, figure, localTime, type Raise } from './alarm.ts';
import type { Hour } from './hour-meter.ts';

const HOUR_MS = 3_600_000;

export interface FlowSettings {
  /** In litres an hour. */
  leastFlow: number;
  hours: number;
}

export class ContinuousFlow {
  private readonly meter: { meter: string; timeZone: string; unit: string; litres: number };
  private readonly settings: FlowSettings;
  private readonly raise: Raise;
  private sinceMs = 0;
  private run = 0;
  private least = Number.POSITIVE_INFINITY;
  private open: Alarm | null = null;

  constructor(
    meter: { meter: string; timeZone: string; unit: string; litres: number },
    settings: FlowSettings,
    raise: Raise,
  ) {
    this.meter = meter;
    this.settings = settings;
    this.raise = raise;
  }

  take(hour: Hour): void {
    if (hour.quantity === null) return;
    const flow = hour.quantity * this.meter.litres;
    if (flow < this.settings.leastFlow) {
      if (this.open !== null) this.open.endMs = hour.startMs;
      this.open = null;
      this.run = 0;
      this.least = Number.POSITIVE_INFINITY;
      return;
    }
    if (this.run === 0) this.sinceMs = hour.startMs;
    this.run += 1;
    this.least = Math.min(this.least, flow);
    if (this.open === null && this.run >= this.settings.hours) this.tell(hour);
  }

  private tell(hour: Hour): void {
    const { meter, timeZone, litres, unit } = this.meter;
    const when = localTime(this.sinceMs, timeZone);
    const least = figure(this.least / litres);
    this.open = {
      meter,
      type: 'continuous_flow',
      startMs: this.sinceMs,
      seenMs: hour.startMs + HOUR_MS,
      raisedMs: hour.knownMs,
      endMs: null,
      severity: 'warning',
      text: {
        'zh-CN': `自 ${when} 起 ${this.run} 小时不曾断流，最小时流量 ${least} ${unit}/h：疑有漏水。`,
        en: `Water has run in each of ${this.run} hours since ${when}, at least ${least} ${unit}/h: a leak is suspected.`,
      },
      figures: { hours: this.run, leastPerHour: this.least / litres },
    };
    this.raise(this.open);
  }
}
