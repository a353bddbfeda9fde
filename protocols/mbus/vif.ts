/**
 * What a value information field says (EN 13757-3, tables of primary VIFs and of the extensions FB and FD): a quantity, and
 * the unit and power of ten that it is counted in.
 */
import { z } from 'zod';

export const MbusQuantity = z.enum([
  'energy',
  'reactive_energy',
  'apparent_energy',
  'volume',
  'mass',
  'on_time',
  'operating_time',
  'power',
  'reactive_power',
  'apparent_power',
  'volume_flow',
  'mass_flow',
  'flow_temperature',
  'return_temperature',
  'temperature_difference',
  'external_temperature',
  'pressure',
  'date',
  'date_time',
  'heat_cost',
  'fabrication_number',
  'identification',
  'bus_address',
  'relative_humidity',
  'phase_angle',
  'frequency',
  'voltage',
  'current',
  'access_number',
  'medium',
  'maker',
  'model',
  'hardware_version',
  'firmware_version',
  'software_version',
  'error_flags',
  'digital_output',
  'digital_input',
  'dimensionless',
  'reset_counter',
  'battery_time',
  // The VIF's own words, a maker's own table, and what no table here has.
  'text',
  'manufacturer',
  'unknown',
]);
export type MbusQuantity = z.infer<typeof MbusQuantity>;

/** What a number is counted in. */
export type MbusUnit =
  | (
      | 'Wh'
      | 'J'
      | 'varh'
      | 'VAh'
      | 'm3'
      | 'kg'
      | 'W'
      | 'J/h'
      | 'var'
      | 'VA'
      | 'm3/h'
      | 'm3/min'
      | 'm3/s'
      | 'kg/h'
    )
  | ('degC' | 'K' | 'bar' | 'V' | 'A' | 'Hz' | 'deg' | '%' | 's' | 'min' | 'h' | 'd' | 'cal' | 'ft3' | '1');

export interface VifMeaning {
  quantity: MbusQuantity;
  unit: MbusUnit;
  /** Value = number x 10^exponent, in `unit`. */
  exponent: number;
}

/** Codes from the first to the last, each ten times the one before, beginning with 10^exponent. */
type Row = [first: number, last: number, quantity: MbusQuantity, unit: MbusUnit, exponent: number];

const primary: readonly Row[] = [
  [0x00, 0x07, 'energy', 'Wh', -3],
  [0x08, 0x0f, 'energy', 'J', 0],
  [0x10, 0x17, 'volume', 'm3', -6],
  [0x18, 0x1f, 'mass', 'kg', -3],
  [0x20, 0x20, 'on_time', 's', 0],
  [0x21, 0x21, 'on_time', 'min', 0],
  [0x22, 0x22, 'on_time', 'h', 0],
  [0x23, 0x23, 'on_time', 'd', 0],
  [0x24, 0x24, 'operating_time', 's', 0],
  [0x25, 0x25, 'operating_time', 'min', 0],
  [0x26, 0x26, 'operating_time', 'h', 0],
  [0x27, 0x27, 'operating_time', 'd', 0],
  [0x28, 0x2f, 'power', 'W', -3],
  [0x30, 0x37, 'power', 'J/h', 0],
  [0x38, 0x3f, 'volume_flow', 'm3/h', -6],
  [0x40, 0x47, 'volume_flow', 'm3/min', -7],
  [0x48, 0x4f, 'volume_flow', 'm3/s', -9],
  [0x50, 0x57, 'mass_flow', 'kg/h', -3],
  [0x58, 0x5b, 'flow_temperature', 'degC', -3],
  [0x5c, 0x5f, 'return_temperature', 'degC', -3],
  [0x60, 0x63, 'temperature_difference', 'K', -3],
  [0x64, 0x67, 'external_temperature', 'degC', -3],
  [0x68, 0x6b, 'pressure', 'bar', -3],
  [0x6c, 0x6c, 'date', '1', 0],
  [0x6d, 0x6d, 'date_time', '1', 0],
  [0x6e, 0x6e, 'heat_cost', '1', 0],
  [0x78, 0x78, 'fabrication_number', '1', 0],
  [0x79, 0x79, 'identification', '1', 0],
  [0x7a, 0x7a, 'bus_address', '1', 0],
];

const extensionFb: readonly Row[] = [
  [0x00, 0x01, 'energy', 'Wh', 5],
  [0x02, 0x03, 'reactive_energy', 'varh', 3],
  [0x04, 0x05, 'apparent_energy', 'VAh', 3],
  [0x08, 0x09, 'energy', 'J', 8],
  [0x0c, 0x0f, 'energy', 'cal', 5],
  [0x10, 0x11, 'volume', 'm3', 2],
  [0x14, 0x17, 'reactive_power', 'var', 0],
  [0x18, 0x19, 'mass', 'kg', 5],
  [0x1a, 0x1b, 'relative_humidity', '%', -1],
  [0x21, 0x21, 'volume', 'ft3', -1],
  [0x28, 0x29, 'power', 'W', 5],
  [0x2b, 0x2b, 'phase_angle', 'deg', -1],
  [0x2c, 0x2f, 'frequency', 'Hz', -3],
  [0x30, 0x31, 'power', 'J/h', 8],
  [0x34, 0x37, 'apparent_power', 'VA', 0],
];

const extensionFd: readonly Row[] = [
  [0x08, 0x08, 'access_number', '1', 0],
  [0x09, 0x09, 'medium', '1', 0],
  [0x0a, 0x0a, 'maker', '1', 0],
  [0x0c, 0x0c, 'model', '1', 0],
  [0x0d, 0x0d, 'hardware_version', '1', 0],
  [0x0e, 0x0e, 'firmware_version', '1', 0],
  [0x0f, 0x0f, 'software_version', '1', 0],
  [0x17, 0x17, 'error_flags', '1', 0],
  [0x1a, 0x1a, 'digital_output', '1', 0],
  [0x1b, 0x1b, 'digital_input', '1', 0],
  [0x3a, 0x3a, 'dimensionless', '1', 0],
  [0x40, 0x4f, 'voltage', 'V', -9],
  [0x50, 0x5f, 'current', 'A', -12],
  [0x60, 0x60, 'reset_counter', '1', 0],
  [0x6c, 0x6c, 'battery_time', 'h', 0],
  [0x6d, 0x6d, 'battery_time', 'd', 0],
];

const tables = { primary, fb: extensionFb, fd: extensionFd };
export type VifTable = keyof typeof tables;

/** @param code without its extension bit */
export function vifMeaning(table: VifTable, code: number): VifMeaning {
  const row = tables[table].find(([first, last]) => first <= code && code <= last);
  if (row === undefined) return { quantity: 'unknown', unit: '1', exponent: 0 };
  const [first, , quantity, unit, exponent] = row;
  return { quantity, unit, exponent: exponent + code - first };
}

/** The bytes of the VIF that says this, without extension bits on the last; null when no table has it. */
export function vifBytes({ quantity, unit, exponent }: VifMeaning): number[] | null {
  for (const [table, head] of [
    ['primary', []],
    ['fb', [0xfb]],
    ['fd', [0xfd]],
  ] as const)
    for (const [first, last, named, counted, lowest] of tables[table]) {
      const code = first + exponent - lowest;
      if (named === quantity && counted === unit && first <= code && code <= last) return [...head, code];
    }
  return null;
}
