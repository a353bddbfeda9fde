/**
 * What changed in tables that exist already in a data folder: numbered, run once, in order, each in a transaction of its own. New
 * tables stand in the schema of their subject. A migration that was published is never edited.
 */
import type { DatabaseSync } from 'node:sqlite';
import { transaction } from './transaction.ts';

/** Charges of a correction say what they are; a statement says which it takes the place of. */
const corrections = `
ALTER TABLE charge ADD COLUMN kind TEXT NOT NULL DEFAULT 'charge'
  CHECK (kind IN ('charge', 'reversal', 'rebill', 'adjustment', 'credit'));
ALTER TABLE charge ADD COLUMN corrects TEXT REFERENCES charge (key);
ALTER TABLE charge ADD COLUMN service_period TEXT;   -- NULL: the period itself
CREATE UNIQUE INDEX charge_reversed_once ON charge (corrects) WHERE kind = 'reversal';
CREATE INDEX charge_corrects ON charge (corrects) WHERE corrects IS NOT NULL;
CREATE INDEX charge_service ON charge (coalesce(service_period, period));
ALTER TABLE statement ADD COLUMN corrects TEXT REFERENCES statement (id);
CREATE UNIQUE INDEX statement_corrected_once ON statement (corrects) WHERE corrects IS NOT NULL;
`;

const migrations: readonly string[] = [corrections];

/** The folder was written by a later build, whose tables this one does not know. */
export class StoreTooNewError extends Error {
  override readonly name = 'StoreTooNewError';
  readonly code = 'store_too_new';
}

/** @throws StoreTooNewError */
export function migrate(db: DatabaseSync): void {
  const version = (): number => Number(db.prepare('PRAGMA user_version').get()?.user_version);
  if (version() > migrations.length)
    throw new StoreTooNewError(
      `the store has version ${version()}, this build knows ${migrations.length}: run the newer build`,
    );
  for (const [index, sql] of migrations.entries()) {
    if (version() > index) continue;
    transaction(db, () => {
      // Another process may have been here between the look and the lock.
      if (version() > index) return;
      db.exec(sql);
      db.exec(`PRAGMA user_version = ${index + 1}`);
    });
  }
}
