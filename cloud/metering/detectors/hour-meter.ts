/** From what a meter counted between two instants to what it counted in each local hour. */
import type { ZoneClock } from '../zone-clock.ts';

/** A local hour of one meter. */
export interface Hour {
  startMs: number;
  /** In the unit of the meter; null where any of the hour is not known. */
  quantity: number | null;
  /** When it was known. */
  knownMs: number;
  /** Local hour of the day, day of the week (0 is Monday) and days since 1970. */
  hour: number;
  weekday: number;
  day: number;
}

const HOUR_MS = 3_600_000;

export class HourMeter {
  private readonly clock: ZoneClock;
  private readonly tell: (hour: Hour) => void;
  private startMs = Number.NaN;
  /** Of the hour so much has been told, and so much was counted. */
  private atMs = Number.NaN;
  private sum = 0;
  private isKnown = false;

  constructor(clock: ZoneClock, tell: (hour: Hour) => void) {
    this.clock = clock;
    this.tell = tell;
  }

  /** Counted evenly over `[fromMs, toMs)`, or not known; spans follow on each other. */
  add(fromMs: number, toMs: number, quantity: number | null, knownMs: number): void {
    if (Number.isNaN(this.startMs)) this.begin(fromMs);
    if (fromMs > this.atMs) this.pass(fromMs, 0, false, knownMs);
    const from = Math.max(fromMs, this.atMs);
    if (toMs <= from) {
      if (toMs > fromMs || toMs === this.atMs) this.sum += quantity ?? 0;
      return;
    }
    this.pass(toMs, quantity === null ? 0 : quantity / (toMs - from), quantity !== null, knownMs);
  }

  private begin(fromMs: number): void {
    this.startMs = this.clock.hourStart(fromMs);
    this.atMs = fromMs;
    this.isKnown = fromMs === this.startMs;
  }

  private pass(toMs: number, perMs: number, isKnown: boolean, knownMs: number): void {
    for (let endMs = this.startMs + HOUR_MS; endMs <= toMs; endMs = this.startMs + HOUR_MS) {
      this.sum += perMs * (endMs - this.atMs);
      this.isKnown &&= isKnown || endMs === this.atMs;
      const { startMs } = this;
      const local = this.clock.localHour(startMs);
      this.tell({ startMs, quantity: this.isKnown ? this.sum : null, knownMs, ...local });
      this.startMs = endMs;
      this.atMs = endMs;
      this.sum = 0;
      this.isKnown = true;
    }
    if (toMs <= this.atMs) return;
    this.sum += perMs * (toMs - this.atMs);
    this.isKnown &&= isKnown;
    this.atMs = toMs;
  }
}
