/** The embedded store as the contract meets it. */
import type { DatabaseSync } from 'node:sqlite';
import type { Subject } from '../contract.ts';
import type { Store } from '../store.ts';

/** @param database of the store, past it */
export function subjectOf(store: Store, database: DatabaseSync): Subject {
  const sql = async (text: string): Promise<void> => database.exec(text);
  return {
    store,
    sql,
    replaceRows: (table) => sql(`INSERT OR REPLACE INTO ${table} SELECT * FROM ${table}`),
  };
}
