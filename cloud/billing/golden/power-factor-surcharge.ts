import { z } from 'zod';
import { powerFactorSurcharge } from '../power-factor.ts';
import { Figure, goldenKind } from './golden-kind.ts';

/** The surcharge on a base for each of several power factors. */
export const powerFactorSurchargeKind = goldenKind(
  z.strictObject({
    base: Figure,
    bands: z.array(z.strictObject({ below: Figure, percentPerStep: Figure })),
    step: Figure,
    powerFactors: z.array(Figure),
  }),
  ({ base, bands, step, powerFactors }) => ({
    amounts: powerFactors.map((factor) => powerFactorSurcharge(base, factor, bands, step)),
  }),
);
