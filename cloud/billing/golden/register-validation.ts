import { z } from 'zod';
import { Decimal, parseDecimal } from '../../../protocols/decimal.ts';
import { validateRegisters } from '../../metering/validate-registers.ts';
import { goldenKind } from './golden-kind.ts';

const HOUR_MS = 3_600_000;

/** Hourly values of one register, of which neither digits nor rating are known: 1 marks a bad one. */
export const registerValidationKind = goldenKind(
  z.strictObject({ registerValues: z.array(Decimal) }),
  ({ registerValues }) => {
    const points = registerValues.map((value, index) => ({
      atMs: index * HOUR_MS,
      value: parseDecimal(value, 12),
    }));
    return { bad: validateRegisters(points).map((code) => (code === null ? 0 : 1)) };
  },
);
