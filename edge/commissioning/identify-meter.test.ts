import { describe, expect, test } from 'vitest';
import { ModbusProfile } from '../../protocols/profile.ts';
import type { RegisterValue } from '../drivers/meter-driver.ts';
import { type Fit, fitOf, isBetter } from './identify-meter.ts';

const profile = ModbusProfile.parse({
  id: 'p',
  make: 'M',
  model: 'M',
  utility: 'electricity',
  source: 'this test',
  protocol: 'modbus',
  functionCode: 3,
  registers: [
    { obis: '1-0:1.8.0', name: 'import', address: 0, type: 'u32', unit: 'kWh', billing: true },
    { obis: '1-0:32.7.0', name: 'voltage', address: 2, type: 'u16', unit: 'V' },
    { obis: '1-0:14.7.0', name: 'frequency', address: 3, type: 'u16', unit: 'Hz' },
    { obis: '1-0:2.8.0', name: 'export', address: 4, type: 'u32', unit: 'kWh', optional: true },
  ],
});
type Shown = string | null | 'not_available';
const values = (...shown: Shown[]): RegisterValue[] =>
  shown.flatMap((value, index): RegisterValue[] => {
    const register = profile.registers[index];
    if (register === undefined) return [];
    const common = { register, raw: '', readAtMs: 0 };
    if (value === 'not_available') return [{ ...common, value: null, code: 'not_available' }];
    return [value === null ? { ...common, value, code: 'illegal_digit' } : { ...common, value }];
  });

describe('a model fits when what it reads is what a meter in service shows', () => {
  test.each<[string, Shown[], Fit | null]>([
    ['all in range', ['123', '230', '50'], { absent: 0, nonzero: 3, zero: 0 }],
    ['a new meter', ['0', '230', '50'], { absent: 0, nonzero: 2, zero: 1 }],
    ['all and what not every firmware has', ['123', '230', '50', '7'], { absent: 0, nonzero: 4, zero: 0 }],
    ['a zero in what not every firmware has', ['123', '230', '50', '0'], { absent: 0, nonzero: 3, zero: 0 }],
    ['registers without an answer', ['123'], { absent: 2, nonzero: 1, zero: 0 }],
    [
      'a register that the meter has no value for',
      ['123', 'not_available', '50'],
      { absent: 0, nonzero: 2, zero: 0 },
    ],
    ['no voltage', ['123', '0', '50'], null],
    ['a frequency of no grid', ['123', '230', '500'], null],
    ['a negative counter', ['-1', '230', '50'], null],
    ['a counter beyond any', ['4000000000000', '230', '50'], null],
    ['bytes that are no number', ['123', null, '50'], null],
    ['nothing but zeros', ['0'], null],
  ])('%s', (_title, shown, fit) => {
    expect(fitOf(profile, values(...shown))).toEqual(fit);
  });
});

describe('of two models that fit', () => {
  test.each<[string, Fit, Fit]>([
    [
      'the one that explains all its registers',
      { absent: 0, nonzero: 5, zero: 1 },
      { absent: 9, nonzero: 6, zero: 5 },
    ],
    ['then the one that says more', { absent: 0, nonzero: 9, zero: 2 }, { absent: 0, nonzero: 5, zero: 1 }],
    [
      'then the one with fewer empty registers',
      { absent: 0, nonzero: 5, zero: 1 },
      { absent: 0, nonzero: 5, zero: 9 },
    ],
  ])('%s', (_title, better, worse) => {
    expect(isBetter(better, worse)).toBe(true);
    expect(isBetter(worse, better)).toBe(false);
  });
});
