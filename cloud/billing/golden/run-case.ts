/** Runs a case with a known answer and compares, figure by figure. */
import { z } from 'zod';
import { Decimal, decimalPattern, formatDecimal } from '../../../protocols/decimal.ts';
import { absolute, compare, fromDecimal, type Rational, rational, subtract } from '../rational.ts';
import { roundUnits } from '../rounding.ts';
import type { Answer } from './golden-kind.ts';
import { goldenKinds } from './kinds.ts';

export const GoldenCase = z.object({
  id: z.string(),
  kind: z.string(),
  title: z.string(),
  source: z.string(),
  inputs: z.unknown(),
  expected: z.record(z.string(), z.unknown()),
  /** How far each figure may lie from the expected one. */
  tolerance: Decimal,
  notes: z.string().optional(),
});
export type GoldenCase = z.infer<typeof GoldenCase>;

export interface GoldenResult {
  id: string;
  kind: string;
  ok: boolean;
  /** The cores have no answer for this kind. */
  unsupported: boolean;
  /** The answer, or a problem with the inputs. */
  got: unknown;
  expected: unknown;
}

export function runCase({ id, kind, inputs, expected, tolerance }: GoldenCase): GoldenResult {
  const supported = Object.hasOwn(goldenKinds, kind) ? goldenKinds[kind] : undefined;
  if (supported === undefined) return { id, kind, ok: false, unsupported: true, got: null, expected };
  const answer = supported.answer(inputs);
  if (!answer.ok)
    return { id, kind, ok: false, unsupported: false, got: { problem: answer.problem }, expected };
  const ok = agrees(answer.got, expected, fromDecimal(tolerance));
  return { id, kind, ok, unsupported: false, got: shown(answer.got), expected };
}

const isRational = (value: unknown): value is Rational =>
  typeof value === 'object' && value !== null && 'n' in value && typeof value.n === 'bigint';

/** Every member that is expected is there and right; figures may differ in their zeros and by the tolerance. */
function agrees(got: Answer, expected: unknown, tolerance: Rational): boolean {
  if (Array.isArray(expected))
    return (
      Array.isArray(got) &&
      got.length === expected.length &&
      expected.every((item, index) => agrees(got[index] as Answer, item, tolerance))
    );
  if (typeof expected === 'object' && expected !== null) {
    if (typeof got !== 'object' || isRational(got) || Array.isArray(got)) return false;
    const members = got as { readonly [name: string]: Answer };
    return Object.entries(expected).every(
      ([name, item]) => Object.hasOwn(members, name) && agrees(members[name] as Answer, item, tolerance),
    );
  }
  const left = figure(got);
  const right = figure(expected);
  if (left === null || right === null) return got === expected;
  return compare(absolute(subtract(left, right)), tolerance) <= 0;
}

function figure(value: unknown): Rational | null {
  if (isRational(value)) return value;
  if (Number.isSafeInteger(value)) return rational(BigInt(value as number));
  return typeof value === 'string' && decimalPattern.test(value) ? fromDecimal(value) : null;
}

const SHOWN_DECIMALS = 12;

/** Figures as decimal text; those that have none are shown to twelve digits. */
function shown(value: Answer): unknown {
  if (isRational(value)) return formatDecimal(roundUnits(value, SHOWN_DECIMALS, 'half_up'), SHOWN_DECIMALS);
  if (Array.isArray(value)) return value.map(shown);
  if (typeof value === 'object')
    return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, shown(item as Answer)]));
  return value;
}
