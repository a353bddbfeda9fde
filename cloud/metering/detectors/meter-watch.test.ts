import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ZoneClock } from '../zone-clock.ts';
import type { Alarm } from './alarm.ts';
import { MeterWatch, type WatchedMeter } from './meter-watch.ts';
import { defaultSettings } from './settings.ts';

const HOUR_MS = 3_600_000;
const START_MS = Date.UTC(2026, 0, 5);
const clock = new ZoneClock('UTC');
const water: WatchedMeter = { meter: 'W', utility: 'water', unit: 'l', digits: 6, maxRate: null };

/** Readings at the start, an hour later and so on: a register that counts 5 an hour by night and 40 by day. */
const counted = (hours: number, from = 100_000): { ms: number; value: number }[] => {
  let value = from;
  return Array.from({ length: hours }, (_, h) => {
    value += h % 24 >= 7 && h % 24 < 22 ? 40 : 5;
    return { ms: START_MS + h * HOUR_MS, value };
  });
};
function watch(readings: readonly { ms: number; value: number }[], meter = water): Alarm[] {
  const alarms: Alarm[] = [];
  const watched = new MeterWatch(meter, clock, defaultSettings, (alarm) => alarms.push({ ...alarm }));
  for (const { ms, value } of readings) watched.reading(ms, value);
  watched.until(readings.at(-1)?.ms ?? 0);
  return alarms;
}
const at = 400;
const hoursAfter = (ms: number): number => (ms - START_MS) / HOUR_MS - at;
const told = (alarms: readonly Alarm[]): string[] =>
  alarms.map(({ type, raisedMs }) => `${type} +${hoursAfter(raisedMs)} h`);
const change = (over: (value: number, i: number) => number) =>
  counted(600).map(({ ms, value }, i) => ({ ms, value: over(value, i) }));

describe('a register', () => {
  const before = counted(600)[at]?.value ?? 0;
  test.each<[string, (value: number, i: number) => number, string[]]>([
    ['that counts is no alarm', (value) => value, []],
    ['one step lower for a moment is jitter', (value, i) => (i === at ? value - 6 : value), []],
    ['with one reading far above is a spike', (v, i) => (i === at ? v + 50_000 : v), ['spike +1 h']],
    [
      'that falls and comes back is a dip',
      (v, i) => (i >= at && i < at + 3 ? v - 18_000 : v),
      ['exchange_suspected +1 h', 'dip +3 h'],
    ],
    [
      'that begins at nought far from its top was reset',
      (v, i) => (i >= at ? v - before : v),
      ['reset +0 h'],
    ],
    [
      'that goes on elsewhere is another meter',
      (v, i) => (i >= at ? v + 300_000 : v),
      ['exchange_suspected +1 h'],
    ],
    ['ten times as high has another scale', (v, i) => (i >= at ? v * 10 : v), ['scale_change +1 h']],
    ['at nought for a reading is a dip after all', (v, i) => (i === at ? 0 : v), ['reset +0 h', 'dip +1 h']],
  ])('%s', (_, over, expected) => {
    const alarms = told(watch(change(over), { ...water, digits: 9 }));
    // Ten times the flow is an alarm of its own, later.
    expect(expected.length === 0 ? alarms : alarms.slice(0, expected.length)).toEqual(expected);
  });

  test('that passes its top rolls over', () => {
    const shift = 1_000_000 - before - 1;
    const alarms = watch(change((value) => (value + shift) % 1_000_000));
    expect(alarms.map(({ type }) => type)).toEqual(['rollover']);
  });

  test('that is stuck is told, and so is what it made up', () => {
    const stuck = change((value, i) => (i >= at && i < at + 60 ? before : value));
    expect(told(watch(stuck)).map((text) => text.split(' ')[0])).toContain('stuck');
  });

  describe('of a home that rests at night', () => {
    const home = (hours: number, during: 'away' | 'stuck') => {
      let value = 100_000;
      let shown = value;
      return Array.from({ length: 900 }, (_, h) => {
        const isIn = h >= 600 && h < 600 + hours;
        if (h % 24 >= 7 && h % 24 < 22 && !(isIn && during === 'away')) value += 4 + ((h * 7) % 13);
        if (!isIn) shown = value;
        return { ms: START_MS + h * HOUR_MS, value: shown };
      });
    };
    test.each<[string, number, 'away' | 'stuck', string[]]>([
      ['left for a weekend is no alarm', 48, 'away', []],
      ['stuck for two days is told by what it makes up at once', 48, 'stuck', ['stuck +248 h']],
      ['stuck for a week is told before it ends', 168, 'stuck', ['stuck +257 h']],
    ])('%s', (_, hours, during, expected) => {
      expect(told(watch(home(hours, during)))).toEqual(expected);
    });
  });

  test('read twice at one instant, and not read for hours', () => {
    const readings = counted(600).flatMap((one, i) =>
      i === at ? [one, one] : i > at + 20 && i < at + 30 ? [] : [one],
    );
    expect(told(watch(readings))).toEqual(['duplicate +0 h', 'gap +22.5 h']);
  });

  test('behind which water never stops is told within three days', () => {
    const dry = counted(600).map(({ ms, value }, h) => ({
      ms,
      value: Math.floor(value / 1000) * 1000 + Math.max(h - at, 0) * 2,
    }));
    const [alarm] = watch(dry).filter(({ type }) => type === 'continuous_flow');
    expect(hoursAfter(alarm?.raisedMs ?? 0)).toBeLessThanOrEqual(72);
    expect(alarm?.text.en).toMatch(
      /^Water has not stopped for .* h since 2026-01-21 .*: a leak is suspected\.$/,
    );
    expect(alarm?.text['zh-CN']).toMatch(/不曾断流.*疑有漏水。$/);
  });
});

describe('an electricity meter, hour by hour', () => {
  const meter: WatchedMeter = {
    meter: 'E',
    utility: 'electricity',
    unit: 'kWh',
    digits: null,
    maxRate: null,
  };
  const usual = (h: number): number => {
    const weekday = Math.floor(h / 24) % 7;
    const busy = weekday < 5 && h % 24 >= 8 && h % 24 < 18 ? 60 : 12;
    return busy * (1 + 0.05 * Math.sin(h * 7.1) + 0.03 * Math.cos(h * 3.3));
  };
  const alarmsOf = (value: (h: number) => number): string[] => {
    const alarms: Alarm[] = [];
    const watched = new MeterWatch(meter, clock, defaultSettings, (alarm) => alarms.push({ ...alarm }));
    for (let h = 0; h < 1200; h += 1) watched.interval(START_MS + h * HOUR_MS, value(h), HOUR_MS);
    return alarms.map(({ type, startMs }) => `${type} ${(startMs - START_MS) / HOUR_MS}`);
  };
  test.each<[string, (h: number) => number, string[]]>([
    ['as usual is no alarm', usual, []],
    [
      'twice as high for three hours is one surge',
      (h) => usual(h) * (h >= 1018 && h < 1021 ? 3 : 1),
      ['surge 1018'],
    ],
    ['at nought in working hours is a drop', (h) => (h >= 1018 && h < 1021 ? 0 : usual(h)), ['drop 1018']],
    [
      'with one value again and again is stuck',
      (h) => (h >= 1000 && h < 1040 ? usual(1000) : usual(h)),
      ['stuck 1000'],
    ],
  ])('%s', (_, value, expected) => {
    expect(alarmsOf(value).filter((one) => !one.startsWith('drop') || expected.includes(one))).toEqual(
      expected,
    );
  });
});

test('a history that is cut at any instant raises the alarms of the whole up to the cut', () => {
  const faults = fc.array(
    fc.record({
      at: fc.integer({ min: 30, max: 690 }),
      size: fc.integer({ min: -200_000, max: 200_000 }),
      hours: fc.integer({ min: 1, max: 90 }),
      kind: fc.constantFrom('shift', 'stuck', 'gap', 'leak'),
    }),
    { maxLength: 5 },
  );
  fc.assert(
    fc.property(faults, fc.integer({ min: 1, max: 700 }), (list, cut) => {
      let readings = counted(700);
      for (const { at: from, size, hours, kind } of list)
        readings = readings.flatMap((one, i) => {
          if (i < from || i >= from + hours) return [one];
          if (kind === 'gap') return [];
          if (kind === 'stuck') return [{ ...one, value: readings[from]?.value ?? 0 }];
          return [{ ...one, value: Math.max(one.value + (kind === 'leak' ? i - from : size), 0) }];
        });
      const plain = (alarms: readonly Alarm[]) => alarms.map(({ endMs, ...rest }) => rest);
      const whole = plain(watch(readings));
      const untilMs = readings[Math.min(cut, readings.length - 1)]?.ms ?? 0;
      const part = plain(watch(readings.filter(({ ms }) => ms <= untilMs)));
      expect(part).toEqual(whole.filter(({ raisedMs }) => raisedMs <= untilMs));
    }),
    { seed: 20260105, numRuns: 150 },
  );
});
