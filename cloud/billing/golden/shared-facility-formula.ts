import { z } from 'zod';
import { formatDecimal, parseDecimal } from '../../../protocols/decimal.ts';
import { divide, subtract } from '../rational.ts';
import { scaledShares } from '../scaled-share.ts';
import { Decimals, Figure, goldenKind, orRefuse, shareTexts, Weights } from './golden-kind.ts';

/** Lobby cooling: a meter difference by area, times how far the day's maximum exceeds a base. */
export const sharedFacilityFormulaKind = goldenKind(
  z.strictObject({
    meterDifferenceKwh: z.string(),
    decimals: Decimals,
    factor: z.strictObject({ dailyMaximumC: Figure, baseC: Figure, divisor: Figure }),
    participants: Weights,
  }),
  ({ meterDifferenceKwh, decimals, factor: { dailyMaximumC, baseC, divisor }, participants }) => {
    const factor = divide(subtract(dailyMaximumC, baseC), divisor);
    const { shares, landlord } = orRefuse(
      scaledShares(parseDecimal(meterDifferenceKwh, decimals), factor, participants),
    );
    return { shares: shareTexts(shares, decimals), landlord: formatDecimal(landlord, decimals, decimals) };
  },
);
