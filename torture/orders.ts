/** The same batches in any order, with repetitions, by any number of deliveries: one and the same state. */
import { benchReading } from '../bench/bench-readings.ts';
import { stateHash } from '../cloud/store/state-hash.ts';
import type { GapMarker, Reading } from '../protocols/reading.ts';
import type { Batch, UplinkItem } from '../protocols/uplink.ts';
import { type Random, randomStream } from '../simulators/random.ts';
import { openMemoryStore } from './memory-store.ts';
import { count, newTally, type Tally, type TortureOptions, type TorturePart, tell } from './tally.ts';

const ORDERS_A_ROUND = 100;
const BATCHES = 14;
const INGESTED_AT = '2100-01-01T00:00:00Z';

export const ordersTorture: TorturePart = {
  name: 'orders',
  about: 'batches of two gateways in any order, with repetitions, 100 orders a round: one state',
  rounds: { usual: 5, full: 100 },
  proves: [
    { invariant: 6, promise: 'the order of arrival changes nothing', of: 'permutations', atLeast: 10_000 },
  ],
  run: tortureOrders,
};

async function tortureOrders({ seed, rounds, onRound }: TortureOptions): Promise<Tally> {
  const tally = newTally();
  const sent = ['gw-a', 'gw-b'].flatMap((gateway) => batchesOf(gateway));
  const expected = await stateAfter(sent);
  for (let round = 0; round < rounds; round += 1) {
    const random = randomStream(seed, `torture/orders/${round}`);
    for (let order = 0; order < ORDERS_A_ROUND; order += 1) {
      const arrivals = shuffled([...sent, ...sent.filter(() => random.between(0, 2) === 0)], random);
      tally.killed += arrivals.length - sent.length;
      tell(tally, 'permutations');
      if ((await stateAfter(arrivals)) !== expected)
        count(tally, 'altered', 1, `round ${round + 1}, order ${order + 1}: another state`);
    }
    onRound(tally);
  }
  return tally;
}

async function stateAfter(arrivals: readonly Batch[]): Promise<string> {
  const { db, ingestBatch } = openMemoryStore();
  try {
    for (const one of arrivals) ingestBatch(one, INGESTED_AT);
    return await stateHash((sql) => db.prepare(sql).all());
  } finally {
    db.close();
  }
}

/** Readings, what has no value, what cannot be stored, markers of holes, and one thing said twice under two sequences. */
function batchesOf(gateway: string): Batch[] {
  const meter = `E-${gateway}`;
  let from = 1;
  return Array.from({ length: BATCHES / 2 }, (_, n) => {
    const reading = (m: number, over: Partial<Reading> = {}): UplinkItem => ({
      ...benchReading(84 * (n * 4 + m)),
      meter,
      ...over,
    });
    const gap: GapMarker = {
      kind: 'gap',
      sequence: 0,
      meter,
      register: '1-0:1.8.0',
      from: benchReading(84 * 900).readAt,
      to: benchReading(84 * (901 + n)).readAt,
      count: n + 1,
      reason: 'buffer_full',
    };
    const kinds: UplinkItem[][] = [
      [reading(0), reading(1), reading(2)],
      [reading(0), gap],
      [reading(0, { value: null, code: 'not_available' }), reading(1)],
      [reading(0, { value: '0.0000001' }), reading(1, { readAt: '1970-01-21T15:36:28Z' })],
      [reading(0), reading(0)],
    ];
    const items = (kinds[n % kinds.length] ?? []).map((item, i) => ({ ...item, sequence: from + i }));
    const batch = { gateway, epoch: '00000000000000aa', from, to: from + items.length - 1, items };
    from += items.length;
    return batch;
  });
}

function shuffled<T>(values: T[], random: Random): T[] {
  for (let i = values.length - 1; i > 0; i -= 1) {
    const j = random.between(0, i);
    const [one, other] = [values[i] as T, values[j] as T];
    values[i] = other;
    values[j] = one;
  }
  return values;
}
