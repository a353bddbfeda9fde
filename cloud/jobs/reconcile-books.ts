/** The nightly reconciliation: bills = outbox = ledger, charge by charge and in sum. */
import type { BooksReport } from '../../protocols/billing-api.ts';
import { formatMinor, minor } from '../../protocols/units.ts';
import { reconcile, type ThreeViews } from '../ledger/reconcile-ledger.ts';
import type { Store } from '../store/store.ts';

const PAGE = 5_000;

export async function reconcileBooks(store: Store): Promise<BooksReport> {
  const views: ThreeViews[] = [];
  for (let since = 0, more = true; more; ) {
    const rows = await store.booksRows({ since, limit: PAGE });
    for (const { key, bill, outbox, ledger } of rows)
      views.push({ key, bill, outbox: outbox === null ? null : minor(outbox), ledger });
    since = rows.at(-1)?.position ?? since;
    more = rows.length === PAGE;
  }
  for (const key of await store.unbilledEvents()) views.push({ key, bill: null, outbox: null, ledger: null });
  const { bills, outbox, ledger, charges, differences } = reconcile(views);
  const accounts = await store.ledgerTotals();
  const sum = accounts.reduce((total, { amountMinor }) => total + BigInt(amountMinor), 0n);
  return {
    agrees: differences.length === 0 && sum === 0n,
    charges,
    bills: formatMinor(bills),
    outbox: formatMinor(outbox),
    ledger: formatMinor(ledger),
    allAccounts: formatMinor(sum),
    differences,
  };
}
