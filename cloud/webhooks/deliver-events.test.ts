import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Webhook } from 'standardwebhooks';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { openStore, type Store } from '../store/store.ts';
import { judge, pauseMs, startDeliveries } from './deliver-events.ts';
import { mintWebhookSecret } from './sign-event.ts';
import { isPublicAddress, targetAddress } from './target-address.ts';

interface Heard {
  headers: IncomingMessage['headers'];
  body: string;
}
type Answering = (heard: Heard, response: ServerResponse) => void;

let store: Store;
let heard: Heard[];
let answer: Answering;
let url: string;
let close: () => Promise<unknown>;
beforeEach(async () => {
  store = await openStore({ file: ':memory:' });
  heard = [];
  const server = createServer((request, response) => {
    let body = '';
    request.setEncoding('utf8').on('data', (chunk: string) => {
      body += chunk;
    });
    request.on('end', () => {
      const one = { headers: request.headers, body };
      heard.push(one);
      answer(one, response);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`;
  close = () => new Promise((resolve) => server.close(resolve));
});
afterEach(async () => {
  await close();
  await store.close();
});

const secret = mintWebhookSecret();
const event = (number: number) => ({
  id: `evt_${number}`,
  type: 'meterline.charge.posted',
  subject: `L1|water|supply|own|2026-09|${number}`,
  time: '2026-10-01T02:00:00Z',
  data: JSON.stringify({ gross: '1.00', name: '电费' }),
});
const log = { warn: () => undefined, error: () => undefined };

/** Delivers until nothing is pending. Time goes a thousand times as fast, so claims last long: none runs out while its owner works. */
async function deliverAll(workers = 1): Promise<void> {
  const hurried = { clock: { nowMs: () => Date.now() * 1_000 }, timeoutMs: 1_800_000, idleMs: 5 };
  const running = Array.from({ length: workers }, () =>
    startDeliveries({ ...hurried, store, source: 'urn:meterline:park-1', allowPrivate: true, log }),
  );
  while ((await store.deliveryCounts()).some(({ pending }) => pending > 0)) await new Promise(setImmediate);
  await Promise.all(running.map((one) => one.stop()));
}
const addWebhook = () =>
  store.addWebhook({ id: 'w1', url, description: '', secret, createdAt: '2026-10-01T00:00:00Z' });
const ok: Answering = (_, response) => response.writeHead(204).end();

test('an event arrives as a CloudEvent that the Standard Webhooks package verifies', async () => {
  answer = ok;
  await addWebhook();
  await store.tellEvents([event(1)]);
  await deliverAll();
  const [one] = heard;
  if (one === undefined) throw new Error('nothing came');
  // The library measures the age of a message: the signature is checked at the time that the header gives.
  const headers = Object.fromEntries(
    Object.entries(one.headers).map(([name, value]) => [name, String(value)]),
  );
  const stamp = new Date(Number(headers['webhook-timestamp']) * 1_000);
  const signature = new Webhook(secret).sign('evt_1', stamp, one.body);
  expect(headers['webhook-signature']).toBe(signature);
  expect(new Webhook(mintWebhookSecret()).sign('evt_1', stamp, one.body)).not.toBe(signature);
  expect(headers).toMatchObject({
    'idempotency-key': 'evt_1',
    'content-type': 'application/cloudevents+json; charset=utf-8',
  });
  expect(JSON.parse(one.body)).toEqual({
    ...{ specversion: '1.0', id: 'evt_1', source: 'urn:meterline:park-1', type: 'meterline.charge.posted' },
    ...{ subject: 'L1|water|supply|own|2026-09|1', time: '2026-10-01T02:00:00Z' },
    datacontenttype: 'application/json',
    data: { gross: '1.00', name: '电费' },
  });
  expect(await store.deliveryAttempts({ webhook: 'w1', before: 99, limit: 9 })).toMatchObject([
    { event: 'evt_1', attempt: 1, status: 204 },
  ]);
});

test('an answer that is lost, or no success, is asked for again under the same id, until it is one', async () => {
  const spoilt: Answering[] = [
    (_, response) => response.destroy(),
    (_, response) => response.writeHead(503).end('later'),
    (_, response) => response.writeHead(302, { location: 'http://127.0.0.1:1/' }).end(),
    ok,
  ];
  answer = (one, response) => spoilt[heard.length - 1]?.(one, response);
  await addWebhook();
  await store.tellEvents([event(1)]);
  await deliverAll();
  expect(heard.map(({ headers }) => headers['idempotency-key'])).toEqual(Array(4).fill('evt_1'));
  expect(
    (await store.deliveryAttempts({ webhook: 'w1', before: 99, limit: 9 })).map(({ status }) => status),
  ).toEqual([204, 302, 503, null]);
  expect(await store.deliveryCounts()).toEqual([{ webhook: 'w1', pending: 0, delivered: 1, dead: 0 }]);
});

test('what nobody takes is a dead letter, and is delivered when it is asked for again', async () => {
  answer = (_, response) => response.writeHead(410).end('gone');
  await addWebhook();
  await store.tellEvents([event(1), event(2)]);
  await deliverAll();
  expect(await store.deliveryCounts()).toEqual([{ webhook: 'w1', pending: 0, delivered: 0, dead: 2 }]);
  expect((await store.deadEvents('w1', 9)).map(({ id }) => id)).toEqual(['evt_1', 'evt_2']);
  answer = ok;
  expect(await store.reviveDeliveries('w1')).toBe(2);
  await deliverAll();
  expect(await store.deliveryCounts()).toEqual([{ webhook: 'w1', pending: 0, delivered: 2, dead: 0 }]);
});

test('four workers over one outbox deliver everything, and nothing twice while all goes well', async () => {
  answer = ok;
  await addWebhook();
  const events = Array.from({ length: 300 }, (_, number) => event(number));
  await store.tellEvents(events);
  // Told again, it is the same event.
  await store.tellEvents(events.slice(0, 50));
  await deliverAll(4);
  const keys = heard.map(({ headers }) => headers['idempotency-key']);
  expect(keys.toSorted()).toEqual(events.map(({ id }) => id).toSorted());
});

describe('attempts', () => {
  test('wait longer each time, for a day in all, and end', () => {
    const pauses = Array.from({ length: 11 }, (_, index) => pauseMs(index + 1, 0.5));
    expect(pauses.slice(0, 4)).toEqual([5_000, 15_000, 45_000, 135_000]);
    expect(pauses.reduce((sum, pause) => sum + pause, 0) / 3_600_000).toBeCloseTo(22.6, 1);
    const failed = { status: 500, detail: '', retryAfterSeconds: null };
    expect(judge(failed, 11, 0.5).state).toBe('pending');
    expect(judge(failed, 12, 0.5).state).toBe('dead');
    expect([pauseMs(1, 0), pauseMs(1, 1)]).toEqual([4_000, 6_000]);
  });
  test('wait as long as the receiver asks', () => {
    expect(judge({ status: 429, detail: '', retryAfterSeconds: 600 }, 1, 0.5).pauseMs).toBe(600_000);
  });
});

describe('an address', () => {
  test.each(['1.1.1.1', '223.5.5.5', '2606:4700::1111'])('%s is public', (address) => {
    expect(isPublicAddress(address)).toBe(true);
  });
  test.each([
    '127.9.9.9',
    '100.64.0.1',
    '172.31.0.1',
    '224.0.0.1',
    '255.255.255.255',
    '::',
    '::ffff:8.8.8.8',
    'fe80::1',
    '2002:7f00:1::',
    'x',
  ])('%s is not', (address) => {
    expect(isPublicAddress(address)).toBe(false);
  });
  test('of a name with one address inside is refused, and the one that was checked is kept', async () => {
    const resolve = (...addresses: string[]) => ({
      allowPrivate: false,
      resolve: async () => addresses.map((address) => ({ address, family: 4 })),
    });
    expect(await targetAddress('https://a.example/', resolve('1.1.1.1', '10.0.0.1'))).toMatchObject({
      ok: false,
    });
    expect(await targetAddress('https://a.example/', resolve('1.1.1.1'))).toMatchObject({
      ok: true,
      target: { address: '1.1.1.1', family: 4 },
    });
  });
});
