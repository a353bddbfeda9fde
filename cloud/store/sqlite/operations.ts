/** All operations of the embedded store, one file per subject: each exports its tables and its operations. */
import type { DatabaseSync } from 'node:sqlite';
import type { Operations } from '../port/operations.ts';
import * as access from './access.ts';
import * as anomalies from './anomalies.ts';
import * as billing from './billing.ts';
import * as books from './books.ts';
import * as cases from './cases.ts';
import * as changes from './changes.ts';
import * as evidence from './evidence.ts';
import * as exports from './exports.ts';
import * as gateways from './gateways.ts';
import * as ingest from './ingest.ts';
import * as intervals from './intervals.ts';
import * as issuer from './issuer.ts';
import * as outbox from './outbox.ts';
import * as parks from './parks.ts';
import * as quarantine from './quarantine.ts';
import * as readings from './readings.ts';
import * as runRecords from './run-records.ts';

const subjects = [
  access,
  parks,
  readings,
  quarantine,
  changes,
  exports,
  ingest,
  evidence,
  gateways,
  intervals,
  anomalies,
  billing,
  runRecords,
  outbox,
  books,
  cases,
  issuer,
] as const;

export const schema = subjects.map((subject) => subject.schema).join('\n');

export function operations(db: DatabaseSync): Operations {
  return {
    ...parks.operations(db),
    ...readings.operations(db),
    ...quarantine.operations(db),
    ...changes.operations(db),
    ...exports.operations(db),
    ...ingest.operations(db),
    ...evidence.operations(db),
    ...gateways.operations(db),
    ...access.operations(db),
    ...intervals.operations(db),
    ...anomalies.operations(db),
    ...billing.operations(db),
    ...runRecords.operations(db),
    ...outbox.operations(db),
    ...books.operations(db),
    ...cases.operations(db),
    ...issuer.operations(db),
  };
}
