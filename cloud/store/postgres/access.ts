/** Access: the operator's password hash, sessions, API keys, renewed statement links, answered requests, and the audit trail. */
import { ANSWERS_KEPT_MS, type AnsweredRequest, type ApiKeyRow, type AuditRow } from '../port/access.ts';
import type { Database } from './open-database.ts';

function operatorOperations(db: Database) {
  return {
    async operatorPasswordHash(): Promise<string | null> {
      const [row] = await db.rows('SELECT password_hash AS hash FROM operator');
      return (row?.hash as string | undefined) ?? null;
    },
    putOperatorPasswordHash: (passwordHash: string): Promise<void> =>
      db.transaction(async (tx) => {
        await tx.run('DELETE FROM session');
        await tx.run(
          `INSERT INTO operator (one, password_hash) VALUES (1, $1)
           ON CONFLICT (one) DO UPDATE SET password_hash = excluded.password_hash`,
          [passwordHash],
        );
      }),
    openSession: (digest: string, expiresMs: number, nowMs: number): Promise<void> =>
      db.transaction(async (tx) => {
        await tx.run('DELETE FROM session WHERE expires_ms <= $1', [nowMs]);
        await tx.run('INSERT INTO session (digest, expires_ms) VALUES ($1, $2)', [digest, expiresMs]);
      }),
    hasSession: async (digest: string, nowMs: number): Promise<boolean> =>
      (await db.rows('SELECT 1 AS one FROM session WHERE digest = $1 AND expires_ms > $2', [digest, nowMs]))
        .length > 0,
    async endSession(digest: string): Promise<void> {
      await db.run('DELETE FROM session WHERE digest = $1', [digest]);
    },
  };
}

function keyOperations(db: Database) {
  return {
    async addApiKey(key: {
      id: string;
      name: string;
      scopes: string[];
      digest: string;
      createdAt: string;
    }): Promise<void> {
      await db.run('INSERT INTO api_key (id, name, scopes, digest, created_at) VALUES ($1, $2, $3, $4, $5)', [
        key.id,
        key.name,
        JSON.stringify(key.scopes),
        key.digest,
        key.createdAt,
      ]);
    },
    async apiKeys(): Promise<ApiKeyRow[]> {
      const rows = await db.rows(
        `SELECT id, name, scopes, created_at AS "createdAt", revoked_at AS "revokedAt" FROM api_key ORDER BY created_at, id`,
      );
      return rows.map((row) => ({
        ...(row as unknown as ApiKeyRow),
        scopes: JSON.parse(row.scopes as string),
      }));
    },
    async apiKey(id: string): Promise<{ scopes: string[]; digest: string } | null> {
      const [row] = await db.rows('SELECT scopes, digest FROM api_key WHERE id = $1 AND revoked_at IS NULL', [
        id,
      ]);
      return row === undefined
        ? null
        : { scopes: JSON.parse(row.scopes as string), digest: row.digest as string };
    },
    revokeApiKey: async (id: string, at: string): Promise<boolean> =>
      (await db.run('UPDATE api_key SET revoked_at = $2 WHERE id = $1 AND revoked_at IS NULL', [id, at])) > 0,
  };
}

const RENEW = `INSERT INTO statement_link (statement, generation, token_hash) VALUES ($1, $2, $3)
  ON CONFLICT (statement) DO UPDATE SET generation = excluded.generation, token_hash = excluded.token_hash
  WHERE excluded.generation = statement_link.generation + 1`;

/** A statement is issued with its first link, generation 0; only the hash of a link's token is ever stored. */
function linkOperations(db: Database) {
  return {
    async renewedLinks(): Promise<Record<string, number>> {
      const rows = await db.rows('SELECT statement, generation FROM statement_link');
      return Object.fromEntries(rows.map((row) => [row.statement as string, row.generation as number]));
    },
    async statementOfRenewedLink(tokenHash: string): Promise<string | null> {
      const [row] = await db.rows('SELECT statement FROM statement_link WHERE token_hash = $1', [tokenHash]);
      return (row?.statement as string | undefined) ?? null;
    },
    renewLink: async (statement: string, generation: number, tokenHash: string): Promise<boolean> =>
      (await db.run(RENEW, [statement, generation, tokenHash])) > 0,
  };
}

function trailOperations(db: Database) {
  return {
    async answeredRequest(actor: string, path: string, key: string): Promise<AnsweredRequest | null> {
      const [row] = await db.rows(
        `SELECT body_digest AS "bodyDigest", status, answer FROM answered_request WHERE actor = $1 AND path = $2 AND key = $3`,
        [actor, path, key],
      );
      return (row as unknown as AnsweredRequest | undefined) ?? null;
    },
    keepAnswer: (
      { actor, path, key }: { actor: string; path: string; key: string },
      { bodyDigest, status, answer }: AnsweredRequest,
      atMs: number,
    ): Promise<void> =>
      db.transaction(async (tx) => {
        await tx.run('DELETE FROM answered_request WHERE at_ms < $1', [atMs - ANSWERS_KEPT_MS]);
        await tx.run(
          `INSERT INTO answered_request (actor, path, key, body_digest, status, answer, at_ms) VALUES ($1, $2, $3, $4, $5, $6, $7)
           ON CONFLICT DO NOTHING`,
          [actor, path, key, bodyDigest, status, answer, atMs],
        );
      }),
    async addAudit({ at, actor, address, action, outcome }: AuditRow): Promise<void> {
      await db.run('INSERT INTO audit (at, actor, address, action, outcome) VALUES ($1, $2, $3, $4, $5)', [
        at,
        actor,
        address,
        action,
        outcome,
      ]);
    },
    auditTrail: async (limit: number): Promise<AuditRow[]> =>
      (await db.rows('SELECT at, actor, address, action, outcome FROM audit ORDER BY id DESC LIMIT $1', [
        limit,
      ])) as unknown as AuditRow[],
  };
}

export function operations(db: Database) {
  return {
    ...operatorOperations(db),
    ...keyOperations(db),
    ...linkOperations(db),
    ...trailOperations(db),
  };
}
