/** What meters used in each TOU period of each date: summed in the store, and interval by interval only where that needs a look. */
import { type DailyUsage, summarizeUsage, usageOfSums } from '../billing/summarize-usage.ts';
import type { TouSegment } from '../billing/tou-segments.ts';
import type { Store } from '../store/store.ts';

/** Meters in one question to the store. */
const TOGETHER = 50;

/**
 * @param segments of one calendar over the whole span
 * @returns rows meter by meter, in the order in which they were asked for
 */
export async function* usageOfMeters(
  store: Pick<Store, 'intervals' | 'intervalSums'>,
  meters: readonly string[],
  segments: readonly TouSegment[],
): AsyncGenerator<{ meter: string; usage: DailyUsage[] }> {
  const fromMs = segments[0]?.startMs ?? 0;
  const toMs = segments.at(-1)?.endMs ?? 0;
  const spans = segments.map(({ startMs, endMs }) => ({ fromMs: startMs, toMs: endMs }));
  const ask = async (from: number) => {
    const some = meters.slice(from, from + TOGETHER);
    return { some, rows: some.length === 0 ? [] : await store.intervalSums({ meters: some, spans }) };
  };
  let asked = ask(0);
  for (let at = 0; at < meters.length; at += TOGETHER) {
    const { some, rows } = await asked;
    // The store adds up the next ones while these are looked at. Whoever stops here does not wait for them.
    asked = ask(at + TOGETHER);
    asked.catch(() => undefined);
    const sums = Map.groupBy(rows, ({ meter }) => meter);
    for (const meter of some) {
      const own = sums.get(meter) ?? [];
      const isPlain = own.every(
        ({ span, unsettled, endMs }) => unsettled === 0 && endMs <= (segments[span]?.endMs ?? 0),
      );
      const usage = isPlain
        ? usageOfSums(meter, new Map(own.map((sum) => [sum.span, sum])), segments)
        : summarizeUsage(meter, await store.intervals({ meters: [meter], fromMs, toMs }), segments);
      yield { meter, usage };
    }
  }
}
