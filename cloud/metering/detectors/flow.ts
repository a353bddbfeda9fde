/**
 * Water that never stops: some days in which every hour has its flow, although a small one, at a meter that has stood still
 * before. What goes on with short breaks is one incident, and is told again only when it has grown.
 */
import { type Alarm, figure, localTime, type Raise } from './alarm.ts';

const HOUR_MS = 3_600_000;
/** Readings closer together are taken as one: a step of the register is a whole litre. */
const LEAST_STEP_MS = 0.7 * HOUR_MS;
const WINDOW_MS = 3 * HOUR_MS - 0.1 * HOUR_MS;
/** In litres, and in litres an hour: what each step must have at least. */
const LEAST_LITRES = 1;
const LEAST_RATE = 0.98;

export interface FlowSettings {
  /** Least mean over any three hours, in litres an hour. */
  leastFlow: number;
  hours: number;
  /** Days within which a flow that begins again is the same incident. */
  sameIncidentDays: number;
  /** It is told again when it is so many times what it was, and so many litres an hour more. */
  grownTimes: number;
  grownBy: number;
}

interface Step {
  fromMs: number;
  toMs: number;
  litres: number;
}

export class ContinuousFlow {
  private readonly meter: { meter: string; timeZone: string; unit: string; litres: number };
  private readonly settings: FlowSettings;
  private readonly raise: Raise;
  private part: Step | null = null;
  /** Steps of the last three hours of the run. */
  private window: Step[] = [];
  private hasStood = false;
  private sinceMs: number | null = null;
  private least = Number.POSITIVE_INFINITY;
  private isTold = false;
  private open: Alarm | null = null;
  private incident = { endMs: Number.NEGATIVE_INFINITY, least: 0 };

  constructor(
    meter: { meter: string; timeZone: string; unit: string; litres: number },
    settings: FlowSettings,
    raise: Raise,
  ) {
    this.meter = meter;
    this.settings = settings;
    this.raise = raise;
  }

  /** Counted over `[fromMs, toMs)`, which follows on the one before; null where it is not known. */
  take(fromMs: number, toMs: number, quantity: number | null): void {
    if (quantity === null) {
      this.part = null;
      this.end(fromMs);
      return;
    }
    this.part ??= { fromMs, toMs, litres: 0 };
    this.part.toMs = toMs;
    this.part.litres += quantity * this.meter.litres;
    if (toMs - this.part.fromMs < LEAST_STEP_MS) return;
    this.step(this.part);
    this.part = null;
  }

  private step(step: Step): void {
    const hours = (step.toMs - step.fromMs) / HOUR_MS;
    const flows = step.litres >= Math.max(LEAST_LITRES, hours >= LEAST_RATE ? LEAST_RATE * hours : 0);
    if (!flows) {
      this.hasStood = true;
      this.end(step.fromMs);
      return;
    }
    if (this.sinceMs === null || this.isTooLittle(step)) {
      this.end(step.fromMs);
      this.sinceMs = step.fromMs;
      this.window = [step];
      return;
    }
    const isLong = step.toMs - this.sinceMs >= this.settings.hours * HOUR_MS;
    if (!isLong || this.isTold || !this.hasStood) return;
    this.isTold = true;
    this.tell(this.sinceMs, step.toMs);
  }

  /** Remembers the step and says whether the last three hours of the run had too little. */
  private isTooLittle(step: Step): boolean {
    this.window.push(step);
    while (step.toMs - (this.window[1]?.fromMs ?? step.toMs) >= WINDOW_MS) this.window.shift();
    const fromMs = this.window[0]?.fromMs ?? step.fromMs;
    if (step.toMs - fromMs < WINDOW_MS) return false;
    const litres = this.window.reduce((sum, one) => sum + one.litres, 0);
    const flow = (litres * HOUR_MS) / (step.toMs - fromMs);
    if (flow < this.settings.leastFlow) return true;
    this.least = Math.min(this.least, flow);
    return false;
  }

  private end(ms: number): void {
    if (this.isTold) this.incident = { endMs: ms, least: this.least };
    if (this.open !== null) this.open.endMs = ms;
    this.open = null;
    this.isTold = false;
    this.sinceMs = null;
    this.window = [];
    this.least = Number.POSITIVE_INFINITY;
  }

  private tell(sinceMs: number, nowMs: number): void {
    const { sameIncidentDays, grownTimes, grownBy } = this.settings;
    const isSame = nowMs - this.incident.endMs <= sameIncidentDays * 24 * HOUR_MS;
    if (isSame && this.least <= this.incident.least * grownTimes + grownBy) return;
    const { meter, timeZone, litres, unit } = this.meter;
    const when = localTime(sinceMs, timeZone);
    const least = figure(this.least / litres);
    const hours = (nowMs - sinceMs) / HOUR_MS;
    this.open = {
      meter,
      type: 'continuous_flow',
      startMs: sinceMs,
      seenMs: nowMs,
      raisedMs: nowMs,
      endMs: null,
      severity: 'warning',
      text: {
        'zh-CN': `自 ${when} 起 ${figure(hours)} 小时不曾断流，任意三小时的平均流量不低于 ${least} ${unit}/h：疑有漏水。`,
        en: `Water has not stopped for ${figure(hours)} h since ${when}, no three hours had less than ${least} ${unit}/h on average: a leak is suspected.`,
      },
      figures: { hours, leastPerHour: this.least / litres },
    };
    this.raise(this.open);
  }
}
