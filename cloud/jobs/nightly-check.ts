/** The nightly check: derives what has changed, then looks for anomalies in the day that has ended. */
import type { Anomaly } from '../../protocols/api.ts';
import type { Park } from '../../protocols/park.ts';
import { checkDay } from '../metering/anomalies/check-day.ts';
import { watchedMeters } from '../metering/anomalies/check-input.ts';
import { type DayFacts, dayFacts } from '../metering/anomalies/day-facts.ts';
import { type SiteDay, siteDay, siteDays, siteGrid } from '../metering/site-grid.ts';
import type { Store } from '../store/store.ts';
import { type DerivedSpan, deriveDirtyIntervals } from './derive-intervals.ts';

/**
 * Facts by the day's start and the meter. Keeping it from night to night saves reading six weeks of intervals again; clear it
 * when something else has derived intervals meanwhile.
 */
export type DayHistory = Map<number, Map<string, DayFacts>>;

export interface NightlyCheck {
  store: Store;
  park: Park;
  /** The end of the site-local day to check; readings after it are not looked at. */
  dayEndMs: number;
  intervalMinutes?: number;
  history?: DayHistory;
}

const HISTORY_DAYS = 42;

/** @returns what was raised or has ended with this check, as stored; checking the same day again gives nothing */
export async function runNightlyCheck(options: NightlyCheck): Promise<Anomaly[]> {
  const { store, park, dayEndMs, intervalMinutes = 15, history = new Map() } = options;
  const spans = await deriveDirtyIntervals({ store, park, intervalMinutes }, dayEndMs);
  const day = siteDay(dayEndMs - 1, park.timeZone);
  const days = siteDays(day.startMs - (HISTORY_DAYS - 1) * 86_400_000, day.endMs, park.timeZone);
  await remember(history, { store, park, intervalMinutes }, days, spans);
  const anomalies = checkDay({
    timeZone: park.timeZone,
    day,
    meters: watchedMeters(park, day.endMs),
    history: byMeter(history, days),
    known: await store.anomalies(),
  });
  await store.putAnomalies(anomalies);
  return anomalies;
}

/** Brings the history up to date: days not read yet, and of the others the meters whose intervals were written anew. */
async function remember(
  history: DayHistory,
  { store, park, intervalMinutes: minutes }: { store: Store; park: Park; intervalMinutes: number },
  days: readonly SiteDay[],
  spans: readonly DerivedSpan[],
): Promise<void> {
  const oldestMs = days[0]?.startMs ?? 0;
  for (const startMs of history.keys()) if (startMs < oldestMs) history.delete(startMs);
  for (const { startMs, endMs } of days) {
    const changed = spans.filter(({ fromMs, toMs }) => fromMs < endMs && toMs > startMs);
    const meters = history.has(startMs) ? [...new Set(changed.map(({ meter }) => meter))] : null;
    if (meters?.length === 0) continue;
    const rows = await store.intervals({ meters, fromMs: startMs, toMs: endMs });
    const grid = siteGrid({ timeZone: park.timeZone, minutes, fromMs: startMs, toMs: endMs });
    const facts = history.get(startMs) ?? new Map<string, DayFacts>();
    for (const [meter, own] of Map.groupBy(rows, (row) => row.meter)) facts.set(meter, dayFacts(grid, own));
    history.set(startMs, facts);
  }
}

function byMeter(history: DayHistory, days: readonly SiteDay[]): Map<string, DayFacts[]> {
  const meters = new Map<string, DayFacts[]>();
  for (const { startMs } of days)
    for (const [meter, facts] of history.get(startMs) ?? []) {
      const known = meters.get(meter);
      if (known === undefined) meters.set(meter, [facts]);
      else known.push(facts);
    }
  return meters;
}
