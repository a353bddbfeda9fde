import { z } from 'zod';
import { powerFactor } from '../power-factor.ts';
import { Decimals, Figure, goldenKind, RefusedCase } from './golden-kind.ts';

/** cos phi from kWh and kvarh. */
export const powerFactorOfRegistersKind = goldenKind(
  z.strictObject({ activeKwh: Figure, reactiveKvarh: Figure, decimals: Decimals }),
  ({ activeKwh, reactiveKvarh, decimals }) => {
    const factor = powerFactor(activeKwh, reactiveKvarh, decimals);
    if (factor === null) throw new RefusedCase('nothing was metered');
    return { powerFactor: factor };
  },
);
