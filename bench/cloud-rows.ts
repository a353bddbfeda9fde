/** The benchmarks of the cloud's rooms. */
import { METERS } from './bench-readings.ts';
import { deriveMonth } from './derive-month.ts';
import { measurements as postgres } from './ingest-postgres.ts';
import { ingestStore } from './ingest-store.ts';
import { type Measurement, ROUNDS } from './measure.ts';
import { measurements as workers } from './workers-postgres.ts';

const DAYS = 30;

export const measurements: Measurement[] = [
  {
    name: 'ingest_store',
    measure: () => ingestStore({ name: 'ingest_store', rounds: ROUNDS, batches: 200, items: METERS }),
  },
  {
    name: 'ingest_store_backlog',
    measure: () => ingestStore({ name: 'ingest_store_backlog', rounds: ROUNDS, batches: 50, items: 1_000 }),
  },
  ...postgres,
  ...workers,
  { name: 'derive_month', measure: () => deriveMonth({ rounds: ROUNDS, meters: METERS, days: DAYS }) },
];
