import { z } from 'zod';
import { ONE } from '../rational.ts';
import { tieredAmount } from '../tiers.ts';
import { Figure, FractionFigure, goldenKind, orRefuse, Tiers } from './golden-kind.ts';

/** Quantities priced by tiers, each alone. */
export const tieredAmountKind = goldenKind(
  z.strictObject({
    mode: z.enum(['graduated', 'volume']),
    tiers: Tiers,
    quantities: z.array(Figure),
    boundMultiplier: FractionFigure.optional(),
  }),
  ({ mode, tiers, quantities, boundMultiplier = ONE }) => ({
    amounts: quantities.map(
      (quantity) => orRefuse(tieredAmount(mode, tiers, quantity, boundMultiplier)).amount,
    ),
  }),
);
