/** Everything that a store does, subject by subject. Results are seen after the commit. */
import type { AccessOperations } from './access.ts';
import type { AnomaliesOperations } from './anomalies.ts';
import type { BillingOperations } from './billing.ts';
import type { BooksOperations } from './books.ts';
import type { CasesOperations } from './cases.ts';
import type { ChangesOperations } from './changes.ts';
import type { EvidenceOperations } from './evidence.ts';
import type { ExportsOperations } from './exports.ts';
import type { GatewaysOperations } from './gateways.ts';
import type { IngestOperations } from './ingest.ts';
import type { IntervalsOperations } from './intervals.ts';
import type { IssuerOperations } from './issuer.ts';
import type { OutboxOperations } from './outbox.ts';
import type { ParksOperations } from './parks.ts';
import type { QuarantineOperations } from './quarantine.ts';
import type { ReadingsOperations } from './readings.ts';
import type { RunRecordsOperations } from './run-records.ts';

export type Operations = AccessOperations &
  AnomaliesOperations &
  BillingOperations &
  BooksOperations &
  CasesOperations &
  ChangesOperations &
  EvidenceOperations &
  ExportsOperations &
  GatewaysOperations &
  IngestOperations &
  IntervalsOperations &
  IssuerOperations &
  OutboxOperations &
  ParksOperations &
  QuarantineOperations &
  ReadingsOperations &
  RunRecordsOperations;
