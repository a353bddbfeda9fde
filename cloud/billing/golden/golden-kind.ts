/** A kind of case with a known answer: the shape of its inputs, and the call into the cores that gives the answer. */
import { z } from 'zod';
import { Decimal, formatDecimal } from '../../../protocols/decimal.ts';
import { fromDecimal, parseFraction, type Rational } from '../rational.ts';

/** Figures in an answer are exact; text and counts stand as they are. */
export type Answer = Rational | string | number | readonly Answer[] | { readonly [name: string]: Answer };

export interface GoldenKind {
  /** @returns the answer, or what is wrong with the inputs */
  answer(inputs: unknown): { ok: true; got: Answer } | { ok: false; problem: string };
}

/** The case asks for what the core refuses. */
export class RefusedCase extends Error {
  override readonly name = 'RefusedCase';
}

export const goldenKind = <T extends z.ZodType>(
  inputs: T,
  run: (inputs: z.infer<T>) => Answer,
): GoldenKind => ({
  answer(given) {
    const parsed = inputs.safeParse(given);
    if (!parsed.success) return { ok: false, problem: z.prettifyError(parsed.error) };
    try {
      return { ok: true, got: run(parsed.data) };
    } catch (error) {
      if (error instanceof RefusedCase || error instanceof RangeError)
        return { ok: false, problem: error.message };
      throw error;
    }
  },
});

/** A decimal of a case, exact. */
export const Figure = Decimal.transform(fromDecimal);
/** A decimal or a fraction such as `29/30`. */
export const FractionFigure = z.string().transform((text, context): Rational => {
  const value = parseFraction(text);
  if (value !== null) return value;
  context.addIssue({ code: 'custom', message: `"${text}" is no decimal and no fraction` });
  return z.NEVER;
});
/** Whole minor units. */
export const Whole = z
  .string()
  .regex(/^-?(0|[1-9]\d{0,29})$/)
  .transform((text) => BigInt(text));
export const Decimals = z.int().min(0).max(12);
export const Weights = z.array(z.strictObject({ id: z.string().min(1), weight: Figure })).min(1);
export const Tiers = z.array(z.strictObject({ upTo: Figure.nullable(), unit: Figure, flat: Figure })).min(1);

/** Shares in units of 10^-decimals as decimal text by id. */
export const shareTexts = (shares: ReadonlyMap<string, bigint>, decimals: number): Record<string, Answer> =>
  Object.fromEntries(
    [...shares]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([id, units]) => [id, formatDecimal(units, decimals, decimals)]),
  );

/** @throws RefusedCase when a core refused */
export function orRefuse<T extends { ok: boolean }>(result: T): Extract<T, { ok: true }> {
  if (result.ok) return result as Extract<T, { ok: true }>;
  const { code, detail } = result as unknown as { code: string; detail: string };
  throw new RefusedCase(`${code}: ${detail}`);
}
