/**
 * Charges into double entries. Each charge is one entry under a key that is its own for ever: a receivable of the lease, or
 * the landlord's cost, against the clearing account of its component and the tax in it. Positive is debit.
 */

import { accountOf, NO_RULES, type PostingRules } from './posting-rules.ts';

/** What the ledger needs to know of a charge: no more. Amounts in minor units. */
export interface PostableCharge {
  /** Null is the landlord. */
  readonly lease: string | null;
  readonly utility: string;
  readonly component: string;
  readonly pool: string;
  readonly period: string;
  readonly revision: number;
  /** What tells a correction apart from the charge whose place it takes: `reversal`, `credit 5f3a`; absent: a plain charge. */
  readonly suffix?: string;
  readonly net: bigint;
  readonly tax: bigint;
  readonly gross: bigint;
}

export interface Posting {
  readonly account: string;
  readonly amountMinor: bigint;
}
export interface LedgerEntry {
  readonly id: string;
  readonly chargeKey: string;
  readonly description: string;
  readonly postings: Posting[];
}

export type PostedCharges =
  | { ok: true; entries: LedgerEntry[] }
  | { ok: false; code: 'unbalanced' | 'repeated_key'; detail: string };

export const LANDLORD_ACCOUNT = 'landlord';
export const leaseAccount = (lease: string): string => `lease:${lease}`;

type Named = Pick<
  PostableCharge,
  'lease' | 'utility' | 'component' | 'pool' | 'period' | 'revision' | 'suffix'
>;

/** Unique for ever: nothing is charged twice under it, and nothing that was charged is ever edited. */
export const chargeKey = ({ lease, utility, component, pool, period, revision, suffix }: Named): string =>
  [
    lease ?? LANDLORD_ACCOUNT,
    utility,
    component,
    pool,
    period,
    `${revision}`,
    ...(suffix === undefined ? [] : [suffix]),
  ].join('|');

/** One entry per charge, in the order given. Refused whole when one does not balance or a key stands twice. */
export function postCharges(
  charges: readonly PostableCharge[],
  rules: PostingRules = NO_RULES,
): PostedCharges {
  const entries: LedgerEntry[] = [];
  const keys = new Set<string>();
  for (const charge of charges) {
    const key = chargeKey(charge);
    if (keys.has(key)) return { ok: false, code: 'repeated_key', detail: `${key} is charged twice` };
    keys.add(key);
    const postings = [
      {
        account: charge.lease === null ? LANDLORD_ACCOUNT : leaseAccount(charge.lease),
        amountMinor: charge.gross,
      },
      { account: accountOf(rules, charge), amountMinor: -charge.net },
      { account: rules.taxAccount, amountMinor: -charge.tax },
    ];
    const sum = postings.reduce((total, { amountMinor }) => total + amountMinor, 0n);
    if (sum !== 0n) return { ok: false, code: 'unbalanced', detail: `${key} is off by ${sum}` };
    entries.push({
      id: `charge|${key}`,
      chargeKey: key,
      description: [
        `${charge.period} ${charge.utility} ${charge.component} (${charge.pool})`,
        ...(charge.suffix === undefined ? [] : [charge.suffix]),
      ].join(' '),
      postings,
    });
  }
  return { ok: true, entries };
}

/** The balance of every account, by name. They sum to zero. */
export function balances(entries: readonly LedgerEntry[]): Map<string, bigint> {
  const totals = new Map<string, bigint>();
  for (const { account, amountMinor } of entries.flatMap(({ postings }) => postings))
    totals.set(account, (totals.get(account) ?? 0n) + amountMinor);
  return new Map([...totals].sort(([a], [b]) => (a < b ? -1 : 1)));
}
