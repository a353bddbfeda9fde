import { z } from 'zod';
import { sum } from '../rational.ts';
import { Figure, goldenKind } from './golden-kind.ts';

/** The rows of a supplier's settlement add up to its total. */
export const gridBillSumKind = goldenKind(z.strictObject({ rows: z.array(Figure).min(1) }), ({ rows }) => ({
  total: sum(rows),
}));
