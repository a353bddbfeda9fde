import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, type TestContext, test } from 'vitest';
import { requirePeer } from '../../../process/peers.ts';
import { formatMicro } from '../../../protocols/units.ts';
import { batch, INGESTED_AT, reading, START_MS, slotBatches } from '../contract-fixtures.ts';
import { openStore, type Store } from '../store.ts';
import {
  type CurvePeer,
  missingDocker,
  startInfluxDb2,
  startInfluxd,
  startVictoriaMetrics,
} from './curve-servers.ts';
import { startExporter } from './export-readings.ts';

const HOUR_MS = 3_600_000;
const pace = { idle: 20, retryFirst: 20, retryMost: 200 };
const clock = { nowMs: () => START_MS };

const cleanups: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

async function openedStore(): Promise<Store> {
  const directory = mkdtempSync(join(tmpdir(), 'meterline-export-'));
  cleanups.push(() => rmSync(directory, { recursive: true }));
  const store = await openStore({ file: join(directory, 'store.db') });
  cleanups.push(() => store.close());
  return store;
}

/** Three hours of 6,000 readings: two requests an hour. */
async function filledStore(): Promise<Store> {
  const store = await openedStore();
  for (const one of slotBatches({ meters: 1500, slots: 12 })) await store.ingestBatch(one, INGESTED_AT);
  return store;
}

/** What the curve store must show of three hours. */
async function expectedRows(store: Store): Promise<string[]> {
  const rows: string[] = [];
  for (let hour = START_MS / HOUR_MS; hour < START_MS / HOUR_MS + 3; hour += 1) {
    const readings = await store.hourReadings({ hour, after: null, limit: 1_000_000 });
    rows.push(...readings.map((r) => `${r.meter} ${r.atMs} ${formatMicro(r.value ?? 0n)}`));
  }
  return rows.sort();
}

/** An exporter whose doings can be awaited: each cleared hour, each fault; `onPage` runs before a page is handed out. */
function exporting(store: Store, peer: CurvePeer, onPage: (page: number) => Promise<void> | void = () => {}) {
  const waiting: { enough: () => boolean; resolve: () => void }[] = [];
  const seen = { cleared: 0, faults: [] as string[], pages: 0 };
  const settle = (): void => {
    for (const { enough, resolve } of waiting) if (enough()) resolve();
  };
  const exporter = startExporter({
    store: {
      exportDirtyHours: store.exportDirtyHours,
      async hourReadings(query) {
        seen.pages += 1;
        await onPage(seen.pages);
        return store.hourReadings(query);
      },
      async clearExportDirty(mark) {
        const answer = await store.clearExportDirty(mark);
        if (answer.cleared) seen.cleared += 1;
        settle();
        return answer;
      },
    },
    influx: peer.target,
    clock,
    log: {
      info: () => {},
      warn(_, message) {
        seen.faults.push(message);
        settle();
      },
    },
    pace,
  });
  cleanups.push(() => exporter.stop());
  const when = (enough: () => boolean) =>
    new Promise<void>((resolve) => {
      waiting.push({ enough, resolve });
      settle();
    });
  return { exporter, seen, when };
}

async function started(start: () => Promise<CurvePeer>): Promise<CurvePeer> {
  const peer = await start();
  cleanups.push(() => peer.remove());
  return peer;
}

const peers = [
  {
    name: 'InfluxDB 1.6 by /write',
    require: (context: TestContext) => requirePeer(context, '/usr/bin/influxd'),
    start: startInfluxd,
    durable: true,
  },
  {
    name: 'VictoriaMetrics by /api/v2/write',
    require: (context: TestContext) => requirePeer(context, '/usr/bin/victoria-metrics'),
    start: startVictoriaMetrics,
    durable: false,
  },
  {
    // Machines without a Docker engine are legitimate: this is the one peer whose absence is never a failure.
    name: 'InfluxDB 2 by /api/v2/write (skipped where no Docker engine answers, even if peers are required)',
    async require(context: TestContext) {
      const missing = await missingDocker();
      if (missing !== null) context.skip(missing);
    },
    start: startInfluxDb2,
    durable: true,
  },
];

// A container's image may have to be fetched first.
describe.each(peers)('to $name', { timeout: 120_000 }, ({ require, start, durable }) => {
  test('every reading arrives as it is stored, and each hour is marked as exported', async (context) => {
    await require(context);
    const store = await filledStore();
    const peer = await started(start);
    const { exporter, seen, when } = exporting(store, peer);
    await when(() => seen.cleared === 3);
    expect(await peer.rows()).toEqual(await expectedRows(store));
    expect(exporter.status()).toEqual({
      points: 18_000,
      hours: 3,
      refusedHours: 0,
      failures: 0,
      lastExportMs: START_MS,
    });
    expect(await store.exportDirtyHours({ afterHour: 0, limit: 9 })).toEqual([]);
  });

  test('kill -9 of the server in the middle of an hour: the export resumes where it was not confirmed', async (context) => {
    await require(context);
    const store = await filledStore();
    const peer = await started(start);
    // Page 4 is the second half of the second hour: its first half is written by then.
    const { exporter, seen, when } = exporting(store, peer, (page) => (page === 4 ? peer.kill() : undefined));
    await when(() => exporter.status().failures >= 2);
    expect(seen.cleared, 'no hour counts as exported without the server').toBe(1);
    await peer.restart();
    await when(() => seen.cleared === 3);
    expect(exporter.status().failures).toBe(0);
    if (!durable) {
      // This server forgets what it acknowledged; the store does not.
      await store.exportAgain({ fromMs: START_MS, toMs: START_MS + HOUR_MS });
      await when(() => seen.cleared === 4);
    }
    expect(await peer.rows()).toEqual(await expectedRows(store));
  });
});

describe('to InfluxDB 1.6 by /write', () => {
  const program = '/usr/bin/influxd';

  test('an exporter that ends in the middle of an hour leaves its mark, and the next one writes it whole', async (context) => {
    requirePeer(context, program);
    const store = await filledStore();
    const peer = await started(startInfluxd);
    const { promise: stopped, resolve } = Promise.withResolvers<void>();
    const first = exporting(store, peer, (page) => {
      if (page === 1) first.exporter.stop().then(resolve);
    });
    await stopped;
    expect(await store.exportDirtyHours({ afterHour: 0, limit: 9 })).toHaveLength(3);
    const { seen, when } = exporting(store, peer);
    await when(() => seen.cleared === 3);
    expect(await peer.rows()).toEqual(await expectedRows(store));
  });

  test('readings that arrive while their hour is written keep its mark until they are written too', async (context) => {
    requirePeer(context, program);
    const store = await filledStore();
    const peer = await started(startInfluxd);
    const late = batch([reading({ meter: 'A-late', readAt: '2026-09-01T00:30:00Z' })], { from: 90_001 });
    const { seen, when } = exporting(store, peer, async (page) => {
      // The first page, where the late reading belongs, is written by now.
      if (page === 2) await store.ingestBatch(late, INGESTED_AT);
    });
    await when(() => seen.cleared === 3);
    expect(seen.pages).toBe(3 * 2 + 2);
    expect(await peer.rows()).toEqual(await expectedRows(store));
  });

  test('an hour that the server refuses as data holds up no other, and is named once', async (context) => {
    requirePeer(context, program);
    const store = await openedStore();
    const peer = await started(startInfluxd);
    // In the week of the first reading the field is an integer: its text is refused there with 400.
    await fetch(`${peer.url}${peer.target.path}`, { method: 'POST', body: `reading exact=1i ${START_MS}` });
    const readings = [reading({ meter: 'E-1' }), reading({ meter: 'E-1', readAt: '2026-09-20T00:00:00Z' })];
    await store.ingestBatch(batch(readings), INGESTED_AT);
    const { exporter, seen, when } = exporting(store, peer);
    await when(() => seen.cleared === 1);
    expect(await store.exportDirtyHours({ afterHour: 0, limit: 9 })).toHaveLength(1);
    expect(exporter.status()).toMatchObject({ refusedHours: 1, failures: 0, hours: 1 });
    await store.ingestBatch(batch([reading({ readAt: '2026-09-21T00:00:00Z' })], { from: 3 }), INGESTED_AT);
    await when(() => seen.cleared === 2);
    expect(seen.faults).toEqual(['the curve store refuses the readings of this hour']);
  });

  test('a database that is not there is a fault, not an export', async (context) => {
    requirePeer(context, program);
    const store = await filledStore();
    const peer = await started(startInfluxd);
    peer.target.path = '/write?db=elsewhere&precision=ms';
    const { exporter, seen, when } = exporting(store, peer);
    await when(() => seen.faults.length >= 2);
    await exporter.stop();
    expect(seen.cleared).toBe(0);
  });

  test('a reading without a value is exported by its code', async (context) => {
    requirePeer(context, program);
    const store = await openedStore();
    const peer = await started(startInfluxd);
    await store.ingestBatch(batch([reading({ value: null, code: 'illegal_digit' })]), INGESTED_AT);
    const { seen, when } = exporting(store, peer);
    await when(() => seen.cleared === 1);
    const query = encodeURIComponent('SELECT "code", "meter", "register", "unit" FROM "reading"');
    const answer = await fetch(`${peer.url}/query?db=meterline&epoch=ms&q=${query}`);
    expect(JSON.stringify(await answer.json())).toContain(
      `[${START_MS + 900_000},"illegal_digit","E-A-101","1-0:1.8.0","kWh"]`,
    );
  });
});
