import { z } from 'zod';
import { correctionLines } from '../rerate.ts';
import { Figure, goldenKind } from './golden-kind.ts';

const Rated = z.strictObject({ quantity: Figure, unit: Figure });

/** From what was billed to what is right. */
export const rerateCorrectionKind = goldenKind(
  z.strictObject({ billed: Rated, current: Rated }),
  ({ billed, current }) => ({
    lines: correctionLines(billed, current).map(({ quantity, unit, amount }) => ({ quantity, unit, amount })),
  }),
);
