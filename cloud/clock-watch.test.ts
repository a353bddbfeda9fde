import pino from 'pino';
import { expect, test } from 'vitest';
import { watchClock } from './clock-watch.ts';
import { batch, reading } from './store/contract-fixtures.ts';
import { openStore } from './store/store.ts';

const HOUR_MS = 3_600_000;
const START_MS = Date.UTC(2026, 8, 1);

test('a clock that is put right releases what came meanwhile, with a row in the audit trail; time that passes releases nothing', async () => {
  const store = await openStore({ file: ':memory:' });
  let wallMs = START_MS;
  let steadyMs = 5;
  const pass = (ms: number, stepMs = 0): void => {
    steadyMs += ms;
    wallMs += ms + stepMs;
  };
  const log = pino({ level: 'silent' });
  const look = watchClock({ store, clock: { nowMs: () => wallMs }, steadyMs: () => steadyMs, log });
  const ahead = [reading({ readAt: '2026-09-01T01:00:00Z' }), reading({ readAt: '2026-09-01T02:30:00Z' })];
  await store.ingestBatch(batch(ahead), '2026-09-01T00:00:30Z');
  pass(3 * HOUR_MS);
  expect(await look(), 'hours later the stamps are past: that proves nothing').toBe(0);
  pass(1000, HOUR_MS);
  expect(await look()).toBe(1);
  expect(await look()).toBe(0);
  expect((await store.auditTrail(9)).map(({ actor, outcome }) => [actor, outcome])).toEqual([
    ['clock', '1 stored'],
  ]);
  pass(1000, -HOUR_MS);
  expect(await look(), 'a step back').toBe(0);
  pass(1000, 30_000);
  expect(await look(), 'a clock that is slewed').toBe(0);
  expect(await store.quarantineCount()).toBe(1);
  await store.close();
});
