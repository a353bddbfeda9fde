/**
 * The estimation job: writes the intervals of every span whose readings have changed. A span is widened to the measured
 * intervals on either side of it, because a reading that ends a gap decides the whole of the gap.
 */
import type { Park, ParkMeter } from '../../protocols/park.ts';
import { deriveIntervals } from '../metering/derive-intervals.ts';
import { meterFacts } from '../metering/meter-facts.ts';
import { boundaryAtOrBefore, type SiteGrid, siteDay, siteGrid } from '../metering/site-grid.ts';
import type { DirtyDay } from '../store/port/changes.ts';
import type { IntervalRow } from '../store/port/intervals.ts';
import type { Store } from '../store/store.ts';

export interface DeriveContext {
  store: Store;
  park: Park;
  intervalMinutes: number;
}
/** Intervals of the meter that start in `[fromMs, toMs)` were written. */
export interface DerivedSpan {
  meter: string;
  fromMs: number;
  toMs: number;
}
interface Span {
  fromMs: number;
  toMs: number;
}

const DAY_MS = 86_400_000;
const MINUTE_MS = 60_000;
/** Readings after the span that a dip or a spike in it is known by, and those late for its last boundary. */
const WITNESS_MS = DAY_MS;
/** How far around a gap the meter's like days shape it. */
const PROFILE_MS = 14 * DAY_MS;
const METERS_ABREAST = 16;

/**
 * Derives the days in which readings arrived, and the day that ends at `throughMs` for the meters that were silent in it:
 * theirs are missing. Beyond `throughMs` intervals are written as far as there are readings.
 */
export async function deriveDirtyIntervals(
  context: DeriveContext,
  throughMs: number,
): Promise<DerivedSpan[]> {
  const { store, park } = context;
  const dirty = await store.dirtyDays();
  const lastReadings = await store.lastReadings();
  const spans = await forMeters(park.meters, async (meter) => {
    const derived: DerivedSpan[] = [];
    const days = dirty.filter((day) => day.meter === meter.id);
    const last = lastReadings.find((row) => row.meter === meter.id && row.register === meter.register);
    const knownMs = last === undefined ? throughMs : Math.max(throughMs, boundaryBefore(context, last.atMs));
    for (const { fromMs, toMs } of contiguous(days)) {
      const span = { fromMs, toMs: Math.min(toMs, knownMs) };
      if (span.fromMs < span.toMs) derived.push(await deriveSpan(context, meter, span));
    }
    return derived;
  });
  spans.push(...(await fillSilentMeters(context, throughMs)));
  const known = new Set(park.meters.map(({ id }) => id));
  await store.clearDirty(dirty.filter(({ meter }) => known.has(meter)));
  return spans;
}

/**
 * Derives again what is estimated or missing in the span. Later readings improve the like days, and a meter exchange stated
 * since explains registers that looked wrong: before a period is closed, its estimates then depend on what was read alone,
 * not on the order in which it arrived.
 */
export function settleEstimates(context: DeriveContext, { fromMs, toMs }: Span): Promise<DerivedSpan[]> {
  return forMeters(context.park.meters, async (meter) => {
    const rows = await context.store.unsettledIntervals({ meter: meter.id, fromMs, toMs });
    const settled: DerivedSpan[] = [];
    for (const hole of contiguous(rows)) settled.push(await deriveSpan(context, meter, hole));
    return settled;
  });
}

/** Works on some meters at a time, so that the store's thread is never idle and memory stays bounded. */
async function forMeters<T>(
  meters: readonly ParkMeter[],
  work: (meter: ParkMeter) => Promise<T[]>,
): Promise<T[]> {
  const results: T[] = [];
  for (let i = 0; i < meters.length; i += METERS_ABREAST)
    results.push(...(await Promise.all(meters.slice(i, i + METERS_ABREAST).map(work))).flat());
  return results;
}

/** Days or intervals that follow on each other, as spans. */
function contiguous(rows: readonly (DirtyDay | IntervalRow)[]): Span[] {
  const spans: Span[] = [];
  for (const row of rows) {
    const next =
      'dayMs' in row
        ? { fromMs: row.dayMs, toMs: row.dayMs + DAY_MS }
        : { fromMs: row.startMs, toMs: row.endMs };
    const last = spans.at(-1);
    if (last !== undefined && last.toMs >= next.fromMs) last.toMs = Math.max(last.toMs, next.toMs);
    else spans.push(next);
  }
  return spans;
}

/** A meter that has been read, but whose day has no intervals up to its end, was silent. */
async function fillSilentMeters(context: DeriveContext, throughMs: number): Promise<DerivedSpan[]> {
  const { store, park, intervalMinutes } = context;
  const day = siteDay(throughMs - 1, park.timeZone);
  const rows = await store.intervals({
    meters: null,
    fromMs: throughMs - intervalMinutes * MINUTE_MS,
    toMs: throughMs,
  });
  const filled = new Set(rows.map(({ meter }) => meter));
  const silent = park.meters.filter(({ id }) => !filled.has(id));
  return forMeters(silent, async (meter) => {
    const point = { meter: meter.id, register: meter.register, ms: throughMs };
    if ((await store.readingAtOrBefore(point)) === null) return [];
    return [await deriveSpan(context, meter, { fromMs: day.startMs, toMs: throughMs })];
  });
}

async function deriveSpan(context: DeriveContext, meter: ParkMeter, asked: Span): Promise<DerivedSpan> {
  const { store, park, intervalMinutes: minutes } = context;
  const { timeZone } = park;
  const days = siteGrid({ timeZone, minutes, ...asked });
  const end = boundaryIn(days, boundaryAtOrBefore(days, asked.toMs - 1) + 1);
  const fromMs = await measuredBefore(context, meter, boundaryBefore(context, asked.fromMs));
  const toMs = await measuredAfter(context, meter, end);
  const rows = await store.readings({
    meter: meter.id,
    register: meter.register,
    fromMs,
    toMs: toMs + WITNESS_MS,
  });
  const readings = rows.flatMap(({ atMs, value, source }) =>
    value === null ? [] : [{ atMs, value, frozen: source === 'frozen' }],
  );
  const facts = meterFacts(meter, park.exchanges);
  const grid = siteGrid({ timeZone, minutes, fromMs, toMs: toMs + WITNESS_MS });
  let { intervals } = deriveIntervals({ grid, readings, facts, fromMs, toMs });
  if (intervals.some(({ quality }) => quality === 'estimated')) {
    const around = { fromMs: fromMs - PROFILE_MS, toMs: toMs + PROFILE_MS };
    const measured = await measuredAround(store, meter, around);
    const wide = siteGrid({ timeZone, minutes, ...around });
    ({ intervals } = deriveIntervals({ grid: wide, readings, facts, measured, fromMs, toMs }));
  }
  await store.replaceIntervals(
    meter.id,
    fromMs,
    toMs,
    intervals.map((interval) => ({ meter: meter.id, ...interval })),
  );
  return { meter: meter.id, fromMs, toMs };
}

const boundaryIn = (grid: SiteGrid, index: number): number => grid.boundaries[index] ?? 0;

/** The end of the last measured interval before the instant: there a good reading stands. */
async function measuredBefore(context: DeriveContext, meter: ParkMeter, ms: number): Promise<number> {
  let toMs = ms;
  // One interval settles it, unless a gap is under way.
  for (let span = context.intervalMinutes * MINUTE_MS; ; span = DAY_MS) {
    const rows = await context.store.intervals({ meters: [meter.id], fromMs: toMs - span, toMs });
    const measured = rows.findLast(({ quality }) => quality === 'actual');
    if (measured !== undefined) return measured.endMs;
    const [first] = rows;
    if (first === undefined) return readingBefore(context, meter, toMs);
    toMs = first.startMs;
  }
}

/** Where no intervals were derived yet, the last reading is where they start. */
async function readingBefore(context: DeriveContext, meter: ParkMeter, ms: number): Promise<number> {
  const { store } = context;
  const row = await store.readingAtOrBefore({ meter: meter.id, register: meter.register, ms });
  if (row === null || row.value === null) return ms;
  return boundaryBefore(context, row.atMs);
}

/** The last boundary of the site's grid that is not after the instant. */
function boundaryBefore({ park, intervalMinutes: minutes }: DeriveContext, ms: number): number {
  const grid = siteGrid({ timeZone: park.timeZone, minutes, fromMs: ms, toMs: ms });
  return boundaryIn(grid, boundaryAtOrBefore(grid, ms));
}

/** The start of the first measured interval from the instant on, or the instant where nothing is derived beyond. */
async function measuredAfter(context: DeriveContext, meter: ParkMeter, ms: number): Promise<number> {
  let fromMs = ms;
  for (let span = context.intervalMinutes * MINUTE_MS; ; span = DAY_MS) {
    const rows = await context.store.intervals({ meters: [meter.id], fromMs, toMs: fromMs + span });
    const measured = rows.find(({ quality }) => quality === 'actual');
    if (measured !== undefined) return measured.startMs;
    const last = rows.at(-1);
    if (last === undefined) return fromMs;
    fromMs = last.endMs;
  }
}

async function measuredAround(store: Store, meter: ParkMeter, around: Span): Promise<Map<number, bigint>> {
  const rows = await store.intervals({ meters: [meter.id], ...around });
  return new Map(
    rows.flatMap(({ startMs, quantity, quality }) =>
      quality === 'actual' && quantity !== null ? [[startMs, quantity] as const] : [],
    ),
  );
}
