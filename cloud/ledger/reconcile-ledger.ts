/**
 * Bills, outbox and ledger say the same: charge by charge, and in sum. Each is written by the same transaction, so a difference
 * is a defect or an edited row, and named.
 */

/** What each of the three says of one charge, in minor units; null where it says nothing. */
export interface ThreeViews {
  readonly key: string;
  readonly bill: bigint | null;
  readonly outbox: bigint | null;
  readonly ledger: bigint | null;
}
export interface LedgerDifference {
  readonly key: string;
  readonly kind: 'not_billed' | 'not_told' | 'not_posted' | 'amounts_differ';
  readonly detail: string;
}
export interface Reconciliation {
  readonly bills: bigint;
  readonly outbox: bigint;
  readonly ledger: bigint;
  readonly charges: number;
  readonly differences: LedgerDifference[];
}

export function reconcile(views: readonly ThreeViews[]): Reconciliation {
  const total = (of: (view: ThreeViews) => bigint | null): bigint =>
    views.reduce((sum, view) => sum + (of(view) ?? 0n), 0n);
  return {
    bills: total(({ bill }) => bill),
    outbox: total(({ outbox }) => outbox),
    ledger: total(({ ledger }) => ledger),
    charges: views.length,
    differences: views.flatMap(differenceOf),
  };
}

function differenceOf({ key, bill, outbox, ledger }: ThreeViews): LedgerDifference[] {
  const as = (kind: LedgerDifference['kind'], detail: string) => [{ key, kind, detail }];
  if (bill === null) return as('not_billed', 'there is no charge of this key');
  if (outbox === null) return as('not_told', 'no event tells of it');
  if (ledger === null) return as('not_posted', 'no entry posts it');
  if (bill === outbox && bill === ledger) return [];
  return as('amounts_differ', `charged ${bill}, told ${outbox}, posted ${ledger}, in minor units`);
}
