import assert from 'node:assert/strict';
import { DatabaseSync } from 'node:sqlite';
import { schema } from './operations.ts';

/** Opens (and creates) the database. An acknowledged commit must outlive a power cut: FULL is set and asserted each time. */
export function openDatabase(file: string): DatabaseSync {
  const db = new DatabaseSync(file, { readBigInts: false });
  db.exec(
    'PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON; PRAGMA busy_timeout=5000;',
  );
  const row = db.prepare('PRAGMA synchronous').get();
  assert.equal(row?.synchronous, 2, 'SQLite must run with synchronous=FULL');
  db.exec(schema);
  return db;
}

/** Runs `work` in one transaction: all of it is committed, or nothing is. */
export function transaction<T>(db: DatabaseSync, work: () => T): T {
  db.exec('BEGIN IMMEDIATE');
  try {
    const result = work();
    db.exec('COMMIT');
    return result;
  } catch (error) {
    if (db.isTransaction) db.exec('ROLLBACK');
    throw error;
  }
}
