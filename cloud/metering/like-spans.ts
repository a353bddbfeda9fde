/**
 * The shape of a gap from the spans most like it: the same hours of other days, whose neighbourhood and total are nearest to
 * those of the gap. Floats, since it is a shape: a known total is shared out by it exactly. Only operations that every
 * machine rounds alike are used, so that the same history gives the same shape everywhere.
 */
import type { SiteGrid } from './site-grid.ts';

export interface GapSpan {
  /** Intervals `[from, to)` of the grid are sought. */
  from: number;
  to: number;
  /** What they add up to, where the registers at both ends are known. */
  total: number | null;
}

/** How far a day may lie away, how many count, and how many do so however far they are. */
const DAYS_AWAY = 70;
const NEAREST = 16;
const LEAST = 2;
/** A day so many times farther away than the nearest is not like the gap at all. */
const FARTHEST = 6;
/** Hours on either side of the gap that are compared, and after how many of them a difference counts half. */
const CONTEXT_HOURS = 24;
const HALF_HOURS = 6;
/** Distance, in spreads of the series, for a day of another kind, another day of the week, and per day away. */
const OTHER_KIND = 0.3;
const OTHER_WEEKDAY = 0.1;
const PER_DAY = 0.002;

interface Candidate {
  distance: number;
  from: number;
}

/** The series of a meter on its grid, prepared for any number of gaps. */
export class LikeSpans {
  private readonly grid: SiteGrid;
  private readonly known: Float64Array;
  private readonly perHour: number;
  /** First interval of each local day. */
  private readonly dayStarts: number[] = [];
  private readonly dayOf: Uint32Array;
  private readonly spread: number;

  /** @param known quantity of each interval, NaN where it was not measured */
  constructor(grid: SiteGrid, known: Float64Array) {
    this.grid = grid;
    this.known = known;
    this.perHour = 60 / grid.minutes;
    this.dayOf = new Uint32Array(known.length);
    for (let k = 0; k < known.length; k += 1) {
      if (k === 0 || (grid.slots[k] ?? 0) < (grid.slots[k - 1] ?? 0)) this.dayStarts.push(k);
      this.dayOf[k] = this.dayStarts.length - 1;
    }
    this.spread = spreadOf(known);
  }

  /** In the unit of the series, one for each interval of the gap; null where too few like days are known. */
  shape(gap: GapSpan): Float64Array | null {
    const shape = new Float64Array(gap.to - gap.from);
    const perDay = 24 * this.perHour;
    const isLong = gap.to - gap.from > 1.5 * perDay;
    for (let from = gap.from; from < gap.to; from += isLong ? perDay : shape.length) {
      const to = isLong ? Math.min(from + perDay, gap.to) : gap.to;
      const part = this.part({ from, to, total: isLong ? null : gap.total }, gap);
      if (part === null) return null;
      shape.set(part, from - gap.from);
    }
    return shape;
  }

  private part(span: GapSpan, gap: GapSpan): Float64Array | null {
    const sorted = this.candidates(span, gap).sort((a, b) => a.distance - b.distance || a.from - b.from);
    const farthest = FARTHEST * Math.max(sorted[0]?.distance ?? 0, 0.01);
    const nearest = sorted
      .slice(0, NEAREST)
      .filter(({ distance }, rank) => rank < LEAST || distance <= farthest);
    if (nearest.length === 0) return null;
    const width = Math.max(nearest[Math.min(3, nearest.length - 1)]?.distance ?? 0, 0.001);
    const shape = new Float64Array(span.to - span.from);
    let sum = 0;
    for (const { distance, from } of nearest) {
      const near = distance / width;
      const weight = 1 / (1 + near * near * near * near);
      sum += weight;
      for (let i = 0; i < shape.length; i += 1)
        shape[i] = (shape[i] ?? 0) + weight * (this.known[from + i] ?? 0);
    }
    return shape.map((value) => Math.max(value / sum, 0));
  }

  private candidates(span: GapSpan, gap: GapSpan): Candidate[] {
    const day = this.dayOf[span.from] ?? 0;
    const into = span.from - (this.dayStarts[day] ?? 0);
    const found: Candidate[] = [];
    for (let away = -DAYS_AWAY; away <= DAYS_AWAY; away += 1) {
      const start = this.dayStarts[day + away];
      if (away === 0 || start === undefined) continue;
      const from = start + into;
      const distance = this.distance(span, gap, from);
      if (distance === null) continue;
      const sameWeekday = away % 7 === 0;
      const sameKind = this.grid.weekend[from] === this.grid.weekend[span.from];
      const kind = sameWeekday ? 0 : sameKind ? OTHER_WEEKDAY : OTHER_KIND;
      found.push({ distance: distance + kind + PER_DAY * Math.abs(away), from });
    }
    return found;
  }

  /** Null where the candidate itself is not known. */
  private distance(span: GapSpan, gap: GapSpan, from: number): number | null {
    const size = span.to - span.from;
    if (from < 0 || from + size > this.known.length) return null;
    let total = 0;
    for (let i = from; i < from + size; i += 1) total += this.known[i] ?? Number.NaN;
    if (Number.isNaN(total)) return null;
    let weights = 0;
    let squares = 0;
    const half = HALF_HOURS * this.perHour;
    const compare = (own: number, other: number, distance: number): void => {
      const off = (this.known[own] ?? Number.NaN) - (this.known[other] ?? Number.NaN);
      if (Number.isNaN(off)) return;
      const weight = half / (half + distance);
      weights += weight;
      squares += weight * off * off;
    };
    for (let i = 0; i < CONTEXT_HOURS * this.perHour; i += 1) {
      if (span.from === gap.from) compare(span.from - 1 - i, from - 1 - i, i);
      if (span.to === gap.to) compare(span.to + i, from + size + i, i);
    }
    const context = weights === 0 ? 0 : squares / weights;
    const off = span.total === null ? 0 : (total - span.total) / size;
    return Math.sqrt(context + off * off) / this.spread;
  }
}

function spreadOf(known: Float64Array): number {
  let count = 0;
  let sum = 0;
  let squares = 0;
  for (const value of known) {
    if (Number.isNaN(value)) continue;
    count += 1;
    sum += value;
    squares += value * value;
  }
  const mean = sum / Math.max(count, 1);
  const variance = squares / Math.max(count, 1) - mean * mean;
  return variance > 0 ? Math.sqrt(variance) : 1;
}
