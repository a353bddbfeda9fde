import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { goldenKinds } from './kinds.ts';
import { GoldenCase, runCase } from './run-case.ts';

const folder = new URL('../cases/', import.meta.url);
const cases = readdirSync(folder)
  .filter((file) => file.endsWith('.json'))
  .flatMap((file) => GoldenCase.array().parse(JSON.parse(readFileSync(new URL(file, folder), 'utf8'))));

test.each(cases)('$kind $id: $title', (one) => {
  const { ok, got } = runCase(one);
  expect(ok, JSON.stringify(got)).toBe(true);
});

test('there is a case of every kind', () => {
  expect([...new Set(cases.map(({ kind }) => kind))].sort()).toEqual(Object.keys(goldenKinds).sort());
});

describe('the runner does not pass by leniency', () => {
  const [thirds] = cases.filter(({ id }) => id === 'thirds');
  if (thirds === undefined) throw new Error('no case');
  test.each([
    ['a wrong figure', { shares: { L001: '0.33', L002: '0.34', L003: '0.33' } }],
    ['a missing figure', { shares: { L004: '0.34' } }],
    ['a figure of another shape', { shares: ['0.34'] }],
  ])('%s fails', (_, expected) => {
    expect(runCase({ ...thirds, expected }).ok).toBe(false);
  });
  test.each([
    ['a float', { total: 1, decimals: 2, participants: [] }],
    ['an unknown key', { total: '1', decimals: 2, participants: [{ id: 'a', weight: '1' }], more: 1 }],
    ['weights that are all zero', { total: '1', decimals: 2, participants: [{ id: 'a', weight: '0' }] }],
    ['a negative weight', { total: '1', decimals: 2, participants: [{ id: 'a', weight: '-1' }] }],
    [
      'a total finer than its unit',
      { total: '1.001', decimals: 2, participants: [{ id: 'a', weight: '1' }] },
    ],
  ])('%s is a problem of the inputs', (_, inputs) => {
    expect(runCase({ ...thirds, inputs })).toMatchObject({ ok: false, got: { problem: expect.any(String) } });
  });
  test('a kind that the cores do not know is unsupported', () => {
    expect(runCase({ ...thirds, kind: 'constructor' })).toMatchObject({ ok: false, unsupported: true });
  });
});

/** The rule behind each kind, on inputs of our own. */
test.each([
  [
    'rerate-correction',
    { billed: { quantity: '5', unit: '10' }, current: { quantity: '8', unit: '10.00' } },
    { lines: [{ quantity: '3', unit: '10', amount: '30' }] },
  ],
  [
    'rerate-correction',
    { billed: { quantity: '5', unit: '10' }, current: { quantity: '5', unit: '10' } },
    { lines: [] },
  ],
  [
    'shared-facility-formula',
    {
      meterDifferenceKwh: '10',
      decimals: 0,
      factor: { dailyMaximumC: '20', baseC: '26', divisor: '10' },
      participants: [{ id: 'a', weight: '1' }],
    },
    { shares: { a: '0' }, landlord: '10' },
  ],
  ['power-factor-of-registers', { activeKwh: '0', reactiveKvarh: '5', decimals: 2 }, { powerFactor: '0' }],
  ['power-factor-of-registers', { activeKwh: '7', reactiveKvarh: '0', decimals: 2 }, { powerFactor: '1' }],
  [
    'power-factor-surcharge',
    {
      base: '2000',
      bands: [
        { below: '0.75', percentPerStep: '3' },
        { below: '0.85', percentPerStep: '1.5' },
      ],
      step: '0.01',
      powerFactors: ['0.9', '0.85', '0.744'],
    },
    { amounts: ['0', '0', '360'] },
  ],
  [
    'day-proration',
    { periodAmountMinor: '100', period: ['2026-02-01', '2026-02-28'], active: ['2026-03-01', '2026-03-05'] },
    { amountMinor: '0' },
  ],
  [
    'tou-classification',
    {
      calendar: {
        timeZone: 'Europe/Berlin',
        seasons: [{ name: 'winter', from: '11-01', to: '02-28' }],
        otherSeason: 'rest',
        windows: [{ season: 'winter', from: '06:00', to: '22:00', period: 'day' }],
        otherPeriod: 'night',
      },
      instants: ['2026-12-31T21:59', '2026-12-31T22:00', '2026-03-01T12:00', '2026-01-05T05:00:00Z'],
    },
    { periods: ['day', 'night', 'night', 'day'] },
  ],
])('%s on inputs of our own', (kind, inputs, expected) => {
  const result = runCase({ id: 'own', kind, title: '', source: '', inputs, expected, tolerance: '0' });
  expect(result.ok, JSON.stringify(result.got)).toBe(true);
});
