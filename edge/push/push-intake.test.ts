import pino from 'pino';
import { beforeEach, expect, test } from 'vitest';
import { MqttProfile } from '../../protocols/profile.ts';
import { GatewayStatus } from '../../protocols/uplink.ts';
import type { NewReading } from '../buffer/outbox-items.ts';
import { PushIntake } from './push-intake.ts';

const profile = MqttProfile.parse({
  id: 'collector',
  make: 'any',
  model: 'any',
  utility: 'electricity',
  source: 'this test',
  protocol: 'mqtt',
  recordsPath: '',
  meterPath: 'id',
  timestampPath: 't',
  registers: [
    { obis: '1-0:1.8.0', name: 'import', path: 'kwh', unit: 'kWh', billing: true },
    { obis: '1-0:16.7.0', name: 'power', path: 'w', unit: 'W' },
  ],
});
const NOW = Date.UTC(2026, 8, 10);

let nowMs: number;
let full: boolean;
let accepted: NewReading[];
let intake: PushIntake;
beforeEach(() => {
  nowMs = NOW;
  full = false;
  accepted = [];
  intake = new PushIntake(
    {
      meters: ['A', 'B'].map((device) => ({ meter: `E-${device}`, topic: 't', device, profile })),
      accept: async (readings) => {
        if (full) throw new Error('full');
        accepted.push(...readings);
      },
      repeats: () => false,
      clock: { nowMs: () => nowMs, until: () => Promise.resolve() },
      log: pino({ level: 'silent' }),
    },
    () => undefined,
  );
});
const push = (records: object[], topic = 't') =>
  intake.take('c', topic, Buffer.from(JSON.stringify(records)));
const at = '2026-09-09T00:00:00Z';

test('the status names each meter: what was taken, what was refused and why', async () => {
  await push([
    { id: 'A', t: at, kwh: '1', w: 1 },
    { id: 'A', t: at, kwh: '1', w: 1 },
    { id: 'B', t: at, kwh: '12,5', w: 2 },
    { id: 'X', t: at, kwh: '1', w: 1 },
  ]);
  await push([], 'elsewhere');
  expect(intake.status()).toMatchObject({
    accepted: 3,
    repeated: 2,
    refused: { not_a_number: 1, unknown_meter: 1, unknown_topic: 1 },
    meters: [
      { meter: 'E-A', accepted: 2, repeated: 2, refused: {}, lastAcceptedMs: NOW, lastRefusal: null },
      {
        meter: 'E-B',
        accepted: 1,
        refused: { not_a_number: 1 },
        lastRefusal: { atMs: NOW, code: 'not_a_number', detail: 'record 2: kwh: "12,5"' },
      },
    ],
    unknownTopics: [{ topic: 'elsewhere', count: 1, lastMs: NOW, client: 'c' }],
    setAside: [{ meter: 'E-B' }, { meter: null, detail: 'record 3: X' }, { topic: 'elsewhere' }],
  });
});

test('the cloud is told who refuses, until a good push comes', async () => {
  await push([{ id: 'B', t: at, w: 2 }]);
  await push([], 'elsewhere');
  const told = GatewayStatus.shape.push.parse(intake.summary());
  expect(told).toEqual({
    accepted: 1,
    repeated: 0,
    refused: { missing_value: 1, unknown_topic: 1 },
    refusing: [{ meter: 'E-B', code: 'missing_value', detail: 'record 0: kwh' }],
    unknownTopics: ['elsewhere'],
  });
  nowMs += 1000;
  await push([{ id: 'B', t: at, kwh: '1', w: 2 }]);
  expect(intake.summary().refusing).toEqual([]);
});

test('a push that found no room is taken whole when it comes again', async () => {
  full = true;
  await expect(push([{ id: 'A', t: at, kwh: '1', w: 1 }])).rejects.toThrow('full');
  expect(intake.status()).toMatchObject({ accepted: 0, meters: [{ lastAcceptedMs: null }, {}] });
  full = false;
  await push([{ id: 'A', t: at, kwh: '1', w: 1 }]);
  expect(accepted).toHaveLength(2);
});

test('a payload that is sent again is not taken again; one that differs is', async () => {
  const records = [at, '2026-09-09T00:15:00Z'].map((t) => ({ id: 'A', t, kwh: '1', w: 1 }));
  await push(records);
  await push(records);
  expect(accepted).toHaveLength(4);
  await push([...records, { id: 'B', t: at, kwh: '1', w: 1 }]);
  expect(accepted).toHaveLength(10);
});

test('a counter below zero is no reading; a power below zero is', async () => {
  await push([{ id: 'A', t: at, kwh: '-5', w: -5 }]);
  expect(accepted).toMatchObject([{ register: '1-0:16.7.0', value: '-5' }]);
  expect(intake.status()).toMatchObject({
    refused: { out_of_range: 1 },
    setAside: [{ meter: 'E-A', code: 'out_of_range', detail: '1-0:1.8.0: -5' }],
  });
});

test('a gateway whose own clock is not set judges no stamp: the cloud does', async () => {
  nowMs = Date.UTC(1970, 0, 1);
  await push([{ id: 'A', t: at, kwh: '1', w: 1 }]);
  expect(accepted).toMatchObject([{ readAt: at, value: '1' }, { readAt: at }]);
  expect(intake.status().refused).toEqual({});
});

test('topics that nobody knows are remembered in a bounded list, the last ones', async () => {
  for (let index = 0; index < 200; index += 1) await push([], `${'x'.repeat(300)}${index}`);
  for (let index = 0; index < 200; index += 1) await push([], `${index}`);
  const { unknownTopics, refused } = intake.status();
  expect(refused).toEqual({ unknown_topic: 400 });
  expect(unknownTopics).toHaveLength(50);
  expect(unknownTopics.at(-1)?.topic).toBe('199');
  expect(intake.summary().unknownTopics).toHaveLength(10);
});
