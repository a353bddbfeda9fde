import { z } from 'zod';
import { add, divide, multiply, rational } from '../rational.ts';
import { type Answer, Figure, goldenKind } from './golden-kind.ts';

/** One user's share by keys of (consumption, area), such as 70/30, in percent and of a pool. */
export const shareByKeysKind = goldenKind(
  z.strictObject({
    ownConsumption: Figure,
    totalConsumption: Figure,
    ownArea: Figure,
    totalArea: Figure,
    keys: z.array(z.tuple([Figure, Figure])).min(1),
    pool: Figure.optional(),
  }),
  ({ ownConsumption, totalConsumption, ownArea, totalArea, keys, pool }): Answer => {
    const byConsumption = divide(ownConsumption, totalConsumption);
    const byArea = divide(ownArea, totalArea);
    const shares = keys.map(([a, b]) => add(multiply(a, byConsumption), multiply(b, byArea)));
    const percent = shares.map((share) => multiply(share, rational(100n)));
    return pool === undefined
      ? { percent }
      : { percent, amounts: shares.map((share) => multiply(share, pool)) };
  },
);
