/** The tables, as numbered changes: each is made once, in order, and is never edited after a release. */
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { StoreError } from '../store-error.ts';
import type { Session } from './session.ts';

export interface Migration {
  number: number;
  name: string;
  sql: string;
  /** SHA-256 of the text. */
  digest: string;
}

const folder = new URL('./migrations/', import.meta.url);

/** In the order of their numbers. */
export function migrations(): Migration[] {
  return readdirSync(folder)
    .filter((file) => file.endsWith('.sql'))
    .sort()
    .map((file) => {
      const sql = readFileSync(new URL(file, folder), 'utf8');
      const digest = createHash('sha256').update(sql).digest('hex');
      return { number: Number(file.slice(0, 4)), name: file.slice(5, -4), sql, digest };
    });
}

const LOCK = "SELECT pg_advisory_xact_lock(hashtextextended('meterline: migrations', 0))";

/**
 * Brings the database to the newest number, inside the caller's transaction. Of many processes one does it, and the others wait.
 * @throws StoreError `store_too_new` where a newer Meterline has been at work, `store_changed` where a migration is not what was made
 */
export async function migrate(session: Session, list: readonly Migration[] = migrations()): Promise<void> {
  await session.rows(LOCK);
  await session.rows('SET LOCAL statement_timeout = 0');
  const [there] = await session.rows("SELECT to_regclass('migration') IS NOT NULL AS there");
  if (there?.there !== true)
    await session.rows(
      'CREATE TABLE migration (number integer PRIMARY KEY, name text NOT NULL, digest text NOT NULL, made_at timestamptz NOT NULL DEFAULT now())',
    );
  const made = new Map(
    (await session.rows('SELECT number, digest FROM migration')).map((row) => [row.number, row.digest]),
  );
  for (const number of made.keys())
    if (!list.some((one) => one.number === number))
      throw new StoreError(
        'open',
        `the database has migration ${number}, which this version does not know: it was used with a newer one`,
        'store_too_new',
      );
  for (const { number, name, sql, digest } of list) {
    const before = made.get(number);
    if (before === digest) continue;
    if (before !== undefined)
      throw new StoreError(
        'open',
        `migration ${number} (${name}) is not the one that made the database`,
        'store_changed',
      );
    await session.script(sql);
    await session.rows('INSERT INTO migration (number, name, digest) VALUES ($1, $2, $3)', [
      number,
      name,
      digest,
    ]);
  }
}
