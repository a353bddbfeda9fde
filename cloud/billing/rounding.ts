/** Rounding as data: a mode and the step that amounts are whole multiples of. */
import type { RoundingMode } from '../../protocols/rounding-mode.ts';
import { divide, multiply, type Rational, rational } from './rational.ts';

export interface Rounding {
  readonly mode: RoundingMode;
  /** Above zero. */
  readonly step: Rational;
}

/** The whole number next to `value`. */
export function roundWhole(value: Rational, mode: RoundingMode): bigint {
  const truncated = value.n / value.d;
  const rest = value.n % value.d;
  if (rest === 0n) return truncated;
  const away = truncated + (value.n < 0n ? -1n : 1n);
  switch (mode) {
    case 'down':
      return truncated;
    case 'up':
      return away;
    case 'floor':
      return value.n < 0n ? away : truncated;
    case 'ceiling':
      return value.n < 0n ? truncated : away;
    case 'half_up':
    case 'half_even': {
      const twice = 2n * (rest < 0n ? -rest : rest);
      if (twice !== value.d) return twice > value.d ? away : truncated;
      return mode === 'half_up' || truncated % 2n !== 0n ? away : truncated;
    }
  }
}

export const round = (value: Rational, { mode, step }: Rounding): Rational =>
  multiply(rational(roundWhole(divide(value, step), mode)), step);

/** The count of units of 10^-decimals next to `value`: with 2, money in its minor unit. */
export const roundUnits = (value: Rational, decimals: number, mode: RoundingMode): bigint =>
  roundWhole(multiply(value, rational(10n ** BigInt(decimals))), mode);
