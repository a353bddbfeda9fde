/** Readings that nobody can take among many that can be: these all arrive, those stand alone in quarantine after five tries. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { benchReading } from '../bench/bench-readings.ts';
import { decodeBatch } from '../cloud/decode-batch.ts';
import { openStore, type Store } from '../cloud/store/store.ts';
import { StoreError } from '../cloud/store/store-error.ts';
import { createIntake } from '../cloud/take-batch.ts';
import { encodeBatch } from '../edge/delivery/encode-batch.ts';
import type { Batch } from '../protocols/uplink.ts';
import { compareReadings, type GivenReading } from '../simulators/compare-readings.ts';
import { randomStream } from '../simulators/random.ts';
import {
  count,
  countAll,
  newTally,
  type Tally,
  type TortureOptions,
  type TorturePart,
  tell,
} from './tally.ts';

const READINGS_A_ROUND = 10_000;
const BATCH_ITEMS = 1_000;
/** Of a hundred, one. */
const POISON_OF = 100;
const TRIES = 5;
const GATEWAY = 'gw-torture';
const EPOCH = '00000000000000aa';
const NOW_MS = Date.UTC(2100, 0, 1);
const silent = { info: () => undefined, warn: () => undefined, error: () => undefined };

export const poisonTorture: TorturePart = {
  name: 'poison',
  about:
    '1 % of 10,000 readings a round cannot be taken: all others are in, each of these is set aside after 5 tries',
  rounds: { usual: 1, full: 10 },
  proves: [
    { invariant: 10, promise: 'a poison message never blocks', of: 'readings', atLeast: 100_000 },
    { invariant: 10, promise: 'poison is dead-lettered after five tries', of: 'poison', atLeast: 1_000 },
  ],
  run: torturePoison,
};

async function torturePoison({ seed, rounds, onRound }: TortureOptions): Promise<Tally> {
  const tally = newTally();
  const folder = mkdtempSync(join(tmpdir(), 'meterline-poison-'));
  const file = join(folder, 'cloud.db');
  const store = await openStore({ file });
  try {
    const poison = new Set<number>();
    const line = new PoisonedLine(store, poison, tally);
    for (let round = 0; round < rounds; round += 1) {
      const random = randomStream(seed, `torture/poison/${round}`);
      for (let n = 0; n < READINGS_A_ROUND / POISON_OF; n += 1)
        poison.add(round * READINGS_A_ROUND + n * POISON_OF + random.between(1, POISON_OF));
      for (let batch = 0; batch < READINGS_A_ROUND / BATCH_ITEMS; batch += 1)
        await line.deliver(round * READINGS_A_ROUND + batch * BATCH_ITEMS);
      tell(tally, 'readings', READINGS_A_ROUND);
      tell(tally, 'poison', READINGS_A_ROUND / POISON_OF);
      tally.killed = poison.size;
      onRound(tally);
    }
    check(file, rounds * READINGS_A_ROUND, poison, tally);
  } finally {
    await store.close();
    rmSync(folder, { recursive: true });
  }
  return tally;
}

/** Each sequence is stored, or in quarantine if it is poison, and nowhere else. */
function check(file: string, readings: number, poison: ReadonlySet<number>, tally: Tally): void {
  const db = new DatabaseSync(file);
  try {
    const given = new Map<string, GivenReading>();
    for (let sequence = 1; sequence <= readings; sequence += 1)
      given.set(String(sequence), { shows: poison.has(sequence) ? 'held' : 'stored', isDue: true });
    const rows = db.prepare(
      "SELECT sequence, 'stored' AS shows FROM reading UNION ALL SELECT sequence, 'held' FROM quarantine",
    );
    const stored = rows.all().map(({ sequence, shows }) => ({
      at: String(sequence),
      key: String(sequence),
      shows: String(shows),
    }));
    countAll(tally, compareReadings(given, stored), 'cloud');
  } finally {
    db.close();
  }
}

/** Sends each batch until it is receipted, as a gateway does. */
class PoisonedLine {
  readonly #intake;
  readonly #poison: ReadonlySet<number>;
  readonly #tally: Tally;

  constructor(store: Store, poison: ReadonlySet<number>, tally: Tally) {
    this.#poison = poison;
    this.#tally = tally;
    const ingestBatch = async (batch: Batch, at: string) => {
      if (batch.items.some(({ sequence }) => this.#failsTheStore(sequence)))
        throw new StoreError('ingestBatch', 'constraint failed', 'ERR_SQLITE_ERROR', true);
      return store.ingestBatch(batch, at);
    };
    const fragile = Object.assign(Object.create(store) as Store, { ingestBatch });
    this.#intake = createIntake({ store: fragile, clock: { nowMs: () => NOW_MS }, log: silent });
  }

  async deliver(first: number): Promise<void> {
    const items = Array.from({ length: BATCH_ITEMS }, (_, i) => {
      const reading = benchReading(first + i);
      // The other half of the poison keeps no schema.
      const isGarbled = this.#poison.has(reading.sequence) && !this.#failsTheStore(reading.sequence);
      return {
        sequence: reading.sequence,
        json: JSON.stringify(isGarbled ? { ...reading, value: '12,5' } : reading),
      };
    });
    const payload = encodeBatch({ gateway: GATEWAY, epoch: EPOCH }, items);
    for (let tries = 1; tries <= TRIES; tries += 1) {
      const batch = decodeBatch(payload, GATEWAY);
      if (!batch.ok) throw new Error(batch.detail);
      try {
        await this.#intake.take(GATEWAY, batch);
        return;
      } catch (error) {
        if (!(error instanceof StoreError)) throw error;
      }
    }
    count(
      this.#tally,
      'lost',
      BATCH_ITEMS,
      `the batch from ${first + 1} is not receipted after ${TRIES} tries`,
    );
  }

  #failsTheStore(sequence: number): boolean {
    return sequence % 2 === 0 && this.#poison.has(sequence);
  }
}
