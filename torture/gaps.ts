/** Records that vanish from a gateway's log: each is on record in the cloud, by its sequence, as lost. */
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { benchReading, benchReadings, withoutKey } from '../bench/bench-readings.ts';
import { scanRecords } from '../edge/buffer/outbox-record.ts';
import { openOutbox } from '../edge/outbox.ts';
import { UplinkItem } from '../protocols/uplink.ts';
import { compareReadings, type GivenReading } from '../simulators/compare-readings.ts';
import { randomStream } from '../simulators/random.ts';
import { openMemoryStore } from './memory-store.ts';
import {
  count,
  countAll,
  newTally,
  type Tally,
  type TortureOptions,
  type TorturePart,
  tell,
} from './tally.ts';

const GATEWAY = 'gw-torture';
const READINGS = 2_000;
const DELETED_A_ROUND = 100;
const INGESTED_AT = '2100-01-01T00:00:00Z';

export const gapsTorture: TorturePart = {
  name: 'gaps',
  about:
    '100 random records deleted from the log a round: 100 reported by their sequences, all others delivered',
  rounds: { usual: 1, full: 5 },
  proves: [
    {
      invariant: 4,
      promise: 'every gap of the sequence is filled or on record',
      of: 'deleted',
      atLeast: 100,
    },
  ],
  run: tortureGaps,
};

async function tortureGaps({ seed, rounds, onRound }: TortureOptions): Promise<Tally> {
  const tally = newTally();
  for (let round = 0; round < rounds; round += 1) {
    const folder = mkdtempSync(join(tmpdir(), 'meterline-gaps-'));
    try {
      tortureOnce(folder, randomStream(seed, `torture/gaps/${round}`).between, tally);
    } finally {
      rmSync(folder, { recursive: true });
    }
    onRound(tally);
  }
  return tally;
}

function tortureOnce(folder: string, between: (from: number, to: number) => number, tally: Tally): void {
  const options = { folder, gateway: GATEWAY, maxBytes: 1 << 20 };
  const before = openOutbox(options);
  for (let n = 0; n < READINGS; n += 50) before.append(benchReadings(n, 50).map(withoutKey));
  before.close();
  const deleted = new Set<number>();
  while (deleted.size < DELETED_A_ROUND) deleted.add(between(1, READINGS));
  deleteRecords(folder, deleted);
  tally.killed += deleted.size;
  tell(tally, 'deleted', deleted.size);

  const outbox = openOutbox(options);
  const { db, ingestBatch } = openMemoryStore();
  try {
    for (let done = 0; done < READINGS; ) {
      const items = outbox.after(done, 500).map(({ json }) => UplinkItem.parse(JSON.parse(json)));
      const [from = 0, to = 0] = [items[0]?.sequence, items.at(-1)?.sequence];
      if (to === 0) break;
      const result = ingestBatch({ gateway: GATEWAY, epoch: outbox.epoch, from, to, items }, INGESTED_AT);
      count(tally, 'lost', result.quarantined, 'in quarantine');
      done = to;
    }
    const marked = new Set(
      db
        .prepare('SELECT sequence FROM gap_marker')
        .all()
        .map(({ sequence }) => Number(sequence)),
    );
    for (const sequence of deleted)
      if (!marked.has(sequence)) count(tally, 'lost', 1, `${sequence} was deleted, and nobody tells`);
    for (const sequence of marked)
      if (!deleted.has(sequence))
        count(tally, 'unexplained', 1, `${sequence} is told as lost, and was not deleted`);
    const given = new Map<string, GivenReading>();
    for (let n = 0; n < READINGS; n += 1) {
      const { meter, readAt } = benchReading(n);
      given.set(`${meter} ${Temporal.Instant.from(readAt).epochMilliseconds}`, {
        shows: String(n + 1),
        isDue: !deleted.has(n + 1),
      });
    }
    const stored = db.prepare('SELECT meter, instant, sequence FROM reading').all();
    const rows = stored.map(({ meter, instant, sequence }) => ({
      at: `${meter} ${instant}`,
      key: String(sequence),
      shows: String(sequence),
    }));
    countAll(tally, compareReadings(given, rows), 'cloud');
  } finally {
    db.close();
    outbox.close();
  }
}

/** Takes the records out of their files, as if they had never been written. */
function deleteRecords(folder: string, deleted: ReadonlySet<number>): void {
  let sequence = 0;
  for (const name of readdirSync(folder)
    .filter((one) => one.endsWith('.log'))
    .sort()) {
    const bytes = readFileSync(join(folder, name));
    const kept = scanRecords(bytes).places.filter(() => {
      sequence += 1;
      return !deleted.has(sequence);
    });
    writeFileSync(
      join(folder, name),
      Buffer.concat(kept.map(({ at, length }) => bytes.subarray(at, at + length))),
    );
  }
}
