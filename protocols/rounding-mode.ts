/** How an amount that does not come out even is rounded: data of a tariff. */
import { z } from 'zod';

/** `half_up` takes a half away from zero, `down` and `up` are towards and away from zero, `floor` and `ceiling` along the line. */
export const RoundingMode = z.enum(['floor', 'ceiling', 'down', 'up', 'half_up', 'half_even']);
export type RoundingMode = z.infer<typeof RoundingMode>;
