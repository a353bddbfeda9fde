/** Replays files of history through the detectors. */
import type { Alarm, Raise } from '../metering/detectors/alarm.ts';
import { BalanceWatch } from '../metering/detectors/balance-watch.ts';
import type { FamilyMember } from '../metering/detectors/family-hours.ts';
import { HourSeries } from '../metering/detectors/hour-series.ts';
import { MeterWatch } from '../metering/detectors/meter-watch.ts';
import type { DetectorSettings } from '../metering/detectors/settings.ts';
import { ZoneClock } from '../metering/zone-clock.ts';
import type { ListedMeter } from './meter-list.ts';
import type { MeterReadings } from './meter-readings.ts';
import type { ReadingHistory } from './reading-file.ts';

const HOUR_MS = 3_600_000;

/**
 * @param meters as the history was opened with: children before their parent
 * @returns in the order in which they were raised
 */
export function replay(
  meters: readonly ListedMeter[],
  history: ReadingHistory,
  settings: DetectorSettings,
): Alarm[] {
  const alarms: Alarm[] = [];
  const raise: Raise = (alarm) => {
    alarms.push(alarm);
  };
  const clocks = new Map(meters.map(({ timeZone }) => [timeZone, new ZoneClock(timeZone)]));
  /** Hours of meters whose parent has not come yet, by parent. */
  const waiting = new Map<string, FamilyMember[]>();
  for (const { index, readings } of history.meters()) {
    const meter = meters[index];
    const clock = clocks.get(meter?.timeZone ?? '');
    if (meter === undefined || clock === undefined) throw new RangeError(`no meter ${index}`);
    const children = waiting.get(meter.meter) ?? [];
    waiting.delete(meter.meter);
    const member = { meter: meter.meter, series: new HourSeries() };
    const isInTree = meter.parent !== null || children.length > 0;
    const watch = new MeterWatch(meter, clock, settings, raise, (hour) => {
      if (isInTree) member.series.push(hour);
    });
    feed(watch, meter, readings);
    watch.until(history.lastMs);
    if (children.length > 0) {
      const family = { parent: member, children, timeZone: meter.timeZone };
      watchFamily(new BalanceWatch(family, settings.balance, raise), member.series, clock, history.lastMs);
    }
    if (meter.parent === null) continue;
    const siblings = waiting.get(meter.parent);
    if (siblings === undefined) waiting.set(meter.parent, [member]);
    else siblings.push(member);
  }
  return alarms.sort(inOrder);
}

/** Hours of a day are waited for so long after its end. */
const GRACE_MS = 2.5 * HOUR_MS;

function watchFamily(watch: BalanceWatch, parent: HourSeries, clock: ZoneClock, lastMs: number): void {
  if (parent.length === 0) return;
  const weekend = (ms: number): boolean => clock.localHour(ms).weekday >= 5;
  for (let day = clock.localHour(parent.first * HOUR_MS).day; ; day += 1) {
    const startMs = clock.dayStart(day);
    const nowMs = clock.dayStart(day + 1) + GRACE_MS;
    if (nowMs > lastMs) return;
    watch.endOfDay({ number: day, startMs, weekend }, nowMs);
  }
}

const inOrder = (a: Alarm, b: Alarm): number =>
  a.raisedMs - b.raisedMs || compare(a.meter, b.meter) || compare(a.type, b.type) || a.startMs - b.startMs;
const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

function feed(watch: MeterWatch, meter: ListedMeter, { ms, units, scale, repeatedMs }: MeterReadings): void {
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
