/** Replays files of history through the detectors. */
import type { Alarm } from '../metering/detectors/alarm.ts';
import { MeterWatch } from '../metering/detectors/meter-watch.ts';
import type { DetectorSettings } from '../metering/detectors/settings.ts';
import { ZoneClock } from '../metering/zone-clock.ts';
import type { ListedMeter } from './meter-list.ts';
import type { MeterReadings } from './meter-readings.ts';
import type { ReadingHistory } from './reading-file.ts';

const HOUR_MS = 3_600_000;

/**
 * @param meters as the history was opened with
 * @returns in the order in which they were raised
 */
export function replay(
  meters: readonly ListedMeter[],
  history: ReadingHistory,
  settings: DetectorSettings,
): Alarm[] {
  const alarms: Alarm[] = [];
  const watches: MeterWatch[] = [];
  let nowMs = Number.NEGATIVE_INFINITY;
  for (const { index, readings } of history.meters()) {
    const meter = meters[index];
    if (meter === undefined) throw new RangeError(`no meter ${index}`);
    const watch = new MeterWatch(meter, new ZoneClock(meter.timeZone), settings, (alarm) => {
      alarms.push(alarm);
    });
    nowMs = Math.max(nowMs, feed(watch, meter, readings));
    watches.push(watch);
  }
  for (const watch of watches) watch.until(nowMs);
  return alarms.sort(inOrder);
}

const inOrder = (a: Alarm, b: Alarm): number =>
  a.raisedMs - b.raisedMs || compare(a.meter, b.meter) || compare(a.type, b.type) || a.startMs - b.startMs;
const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

/** @returns the instant at which the last of the readings was known */
function feed(
  watch: MeterWatch,
  meter: ListedMeter,
  { ms, units, scale, repeatedMs }: MeterReadings,
): number {
  const factor = 10 ** scale;
  const isRegister = meter.kind === 'register';
  const lengthMs = isRegister ? 0 : intervalLength(ms);
  let repeat = 0;
  for (let i = 0; i < ms.length; i += 1) {
    const at = ms[i] ?? 0;
    const value = Number(units[i] ?? 0n) / factor;
    while ((repeatedMs[repeat] ?? Number.POSITIVE_INFINITY) <= at) {
      watch.hourRepeated(repeatedMs[repeat] ?? 0);
      repeat += 1;
    }
    if (isRegister) watch.reading(at, value);
    else watch.interval(at, value, lengthMs);
  }
  return (ms.at(-1) ?? Number.NEGATIVE_INFINITY) + lengthMs;
}

/** The least step among the first rows: what an interval of the meter lasts. */
function intervalLength(ms: Float64Array): number {
  let least = HOUR_MS;
  for (let i = 1; i < Math.min(ms.length, 50); i += 1) {
    const step = (ms[i] ?? 0) - (ms[i - 1] ?? 0);
    if (step > 0) least = Math.min(least, step);
  }
  return least;
}
