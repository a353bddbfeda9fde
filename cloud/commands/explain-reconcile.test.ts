import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterAll, beforeAll, beforeEach, expect, test, vi } from 'vitest';
import { recordSigningKey, rotateIssuerKey } from '../issuer-keys.ts';
import { closePeriod } from '../jobs/close-period.ts';
import { ingestHours, twoMonthPark } from '../jobs/fixture-month.ts';
import { openSigningKey } from '../signing.ts';
import { openStore } from '../store/store.ts';
import { run as explain } from './explain.ts';
import { run as reconcile } from './reconcile.ts';
import { run as verify } from './verify.ts';

let data: string;
const printed: string[] = [];
beforeAll(async () => {
  data = mkdtempSync(join(tmpdir(), 'meterline-explain-'));
  const store = await openStore({ file: join(data, 'meterline.db') });
  const parkDigest = 'a'.repeat(64);
  await store.putPark({
    digest: parkDigest,
    importedAt: '2026-09-01T00:00:00Z',
    document: JSON.stringify(twoMonthPark),
  });
  await ingestHours(store, '2026-11-01T00:00');
  const first = openSigningKey(data).publicKey;
  await recordSigningKey(store, openSigningKey(data), '2026-09-01T00:00:00Z');
  for (const [period, issuedAt] of [
    ['2026-09', '2026-10-01T02:00:00Z'],
    ['2026-10', '2026-11-01T02:00:00Z'],
  ] as const) {
    const closed = await closePeriod({
      ...{ store, park: twoMonthPark, parkDigest, period, issuedAt },
      ...{ acceptEstimates: null, signingKey: openSigningKey(data), intervalMinutes: 60 },
    });
    if (!closed.ok) throw new Error(closed.detail);
    if (period === '2026-09') await rotateIssuerKey(store, data, '2026-10-15T00:00:00Z');
  }
  for (const id of ['2026-09.L2', '2026-10.L2', '2026-10.L3'])
    writeFileSync(join(data, `${id}.json`), (await store.statement(id))?.json ?? '');
  writeFileSync(
    join(data, 'keys.json'),
    JSON.stringify({ issuer: 'i', park: 'p', keys: await store.issuerKeys() }),
  );
  const digests = (await store.statementChain()).map(({ digest }) => digest);
  writeFileSync(join(data, 'chain.json'), JSON.stringify({ digests }));
  writeFileSync(join(data, 'first-key'), first);
  await store.close();
}, 60_000);
afterAll(() => rmSync(data, { recursive: true }));
beforeEach(() => {
  printed.length = 0;
  vi.spyOn(console, 'log').mockImplementation((line: string) => void printed.push(line));
  vi.spyOn(console, 'error').mockImplementation((line: string) => void printed.push(line));
});
const json = () => JSON.parse(printed[0] ?? '');
const file = (name: string): string => join(data, name);

test('a charge is explained down to its registers and its postings', async () => {
  const key = 'L2|electricity|energy-peak|lift|2026-09|0';
  expect(await explain([key, '--data', data, '--json'])).toBe(0);
  expect(json()).toMatchObject({
    charge: { key, kind: 'charge' },
    statement: { id: '2026-09.L2' },
    line: { pool: 'lift' },
    registers: [{ meter: 'E-lift', opening: '99999950' }],
    entry: {
      postings: [
        { account: 'lease:L2' },
        { account: 'clearing:electricity:energy-peak' },
        { account: 'tax' },
      ],
    },
    manifest: { period: '2026-09', park: { digest: 'a'.repeat(64) } },
  });
  expect(await explain(['landlord|water|sewage|remainder|2026-09|0', '--data', data])).toBe(0);
  expect(await explain(['nothing', '--data', data])).toBe(1);
});

test('the supplier’s bill agrees in money, component by component; quantities that do not fit fail it', async () => {
  expect(await reconcile(['--period', '2026-09', '--data', data, '--json'])).toBe(1);
  const { utilities } = json();
  expect(utilities[0].components[0]).toMatchObject({
    component: 'energy-peak',
    billed: '4659.50',
    difference: '0.00',
    quantityDifference: 'unexplained',
  });
  expect(await reconcile(['--period', '2026-08', '--data', data, '--json'])).toBe(1);
  expect(await reconcile(['--period', '2026-09'])).toBe(2);
});

test('statements of a retired and a new key verify by the first key and the vouchers, and as one chain', async () => {
  const files = ['2026-09.L2.json', '2026-10.L2.json', '2026-10.L3.json'].map(file);
  const first = readFileSync(file('first-key'), 'utf8');
  expect(await verify([...files, '--key', first])).toBe(1);
  expect(await verify([...files, '--key', first, '--keys', file('keys.json')])).toBe(0);
  printed.length = 0;
  expect(await verify([...files, '--chain', file('chain.json')])).toBe(0);
  expect(printed.at(-1)).toBe('these 3 statements were issued on top of one another');
});

test('a store is verified against its seals, and an edited row is named', async () => {
  expect(await verify(['--store', data, '--json'])).toBe(0);
  expect(json()).toMatchObject({ ok: true, runs: 2, findings: [], books: { agrees: true } });
  const db = new DatabaseSync(join(data, 'meterline.db'));
  db.exec(
    "DROP TRIGGER charge_no_update; UPDATE charge SET quantity = '1' WHERE key = 'L3|water|supply|own|2026-10|0'",
  );
  db.close();
  printed.length = 0;
  expect(await verify(['--store', data])).toBe(1);
  expect(printed[0]).toBe('charge L3|water|supply|own|2026-10|0: it is not what was sealed');
});
