/** Who may come in: the operator, sessions, API keys, renewed statement links, answered requests; and the audit trail. */

export interface ApiKeyRow {
  id: string;
  name: string;
  scopes: string[];
  createdAt: string;
  revokedAt: string | null;
}

export interface AuditRow {
  at: string;
  actor: string;
  address: string;
  /** Method and route pattern, with ids and without secrets: `POST /api/v1/keys`. */
  action: string;
  /** HTTP status and, for a refusal, its code. */
  outcome: string;
}

export interface AnsweredRequest {
  bodyDigest: string;
  status: number;
  answer: string;
}

/** Answers to repeated requests are kept this long. */
export const ANSWERS_KEPT_MS = 7 * 86_400_000;

export interface AccessOperations {
  operatorPasswordHash(): string | null;
  /** A new password ends every session. */
  putOperatorPasswordHash(passwordHash: string): void;
  /** @param digest of the session's token; the token itself is only in the browser */
  openSession(digest: string, expiresMs: number, nowMs: number): void;
  hasSession(digest: string, nowMs: number): boolean;
  endSession(digest: string): void;
  addApiKey(key: { id: string; name: string; scopes: string[]; digest: string; createdAt: string }): void;
  apiKeys(): ApiKeyRow[];
  /** The scopes and the digest of a key in force. */
  apiKey(id: string): {
    scopes: string[];
    digest: string;
  } | null;
  /** @returns whether there was such a key in force */
  revokeApiKey(id: string, at: string): boolean;
  /** The generation of every link that was renewed. */
  renewedLinks(): Record<string, number>;
  /** The statement that a renewed link opens, or null. */
  statementOfRenewedLink(tokenHash: string): string | null;
  /** Puts a new link in the place of the one before. @returns false when another renewal came first */
  renewLink(statement: string, generation: number, tokenHash: string): boolean;
  /** What was answered to the request that carried this Idempotency-Key. */
  answeredRequest(actor: string, path: string, key: string): AnsweredRequest | null;
  keepAnswer(
    asked: {
      actor: string;
      path: string;
      key: string;
    },
    more: AnsweredRequest,
    atMs: number,
  ): void;
  addAudit(asked: AuditRow): void;
  /** Newest first. */
  auditTrail(limit: number): AuditRow[];
}
