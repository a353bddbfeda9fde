/** What the server itself enforces, and what is asked of a server before anything is acknowledged. */
import { readFileSync } from 'node:fs';
import { afterAll, beforeEach, expect, test } from 'vitest';
import { requirePeer } from '../../../process/peers.ts';
import { startAuthority } from '../../test-authority.ts';
import { batch, INGESTED_AT, instantText, reading, START_MS } from '../contract-fixtures.ts';
import type { Store } from '../store.ts';
import { migrations } from './migrations.ts';
import type { PostgresPlace } from './open-database.ts';
import { openStore } from './open-store.ts';
import { postgresProgram, startTestServer, type TestServer } from './test-server.ts';

let server: TestServer;
let place: PostgresPlace;
let store: Store;
beforeEach(async (context) => {
  requirePeer(context, postgresProgram());
  server ??= await startTestServer();
  place ??= await server.createDatabase();
  store ??= await openStore(place);
  await server.empty(place);
});
afterAll(async () => {
  await store?.close();
  await server?.close();
});

const everything = { meter: 'E-A-101', register: '1-0:1.8.0', fromMs: 0, toMs: Date.UTC(2100, 0) };
const SETTINGS = `INSERT INTO reading (instant, value, sequence, hour, meter, register, unit, source, gateway, epoch)
  SELECT instant, value, sequence, hour, meter, register, unit, source, gateway, epoch FROM (VALUES`;
const at = Date.UTC(2026, 9, 5);
const row = (instant: number, sequence: number) =>
  `(${instant}::bigint, 1::bigint, ${sequence}::bigint, ${Math.floor(instant / 3_600_000)}, 'E-A-101', '1-0:1.8.0', 'kWh', 'poll', 'gw-a', '00000000000000aa')`;
const columns = 'AS r (instant, value, sequence, hour, meter, register, unit, source, gateway, epoch)';
const insert = (...rows: string[]): Promise<unknown> =>
  server.query(place, `${SETTINGS} ${rows.join(', ')}) ${columns}`);
const count = async (table: string): Promise<number> =>
  Number((await server.query(place, `SELECT count(*) AS n FROM ${table}`))[0]?.n);

test('the key of a reading is one across months: another instant under it is refused by the database, and quarantined by ingest', async () => {
  await store.ingestBatch(batch([reading({ readAt: '2026-09-01T00:15:00Z' })]), INGESTED_AT);
  const moved = batch([reading({ readAt: '2026-10-01T00:15:00Z' })]);
  expect((await store.ingestBatch(moved, INGESTED_AT)).quarantined).toBe(1);
  expect((await store.quarantined(9)).map(({ code }) => code)).toEqual(['conflict']);
  // Past ingest as well, into the table or straight into a month.
  await expect(insert(row(at, 1))).rejects.toThrow(/item_key_pkey/);
  const part = `${SETTINGS.replace('INTO reading', 'INTO reading_2026_10')} ${row(at, 1)}) ${columns}`;
  await expect(server.query(place, part)).rejects.toThrow(/item_key_pkey/);
  expect(await count('reading')).toBe(1);
  expect(await count('item_key')).toBe(1);
});

test('of twenty who send the same key with twenty instants at once, one is stored and nineteen are conflicts', async () => {
  const sent = Array.from({ length: 20 }, (_, month) =>
    batch([reading({ readAt: instantText(Date.UTC(2025, month, 3)), value: `${month}` })]),
  );
  const results = await Promise.all(sent.map((one) => store.ingestBatch(one, INGESTED_AT)));
  expect(results.filter(({ stored }) => stored === 1)).toHaveLength(1);
  expect(results.filter(({ quarantined }) => quarantined === 1)).toHaveLength(19);
  expect(await count('reading')).toBe(1);
});

test('twenty who send the same batches at once, split in other ways, store each reading once', async () => {
  const items = Array.from({ length: 60 }, (_, i) =>
    reading({ meter: `E-${i % 7}`, readAt: instantText(START_MS + i * 900_000), value: `${i}` }),
  );
  const sent = Array.from({ length: 20 }, (_, n) => {
    const size = 1 + (n % 9);
    return Array.from({ length: Math.ceil(60 / size) }, (__, i) =>
      batch(items.slice(i * size, (i + 1) * size), { from: 1 + i * size }),
    );
  }).flat();
  const results = await Promise.all(sent.map((one) => store.ingestBatch(one, INGESTED_AT)));
  expect(results.reduce((sum, { stored }) => sum + stored, 0)).toBe(60);
  expect(results.reduce((sum, { quarantined }) => sum + quarantined, 0)).toBe(0);
  expect(await count('reading')).toBe(60);
});

test('a reading goes to the month of its instant, and to no other: there is no partition for the rest', async () => {
  await store.ingestBatch(
    batch([reading({ readAt: '2026-08-31T23:59:59.999Z' }), reading({ readAt: '2026-09-01T00:00:00Z' })]),
    INGESTED_AT,
  );
  const rows = await server.query(
    place,
    'SELECT tableoid::regclass::text AS part FROM reading ORDER BY instant',
  );
  expect(rows.map(({ part }) => part)).toEqual(['reading_2026_08', 'reading_2026_09']);
  await expect(insert(row(Date.UTC(2019, 4), 9))).rejects.toThrow(/no partition/);
  // An hour that is not that of the instant would hide a second reading of the register from the key.
  const astray = row(at, 9).replace(`${Math.floor(at / 3_600_000)}`, `${Math.floor(at / 3_600_000) + 1}`);
  await expect(insert(astray)).rejects.toThrow(/check/);
});

test.each(['reading', 'reading_2026_09', 'item_key', 'reading_hour', 'audit', 'park', 'evidence'])(
  'no row of %s is changed, removed or taken away with all the others',
  async (table) => {
    await store.ingestBatch(batch([reading()]), INGESTED_AT);
    await store.addAudit({ at: INGESTED_AT, actor: 'a', address: 'b', action: 'c', outcome: 'd' });
    await store.putPark({ digest: 'd', importedAt: INGESTED_AT, document: '{}' });
    if ((await count(table)) > 0) {
      await expect(server.query(place, `DELETE FROM ${table}`)).rejects.toThrow(/never removed/);
      const [first] = await server.query(
        place,
        `SELECT attname FROM pg_attribute WHERE attrelid = '${table}'::regclass AND attnum > 0 AND attidentity = '' LIMIT 1`,
      );
      const update = `UPDATE ${table} SET ${first?.attname} = ${first?.attname}`;
      await expect(server.query(place, update)).rejects.toThrow(/never changed/);
    }
    await expect(server.query(place, `TRUNCATE ${table}`)).rejects.toThrow(/never removed/);
  },
);

test('a payload with a character that the server does not take is kept with another in its place', async () => {
  await store.quarantine({
    gateway: null,
    topic: 'a\0b',
    code: 'c',
    detail: '',
    payload: 'x\0',
    at: INGESTED_AT,
  });
  expect(await store.quarantined(1)).toMatchObject([{ topic: 'a\u2400b', payload: 'x\u2400' }]);
});

test('commits go to the disk whatever the role says, and a server that does not flush is refused', async () => {
  await server.query(place, 'ALTER ROLE meterline SET synchronous_commit = off');
  const again = await openStore(place);
  await again.ingestBatch(batch([reading()]), INGESTED_AT);
  expect(await again.readings(everything)).toHaveLength(1);
  await again.close();
  const careless = await startTestServer({ settings: { fsync: 'off' } });
  try {
    await expect(openStore(await careless.createDatabase())).rejects.toMatchObject({
      code: 'store_not_durable',
    });
  } finally {
    await careless.close();
  }
});

test('a database of a newer Meterline, and one whose migration is another, are refused', async () => {
  const other = await server.createDatabase();
  await (await openStore(other)).close();
  await server.query(other, `UPDATE migration SET digest = 'x' WHERE number = 2`);
  await expect(openStore(other)).rejects.toMatchObject({ code: 'store_changed' });
  await server.query(other, `UPDATE migration SET digest = '${migrations()[1]?.digest}' WHERE number = 2`);
  await server.query(other, `INSERT INTO migration (number, name, digest) VALUES (9999, 'later', 'y')`);
  await expect(openStore(other)).rejects.toMatchObject({ code: 'store_too_new' });
});

test('eight who open an empty database at once find it made once', async () => {
  const fresh = await server.createDatabase();
  const stores = await Promise.all(Array.from({ length: 8 }, () => openStore(fresh)));
  const rows = await server.query(fresh, 'SELECT number FROM migration ORDER BY number');
  expect(rows).toHaveLength(migrations().length);
  for (const one of stores) await one.close();
});

test('of two services one does the work of a scope; when its connection is gone the other does', async () => {
  const other = await openStore(place);
  const [begun, work] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const running = store.alone('nightly', () => {
    begun.resolve();
    return work.promise;
  });
  await begun.promise;
  expect(await other.alone('nightly', async () => 'too')).toBeNull();
  await server.query(
    place,
    `SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND pid <> pg_backend_pid()`,
  );
  await expect.poll(() => other.alone('nightly', async () => 'mine now')).toEqual({ result: 'mine now' });
  work.resolve();
  await running;
  await other.close();
});

test('a wrong password and a database that is not there are told at once; a server that starts again is waited for', async () => {
  await expect(openStore({ ...place, password: 'wrong' })).rejects.toMatchObject({ code: '28P01' });
  await expect(openStore({ ...place, database: 'none' })).rejects.toMatchObject({ code: '3D000' });
  await server.kill('SIGQUIT');
  const sent = async (): Promise<number> => (await store.ingestBatch(batch([reading()]), INGESTED_AT)).stored;
  const waiting = sent().catch(() => sent());
  await server.start();
  expect(await waiting).toBe(1);
});

test('with tls the server has to prove its name, to an authority that we know', async () => {
  const [own, other] = await Promise.all([startAuthority(), startAuthority()]);
  const [cert, key] = [own.brokerTls.cert, own.brokerTls.key].map((file) => readFileSync(file, 'utf8'));
  const secured = await startTestServer({ tls: { cert: cert ?? '', key: key ?? '' } });
  try {
    const there = await secured.createDatabase();
    const trusted = { ca: own.authority.trusted() };
    const opened = await openStore({ ...there, tls: trusted });
    const [seen] = await secured.query(
      there,
      "SELECT bool_and(ssl) AS ssl FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) WHERE application_name = 'meterline'",
    );
    expect(seen).toEqual({ ssl: true });
    await opened.close();
    await expect(openStore({ ...there, tls: { ca: other.authority.trusted() } })).rejects.toThrow(
      /certificate/,
    );
    await expect(openStore({ ...place, tls: trusted })).rejects.toThrow(/SSL/);
  } finally {
    await secured.close();
    own.remove();
    other.remove();
  }
});
