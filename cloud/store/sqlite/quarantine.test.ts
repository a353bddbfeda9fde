import { afterEach, beforeEach, expect, test } from 'vitest';
import { openDatabase } from './open-database.ts';
import { operations } from './quarantine.ts';

const DAY_MS = 86_400_000;
const NOW_MS = Date.UTC(2026, 8, 1);
const at = '2026-09-01T00:00:00Z';

let db: ReturnType<typeof openDatabase>;
let quarantine: ReturnType<typeof operations>;
beforeEach(() => {
  db = openDatabase(':memory:');
  quarantine = operations(db, { rows: 4, bytes: 1000, closedDays: 30 });
});
afterEach(() => db.close());

const message = (payload: string, gateway = 'gw-a') =>
  quarantine.quarantine({ gateway, topic: 't', code: 'not_json', detail: '', payload, at });
const item = (sequence: number, gateway = 'gw-a', payload = `${sequence}`) =>
  quarantine.quarantine(
    { gateway, topic: 't', code: 'conflict', detail: '', payload, at },
    { epoch: '00112233aabbccdd', sequence },
  );
const kept = () => quarantine.quarantineEntries({ limit: 99 }).map(({ payload }) => payload);
const idOf = (payload: string) =>
  quarantine.quarantineEntries({ limit: 99 }).find((entry) => entry.payload === payload)?.id ?? 0;
const dismiss = (payload: string) =>
  quarantine.dismissQuarantined({ id: idOf(payload), at, by: 'operator', reason: 'seen' });

test('room is made by what is closed, then by whole messages, each the oldest first, and what went is counted', () => {
  message('m1');
  message('m2');
  item(3);
  item(4);
  dismiss('4');
  item(5);
  expect(kept()).toEqual(['5', '3', 'm2', 'm1']);
  item(6);
  expect(kept()).toEqual(['6', '5', '3', 'm2']);
  item(7);
  expect(kept()).toEqual(['7', '6', '5', '3']);
  expect(quarantine.quarantineDropped()).toEqual([
    { gateway: 'gw-a', code: 'conflict', state: 'dismissed', count: 1, lastAt: at },
    { gateway: 'gw-a', code: 'not_json', state: 'held', count: 2, lastAt: at },
  ]);
  expect(quarantine.quarantineCount()).toBe(4);
});

test('an item that was receipted never goes by itself: a full quarantine takes no more of its gateway, all of the others', () => {
  for (let n = 1; n <= 4; n += 1) item(n);
  expect(() => item(5)).toThrow('the quarantine of "gw-a" is full');
  message('m');
  expect(kept()).toEqual(['4', '3', '2', '1']);
  expect(quarantine.quarantineDropped()).toMatchObject([{ code: 'not_json', state: 'held', count: 1 }]);
  item(1, 'gw-b');
  dismiss('2');
  item(5);
  expect(quarantine.quarantineCount()).toBe(5);
});

test('bytes are bounded as rows are', () => {
  message('x'.repeat(600));
  item(1, 'gw-a', 'é'.repeat(300));
  expect(kept()).toEqual(['é'.repeat(300)]);
  expect(() => item(2, 'gw-a', 'y'.repeat(401))).toThrow('full');
  item(2, 'gw-a', 'y'.repeat(400));
});

test('what was closed long ago is forgotten, what is held is not', () => {
  item(1);
  item(2);
  dismiss('1');
  expect(quarantine.forgetClosed(NOW_MS + 30 * DAY_MS)).toBe(0);
  expect(quarantine.forgetClosed(NOW_MS + 31 * DAY_MS)).toBe(1);
  expect(kept()).toEqual(['2']);
});
