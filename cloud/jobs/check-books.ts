/** The nightly look at the books: what differs, and what is not as it was sealed, becomes an alarm. */

import type { SigningKey } from '../signing.ts';
import type { Store } from '../store/store.ts';
import { type AuditFinding, auditStore } from './audit-store.ts';
import { reconcileBooks } from './reconcile-books.ts';

/** By key id: all that were ever recorded, and the one that signs. */
export async function knownKeys(
  store: Store,
  { keyId, publicKey }: SigningKey,
): Promise<Map<string, string>> {
  const recorded = (await store.issuerKeys()).map((one) => [one.keyId, one.publicKey] as const);
  return new Map([...recorded, [keyId, publicKey]]);
}

export const findingText = ({ table, row, message }: AuditFinding): string => `${table} ${row}: ${message}`;

/** @returns how many alarms were raised; one that was raised the time before is not raised again */
export async function checkBooks(store: Store, signingKey: SigningKey, at: string): Promise<number> {
  const books = await reconcileBooks(store);
  const { findings } = await auditStore(store, await knownKeys(store, signingKey));
  const found = [
    ...books.differences.map(({ key, kind, detail }) => ({ at, kind, detail: `${key}: ${detail}` })),
    ...(books.agrees || books.differences.length > 0
      ? []
      : [{ at, kind: 'unbalanced', detail: `all accounts together are ${books.allAccounts}` }]),
    ...findings.map((finding) => ({ at, kind: 'edited', detail: findingText(finding) })),
  ];
  const known = new Set((await store.ledgerAlarms(1_000)).map(({ kind, detail }) => `${kind} ${detail}`));
  const fresh = found.filter(({ kind, detail }) => !known.has(`${kind} ${detail}`));
  await store.raiseLedgerAlarms(fresh);
  return fresh.length;
}

/** What keeps billing from going on: the last run is not as it was sealed. Null where it is. */
export async function damageOfLastRun(store: Store, signingKey: SigningKey): Promise<string | null> {
  const { findings } = await auditStore(store, await knownKeys(store, signingKey), 1);
  const [first] = findings;
  return first === undefined ? null : findingText(first);
}
