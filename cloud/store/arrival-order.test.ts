import { DatabaseSync } from 'node:sqlite';
import { expect, test } from 'vitest';
import type { Batch, UplinkItem } from '../../protocols/uplink.ts';
import { batch, INGESTED_AT, instantText, QUARTER_MS, reading, START_MS } from './contract-fixtures.ts';
import * as changes from './sqlite/changes.ts';
import * as evidence from './sqlite/evidence.ts';
import * as exported from './sqlite/exports.ts';
import * as ingest from './sqlite/ingest.ts';
import * as quarantine from './sqlite/quarantine.ts';
import * as readings from './sqlite/readings.ts';
import { stateHash } from './state-hash.ts';

const PERMUTATIONS = 10_000;
const SCHEMA = [readings, quarantine, changes, exported, evidence, ingest]
  .map(({ schema }) => schema)
  .join('');
const at = (slot: number): string => instantText(START_MS + slot * QUARTER_MS);

/** What two gateways send in a while: readings, holes, stamps that cannot be, values that do not fit, and one thing said twice in two ways. */
const sent: Batch[] = ['gw-a', 'gw-b'].flatMap((gateway) => {
  const meter = `E-${gateway}`;
  const gap = {
    kind: 'gap',
    sequence: 0,
    meter,
    register: '1-0:1.8.0',
    from: at(9),
    to: at(11),
    count: 3,
    reason: 'buffer_full',
  } as const;
  const lines: UplinkItem[][] = [
    [
      reading({ meter, readAt: at(1) }),
      reading({ meter, readAt: at(2), value: '0.0000001' }),
      reading({ meter, readAt: at(3) }),
    ],
    [reading({ meter, readAt: at(4) }), gap],
    [reading({ meter, readAt: at(96), value: null, code: 'not_available' })],
    [reading({ meter, readAt: '1970-01-21T15:36:28Z' }), reading({ meter, readAt: at(50) })],
    [reading({ meter, readAt: '2027-01-01T00:00:00Z' })],
    [reading({ meter, readAt: at(97), value: '7' }), reading({ meter, readAt: at(97), value: '7' })],
  ];
  let from = 1;
  return lines.map((items) => {
    const one = batch(items, { gateway, from });
    from += items.length;
    return one;
  });
});

test(`${PERMUTATIONS} orders of arrival, with repeats, leave one and the same state`, {
  timeout: 120_000,
}, async () => {
  let seed = 20260901;
  const random = (below: number): number => {
    seed = (seed * 1_103_515_245 + 12_345) % 2_147_483_648;
    return Math.floor((seed / 2_147_483_648) * below);
  };
  const hashes = new Set<string>();
  let repeats = 0;
  for (let permutation = 0; permutation < PERMUTATIONS; permutation += 1) {
    const arrivals = [...sent, ...sent.filter(() => random(3) === 0)];
    repeats += arrivals.length - sent.length;
    for (let i = arrivals.length - 1; i > 0; i -= 1) {
      const j = random(i + 1);
      [arrivals[i], arrivals[j]] = [arrivals[j] as Batch, arrivals[i] as Batch];
    }
    const db = new DatabaseSync(':memory:');
    db.exec(SCHEMA);
    const { ingestBatch } = ingest.operations(db);
    for (const one of arrivals) ingestBatch(one, INGESTED_AT);
    hashes.add(await stateHash((sql) => db.prepare(sql).all()));
    db.close();
  }
  expect(repeats).toBeGreaterThan(PERMUTATIONS * 3);
  expect(hashes.size).toBe(1);
});
