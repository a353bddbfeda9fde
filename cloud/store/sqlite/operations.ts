/** All operations of the embedded store, one file per subject: each exports its tables and its operations. */
import type { DatabaseSync } from 'node:sqlite';
import * as anomalies from './anomalies.ts';
import * as changes from './changes.ts';
import * as gateways from './gateways.ts';
import * as ingest from './ingest.ts';
import * as intervals from './intervals.ts';
import * as parks from './parks.ts';
import * as quarantine from './quarantine.ts';
import * as readings from './readings.ts';

const subjects = [parks, readings, quarantine, changes, ingest, gateways, intervals, anomalies] as const;

export const schema = subjects.map((subject) => subject.schema).join('\n');

export function operations(db: DatabaseSync) {
  return {
    ...parks.operations(db),
    ...readings.operations(db),
    ...quarantine.operations(db),
    ...changes.operations(db),
    ...ingest.operations(db),
    ...gateways.operations(db),
    ...intervals.operations(db),
    ...anomalies.operations(db),
  };
}
export type Operations = ReturnType<typeof operations>;
