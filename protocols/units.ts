/**
 * Branded exact scalars. A register value or a quantity is counted in millionths of its unit: 1 kWh = 10^6 mWh,
 * 1 m3 = 10^6 ml, so that one scale serves every utility. Money is counted in the currency's minor unit.
 */
import { z } from 'zod';
import { formatDecimal, parseDecimal } from './decimal.ts';

export const Utility = z.enum(['electricity', 'water']);
export type Utility = z.infer<typeof Utility>;

/** Units that a register may be read in. Billing quantities are kWh and m3. */
export const Unit = z.enum([
  'kWh',
  'kvarh',
  'm3',
  'W',
  'var',
  'VA',
  'V',
  'A',
  'Hz',
  '1',
  'm3/h',
  'degC',
  '%',
  'deg',
  'm/s',
  'MPa',
]);
export type Unit = z.infer<typeof Unit>;

/** Millionths of a unit: mWh for kWh, ml for m3. */
export type Micro = bigint & { readonly __brand: 'Micro' };
/** Minor currency units: fen for CNY. */
export type Minor = bigint & { readonly __brand: 'Minor' };

export const MICRO_SCALE = 6;
export const MINOR_SCALE = 2;

/** @throws RangeError see `parseDecimal` */
export const micro = (text: string): Micro => parseDecimal(text, MICRO_SCALE) as Micro;
export const formatMicro = (value: bigint, minimumFraction = 0): string =>
  formatDecimal(value, MICRO_SCALE, minimumFraction);
/** @throws RangeError see `parseDecimal` */
export const minor = (text: string): Minor => parseDecimal(text, MINOR_SCALE) as Minor;
/** Money always shows its two decimals: `'117.30'`. */
export const formatMinor = (value: bigint): string => formatDecimal(value, MINOR_SCALE, MINOR_SCALE);
