/** What the operator has set for issuing: the public keys that statements were ever signed with, and the accounts that charges are posted to. */

import type { DatabaseSync } from 'node:sqlite';
import type { IssuerKeyRow, IssuerOperations, PostingRulesRow } from '../port/issuer.ts';
import { appendOnly } from './append-only.ts';

export const schema = `
CREATE TABLE IF NOT EXISTS issuer_key (
  position INTEGER PRIMARY KEY AUTOINCREMENT,
  key_id TEXT NOT NULL UNIQUE,
  public_key TEXT NOT NULL,   -- raw, base64
  since TEXT NOT NULL,
  vouched_by TEXT REFERENCES issuer_key (key_id),
  voucher TEXT                -- signature of the key before over this one, base64
) STRICT;
CREATE TABLE IF NOT EXISTS posting_rules (
  version INTEGER PRIMARY KEY,
  json TEXT NOT NULL,
  at TEXT NOT NULL,
  actor TEXT NOT NULL
) STRICT;
${['issuer_key', 'posting_rules'].map(appendOnly).join('')}`;

export function operations(db: DatabaseSync): IssuerOperations {
  const keys = db.prepare(
    'SELECT key_id AS keyId, public_key AS publicKey, since, vouched_by AS vouchedBy, voucher FROM issuer_key ORDER BY position',
  );
  const addKey = db.prepare(
    'INSERT INTO issuer_key (key_id, public_key, since, vouched_by, voucher) VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING',
  );
  const rules = db.prepare(
    'SELECT version, json, at, actor FROM posting_rules ORDER BY version DESC LIMIT 1',
  );
  const addRules = db.prepare('INSERT INTO posting_rules (json, at, actor) VALUES (?, ?, ?)');
  return {
    issuerKeys(): IssuerKeyRow[] {
      return keys.all() as unknown as IssuerKeyRow[];
    },
    addIssuerKey({ keyId, publicKey, since, vouchedBy, voucher }: IssuerKeyRow): void {
      addKey.run(keyId, publicKey, since, vouchedBy, voucher);
    },
    postingRules(): PostingRulesRow | null {
      return (rules.get() as unknown as PostingRulesRow | undefined) ?? null;
    },
    putPostingRules({ json, at, actor }: Omit<PostingRulesRow, 'version'>): void {
      addRules.run(json, at, actor);
    },
  };
}
