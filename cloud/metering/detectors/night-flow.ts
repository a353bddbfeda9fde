/**
 * A leak in an area that is never dry: its flow has risen at every hour of the day and in the night, and stays so. The last
 * two weeks are held against the six before; how far such comparisons went in the meter's own past says what is a rise.
 * A great leak is told after three nights.
 */
import { type Alarm, figure, localDate, percent, type Raise } from './alarm.ts';
import type { Hour } from './hour-meter.ts';
import { median, quantile, spread } from './robust.ts';

export interface NightFlowSettings {
  /** Times what such comparisons usually were: for the night, and for the hours of the day. */
  nightTimes: number;
  dayTimes: number;
  /** Part of the mean flow that a leak must be at least. */
  leastShare: number;
  /** For a leak that is told after three nights: part of the usual night's flow. */
  greatShare: number;
}

const HOURS = 24;
const HOUR_MS = 3_600_000;
const LATELY = 14;
const BEFORE = 28;
const LEAST_LATELY = 8;
const LEAST_BEFORE = 14;
const PAST = 365;
const LEAST_PAST = 30;
/** What one of the two comparisons must reach where the other one is over its limit. */
const OTHER_SHARE = 0.6;
const SAME_INCIDENT_DAYS = 45;
const NEVER_DRY = 0.3;
const DRY_HOURS = 0.01;
const GREAT_NIGHTS = 3;
const GREAT_LEARN = 7;
const GREAT_SPREADS = 6;

interface Rise {
  night: number;
  day: number;
  usual: number;
  mean: number;
}

const LAG = 28;
const TREND = 0.7;

interface DayFlow {
  day: number;
  startMs: number;
  hours: Float64Array;
  /** Least mean of three hours before eight in the morning; NaN where it is not known. */
  night: number;
  knownMs: number;
}

export class NightFlow {
  private readonly meter: { meter: string; timeZone: string; unit: string };
  private readonly settings: NightFlowSettings;
  private readonly raise: Raise;
  private days: DayFlow[] = [];
  private today: DayFlow | null = null;
  /** How far the two comparisons, and the one of three nights, went before. */
  private readonly past: { night: number[]; day: number[]; great: number[] } = {
    night: [],
    day: [],
    great: [],
  };
  private rises: Rise[] = [];
  /** Hours that were known, and those of them in which nothing flowed. */
  private seen = 0;
  private dry = 0;
  private open: Alarm | null = null;
  private toldDay = Number.NEGATIVE_INFINITY;

  constructor(
    meter: { meter: string; timeZone: string; unit: string },
    settings: NightFlowSettings,
    raise: Raise,
  ) {
    this.meter = meter;
    this.settings = settings;
    this.raise = raise;
  }

  take({ hour, day, startMs, quantity, knownMs }: Hour): void {
    if (this.today !== null && day !== this.today.day) this.endOfDay(this.today);
    if (this.today === null || day !== this.today.day) {
      const hours = new Float64Array(HOURS).fill(Number.NaN);
      this.today = { day, startMs, hours, night: Number.NaN, knownMs };
    }
    this.today.hours[hour] = quantity ?? Number.NaN;
    if (quantity !== null) this.seen += 1;
    if (quantity === 0) this.dry += 1;
    this.today.knownMs = Math.max(this.today.knownMs, knownMs);
    if (hour === HOURS - 1) {
      this.endOfDay(this.today);
      this.today = null;
    }
  }

  private endOfDay(today: DayFlow): void {
    // What stands still now and then is judged by its continuous flow.
    if (this.dry > DRY_HOURS * this.seen) return;
    today.night = nightOf(today.hours);
    this.days = [...this.days, today].slice(-LATELY - BEFORE);
    const lately = this.days.slice(-LATELY);
    const before = this.days.slice(0, -LATELY);
    const raw = this.compare(lately, before);
    const rise = raw === null ? null : this.beyondTrend(raw);
    const great = this.greatRise();
    const isLeak = rise !== null && this.isRise(rise);
    if (this.open !== null) {
      const still = rise === null || rise.night > 0.4 * (this.open.figures.rise as number);
      if (!still && great === null) {
        this.open.endMs = today.startMs;
        this.open = null;
      }
    } else if (today.day - this.toldDay > SAME_INCIDENT_DAYS) {
      if (isLeak) this.tell(today, LATELY, rise.night, rise.usual);
      else if (great !== null) this.tell(today, GREAT_NIGHTS, great.rise, great.usual);
    }
    if (rise !== null && this.open === null) {
      remember(this.past.night, rise.night);
      remember(this.past.day, rise.day);
    }
  }

  private compare(lately: readonly DayFlow[], before: readonly DayFlow[]): Rise | null {
    const now = known(lately.map(({ night }) => night));
    const then = known(before.map(({ night }) => night));
    if (now.length < LEAST_LATELY || then.length < LEAST_BEFORE) return null;
    const usual = median(then);
    const rises: number[] = [];
    let mean = 0;
    for (let hour = 0; hour < HOURS; hour += 1) {
      const past = known(before.map(({ hours }) => hours[hour] ?? Number.NaN));
      const own = known(lately.map(({ hours }) => hours[hour] ?? Number.NaN));
      if (past.length < LEAST_BEFORE || own.length < LEAST_LATELY) continue;
      const level = median(past);
      mean += level;
      rises.push(median(own) - level);
    }
    // An area is never dry; what stands still at times is judged by its continuous flow.
    if (rises.length < HOURS / 2 || usual < NEVER_DRY * (mean / rises.length)) return null;
    return { night: median(now) - usual, day: quantile(rises, 0.1), usual, mean: mean / rises.length };
  }

  /** What rose just so four weeks ago is the season's. */
  private beyondTrend(rise: Rise): Rise {
    this.rises.push(rise);
    if (this.rises.length > LAG + 1) this.rises.shift();
    const [then] = this.rises;
    if (then === undefined || this.rises.length <= LAG) return rise;
    return {
      ...rise,
      night: rise.night - Math.max(then.night, 0) * TREND,
      day: rise.day - Math.max(then.day, 0) * TREND,
    };
  }

  private isRise({ night, day, mean }: { night: number; day: number; mean: number }): boolean {
    const { nightTimes, dayTimes, leastShare } = this.settings;
    if (this.past.night.length < LEAST_PAST) return false;
    // The last days have the same nights in them as today.
    const limitOf = (past: readonly number[], times: number): number => {
      const settled = past.slice(0, -LATELY);
      const usually = quantile(settled.map(Math.abs), 0.6);
      return Math.max(times * usually, leastShare * mean);
    };
    const nightLimit = limitOf(this.past.night, nightTimes);
    const dayLimit = limitOf(this.past.day, dayTimes);
    return (
      (night > nightLimit && day > OTHER_SHARE * dayLimit) ||
      (day > dayLimit && night > OTHER_SHARE * nightLimit)
    );
  }

  /** Every one of the last three nights far above all nights before, and above what three nights ever rose. */
  private greatRise(): { rise: number; usual: number } | null {
    const nights = known(this.days.map(({ night }) => night));
    const now = nights.slice(-GREAT_NIGHTS);
    const then = nights.slice(-GREAT_NIGHTS - 28, -GREAT_NIGHTS);
    if (then.length < GREAT_LEARN) return null;
    const usual = median(then);
    if (Math.min(...then) <= 0) return null;
    const rise = Math.min(...now) - usual;
    const limit = Math.max(
      GREAT_SPREADS * spread(then, usual),
      this.settings.greatShare * usual,
      1.5 * Math.max(...this.past.great.slice(0, -BEFORE), 0),
    );
    if (rise > limit) return { rise, usual };
    remember(this.past.great, rise);
    return null;
  }

  private tell(today: DayFlow, nights: number, rise: number, usual: number): void {
    const { meter, timeZone, unit } = this.meter;
    const startMs = today.startMs - (nights - 1) * HOURS * HOUR_MS;
    const since = localDate(startMs, timeZone);
    const [r, u] = [`${figure(rise)} ${unit}/h`, `${figure(usual)} ${unit}/h`];
    this.toldDay = today.day;
    this.open = {
      meter,
      type: 'night_flow',
      startMs,
      seenMs: today.startMs + HOURS * HOUR_MS,
      raisedMs: today.knownMs,
      endMs: null,
      severity: rise > 0.5 * usual ? 'critical' : 'warning',
      text: {
        'zh-CN': `自 ${since} 起 ${nights} 夜的最小流量比此前高 ${r}（此前 ${u}，高 ${percent(rise / usual)}），白天各时段也随之升高：疑有漏水。`,
        en: `For ${nights} nights since ${since} the least flow is ${r} above the ${u} of before (${percent(rise / usual)}), and the hours of the day rose with it: a leak is suspected.`,
      },
      figures: { rise, usual, nights },
    };
    this.raise(this.open);
  }
}

const known = (values: readonly number[]): number[] => values.filter((value) => !Number.isNaN(value));

function remember(past: number[], value: number): void {
  past.push(value);
  if (past.length > PAST) past.shift();
}

function nightOf(hours: Float64Array): number {
  let least = Number.NaN;
  for (let from = 0; from < 5; from += 1) {
    const mean = ((hours[from] ?? 0) + (hours[from + 1] ?? 0) + (hours[from + 2] ?? 0)) / 3;
    if (!Number.isNaN(mean) && !(mean >= least)) least = mean;
  }
  return least;
}
