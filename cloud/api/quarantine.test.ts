import { afterEach, beforeEach, expect, test } from 'vitest';
import type { QuarantineEntry } from '../../protocols/api.ts';
import { batch, reading } from '../store/contract-fixtures.ts';
import { type Fixture, startFixture } from './fixture-server.ts';

let fixture: Fixture;
beforeEach(async () => {
  fixture = await startFixture();
  // The clock of the fixture stands at 2026-09-15T10:07Z.
  const items = [
    reading({ readAt: '2026-09-15T10:00:00Z' }),
    reading({ readAt: '2026-09-16T00:00:00Z' }),
    reading({ value: '1.0000001' }),
  ];
  await fixture.store.ingestBatch(batch(items), '2026-09-15T09:00:00Z');
});
afterEach(() => fixture.close());

const entries = async (query = ''): Promise<QuarantineEntry[]> =>
  (await fixture.get(`/api/v1/quarantine${query}`)).json().items;
const act = (sequence: number, action: string, body: unknown = {}) =>
  entries().then((all) => {
    const entry = all.find(({ item }) => item?.sequence === sequence);
    return fixture.post(`/api/v1/quarantine/${entry?.id}/${action}`, body);
  });

test('entries are listed with what they are, why, and what became of them, and paged', async () => {
  expect(await entries('?gateway=gw-a&code=future_timestamp')).toMatchObject([
    { item: { epoch: '00000000000000aa', sequence: 2 }, state: 'held', closed: null },
    { item: { sequence: 1 }, at: '2026-09-15T09:00:00Z' },
  ]);
  const first = (await fixture.get('/api/v1/quarantine?limit=2')).json();
  const second = (await fixture.get(`/api/v1/quarantine?limit=2&cursor=${first.next}`)).json();
  expect([...first.items, ...second.items].map(({ item }) => item.sequence)).toEqual([3, 2, 1]);
  expect(second.next).toBe(null);
  expect((await fixture.get('/api/v1/quarantine/counts')).json()).toEqual({ held: 3, dropped: [] });
});

test('an operator releases what is due, once; what still fails the checks stays; both are in the audit trail', async () => {
  expect((await act(1, 'release')).json()).toEqual({ outcome: 'stored' });
  expect((await act(1, 'release')).json()).toMatchObject({ status: 409, code: 'already_closed' });
  expect((await act(2, 'release')).json()).toMatchObject({ status: 409, code: 'not_releasable' });
  expect((await act(3, 'release')).json().detail).toMatch(/^out_of_scale: /);
  expect(await fixture.store.lastReadings()).toHaveLength(1);
  expect((await entries('?state=released'))[0]?.closed).toMatchObject({ by: 'key:environment' });
  const trail = await fixture.store.auditTrail(9);
  expect(trail.map(({ action, outcome }) => `${action} ${outcome}`)).toContain(
    'POST /api/v1/quarantine/1/release 200',
  );
});

test('a dismissal takes a reason, once', async () => {
  expect((await act(3, 'dismiss', {})).json()).toMatchObject({ status: 400 });
  expect((await act(3, 'dismiss', { reason: ' ' })).json()).toMatchObject({ status: 400 });
  expect((await act(3, 'dismiss', { reason: 'wrong scale' })).statusCode).toBe(200);
  expect((await act(3, 'dismiss', { reason: 'again' })).json()).toMatchObject({ code: 'already_closed' });
  expect((await entries('?state=dismissed'))[0]?.closed?.reason).toBe('wrong scale');
  expect((await fixture.get('/api/v1/quarantine/counts')).json().held).toBe(2);
});

test.each(['release', 'dismiss'])('%s of what is not there is refused by name', async (action) => {
  const reply = await fixture.post(
    `/api/v1/quarantine/99/${action}`,
    action === 'dismiss' ? { reason: 'x' } : {},
  );
  expect(reply.json()).toMatchObject({ status: 404, code: 'unknown_entry' });
  const odd = await fixture.post(`/api/v1/quarantine/1e3/${action}`, {});
  expect(odd.statusCode).toBe(400);
});

test('a gateway is replaced: its meters are moved, and what the new one sent meanwhile is stored', async () => {
  const from = (gateway: string, value: string) =>
    fixture.store.ingestBatch(
      batch([reading({ meter: 'E-9', readAt: '2026-09-15T09:00:00Z', value })], { gateway, from: 8 }),
      '2026-09-15T10:00:00Z',
    );
  await from('gw-a', '1');
  expect((await from('gw-new', '1')).quarantined).toBe(1);
  expect((await fixture.get('/api/v1/gateways/gw-a/meters')).json()).toEqual({ meters: ['E-9'] });
  const moved = await fixture.post('/api/v1/gateways/gw-new/meters', { from: 'gw-a' });
  expect(moved.json()).toEqual({ moved: ['E-9'], released: 1 });
  expect((await fixture.get('/api/v1/gateways/gw-new/meters')).json()).toEqual({ meters: ['E-9'] });
  expect((await fixture.post('/api/v1/gateways/gw-new/meters', {})).statusCode).toBe(400);
});
