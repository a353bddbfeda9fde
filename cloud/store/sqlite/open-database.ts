import assert from 'node:assert/strict';
import { DatabaseSync } from 'node:sqlite';
import { migrate } from './migrations.ts';
import { schema } from './operations.ts';

/** Opens (and creates) the database. An acknowledged commit must outlive a power cut: FULL is set and asserted each time. */
export function openDatabase(file: string): DatabaseSync {
  const db = new DatabaseSync(file, { readBigInts: false });
  db.exec(
    'PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON; PRAGMA busy_timeout=5000;',
  );
  // Without this, INSERT OR REPLACE would remove rows past the triggers that protect them.
  db.exec('PRAGMA recursive_triggers=ON;');
  const row = db.prepare('PRAGMA synchronous').get();
  assert.equal(row?.synchronous, 2, 'SQLite must run with synchronous=FULL');
  db.exec(schema);
  migrate(db);
  return db;
}
