import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Park } from '../protocols/park.ts';
import { importPark } from './import-park.ts';
import { deriveDirtyIntervals } from './jobs/derive-intervals.ts';
import { at, counting, gatewayInto, meter, park } from './jobs/fixture-site.ts';
import { openStore, type Store } from './store/store.ts';

const [E1, E2] = [meter('E-1', { gateway: 'gw-a' }), meter('E-2', { gateway: 'gw-a' })];
const site = park([E1, E2]);
const [start, end] = [at('2026-09-01T00:00'), at('2026-09-03T08:00')];
const exchange = {
  meter: 'E-1',
  at: '2026-09-02T04:07:00Z',
  finalOld: '15',
  initialNew: '15',
  newSerial: 'S-2',
  newDigits: 6,
  newMultiplier: '3',
};
const withE1 = (over: Partial<Park['meters'][number]>): Park => ({
  ...site,
  meters: [{ ...E1, ...over }, E2],
});

let store: Store;
let dir: string;
beforeEach(async () => {
  dir = mkdtempSync(join(tmpdir(), 'meterline-import-'));
  store = await openStore({ file: ':memory:' });
  await put(site);
  const send = gatewayInto(store);
  for (const one of site.meters)
    await send(
      one,
      counting(start, end, () => 100_000n),
    );
  await deriveDirtyIntervals({ store, park: site, intervalMinutes: 15 }, end);
  expect(await store.dirtyDays()).toEqual([]);
});
afterEach(async () => {
  await store.close();
  rmSync(dir, { recursive: true });
});

async function put(document: Park): Promise<void> {
  const file = join(dir, 'park.yaml');
  writeFileSync(file, JSON.stringify(document));
  const imported = await importPark(store, file, '2026-10-01T00:00:00Z');
  if (!imported.ok) throw new Error(imported.problems.join('; '));
}
const marked = async (): Promise<string[]> =>
  (await store.dirtyDays()).map(
    ({ meter: id, dayMs }) =>
      `${id} ${Temporal.Instant.fromEpochMilliseconds(dayMs).toString().slice(5, 10)}`,
  );

// The last reading, at 00:00Z of 3 September, is of both days.
const ofE1 = ['E-1 08-31', 'E-1 09-01', 'E-1 09-02', 'E-1 09-03'];
test.each<[string, Park, string[]]>([
  ['multiplier', withE1({ multiplier: '1.02' }), ofE1],
  ['digits', withE1({ digits: 5 }), ofE1],
  ['greatest count in an hour', withE1({ maxPerHour: '50' }), ofE1],
  ['register', withE1({ register: '1-0:2.8.0' }), ofE1],
  ['exchanges', { ...site, exchanges: [exchange] }, ofE1],
  [
    'time zone',
    { ...site, timeZone: 'Asia/Kolkata' },
    [...ofE1, ...ofE1.map((day) => day.replace('1', '2'))],
  ],
  ['name and place', withE1({ name: 'Renamed', floor: '3', room: '301' }), []],
])('a document with another %s marks the days of the meters it concerns', async (_, document, days) => {
  await put(document);
  expect(await marked()).toEqual(days);
});

test('the same document again marks nothing', async () => {
  await put({ ...site });
  expect(await marked()).toEqual([]);
});

test('a meter that was left out and comes back with other facts is marked', async () => {
  await put({ ...site, meters: [E2] });
  await put(withE1({ multiplier: '2' }));
  expect(await marked()).toEqual(ofE1);
});

test('intervals follow the facts in force', async () => {
  const edited = withE1({ multiplier: '1.02' });
  await put(edited);
  await deriveDirtyIntervals({ store, park: edited, intervalMinutes: 15 }, end);
  const rows = await store.intervals({ meters: ['E-1'], fromMs: start, toMs: end });
  expect(new Set(rows.map(({ quantity }) => quantity))).toEqual(new Set([102_000n]));
});
