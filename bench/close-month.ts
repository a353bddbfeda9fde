/** The month's end over the demo park: readings in the store to intervals, intervals to an issued run. */
import { copyFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { closePeriod } from '../cloud/jobs/close-period.ts';
import { deriveDirtyIntervals } from '../cloud/jobs/derive-intervals.ts';
import { openSigningKey } from '../cloud/signing.ts';
import { openStore, type Store } from '../cloud/store/store.ts';
import { type BenchRow, benchRow, costOf, interleave, type Measurement } from './measure.ts';
import { fillParkMonth, type ParkMonth } from './park-month.ts';

const PERIOD = '2026-09';
const SEED = 1;
const INTERVAL_MINUTES = 15;
const ISSUED_AT = '2026-10-01T02:00:00Z';

export const measurements: Measurement[] = [
  { name: 'close_month', measure: () => closeMonth({ rounds: 3 }) },
];

/** Each sample works on a copy of a store of its own. */
export async function closeMonth({ rounds }: { rounds: number }): Promise<BenchRow[]> {
  const folder = mkdtempSync(join(tmpdir(), 'meterline-bench-'));
  const files = { read: join(folder, 'read.db'), derived: join(folder, 'derived.db') };
  try {
    const month = await withStore(files.read, (store) =>
      fillParkMonth(store, { seed: SEED, period: PERIOD }),
    );
    copyFileSync(files.read, files.derived);
    await withStore(files.derived, (store) => derive(store, month));
    const key = openSigningKey(folder);
    const copy = join(folder, 'copy.db');
    const onCopy = async (file: string, work: (store: Store) => Promise<unknown>): Promise<number> => {
      copyFileSync(file, copy);
      const { seconds } = await withStore(copy, (store) => costOf(() => work(store)));
      rmSync(copy);
      return seconds;
    };
    const close = async (store: Store): Promise<void> => {
      const { park, parkDigest } = month;
      const closed = await closePeriod({
        store,
        park,
        parkDigest,
        period: PERIOD,
        issuedAt: ISSUED_AT,
        acceptEstimates: null,
        signingKey: key,
        intervalMinutes: INTERVAL_MINUTES,
      });
      if (!closed.ok || closed.already) throw new Error('the benchmark closed no period', { cause: closed });
    };
    const seconds = await interleave(rounds, {
      derive: () => onCopy(files.read, (store) => derive(store, month)),
      readAll: () =>
        bareScan(files.read, 'SELECT meter, max(value) - min(value) AS sum FROM reading GROUP BY meter'),
      close: () => onCopy(files.derived, close),
      sum: () => bareScan(files.derived, `SELECT meter, sum(quantity) AS sum FROM interval GROUP BY meter`),
    });
    const rates = (samples: number[]): number[] => samples.map((one) => month.readings / one);
    const what = `${month.park.meters.length} meters, ${month.readings} readings of a month, through the store`;
    return [
      benchRow(
        {
          name: 'derive_month_job',
          unit: 'readings/s',
          note: `${what}; limit: one SQL scan of the same readings`,
        },
        { value: rates(seconds.derive), limit: rates(seconds.readAll) },
      ),
      benchRow(
        {
          name: 'close_month',
          unit: 'readings/s',
          note: `${what}: loaded, billed, proved, posted, signed, issued; limit: one SQL scan that sums the same intervals`,
        },
        { value: rates(seconds.close), limit: rates(seconds.sum) },
      ),
    ];
  } finally {
    rmSync(folder, { recursive: true });
  }
}

const derive = (store: Store, { park, toMs }: ParkMonth) =>
  deriveDirtyIntervals({ store, park, intervalMinutes: INTERVAL_MINUTES }, toMs);

async function withStore<T>(file: string, work: (store: Store) => Promise<T>): Promise<T> {
  const store = await openStore({ file });
  try {
    return await work(store);
  } finally {
    await store.close();
  }
}

async function bareScan(file: string, sql: string): Promise<number> {
  const db = new DatabaseSync(file);
  const { seconds } = await costOf(() => db.prepare(sql).all());
  db.close();
  return seconds;
}
