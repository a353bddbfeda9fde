/**
 * What has to be posted so that the ledger says what a period costs now. What is posted stays: in a period that is still open to
 * corrections a charge is reversed and charged anew; in a closed one its difference is charged in a later period.
 */
import type { PostableCharge } from './post-charges.ts';

/** A charge as it was posted. Amounts in minor units, the quantity in millionths. */
export interface PostedCharge extends PostableCharge {
  readonly key: string;
  readonly kind: 'charge' | 'reversal' | 'rebill' | 'adjustment' | 'credit';
  readonly corrects: string | null;
  readonly servicePeriod: string;
  readonly quantity: bigint;
}
/** A charge as it ought to be. */
export interface DueCharge {
  readonly lease: string | null;
  readonly utility: string;
  readonly component: string;
  readonly pool: string;
  readonly quantity: bigint;
  readonly net: bigint;
  readonly tax: bigint;
}
export interface Amounts {
  readonly quantity: bigint;
  readonly net: bigint;
  readonly tax: bigint;
}
/** One line of what changes; zeros where there was, or is, no such charge. */
export interface Difference {
  readonly lease: string | null;
  readonly utility: string;
  readonly component: string;
  readonly pool: string;
  readonly before: Amounts;
  readonly after: Amounts;
  /** The charge that a correction takes back; null where there was none. */
  readonly corrects: PostedCharge | null;
}

const NOTHING: Amounts = { quantity: 0n, net: 0n, tax: 0n };

type Tuple = Pick<DueCharge, 'lease' | 'utility' | 'component' | 'pool'>;
const tupleOf = ({ lease, utility, component, pool }: Tuple): string =>
  [lease ?? '', utility, component, pool].join('|');

const plus = (a: Amounts, b: Amounts): Amounts => ({
  quantity: a.quantity + b.quantity,
  net: a.net + b.net,
  tax: a.tax + b.tax,
});
const minus = ({ quantity, net, tax }: Amounts): Amounts => ({ quantity: -quantity, net: -net, tax: -tax });
const same = (a: Amounts, b: Amounts): boolean =>
  a.quantity === b.quantity && a.net === b.net && a.tax === b.tax;

/**
 * @param posted all that was charged for the period's service; credits are no part of what it costs, and are left alone
 * @returns by lease (the landlord first), utility, component and pool; empty where nothing changes
 */
export function differences(posted: readonly PostedCharge[], due: readonly DueCharge[]): Difference[] {
  const reversed = new Set(posted.flatMap(({ kind, corrects }) => (kind === 'reversal' ? [corrects] : [])));
  const lines = new Map<
    string,
    { tuple: Tuple; before: Amounts; after: Amounts; last: PostedCharge | null }
  >();
  const lineOf = (tuple: Tuple) => {
    const line = lines.get(tupleOf(tuple)) ?? { tuple, before: NOTHING, after: NOTHING, last: null };
    lines.set(tupleOf(tuple), line);
    return line;
  };
  for (const charge of posted) {
    if (charge.kind === 'credit') continue;
    const line = lineOf(charge);
    line.before = plus(line.before, charge);
    const stands = charge.kind === 'charge' || charge.kind === 'rebill';
    if (stands && !reversed.has(charge.key)) line.last = charge;
  }
  for (const charge of due) {
    const line = lineOf(charge);
    line.after = plus(line.after, charge);
  }
  return [...lines.entries()]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .flatMap(
      ([
        ,
        {
          tuple: { lease, utility, component, pool },
          before,
          after,
          last,
        },
      ]) => (same(before, after) ? [] : [{ lease, utility, component, pool, before, after, corrects: last }]),
    );
}

/** A charge to post, without what only billing knows of it. */
export type Correcting = PostableCharge & {
  readonly kind: 'reversal' | 'rebill' | 'adjustment';
  readonly corrects: string | null;
  readonly servicePeriod: string;
  readonly quantity: bigint;
};

const postable = (
  { lease, utility, component, pool }: Tuple,
  amounts: Amounts,
  rest: Pick<Correcting, 'kind' | 'corrects' | 'servicePeriod' | 'period' | 'revision'> & { suffix?: string },
): Correcting => ({
  lease,
  utility,
  component,
  pool,
  ...rest,
  ...amounts,
  gross: amounts.net + amounts.tax,
});

/** Reversals and rebills, in the period's next revision. A charge is reversed once: the store refuses a second one. */
export function reverseAndRebill(
  changes: readonly Difference[],
  { period, revision }: { period: string; revision: number },
): Correcting[] {
  return changes.flatMap(({ before, after, corrects, ...tuple }) => {
    const where = { period, revision, servicePeriod: period, corrects: corrects?.key ?? null };
    const reversal = postable(tuple, minus(before), { ...where, kind: 'reversal', suffix: 'reversal' });
    const rebill = postable(tuple, after, { ...where, kind: 'rebill' });
    return [...(corrects === null ? [] : [reversal]), ...(same(after, NOTHING) ? [] : [rebill])];
  });
}

/** The differences of a closed period, charged in a later one. */
export function adjust(
  changes: readonly Difference[],
  { period, servicePeriod }: { period: string; servicePeriod: string },
): Correcting[] {
  return changes.map(({ before, after, corrects, ...tuple }) =>
    postable(tuple, plus(after, minus(before)), {
      period,
      revision: 0,
      servicePeriod,
      suffix: `for ${servicePeriod}`,
      kind: 'adjustment',
      corrects: corrects?.key ?? null,
    }),
  );
}
