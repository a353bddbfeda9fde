/**
 * Hidden vacancy: on working days a load falls to its night base and stays there for ten days. The lease may be shrinking,
 * so this is for operators alone.
 */
import { type Alarm, figure, localDate, percent, type Raise } from './alarm.ts';
import type { Hour } from './hour-meter.ts';
import { median } from './robust.ts';

const DAYS_TO_RAISE = 10;
/** Working days among them: holidays alone are shorter. */
const WORKDAYS = 7;
const LEAST_KNOWN = 10;
const KEPT = 30;
/** A working day is busy by what its hours take above the night; below this part of it the day is empty. */
const EMPTY = 0.2;
/** Loads that hardly rise above their night say nothing. */
const LEAST_RISE = 0.5;
const BUSY = { from: 9, to: 17 };
const NIGHT_ENDS = 5;
const HOUR_MS = 3_600_000;

export class Vacancy {
  private readonly meter: { meter: string; timeZone: string; unit: string };
  private readonly raise: Raise;
  /** How much the working day took above its night, an hour; of days that were not empty. */
  private rises: number[] = [];
  private bases: number[] = [];
  private today = { day: Number.NaN, startMs: 0, busy: [] as number[], night: [] as number[] };
  private empty: { sinceMs: number; workdays: number; rises: number[] } | null = null;
  private open: Alarm | null = null;

  constructor(meter: { meter: string; timeZone: string; unit: string }, raise: Raise) {
    this.meter = meter;
    this.raise = raise;
  }

  take({ day, hour, weekday, startMs, quantity, knownMs }: Hour): void {
    if (day !== this.today.day) this.today = { day, startMs: startMs - hour * HOUR_MS, busy: [], night: [] };
    if (quantity === null || weekday >= 5) return;
    if (hour < NIGHT_ENDS) this.today.night.push(quantity);
    if (hour >= BUSY.from && hour < BUSY.to) this.today.busy.push(quantity);
    if (hour === BUSY.to - 1) this.endOfWork(startMs + HOUR_MS, knownMs);
  }

  private endOfWork(endMs: number, knownMs: number): void {
    const { busy, night, startMs } = this.today;
    if (busy.length < BUSY.to - BUSY.from || night.length < NIGHT_ENDS) return;
    const base = median(night);
    const rise = median(busy) - base;
    const usual = median(this.rises);
    const isJudged = this.rises.length >= LEAST_KNOWN && usual > LEAST_RISE * median(this.bases);
    if (!isJudged || rise > EMPTY * usual) {
      if (this.open !== null) this.open.endMs = startMs;
      this.open = null;
      this.empty = null;
      this.rises = [...this.rises, rise].slice(-KEPT);
      this.bases = [...this.bases, base].slice(-KEPT);
      return;
    }
    this.empty ??= { sinceMs: startMs, workdays: 0, rises: [] };
    this.empty.workdays += 1;
    this.empty.rises.push(rise);
    const days = (endMs - this.empty.sinceMs) / (24 * HOUR_MS);
    if (this.open === null && days > DAYS_TO_RAISE - 1 && this.empty.workdays >= WORKDAYS)
      this.tell(this.empty, endMs, knownMs, usual);
  }

  private tell(
    empty: { sinceMs: number; workdays: number; rises: number[] },
    endMs: number,
    knownMs: number,
    usual: number,
  ): void {
    const { meter, timeZone, unit } = this.meter;
    const since = localDate(empty.sinceMs, timeZone);
    const left = Math.max(median(empty.rises), 0) / usual;
    const figures = { workdays: empty.workdays, usualRise: usual, left };
    this.open = {
      meter,
      type: 'vacancy_suspected',
      startMs: empty.sinceMs,
      seenMs: endMs,
      raisedMs: knownMs,
      endMs: null,
      severity: 'info',
      text: {
        'zh-CN': `自 ${since} 起 ${empty.workdays} 个工作日白天只比夜间多用平时的 ${percent(left)}（平时每小时多 ${figure(usual)} ${unit}）：单元可能已空置。`,
        en: `On ${empty.workdays} working days since ${since} the day took only ${percent(left)} of what it usually takes above the night (${figure(usual)} ${unit} an hour): the unit may stand empty.`,
      },
      figures,
    };
    this.raise(this.open);
  }
}
