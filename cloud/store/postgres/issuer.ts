/** What the operator has set for issuing: the public keys that statements were ever signed with, and the accounts that charges are posted to. */
import type { IssuerKeyRow, PostingRulesRow } from '../port/issuer.ts';
import type { Database } from './open-database.ts';

const KEYS = `SELECT key_id AS "keyId", public_key AS "publicKey", since, vouched_by AS "vouchedBy", voucher FROM issuer_key
  ORDER BY position`;
const ADD_KEY = `INSERT INTO issuer_key (key_id, public_key, since, vouched_by, voucher) VALUES ($1, $2, $3, $4, $5)
  ON CONFLICT DO NOTHING`;
const RULES = 'SELECT version, json, at, actor FROM posting_rules ORDER BY version DESC LIMIT 1';
const ADD_RULES = 'INSERT INTO posting_rules (json, at, actor) VALUES ($1, $2, $3)';

export function operations(db: Database) {
  return {
    issuerKeys: async (): Promise<IssuerKeyRow[]> => (await db.rows(KEYS)) as unknown as IssuerKeyRow[],
    async addIssuerKey({ keyId, publicKey, since, vouchedBy, voucher }: IssuerKeyRow): Promise<void> {
      await db.run(ADD_KEY, [keyId, publicKey, since, vouchedBy, voucher]);
    },
    postingRules: async (): Promise<PostingRulesRow | null> =>
      ((await db.rows(RULES))[0] as unknown as PostingRulesRow | undefined) ?? null,
    async putPostingRules({ json, at, actor }: Omit<PostingRulesRow, 'version'>): Promise<void> {
      await db.run(ADD_RULES, [json, at, actor]);
    },
  };
}
