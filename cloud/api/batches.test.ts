import { zstdCompressSync } from 'node:zlib';
import pino from 'pino';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Batch } from '../../protocols/uplink.ts';
import { batch, instantText, QUARTER_MS, reading, START_MS } from '../store/contract-fixtures.ts';
import { StoreError } from '../store/store-error.ts';
import { createIntake, type Intake, type IntakeOptions } from '../take-batch.ts';
import { type Fixture, nowMs, startFixture } from './fixture-server.ts';

const clock = { nowMs: () => nowMs };
const readings = (count: number) =>
  Array.from({ length: count }, (_, i) =>
    reading({ readAt: instantText(START_MS + i * QUARTER_MS), value: `${i}` }),
  );

let fixture: Fixture;
let intake: Intake;
let authorization: string;
let ingestBatch: IntakeOptions['store']['ingestBatch'];
beforeEach(async () => {
  ingestBatch = (...args) => fixture.store.ingestBatch(...args);
  const store = {
    ingestBatch: (...args: Parameters<typeof ingestBatch>) => ingestBatch(...args),
    quarantine: (...args: Parameters<IntakeOptions['store']['quarantine']>) =>
      fixture.store.quarantine(...args),
    batchFailed: (...args: Parameters<IntakeOptions['store']['batchFailed']>) =>
      fixture.store.batchFailed(...args),
    batchSettled: (key: string) => fixture.store.batchSettled(key),
  };
  intake = createIntake({ store, clock, log: pino({ level: 'silent' }) });
  fixture = await startFixture({ intake });
  authorization = `Bearer ${(await mint('gateway:gw-a')).json().secret}`;
});
afterEach(() => fixture.close());

const mint = (...scopes: string[]) => fixture.post('/api/v1/keys', { name: 'x', scopes });
const send = (payload: string | Buffer, headers: Record<string, string> = {}, gateway = 'gw-a') =>
  fixture.ask({
    method: 'POST',
    url: `/api/v1/gateways/${gateway}/batches`,
    headers: { authorization, 'content-type': 'application/json', ...headers },
    payload,
  });
const sendBatch = (one: unknown) => send(JSON.stringify(one));
const zstd = { 'content-type': 'application/zstd' };

test('the answer is the receipt, whether it came as JSON or packed, and the same again is a duplicate', async () => {
  const one = batch(readings(3));
  expect((await sendBatch(one)).json()).toEqual({
    ...{ gateway: 'gw-a', epoch: one.epoch, from: 1, to: 3 },
    ...{ stored: 3, duplicates: 0, quarantined: 0, at: '2026-09-15T10:07:00Z' },
  });
  const packed = await send(zstdCompressSync(JSON.stringify(one)), zstd);
  expect(packed.json()).toMatchObject({ stored: 0, duplicates: 3 });
  expect(await fixture.store.auditTrail(9), 'batches do not fill the audit trail').toHaveLength(1);
});

test('a bad item goes to quarantine, the rest is stored, all of it is receipted', async () => {
  const one = batch(readings(4)) as { items: object[] };
  one.items[1] = { ...one.items[1], value: 12.5 };
  one.items[2] = { ...one.items[2], value: '0.0000001' };
  expect((await sendBatch(one)).json()).toMatchObject({ stored: 2, quarantined: 2 });
  expect((await fixture.store.quarantined(9)).map(({ code }) => code).sort()).toEqual([
    'malformed_item',
    'out_of_scale',
  ]);
});

test('the same key with another value is quarantined, never overwritten', async () => {
  await sendBatch(batch(readings(1)));
  expect(
    (await sendBatch(batch([reading({ readAt: instantText(START_MS), value: '9' })]))).json(),
  ).toMatchObject({
    stored: 0,
    quarantined: 1,
  });
  expect((await fixture.store.lastReadings())[0]?.value).toBe(0n);
});

test('the key of a gateway opens its own batches and nothing else', async () => {
  const foreign = await send(JSON.stringify(batch(readings(1), { gateway: 'gw-b' })), {}, 'gw-b');
  expect(foreign.json()).toMatchObject({ status: 403, code: 'forbidden' });
  expect((await fixture.get('/api/v1/meters', { authorization })).statusCode).toBe(403);
  expect((await send('{}', { authorization: 'Bearer nobody' })).statusCode).toBe(401);
  expect((await mint('gateway:gw-a', 'admin')).statusCode).toBe(400);
  expect((await mint('gateway:')).statusCode).toBe(400);
});

test('a store that fails is followed by no receipt: 503, and stored when it is sent again', async () => {
  ingestBatch = () => Promise.reject(new StoreError('ingestBatch', 'disk full', 'ERR_SQLITE_ERROR'));
  const refused = await sendBatch(batch(readings(1)));
  expect(refused.json()).toMatchObject({ status: 503, code: 'not_stored' });
  expect(refused.headers['retry-after']).toBe('5');
  expect(intake.alarm()).toMatchObject({ detail: 'ingestBatch: disk full' });
  ingestBatch = (...args) => fixture.store.ingestBatch(...args);
  expect((await sendBatch(batch(readings(1)))).json()).toMatchObject({ stored: 1 });
});

describe('what is no batch is refused by name, stores nothing, and is counted', () => {
  const whole = (): Batch => batch(readings(2));
  const text = (change: (one: string) => string): string => change(JSON.stringify(whole()));
  const spoiled = (more: object): string => JSON.stringify({ ...whole(), ...more });
  test.each<[string, string | Buffer, number, string, Record<string, string>?]>([
    ['nothing', '', 400, 'invalid_json'],
    ['null', 'null', 422, 'not_a_batch'],
    ['{}', '{}', 422, 'not_a_batch'],
    ['a truncated document', text((one) => one.slice(0, 100)), 400, 'invalid_json'],
    ['invalid UTF-8', Buffer.from([0x7b, 0xff, 0x7d]), 400, 'invalid_json'],
    ['a byte order mark', text((one) => `\ufeff${one}`), 400, 'invalid_json'],
    [
      'a number that no double holds',
      text((one) => one.replace('"from":1', '"from":1e400')),
      400,
      'invalid_json',
    ],
    ['2^53+1', text((one) => one.replace('"to":2', '"to":9007199254740993')), 400, 'invalid_json'],
    ['NaN', text((one) => one.replace('"to":2', '"to":NaN')), 400, 'invalid_json'],
    ['-0', text((one) => one.replace('"from":1', '"from":-0')), 400, 'invalid_json'],
    ['a doubled key', text((one) => one.replace('{', '{"gateway":"gw-b",')), 400, 'invalid_json'],
    ['__proto__', text((one) => one.replace('{', '{"__proto__":{"gateway":"gw-a"},')), 400, 'invalid_json'],
    ['30,000 brackets', '['.repeat(30_000) + ']'.repeat(30_000), 400, 'invalid_json'],
    ['an unknown key', spoiled({ tenantId: 'L-01' }), 422, 'not_a_batch'],
    ['another range than its items', spoiled({ to: 5 }), 422, 'not_a_batch'],
    ['no items', spoiled({ items: [], from: 1, to: 1 }), 422, 'not_a_batch'],
    ['another gateway’s', JSON.stringify(batch(readings(1), { gateway: 'gw-b' })), 422, 'not_a_batch'],
    ['an epoch of another form', spoiled({ epoch: '../../etc' }), 422, 'not_a_batch'],
    [
      '10,001 items',
      JSON.stringify({ ...whole(), to: 10_001, items: Array(10_001).fill(0) }),
      422,
      'not_a_batch',
    ],
    [
      '100,001 items',
      JSON.stringify({ ...whole(), to: 100_001, items: Array(100_001).fill(0) }),
      422,
      'not_a_batch',
    ],
    ['over 1 MiB', ' '.repeat(1024 * 1024 + 1), 413, 'body_too_large'],
    ['a bomb of 64 MB', zstdCompressSync(Buffer.alloc(64 << 20)), 413, 'body_too_large', zstd],
    ['JSON called zstd', text((one) => one), 422, 'not_a_batch', zstd],
    ['zstd called JSON', zstdCompressSync('{}'), 400, 'invalid_json'],
    ['zstd cut off', zstdCompressSync(text((one) => one)).subarray(0, 50), 422, 'not_a_batch', zstd],
    ['packed JSON with a doubled key', zstdCompressSync('{"a":1,"a":2}'), 400, 'invalid_json', zstd],
    ['another media type', '{}', 415, 'unsupported_media_type', { 'content-type': 'text/plain' }],
    [
      'a tab in the media type',
      '{}',
      415,
      'unsupported_media_type',
      { 'content-type': 'application/json\ta' },
    ],
    [
      'gzip on a plain body',
      text((one) => one),
      415,
      'unsupported_media_type',
      { 'content-encoding': 'gzip' },
    ],
  ])('%s', async (_, payload, status, code, headers = {}) => {
    const reply = await send(payload, headers);
    expect(reply.json()).toMatchObject({ status, code });
    expect(await fixture.store.lastReadings()).toEqual([]);
    expect(intake.counters).toMatchObject({ malformed: 1, stored: 0 });
  });

  test('an id that is a path', async () => {
    expect((await send('{}', {}, '..%2fadmin')).statusCode).toBe(400);
  });

  test('zstd goes nowhere else', async () => {
    const reply = await fixture.post('/api/v1/keys', zstdCompressSync('{}').toString('latin1'), zstd);
    expect(reply.json()).toMatchObject({ status: 415 });
  });
});
