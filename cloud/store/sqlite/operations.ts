/** All operations of the embedded store, one file per subject: each exports its tables and its operations. */
import type { DatabaseSync } from 'node:sqlite';
import * as parks from './parks.ts';

const subjects = [parks] as const;

export const schema = subjects.map((subject) => subject.schema).join('\n');

export function operations(db: DatabaseSync) {
  return { ...parks.operations(db) };
}
export type Operations = ReturnType<typeof operations>;
