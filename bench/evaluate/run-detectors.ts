/** Runs the detectors over series in memory, as the command does over files. */
import type { Alarm } from '../../cloud/metering/detectors/alarm.ts';
import { MeterWatch, type WatchedMeter } from '../../cloud/metering/detectors/meter-watch.ts';
import { type DetectorSettings, defaultSettings } from '../../cloud/metering/detectors/settings.ts';
import type { ZoneClock } from '../../cloud/metering/zone-clock.ts';
import type { Register, Series } from './shared-data.ts';

export function detectInRegister(
  meter: Omit<WatchedMeter, 'meter'>,
  { name, ms, values }: Register,
  clock: ZoneClock,
  settings: DetectorSettings = defaultSettings,
): Alarm[] {
  const alarms: Alarm[] = [];
  const watch = new MeterWatch({ ...meter, meter: name }, clock, settings, (alarm) => alarms.push(alarm));
  ms.forEach((at, i) => {
    watch.reading(at, values[i] ?? 0);
  });
  return alarms;
}

export function detectInSeries(
  meter: Omit<WatchedMeter, 'meter'>,
  { name, fromMs, stepMs, values }: Series,
  clock: ZoneClock,
  settings: DetectorSettings = defaultSettings,
): Alarm[] {
  const alarms: Alarm[] = [];
  const watch = new MeterWatch({ ...meter, meter: name }, clock, settings, (alarm) => alarms.push(alarm));
  values.forEach((value, i) => {
    if (!Number.isNaN(value)) watch.interval(fromMs + i * stepMs, value, stepMs);
  });
  return alarms;
}
