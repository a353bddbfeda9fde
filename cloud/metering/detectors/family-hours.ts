/** A parent and its sub-meters, hour by hour: what the parent has beyond them, and the linear model that the past gives of it. */
import type { HourSeries } from './hour-series.ts';
import { LinearModel } from './linear-model.ts';
import { spread } from './robust.ts';

export interface FamilyMember {
  meter: string;
  series: HourSeries;
}

export interface Rests {
  /** Hour by hour: what is unexplained, and what each sub-meter took. */
  rest: number[];
  children: number[][];
  total: number;
}

const DAY_HOURS = 24;
const HOUR_MS = 3_600_000;
/** Sub-meters that have a coefficient of their own; the others share one. */
const OWN_COEFFICIENT = 8;
const LEAST_DAYS = 10;
/** So many hours are learned from, and so far back they are looked for. */
const LEARN_HOURS = 27 * DAY_HOURS;
const MOST_DAYS_BACK = 56;

/** The hours of a family with all members known, as rows of a linear model. */
export class FamilyHours {
  private readonly parent: FamilyMember;
  private readonly children: readonly FamilyMember[];
  private readonly weekend: (startMs: number) => boolean;
  private readonly nowMs: number;
  private readonly own: number;
  private readonly order: readonly number[];
  private readonly features: Float64Array;
  private readonly taken: Float64Array;
  private size = 1;

  constructor(
    parent: FamilyMember,
    children: readonly FamilyMember[],
    weekend: (startMs: number) => boolean,
    nowMs: number,
    atHour: number,
  ) {
    this.parent = parent;
    this.children = children;
    this.weekend = weekend;
    this.nowMs = nowMs;
    this.own = Math.min(children.length, OWN_COEFFICIENT);
    const sizes = children.map(({ series }) => {
      let sum = 0;
      for (let h = atHour - 14 * DAY_HOURS; h < atHour; h += 1) sum += series.at(h, nowMs) || 0;
      return sum;
    });
    this.order = [...children.keys()].sort((a, b) => (sizes[b] ?? 0) - (sizes[a] ?? 0));
    // Workday, weekend, the parent's square, those with a coefficient of their own and how far their clocks are off, all others.
    this.features = new Float64Array(3 + 2 * this.own + 1);
    this.taken = new Float64Array(children.length);
  }

  /**
   * From the last days before `to` in which all members are known: a sub-meter that comes back was known before it fell silent.
   *
   * @returns null where too few days are known
   */
  learn(to: number): { model: LinearModel; dayError: number; hourError: number } | null {
    const hours: number[] = [];
    let sum = 0;
    for (let h = to - 1; h >= to - MOST_DAYS_BACK * DAY_HOURS && hours.length < LEARN_HOURS; h -= 1) {
      const rest = this.row(h);
      if (Number.isNaN(rest)) continue;
      hours.push(h);
      sum += this.parent.series.at(h, this.nowMs);
    }
    if (hours.length < LEAST_DAYS * DAY_HOURS || sum <= 0) return null;
    this.size = sum / hours.length;
    const pull = this.size * this.size;
    const model = new LinearModel([
      0.01 * pull,
      0.01 * pull,
      4 * pull,
      ...new Array(2 * this.own + 1).fill(pull),
    ]);
    for (const h of hours) {
      const rest = this.row(h);
      model.add(this.features, rest);
    }
    const days = new Map<number, { rest: number; parent: number }>();
    let squares = 0;
    for (const h of hours) {
      const off = this.row(h) - model.predict(this.features);
      squares += off * off;
      const number = Math.floor((h - to) / DAY_HOURS);
      const day = days.get(number) ?? { rest: 0, parent: 0 };
      day.rest += off;
      day.parent += this.parent.series.at(h, this.nowMs);
      days.set(number, day);
    }
    const shares = [...days.values()]
      .filter(({ parent }) => parent > 0)
      .map(({ rest, parent }) => rest / parent);
    return { model, dayError: spread(shares, 0), hourError: Math.sqrt(squares / hours.length) };
  }

  /** Part of the parent's quantity over the hours; null where fewer than three quarters of them are known. */
  unexplained(model: LinearModel, from: number, to: number): number | null {
    let rest = 0;
    let parent = 0;
    let hours = 0;
    for (let h = from; h < to; h += 1) {
      const own = this.row(h);
      if (Number.isNaN(own)) continue;
      hours += 1;
      rest += own - model.predict(this.features);
      parent += this.parent.series.at(h, this.nowMs);
    }
    return hours < 0.75 * (to - from) || parent <= 0 ? null : rest / parent;
  }

  rests(model: LinearModel, from: number, to: number): Rests {
    const rests: Rests = { rest: [], children: [], total: 0 };
    for (let h = from; h < to; h += 1) {
      const own = this.row(h);
      if (Number.isNaN(own)) continue;
      const rest = own - model.predict(this.features);
      rests.rest.push(rest);
      rests.children.push([...this.taken]);
      rests.total += rest;
    }
    return rests;
  }

  /** Sets the features of an hour; the rest that they are to explain, NaN where a member is not known. */
  private row(hour: number): number {
    const parent = this.parent.series.at(hour, this.nowMs);
    let sum = 0;
    let others = 0;
    for (let place = 0; place < this.order.length; place += 1) {
      const child = this.order[place] ?? 0;
      const taken = this.children[child]?.series.at(hour, this.nowMs) ?? Number.NaN;
      this.taken[child] = taken;
      sum += taken;
      if (place < this.own) {
        this.features[3 + place] = taken;
        this.features[3 + this.own + place] = this.slope(child, hour, taken);
      } else others += taken;
    }
    const isWeekend = this.weekend(hour * HOUR_MS);
    this.features[0] = isWeekend ? 0 : this.size;
    this.features[1] = isWeekend ? this.size : 0;
    this.features[2] = (parent * parent) / this.size;
    this.features[3 + 2 * this.own] = others;
    return parent - sum;
  }

  /** What a clock that is an hour behind would count more: half of what the hours on either side differ. */
  private slope(child: number, hour: number, taken: number): number {
    const series = this.children[child]?.series;
    const before = series?.at(hour - 1, this.nowMs) ?? Number.NaN;
    const after = series?.at(hour + 1, this.nowMs) ?? Number.NaN;
    return ((Number.isNaN(after) ? taken : after) - (Number.isNaN(before) ? taken : before)) / 2;
  }
}
