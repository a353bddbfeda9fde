import { expect, test } from 'vitest';
import type { ScannedMeter } from '../../protocols/edge-api.ts';
import { foundLines } from './found-meter.ts';
import { valueText } from './value-text.ts';

const found: ScannedMeter = {
  unit: 7,
  profile: 'abb-b23',
  model: { make: 'ABB', model: 'B23', protocol: 'modbus', utility: 'electricity' },
  serial: '2104711',
  equals: ['abb-b24'],
  registers: {},
  readings: [
    { register: '1-0:1.8.0', name: 'import', value: '12237.5', unit: 'kWh', code: null, billing: true },
    {
      register: '1-0:13.7.0',
      name: 'power factor',
      value: null,
      unit: '1',
      code: 'not_available',
      billing: false,
    },
  ],
};

test('a found meter is told by place, make, number and what it is billed by; the rest in one line', () => {
  expect(foundLines(found)).toEqual([
    'unit   7  ABB B23, electricity, no. 2104711  (abb-b23)',
    '          active import 12237.5 kWh  (1-0:1.8.0)',
    '          fits equally: abb-b24',
    '          1 more: meterline read --profile abb-b23 --unit 7',
  ]);
});

test('one that no model fits says so', () => {
  const unknown = { ...found, profile: null, model: null, serial: null, equals: [], readings: [] };
  expect(foundLines(unknown)).toEqual(['unit   7  answers, but no known model fits']);
});

test.each([
  [{ value: '1.5', code: null, unit: 'kWh' }, '1.5 kWh'],
  [{ value: '0.98', code: null, unit: '1' }, '0.98'],
  [{ value: null, code: 'not_available', unit: 'kWh' }, 'not_available'],
])('%o is shown as %s', (shown, text) => {
  expect(valueText(shown)).toBe(text);
});
