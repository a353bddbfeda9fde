import { describe, expect, test } from 'vitest';
import type { StoredReading } from '../protocols/api.ts';
import { formatMicro } from '../protocols/units.ts';
import { Checker } from './checker.ts';
import { type MeterTruth, Truth } from './park/truth.ts';

const slotMs = 900_000;
const fromMs = Date.UTC(2026, 8, 1);
const face = (meter: string): MeterTruth => ({
  meter,
  register: '1-0:1.8.0',
  unit: 'kWh',
  stepMicro: 10_000,
  multiplier: 1,
  counts: Float64Array.from([0, 3, 7, 7, 12]),
  devices: [{ fromMs: -Infinity, offset: 100, modulus: 1_000_000 }],
});
const truth = new Truth({ fromMs, toMs: fromMs + 4 * slotMs, intervalMs: slotMs }, [
  face('E-1'),
  face('E-2'),
]);

const text = (ms: number): string => Temporal.Instant.fromEpochMilliseconds(ms).toString();
const stored = (meter: string, slot: number, change: Partial<StoredReading> = {}): StoredReading => ({
  meter,
  register: '1-0:1.8.0',
  readAt: text(fromMs + slot * slotMs),
  value: formatMicro(BigInt(truth.faceMicro(truth.of(meter), fromMs + slot * slotMs))),
  unit: 'kWh',
  code: null,
  raw: null,
  source: 'poll',
  gateway: 'gw-a',
  epoch: '00000000000000aa',
  sequence: slot * 2 + (meter === 'E-1' ? 1 : 2),
  ...change,
});
const all = (meter: string): StoredReading[] => [0, 1, 2, 3, 4].map((slot) => stored(meter, slot));
const clean = { expected: 5, stored: 5, lost: 0, duplicated: 0, altered: 0, unexplained: 0, findings: [] };

describe('the checker finds', () => {
  test('nothing where every reading is stored once as shown', () => {
    expect(new Checker(truth, []).check('E-1', all('E-1'))).toEqual(clean);
  });
  test.each<[string, StoredReading[], Partial<typeof clean>]>([
    ['a lost reading', all('E-1').slice(1), { stored: 4, lost: 1 }],
    ['an instant stored twice', [...all('E-1'), stored('E-1', 2)], { stored: 6, duplicated: 1 }],
    [
      'an idempotency key used twice',
      [...all('E-1').slice(0, 4), stored('E-1', 4, { sequence: 1 })],
      { duplicated: 1 },
    ],
    ['a changed digit', [...all('E-1').slice(0, 4), stored('E-1', 4, { value: '1.13' })], { altered: 1 }],
    ['a changed unit', [...all('E-1').slice(0, 4), stored('E-1', 4, { unit: 'm3' })], { altered: 1 }],
    [
      'a value that is gone',
      [...all('E-1').slice(0, 4), stored('E-1', 4, { value: null, code: 'not_available' })],
      { altered: 1 },
    ],
    [
      'a reading that no meter gave',
      [...all('E-1'), stored('E-1', 0, { readAt: text(fromMs + 60_000), sequence: 99 })],
      { stored: 6, unexplained: 1 },
    ],
  ])('%s', (_title, rows, expected) => {
    const { findings, ...figures } = new Checker(truth, []).check('E-1', rows);
    expect(figures).toEqual({ ...clean, findings: undefined, ...expected });
    expect(findings).toHaveLength(1);
  });
  test('no loss in a silence, but whatever came out of one', () => {
    const silence = { meters: ['E-1'], fromMs: fromMs + slotMs, toMs: fromMs + 3 * slotMs };
    const checker = new Checker(truth, [silence]);
    const outside = [0, 3, 4].map((slot) => stored('E-1', slot));
    expect(checker.check('E-1', outside)).toEqual({ ...clean, expected: 3, stored: 3 });
    expect(checker.check('E-1', [...outside, stored('E-1', 1)])).toMatchObject({ unexplained: 1 });
    expect(checker.check('E-2', all('E-2'))).toEqual(clean);
  });
  test('a key that two meters share', () => {
    const checker = new Checker(truth, []);
    checker.check('E-1', all('E-1'));
    checker.check('E-2', [...all('E-2').slice(0, 4), stored('E-2', 4, { sequence: 1 })]);
    expect(checker.total()).toMatchObject({ expected: 10, stored: 10, duplicated: 1, lost: 0 });
  });
  test('which meters are to be asked again', () => {
    const checker = new Checker(truth, []);
    checker.check('E-1', all('E-1').slice(1));
    expect(checker.incomplete()).toEqual(['E-1', 'E-2']);
    checker.check('E-1', all('E-1'));
    expect(checker.incomplete()).toEqual(['E-2']);
  });
});
