/** Access: the operator's password hash, sessions, API keys, renewed statement links, answered requests, and the audit trail. */

import type { DatabaseSync } from 'node:sqlite';
import {
  type AccessOperations,
  ANSWERS_KEPT_MS,
  type AnsweredRequest,
  type ApiKeyRow,
  type AuditRow,
} from '../port/access.ts';
import { appendOnly } from './append-only.ts';
import { transaction } from './transaction.ts';

export const schema = `
CREATE TABLE IF NOT EXISTS operator (
  one INTEGER PRIMARY KEY CHECK (one = 1),
  password_hash TEXT NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS session (
  digest TEXT PRIMARY KEY,
  expires_ms INTEGER NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS api_key (
  id TEXT PRIMARY KEY,
  name TEXT NOT NULL,
  scopes TEXT NOT NULL,
  digest TEXT NOT NULL,
  created_at TEXT NOT NULL,
  revoked_at TEXT
) STRICT;
CREATE TABLE IF NOT EXISTS statement_link (
  statement TEXT PRIMARY KEY,
  generation INTEGER NOT NULL CHECK (generation > 0),
  token_hash TEXT NOT NULL UNIQUE
) STRICT;
CREATE TABLE IF NOT EXISTS answered_request (
  actor TEXT NOT NULL,
  path TEXT NOT NULL,
  key TEXT NOT NULL,
  body_digest TEXT NOT NULL,
  status INTEGER NOT NULL,
  answer TEXT NOT NULL,
  at_ms INTEGER NOT NULL,
  PRIMARY KEY (actor, path, key)
) STRICT;
CREATE TABLE IF NOT EXISTS audit (
  id INTEGER PRIMARY KEY,
  at TEXT NOT NULL,
  actor TEXT NOT NULL,
  address TEXT NOT NULL,
  action TEXT NOT NULL,
  outcome TEXT NOT NULL
) STRICT;
${appendOnly('audit')}`;

function operatorOperations(db: DatabaseSync) {
  const hash = db.prepare('SELECT password_hash AS hash FROM operator');
  const putHash = db.prepare(
    'INSERT INTO operator (one, password_hash) VALUES (1, ?) ON CONFLICT (one) DO UPDATE SET password_hash = excluded.password_hash',
  );
  const endSessions = db.prepare('DELETE FROM session');
  const openSession = db.prepare('INSERT INTO session (digest, expires_ms) VALUES (?, ?)');
  const dropSessions = db.prepare('DELETE FROM session WHERE expires_ms <= ?');
  const findSession = db.prepare('SELECT 1 FROM session WHERE digest = ? AND expires_ms > ?');
  const endSession = db.prepare('DELETE FROM session WHERE digest = ?');
  return {
    operatorPasswordHash(): string | null {
      return (hash.get() as { hash: string } | undefined)?.hash ?? null;
    },
    putOperatorPasswordHash(passwordHash: string): void {
      transaction(db, () => {
        endSessions.run();
        putHash.run(passwordHash);
      });
    },
    openSession(digest: string, expiresMs: number, nowMs: number): void {
      transaction(db, () => {
        dropSessions.run(nowMs);
        openSession.run(digest, expiresMs);
      });
    },
    hasSession(digest: string, nowMs: number): boolean {
      return findSession.get(digest, nowMs) !== undefined;
    },
    endSession(digest: string): void {
      endSession.run(digest);
    },
  };
}

function keyOperations(db: DatabaseSync) {
  const columns = 'id, name, scopes, created_at AS createdAt, revoked_at AS revokedAt';
  const add = db.prepare('INSERT INTO api_key (id, name, scopes, digest, created_at) VALUES (?, ?, ?, ?, ?)');
  const list = db.prepare(`SELECT ${columns} FROM api_key ORDER BY created_at, id`);
  const find = db.prepare('SELECT scopes, digest FROM api_key WHERE id = ? AND revoked_at IS NULL');
  const revoke = db.prepare('UPDATE api_key SET revoked_at = ? WHERE id = ? AND revoked_at IS NULL');
  return {
    addApiKey(key: { id: string; name: string; scopes: string[]; digest: string; createdAt: string }): void {
      add.run(key.id, key.name, JSON.stringify(key.scopes), key.digest, key.createdAt);
    },
    apiKeys(): ApiKeyRow[] {
      return list.all().map((row) => ({ ...row, scopes: JSON.parse(String(row.scopes)) }) as ApiKeyRow);
    },
    apiKey(id: string): { scopes: string[]; digest: string } | null {
      const row = find.get(id);
      return row === undefined
        ? null
        : { scopes: JSON.parse(String(row.scopes)), digest: String(row.digest) };
    },
    revokeApiKey(id: string, at: string): boolean {
      return revoke.run(at, id).changes > 0;
    },
  };
}

/** A statement is issued with its first link, generation 0; only the hash of a link's token is ever stored. */
function linkOperations(db: DatabaseSync) {
  const all = db.prepare('SELECT statement, generation FROM statement_link');
  const find = db.prepare('SELECT statement FROM statement_link WHERE token_hash = ?');
  const renew = db.prepare(
    `INSERT INTO statement_link (statement, generation, token_hash) VALUES (?, ?, ?)
     ON CONFLICT (statement) DO UPDATE SET generation = excluded.generation, token_hash = excluded.token_hash
     WHERE excluded.generation = generation + 1`,
  );
  return {
    renewedLinks(): Record<string, number> {
      return Object.fromEntries(all.all().map((row) => [row.statement, row.generation]));
    },
    statementOfRenewedLink(tokenHash: string): string | null {
      return (find.get(tokenHash) as { statement: string } | undefined)?.statement ?? null;
    },
    renewLink(statement: string, generation: number, tokenHash: string): boolean {
      return renew.run(statement, generation, tokenHash).changes > 0;
    },
  };
}

function trailOperations(db: DatabaseSync) {
  const answered = db.prepare(
    'SELECT body_digest AS bodyDigest, status, answer FROM answered_request WHERE actor = ? AND path = ? AND key = ?',
  );
  const keep = db.prepare(
    'INSERT INTO answered_request (actor, path, key, body_digest, status, answer, at_ms) VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING',
  );
  const forget = db.prepare('DELETE FROM answered_request WHERE at_ms < ?');
  const addAudit = db.prepare(
    'INSERT INTO audit (at, actor, address, action, outcome) VALUES (?, ?, ?, ?, ?)',
  );
  const listAudit = db.prepare(
    'SELECT at, actor, address, action, outcome FROM audit ORDER BY id DESC LIMIT ?',
  );
  return {
    answeredRequest(actor: string, path: string, key: string): AnsweredRequest | null {
      return (answered.get(actor, path, key) as AnsweredRequest | undefined) ?? null;
    },
    keepAnswer(
      { actor, path, key }: { actor: string; path: string; key: string },
      { bodyDigest, status, answer }: AnsweredRequest,
      atMs: number,
    ): void {
      transaction(db, () => {
        forget.run(atMs - ANSWERS_KEPT_MS);
        keep.run(actor, path, key, bodyDigest, status, answer, atMs);
      });
    },
    addAudit({ at, actor, address, action, outcome }: AuditRow): void {
      addAudit.run(at, actor, address, action, outcome);
    },
    auditTrail(limit: number): AuditRow[] {
      return listAudit.all(limit) as unknown as AuditRow[];
    },
  };
}

export function operations(db: DatabaseSync): AccessOperations {
  return {
    ...operatorOperations(db),
    ...keyOperations(db),
    ...linkOperations(db),
    ...trailOperations(db),
  };
}
