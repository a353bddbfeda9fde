import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, type TestContext, test } from 'vitest';
import { requirePeer } from '../../process/peers.ts';
import { billingContract } from './billing-contract.ts';
import { readingsContract, type Subject, togetherContract } from './contract.ts';
import { batch, INGESTED_AT, slotBatches } from './contract-fixtures.ts';
import { ledgerContract } from './ledger-contract.ts';
import type { PostgresPlace } from './postgres/open-database.ts';
import { postgresProgram, startTestServer, type TestServer } from './postgres/test-server.ts';
import { quarantineContract } from './quarantine-contract.ts';
import { openDatabase } from './sqlite/open-database.ts';
import { subjectOf } from './sqlite/test-subject.ts';
import { openStore, type Store } from './store.ts';

/** A store that the contract binds, and what makes its database fail in the middle of a batch. */
interface Bound {
  withStore(context: TestContext, work: (subject: Subject) => Promise<void>): Promise<void>;
  fault: { set: string; clear: string };
}

const sqlite: Bound = {
  async withStore(_, work) {
    const directory = mkdtempSync(join(tmpdir(), 'meterline-store-'));
    const file = join(directory, 'store.db');
    const store = await openStore({ file });
    const database = openDatabase(file);
    try {
      await work(subjectOf(store, database));
    } finally {
      database.close();
      await store.close();
      rmSync(directory, { recursive: true });
    }
  },
  fault: {
    set: `CREATE TRIGGER fault BEFORE INSERT ON reading WHEN NEW.sequence = 2 BEGIN SELECT RAISE(ABORT, 'injected'); END`,
    clear: 'DROP TRIGGER fault',
  },
};

/** One server and database for all cases: each begins with empty tables. */
let opened: Promise<{ server: TestServer; place: PostgresPlace; store: Store }> | null = null;
async function openPostgres() {
  const server = await startTestServer();
  const place = await server.createDatabase();
  return { server, place, store: await openStore({ postgres: place }) };
}
afterAll(async () => {
  const { server, store } = (await opened) ?? {};
  await store?.close();
  await server?.close();
});
const postgres: Bound = {
  async withStore(context, work) {
    requirePeer(context, postgresProgram());
    opened ??= openPostgres();
    const { server, place, store } = await opened;
    await server.empty(place);
    const sql = async (text: string): Promise<void> => {
      await server.query(place, text);
    };
    await work({ store, sql, replaceRows: (table) => sql(`TRUNCATE ${table} CASCADE`) });
  },
  fault: {
    set: `CREATE FUNCTION fault() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'injected'; END $$;
      CREATE TRIGGER fault BEFORE INSERT ON reading FOR EACH ROW WHEN (NEW.sequence = 2) EXECUTE FUNCTION fault()`,
    clear: 'DROP TRIGGER fault ON reading',
  },
};

describe.each([
  ['sqlite', sqlite],
  ['postgres', postgres],
] as const)('%s', (_, { withStore, fault }) => {
  test.for([
    ...readingsContract,
    ...quarantineContract,
    ...billingContract,
    ...ledgerContract,
    ...togetherContract,
  ])('$title', ({ check }, context) => withStore(context, check));

  /** All that readings leave behind, without the counters of arrival. */
  const state = async (store: Store) => ({
    last: await store.lastReadings(),
    readings: (
      await Promise.all(
        [0, 1, 2].map((m) =>
          store.readings({ meter: `E-${m}`, register: '1-0:1.8.0', fromMs: 0, toMs: Date.UTC(2100, 0) }),
        ),
      )
    ).flat(),
    days: (await store.dirtyDays()).map(({ meter, dayMs }) => [meter, dayMs]),
    hours: (await store.exportDirtyHours({ afterHour: 0, limit: 1000 })).map(({ hour }) => hour),
    quarantined: (await store.quarantined(1000)).map(({ code, payload }) => `${code} ${payload}`).sort(),
  });

  test('any order of arrival with any repeats leaves the same state', async (context) => {
    const batches = slotBatches({ meters: 3, slots: 40 });
    // One item of every third batch cannot be stored.
    for (const [i, { items }] of batches.entries()) {
      const [item] = items;
      if (i % 3 === 0 && item?.kind === 'reading') item.value = '0.0000001';
    }
    let seed = 20260901;
    const random = (below: number): number => {
      seed = (seed * 1_103_515_245 + 12_345) % 2_147_483_648;
      return Math.floor((seed / 2_147_483_648) * below);
    };
    const states: string[] = [];
    for (let permutation = 0; permutation < 6; permutation += 1) {
      const sent = [...batches, ...batches.filter(() => random(2) === 0)];
      for (let i = sent.length - 1; permutation > 0 && i > 0; i -= 1) {
        const j = random(i + 1);
        [sent[i], sent[j]] = [sent[j] as (typeof sent)[0], sent[i] as (typeof sent)[0]];
      }
      await withStore(context, async ({ store }) => {
        for (const one of sent) await store.ingestBatch(one, INGESTED_AT);
        const seen = await state(store);
        expect(seen.readings).toHaveLength(3 * 40 - 14);
        states.push(JSON.stringify(seen, (_key, value) => (typeof value === 'bigint' ? `${value}` : value)));
      });
    }
    expect(new Set(states).size).toBe(1);
  });

  test('a batch that fails half way leaves nothing', (context) =>
    withStore(context, async ({ store, sql }) => {
      await sql(fault.set);
      const [first] = slotBatches({ meters: 3, slots: 1 });
      await expect(store.ingestBatch(first ?? batch([]), INGESTED_AT)).rejects.toThrow('injected');
      expect(await store.lastReadings()).toEqual([]);
      expect(await store.dirtyDays()).toEqual([]);
      await sql(fault.clear);
      expect((await store.ingestBatch(first ?? batch([]), INGESTED_AT)).stored).toBe(3);
    }));
});
