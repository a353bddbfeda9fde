/** What is sent again and says something else: never stored over what is there, and never forgotten. */
import { benchReading } from '../bench/bench-readings.ts';
import type { Reading } from '../protocols/reading.ts';
import type { Batch } from '../protocols/uplink.ts';
import { type Random, randomStream } from '../simulators/random.ts';
import { openMemoryStore } from './memory-store.ts';
import { count, newTally, type Tally, type TortureOptions, type TorturePart, tell } from './tally.ts';

const READINGS = 100;
const INGESTED_AT = '2100-01-01T00:00:00Z';

export const conflictsTorture: TorturePart = {
  name: 'conflicts',
  about:
    'the same key or the same instant with another payload, 100 a round: each in quarantine, no row changed',
  rounds: { usual: 2, full: 10 },
  proves: [
    {
      invariant: 5,
      promise: 'same key, other payload: never overwritten, always quarantined',
      of: 'conflicts',
      atLeast: 1_000,
    },
  ],
  run: tortureConflicts,
};

async function tortureConflicts({ seed, rounds, onRound }: TortureOptions): Promise<Tally> {
  const tally = newTally();
  const { db, ingestBatch } = openMemoryStore();
  const select = db.prepare('SELECT * FROM reading ORDER BY gateway, epoch, sequence');
  const held = db.prepare("SELECT count(*) AS n FROM quarantine WHERE code = 'conflict'");
  try {
    for (let round = 0; round < rounds; round += 1) {
      const random = randomStream(seed, `torture/conflicts/${round}`);
      const given = Array.from({ length: READINGS }, (_, n) => benchReading(round * READINGS + n));
      ingestBatch(batchOf(given), INGESTED_AT);
      const before = JSON.stringify(select.all());
      const heldBefore = Number(held.get()?.n);
      for (const reading of given) {
        const result = ingestBatch(batchOf([contradicted(reading, random)], round, random), INGESTED_AT);
        tell(tally, 'conflicts');
        tally.killed += 1;
        count(tally, 'altered', 1 - result.quarantined, `${reading.sequence}: ${JSON.stringify(result)}`);
      }
      const quarantined = Number(held.get()?.n) - heldBefore;
      count(tally, 'lost', READINGS - quarantined, 'conflicts that nobody can look at');
      if (JSON.stringify(select.all()) !== before)
        count(tally, 'altered', 1, `round ${round}: a row changed`);
      // The same once more is nothing new.
      const again = ingestBatch(batchOf(given), INGESTED_AT);
      count(tally, 'duplicated', READINGS - again.duplicates, `sent again: ${JSON.stringify(again)}`);
      onRound(tally);
    }
  } finally {
    db.close();
  }
  return tally;
}

const OTHER_EPOCH = 1 << 20;

/** Under the same key or, of another epoch, for the same register at the same instant. */
function batchOf(items: Reading[], round = 0, random?: Random): Batch {
  const isOtherKey = random !== undefined && random.between(0, 1) === 0;
  const epoch = isOtherKey ? (OTHER_EPOCH + round).toString(16).padStart(16, '0') : '00000000000000aa';
  const [from = 1, to = 1] = [items[0]?.sequence, items.at(-1)?.sequence];
  return { gateway: 'gw-torture', epoch, from, to, items };
}

/** Smaller, larger, or no value at all. */
function contradicted(reading: Reading, random: Random): Reading {
  const kind = random.between(0, 2);
  if (kind === 0) return { ...reading, value: '7.000001' };
  if (kind === 1) return { ...reading, value: '999999.999999' };
  return { ...reading, value: null, code: 'not_available' };
}
