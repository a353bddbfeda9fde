/** What the operator has set for issuing: keys and accounts. */

export interface IssuerKeyRow {
  keyId: string;
  publicKey: string;
  since: string;
  /** The key before, and its signature over this one; null for the first. */
  vouchedBy: string | null;
  voucher: string | null;
}

export interface PostingRulesRow {
  version: number;
  json: string;
  at: string;
  actor: string;
}

export interface IssuerOperations {
  /** The oldest first; the last one signs. */
  issuerKeys(): IssuerKeyRow[];
  /** A key that is known already stays as it was. */
  addIssuerKey(asked: IssuerKeyRow): void;
  /** The version in force; null where none was ever set. */
  postingRules(): PostingRulesRow | null;
  putPostingRules(asked: Omit<PostingRulesRow, 'version'>): void;
}
