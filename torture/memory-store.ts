/** The cloud's way in on a database in memory: the statements of the SQLite store, without its thread. */
import { DatabaseSync } from 'node:sqlite';
import * as changes from '../cloud/store/sqlite/changes.ts';
import * as evidence from '../cloud/store/sqlite/evidence.ts';
import * as exported from '../cloud/store/sqlite/exports.ts';
import * as ingest from '../cloud/store/sqlite/ingest.ts';
import * as quarantine from '../cloud/store/sqlite/quarantine.ts';
import * as readings from '../cloud/store/sqlite/readings.ts';

const SCHEMA = [readings, quarantine, changes, exported, evidence, ingest]
  .map(({ schema }) => schema)
  .join('\n');

export interface MemoryStore {
  db: DatabaseSync;
  ingestBatch: ReturnType<typeof ingest.operations>['ingestBatch'];
}

export function openMemoryStore(): MemoryStore {
  const db = new DatabaseSync(':memory:');
  db.exec(SCHEMA);
  return { db, ingestBatch: ingest.operations(db).ingestBatch };
}
