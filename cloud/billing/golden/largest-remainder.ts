import { z } from 'zod';
import { parseDecimal } from '../../../protocols/decimal.ts';
import { largestRemainder } from '../largest-remainder.ts';
import { Decimals, goldenKind, orRefuse, shareTexts, Weights } from './golden-kind.ts';

/** A total shared by weights into units of 10^-decimals. */
export const largestRemainderKind = goldenKind(
  z.strictObject({ total: z.string(), decimals: Decimals, participants: Weights }),
  ({ total, decimals, participants }) => ({
    shares: shareTexts(
      orRefuse(largestRemainder(parseDecimal(total, decimals), participants)).shares,
      decimals,
    ),
  }),
);
