/** A month with declared sharing rules, from stored readings to statements that verify, and what it would cost otherwise. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Park } from '../../protocols/park.ts';
import type { Statement } from '../../protocols/statement.ts';
import { samplePark } from '../billing/sample-park.ts';
import { verifyStatement } from '../billing/verify-statement.ts';
import { checkPark } from '../check-park.ts';
import { openSigningKey } from '../signing.ts';
import { openStore, type Store } from '../store/store.ts';
import { type ClosePeriod, closePeriod } from './close-period.ts';
import { hourlyPoints } from './fixture-month.ts';
import { gatewayInto } from './fixture-site.ts';
import { whatIfPark } from './what-if-park.ts';

const rule = { id: 'R1', text: 'lifts', from: '2026-01-01', to: '2026-09-16' };
/** The lifts' rule changes in mid-month, and passes a part on to the corridor. */
const park: Park = {
  ...samplePark,
  rules: [
    { ...rule, version: 1, method: { kind: 'weights', weight: '面积 * 天数', factor: '0.8' } },
    {
      ...rule,
      version: 2,
      from: '2026-09-16',
      to: null,
      method: { kind: 'weights', weight: 'max(本户用量, 1 kWh)' },
      pools: [{ pool: 'light-a', weight: '20 kWh' }],
    },
  ],
};
const intervalMinutes = 60;

let store: Store;
let dir: string;
beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), 'meterline-rules-'));
  store = await openStore({ file: ':memory:' });
  const send = gatewayInto(store);
  for (const meter of park.meters) await send(meter, hourlyPoints(park, meter));
});
afterAll(async () => {
  await store.close();
  rmSync(dir, { recursive: true });
});

const options = (): ClosePeriod => ({
  store,
  park,
  parkDigest: 'a'.repeat(64),
  period: '2026-09',
  issuedAt: '2026-10-01T00:30:00Z',
  acceptEstimates: null,
  signingKey: openSigningKey(dir),
  intervalMinutes,
});

test('statements show the registers at the change of the rule, and verify from their bytes', async () => {
  expect(checkPark(park)).toEqual([]);
  const closed = await closePeriod(options());
  if (!closed.ok) throw new Error(`${closed.code}: ${closed.detail}`);
  expect(closed.run.utilities.every(({ conserved }) => conserved)).toBe(true);
  const statements: Statement[] = [];
  for (const { id } of await store.statements({ period: '2026-09' })) {
    const json = (await store.statement(id))?.json ?? '';
    const verified = await verifyStatement(new TextEncoder().encode(json));
    expect(verified.ok ? [] : verified.findings).toEqual([]);
    statements.push(JSON.parse(json));
  }
  const corridor = statements.flatMap(({ lines }) => lines.filter(({ pool }) => pool === 'light-a'));
  const ways = corridor.flatMap(({ basis }) =>
    basis.kind === 'rule'
      ? basis.streams.map(({ path }) => path.map((hop) => `${hop.pool} v${hop.version}`))
      : [],
  );
  expect(ways).toContainEqual(['lift v2', 'light-a v1']);
  const spans = statements.flatMap(({ registers }) => registers.filter(({ meter }) => meter === 'E-lift'));
  expect(new Set(spans.map(({ from }) => from))).toContain('2026-09-15T16:00:00Z');
});

test('a changed byte anywhere in a statement with rules is found', async () => {
  await closePeriod(options());
  const [first] = await store.statements({ period: '2026-09' });
  const bytes = new TextEncoder().encode((await store.statement(first?.id ?? ''))?.json ?? '');
  const missed: number[] = [];
  // A prime step: every place in a part is met somewhere.
  for (let at = 0; at < bytes.length; at += 61) {
    const changed = bytes.slice();
    changed[at] = (changed[at] ?? 0) ^ 1;
    if ((await verifyStatement(changed)).ok) missed.push(at);
  }
  expect(bytes.length).toBeGreaterThan(10_000);
  expect(missed).toEqual([]);
});

test('the same month by another document: differences of every lease, nothing stored', async () => {
  const before = await store.billingRun('2026-09');
  const compared = await whatIfPark(store, { period: '2026-09', current: park, other: samplePark });
  if (!compared.ok) throw new Error(`${compared.code}: ${compared.detail}`);
  const sum = [compared.landlord, ...compared.leases].reduce(
    (total, { difference }) => total + difference,
    0n,
  );
  expect([sum, compared.bills]).toEqual([0n, 0n]);
  expect(compared.leases.some(({ difference }) => difference !== 0n)).toBe(true);
  expect(await store.billingRun('2026-09')).toEqual(before);
});
