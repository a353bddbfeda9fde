/** How near the store on PostgreSQL comes to a bare COPY of the same rows, in the same commits, on the same server. */
import { existsSync } from 'node:fs';
import pg, { type Connection, type Submittable } from 'pg';
import type { PostgresPlace } from '../cloud/store/postgres/open-database.ts';
import { postgresProgram, startTestServer } from '../cloud/store/postgres/test-server.ts';
import { openStore } from '../cloud/store/store.ts';
import { micro } from '../protocols/units.ts';
import type { Batch } from '../protocols/uplink.ts';
import { benchBatches, INGESTED_MS, METERS } from './bench-readings.ts';
import { type BenchRow, benchRow, costOf, interleave, type Measurement, ROUNDS } from './measure.ts';

const INGESTED_AT = Temporal.Instant.fromEpochMilliseconds(INGESTED_MS).toString();

export const measurements: Measurement[] = [
  {
    name: 'ingest_postgres',
    measure: () => ingestPostgres({ name: 'ingest_postgres', rounds: ROUNDS, batches: 200, items: METERS }),
  },
  {
    name: 'ingest_postgres_backlog',
    measure: () =>
      ingestPostgres({ name: 'ingest_postgres_backlog', rounds: ROUNDS, batches: 50, items: 1_000 }),
  },
];

/** Nothing where there is no server to measure. */
export async function ingestPostgres(size: {
  name: string;
  rounds: number;
  batches: number;
  items: number;
}): Promise<BenchRow[]> {
  if (!existsSync(postgresProgram())) return [];
  const { name, rounds, items } = size;
  await using server = await startTestServer({
    settings: { shared_buffers: '512MB', max_wal_size: '4GB' },
    isOnDisk: true,
  });
  const place = await server.createDatabase();
  const store = await openStore({ postgres: place });
  const bare = await openBareTable(place);
  const readings = size.batches * items;
  const taken = { store: 0, bare: 0 };
  const next = (side: keyof typeof taken): Batch[] => {
    const batches = benchBatches(taken[side], size);
    taken[side] += readings;
    return batches;
  };
  const rateOf = async (work: () => Promise<void>): Promise<number> =>
    readings / (await costOf(work)).seconds;
  try {
    const rates = await interleave(rounds, {
      store: () => {
        const batches = next('store');
        return rateOf(async () => {
          for (const batch of batches) await store.ingestBatch(batch, INGESTED_AT);
        });
      },
      bare: () => {
        const texts = next('bare').map(copyText);
        return rateOf(async () => {
          for (const text of texts) await bare.copy(text);
        });
      },
    });
    const note = `commits of ${items} readings, flushed to the disk, one connection; limit: COPY of ready text into a table of the same columns without a key, same commits`;
    return [benchRow({ name, unit: 'readings/s', note }, { value: rates.store, limit: rates.bare })];
  } finally {
    await bare.close();
    await store.close();
  }
}

/** Rows in COPY's own text form; none of the columns has anything to escape. */
const copyText = ({ gateway, epoch, items }: Batch): Buffer =>
  Buffer.from(
    items
      .flatMap((item) => {
        if (item.kind !== 'reading' || item.value === null) return [];
        const { meter, register, readAt, value, unit, raw = '\\N', source, sequence } = item;
        const atMs = Temporal.Instant.from(readAt).epochMilliseconds;
        const hour = Math.floor(atMs / 3_600_000);
        const numbers = [atMs, micro(value), sequence, hour];
        return [`${[...numbers, meter, register, unit, '\\N', raw, source, gateway, epoch].join('\t')}\n`];
      })
      .join(''),
  );

/** COPY FROM STDIN: the one thing that the client leaves to whoever needs it. */
class CopyIn implements Submittable {
  readonly done = Promise.withResolvers<void>();
  readonly #bytes: Buffer;
  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }
  submit(connection: Connection): void {
    connection.query('COPY reading FROM STDIN');
  }
  handleCopyInResponse(
    connection: Connection & { sendCopyFromChunk(bytes: Buffer): void; endCopyFrom(): void },
  ): void {
    connection.sendCopyFromChunk(this.#bytes);
    connection.endCopyFrom();
  }
  handleCommandComplete(): void {}
  handleReadyForQuery(): void {
    this.done.resolve();
  }
  handleError(error: Error): void {
    this.done.reject(error);
  }
}

async function openBareTable(place: PostgresPlace) {
  const { host, port, database, user, password } = place;
  const client = new pg.Client({ host, port, database, user, password: password ?? '' });
  await client.connect();
  await client.query(`CREATE SCHEMA bare; SET search_path = bare;
    CREATE TABLE reading (instant bigint, value bigint, sequence bigint, hour integer, meter text, register text, unit text, code text,
      raw text, source text, gateway text, epoch text)`);
  return {
    copy: (bytes: Buffer): Promise<void> => client.query(new CopyIn(bytes)).done.promise,
    close: () => client.end(),
  };
}
