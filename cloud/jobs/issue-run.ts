/** Charges, their entries, their events, and the seal over all of them: what is written in one transaction when a run is issued. */

import type { BillingRun, Charge } from '../../protocols/api.ts';
import { type CanonicalValue, canonicalJson } from '../../protocols/canonical-json.ts';
import { minor } from '../../protocols/units.ts';
import { type LedgerEntry, postCharges } from '../ledger/post-charges.ts';
import type { PostingRules } from '../ledger/posting-rules.ts';
import { type SigningKey, signText } from '../signing.ts';
import type { NewStatement } from '../store/port/billing.ts';
import type { OutboxEvent } from '../store/port/outbox.ts';
import type { RunSeal } from '../store/port/run-records.ts';
import { digestOf } from './billing-input.ts';

export const CHARGE_POSTED = 'meterline.charge.posted';
export const STATEMENT_ISSUED = 'meterline.statement.issued';

/** Telling the same thing again is the same event: a receiver that knows the id has it already. */
export const eventId = (type: string, subject: string): string =>
  `evt_${digestOf(`${type}\n${subject}`).slice(0, 32)}`;

/** @throws Error when a charge does not balance: a defect of ours */
export function entriesOf(charges: readonly Charge[], rules: PostingRules): LedgerEntry[] {
  const posted = postCharges(
    charges.map(({ key, lease, utility, component, pool, period, revision, net, tax, gross }) => {
      const plain = 6;
      const suffix = key.split('|')[plain];
      return {
        ...{ lease, utility, component, pool, period, revision },
        ...(suffix !== undefined && { suffix }),
        ...{ net: minor(net), tax: minor(tax), gross: minor(gross) },
      };
    }),
    rules,
  );
  if (!posted.ok) throw new Error(`charges that do not post: ${posted.detail}`);
  return posted.entries;
}

/** One event a charge, with the account it is credited to, then one a statement. */
export function eventsOf(
  charges: readonly Charge[],
  entries: readonly LedgerEntry[],
  statements: readonly NewStatement[],
  issuedAt: string,
): OutboxEvent[] {
  const accounts = new Map(entries.map(({ chargeKey, postings }) => [chargeKey, postings[1]?.account]));
  const event = (type: string, subject: string, data: object): OutboxEvent => ({
    id: eventId(type, subject),
    type,
    subject,
    time: issuedAt,
    data: JSON.stringify(data),
  });
  return [
    ...charges.map((charge) =>
      event(CHARGE_POSTED, charge.key, { ...charge, account: accounts.get(charge.key) }),
    ),
    ...statements.map(({ id, lease, tenant, period, from, to, gross, digest, corrects }) =>
      event(STATEMENT_ISSUED, id, { id, lease, tenant, period, from, to, gross, digest, corrects }),
    ),
  ];
}

/** Of a row, for the seal: short, since it is one of tens of thousands. */
export const rowDigest = (row: object): string =>
  digestOf(
    canonicalJson(
      JSON.parse(
        JSON.stringify(row, (_, value) => (typeof value === 'bigint' ? `${value}` : value)),
      ) as CanonicalValue,
    ),
  ).slice(0, 16);

export interface Sealed {
  period: string;
  revision: number;
  manifest: string;
  result: BillingRun;
  charges: readonly Charge[];
  entries: readonly LedgerEntry[];
  statements: readonly NewStatement[];
}

/** The text that is sealed: from it, an edited row is told by its place. */
export const sealText = (
  { period, revision, manifest, result, charges, entries, statements }: Sealed,
  lastSeal: string | null,
): string =>
  canonicalJson({
    format: 'meterline-seal/1',
    period,
    revision,
    manifest,
    result: digestOf(JSON.stringify(result)),
    charges: charges.map(rowDigest).join(''),
    entries: entries.map(rowDigest).join(''),
    statements: statements.map(({ digest }) => digest),
    previous: lastSeal === null ? null : digestOf(lastSeal),
  });

export function sealOf(sealed: Sealed, lastSeal: string | null, key: SigningKey): RunSeal {
  const json = sealText(sealed, lastSeal);
  return { json, keyId: key.keyId, signature: signText(json, key) };
}
