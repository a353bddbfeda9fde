/** How long a month of history takes: validation, estimation, detection and balance, meter by meter, of a whole park. */

import { BalanceWatch } from '../cloud/metering/detectors/balance-watch.ts';
import { HourSeries } from '../cloud/metering/detectors/hour-series.ts';
import { MeterWatch } from '../cloud/metering/detectors/meter-watch.ts';
import { defaultSettings } from '../cloud/metering/detectors/settings.ts';
import { estimateHistory } from '../cloud/metering/estimate-history.ts';
import { ZoneClock } from '../cloud/metering/zone-clock.ts';
import { START_MS, TIME_ZONE } from './bench-readings.ts';
import { type BenchRow, benchRow, type Cost, costOf, interleave, type Measurement } from './measure.ts';

const QUARTER_MS = 900_000;
const DAY_MS = 86_400_000;
/** The park that has to be through in a minute on two cores. */
const PARK = { meters: 10_000, days: 31, perDay: 96, seconds: 60, cores: 2 };
const FAMILY = 10;

export async function historyMonth(size: { rounds: number; meters: number }): Promise<BenchRow[]> {
  const count = size.meters * PARK.days * PARK.perDay;
  const rates = await interleave(size.rounds, {
    history: async () => {
      const cost: Cost = await costOf(() => wholeMonth(size.meters));
      return count / cost.seconds;
    },
  });
  const limit = (PARK.meters * PARK.days * PARK.perDay) / PARK.seconds / PARK.cores;
  const note = `${size.meters} registers x ${PARK.days} days x ${PARK.perDay} through validation, estimation, detection and balance on one core, one gap each; limit: the rate at which ${PARK.meters} of them take ${PARK.seconds} s on ${PARK.cores} cores (more is faster)`;
  const limits = rates.history.map(() => limit);
  return [
    benchRow({ name: 'history_month', unit: 'intervals/s', note }, { value: rates.history, limit: limits }),
  ];
}

/** @returns how many alarms there were, so that nothing is left out as unused */
function wholeMonth(meters: number): number {
  const clock = new ZoneClock(TIME_ZONE);
  let alarms = 0;
  const raise = (): void => {
    alarms += 1;
  };
  for (let from = 0; from < meters; from += FAMILY) {
    const members = Array.from({ length: Math.min(FAMILY, meters - from) }, (_, i) => {
      const { ms, units } = month(from + i);
      const meter = {
        meter: `m-${from + i}`,
        utility: 'electricity',
        unit: 'kWh',
        digits: 8,
        maxRate: 500,
      } as const;
      estimateHistory({
        timeZone: TIME_ZONE,
        kind: 'register',
        digits: 8,
        maxRate: 500,
        ms,
        units,
        scale: 3,
      });
      const series = new HourSeries();
      const watch = new MeterWatch(meter, clock, defaultSettings, raise, (hour) => series.push(hour));
      ms.forEach((at, k) => {
        watch.reading(at, Number(units[k] ?? 0n) / 1000);
      });
      return { meter: meter.meter, series };
    });
    const [parent, ...children] = members;
    if (parent === undefined) continue;
    const balance = new BalanceWatch(
      { parent, children, timeZone: TIME_ZONE },
      defaultSettings.balance,
      raise,
    );
    const weekend = (ms: number): boolean => clock.localHour(ms).weekday >= 5;
    for (let day = 0; day < PARK.days; day += 1) {
      const startMs = START_MS + day * DAY_MS;
      balance.endOfDay({ number: day, startMs, weekend }, startMs + 2 * DAY_MS);
    }
  }
  return alarms;
}

function month(meter: number): { ms: Float64Array; units: BigInt64Array } {
  const ms: number[] = [];
  const units: bigint[] = [];
  let value = 1_000_000 + meter * 1000;
  for (let k = 0; k <= PARK.days * PARK.perDay; k += 1) {
    const isGap = k > 1500 && k < 1500 + 40;
    if (!isGap) {
      ms.push(START_MS + k * QUARTER_MS);
      units.push(BigInt(value));
    }
    value += 100 + ((k * 7919 + meter) % 900);
  }
  return { ms: Float64Array.from(ms), units: BigInt64Array.from(units) };
}

export const measurements: Measurement[] = [
  { name: 'history_month', measure: () => historyMonth({ rounds: 3, meters: 200 }) },
];
