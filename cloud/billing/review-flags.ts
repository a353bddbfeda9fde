/**
 * What a reviewer looks at before a period is issued: leases whose total is unlike the month before, or rests on something that is
 * in doubt, each with the money that hangs on it. Flags hold nothing up; they say where to look first.
 */

export type ReviewFlagKind = 'rise' | 'fall' | 'first' | 'zero' | 'negative' | 'estimated' | 'anomaly';

/** Amounts in minor units, tax included. */
export interface ReviewedLease {
  readonly gross: bigint;
  /** Days of the period on which it holds its units. */
  readonly days: number;
  /** What it was charged for the month before; null where there was no such statement. */
  readonly before: { readonly gross: bigint; readonly days: number } | null;
  /** Whether there are statements of the month before at all: without any, no lease is told to be new. */
  readonly monthBefore: boolean;
  /** What is estimated on its own meters, at the supplier's mean price. */
  readonly estimated: bigint;
  /** Whether a detector raised something about its own meters in the period. */
  readonly anomalous: boolean;
}

export interface ReviewFlag {
  readonly kind: ReviewFlagKind;
  readonly atStake: bigint;
}

/** A change is worth a look from half more or less on, and from 50.00. */
const CHANGE_PERCENT = 50n;
const LEAST_CHANGE = 5_000n;

export function reviewFlags(lease: ReviewedLease): ReviewFlag[] {
  const { gross, estimated } = lease;
  const flags: ReviewFlag[] = [];
  if (gross < 0n) flags.push({ kind: 'negative', atStake: magnitude(gross) });
  if (gross === 0n) flags.push({ kind: 'zero', atStake: 0n });
  const change = changeOf(lease);
  if (change !== null) flags.push(change);
  if (estimated > 0n) flags.push({ kind: 'estimated', atStake: estimated });
  if (lease.anomalous) flags.push({ kind: 'anomaly', atStake: magnitude(gross) });
  return flags;
}

/** Against the month before, day by day held: half a month is expected to cost half. */
function changeOf({ gross, days, before, monthBefore }: ReviewedLease): ReviewFlag | null {
  if (before === null || before.days === 0)
    return monthBefore ? { kind: 'first', atStake: magnitude(gross) } : null;
  const expected = (before.gross * BigInt(days)) / BigInt(before.days);
  const change = gross - expected;
  if (magnitude(change) < LEAST_CHANGE) return null;
  if (magnitude(change) * 100n < magnitude(expected) * CHANGE_PERCENT) return null;
  return { kind: change > 0n ? 'rise' : 'fall', atStake: magnitude(change) };
}

const magnitude = (amount: bigint): bigint => (amount < 0n ? -amount : amount);
