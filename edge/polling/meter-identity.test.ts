/** Another meter at an address: it is noticed at the beginning of a session, and its values are not taken. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { ModbusProfile } from '../../protocols/profile.ts';
import type { NewReading } from '../buffer/outbox-items.ts';
import { type Polling, startPolling } from '../poll.ts';
import { HandClock } from '../test-clock.ts';
import { type MeterImage, serveMeters, type TestMeters } from '../test-meters.ts';
import { isBlankSerial, isSameIdentity, serialText } from './meter-identity.ts';
import { MeterMemory } from './meter-memory.ts';

const START = Temporal.Instant.from('2026-09-01T00:00:00Z').epochMilliseconds;
const QUARTER_MS = 900_000;
const plain = {
  id: 'm',
  make: 'M',
  model: 'M',
  utility: 'electricity',
  source: 'this test',
  protocol: 'modbus',
  functionCode: 4,
  registers: [{ obis: '1-0:1.8.0', name: 'import', address: 0, type: 'u16', unit: 'kWh', billing: true }],
};
const serial = {
  functionCode: 3,
  address: 0xfc00,
  words: 2,
  type: 'number',
  confidence: 'B',
  source: 'test',
};
const withSerial = ModbusProfile.parse({ ...plain, serial });
const withFingerprint = ModbusProfile.parse({ ...plain, fingerprint: { refused: [100] } });

const meterOf = (serialNumber: number, value = '0001'): MeterImage => {
  return { 3: { 64512: serialNumber.toString(16).padStart(8, '0') }, 4: { 0: value } };
};

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

interface Started {
  server: TestMeters;
  clock: HandClock;
  polling: Polling;
  accepted: NewReading[];
  log: { info: ReturnType<typeof vi.fn>; warn: ReturnType<typeof vi.fn>; error: ReturnType<typeof vi.fn> };
}

async function serve(image: MeterImage): Promise<TestMeters> {
  const server = await serveMeters({ 1: image });
  cleanups.push(() => server.close());
  return server;
}

async function start(
  server: TestMeters,
  options: { serial?: string; memory?: MeterMemory; profile?: ModbusProfile } = {},
): Promise<Started> {
  const { memory = new MeterMemory(), profile = withSerial } = options;
  const row = { meter: 'meter-1', profile: 'm', unit: 1 };
  const clock = new HandClock(START);
  const accepted: NewReading[] = [];
  const log = { info: vi.fn(), warn: vi.fn(), error: vi.fn() };
  const polling = startPolling({
    config: {
      buses: [
        {
          id: 'bus-1',
          link: { kind: 'tcp', host: '127.0.0.1', port: server.port },
          timeoutMilliseconds: 400,
          meters: [options.serial === undefined ? row : { ...row, serial: options.serial }],
        },
      ],
      pollIntervalSeconds: 900,
      clock: 'driven',
    },
    profiles: new Map([['m', profile]]),
    memory,
    clock,
    outbox: {
      accept: async (readings) => void accepted.push(...readings),
      lastAcceptedMs: () => null,
    },
    log,
  });
  cleanups.push(() => polling.stop());
  await clock.idle();
  return { server, clock, polling, accepted, log };
}

const wrongIn = (polling: Polling) => polling.status()[0]?.states[0]?.wrongMeter;

describe('a meter is asked who it is', () => {
  test('once a session: at the start, and when it comes back after a silence', async () => {
    const { server, clock, accepted } = await start(await serve(meterOf(12345)));
    await clock.advance(QUARTER_MS);
    expect(server.requests).toHaveLength(3);
    server.meters.delete(1);
    await clock.advance(QUARTER_MS);
    server.meters.set(1, meterOf(12345));
    const before = server.requests.length;
    await clock.advance(QUARTER_MS);
    expect(server.requests.length - before).toBe(2);
    expect(accepted.map(({ value }) => value)).toEqual(['1', '1', '1']);
  });

  test('and one that was exchanged while it was silent is not taken, until its serial is configured', async () => {
    const memory = new MeterMemory();
    const { server, clock, polling, accepted, log } = await start(await serve(meterOf(12345)), { memory });
    server.meters.delete(1);
    await clock.advance(QUARTER_MS);
    server.meters.set(1, meterOf(777, '0009'));
    await clock.advance(QUARTER_MS);
    await clock.advance(QUARTER_MS);
    const { value, code, raw } = accepted.at(-1) ?? {};
    expect([value, code, raw]).toEqual([null, 'wrong_meter', '0009']);
    expect(wrongIn(polling)).toEqual({ expected: '12345', found: '777' });
    expect(log.error).toHaveBeenCalledTimes(1);
    await polling.stop();
    const confirmed = await start(server, { memory, serial: '00777' });
    expect(confirmed.accepted.map((reading) => reading.value)).toEqual(['9']);
    expect(wrongIn(confirmed.polling)).toBeUndefined();
  });

  test('and one that is behind a new connection is not taken either, though none failed', async () => {
    const { server, clock, polling, accepted } = await start(await serve(meterOf(12345)), {
      serial: '12345',
    });
    await server.endConnections();
    await setImmediate();
    server.meters.set(1, meterOf(777, '0009'));
    await clock.advance(QUARTER_MS);
    expect(accepted.at(-1)).toMatchObject({ value: null, code: 'wrong_meter', raw: '0009' });
    expect(wrongIn(polling)).toEqual({ expected: '12345', found: '777' });
    // Its first two, and two behind the new connection: no request failed.
    expect(server.requests).toHaveLength(4);
  });

  test('and the right one that is put back is taken again', async () => {
    const { server, clock, polling, accepted } = await start(await serve(meterOf(1)), { serial: '2' });
    expect(accepted.at(-1)).toMatchObject({ value: null, code: 'wrong_meter' });
    server.meters.set(1, meterOf(2));
    await clock.advance(QUARTER_MS);
    expect(accepted.at(-1)).toMatchObject({ value: '1' });
    expect(wrongIn(polling)).toBeUndefined();
  });

  test('and one that has no serial number where it had one is another one', async () => {
    const memory = new MeterMemory();
    const { server, polling } = await start(await serve(meterOf(5)), { memory });
    await polling.stop();
    server.meters.set(1, { 4: { 0: '0001' } });
    expect(wrongIn((await start(server, { memory })).polling)).toEqual({
      expected: '5',
      found: 'without a serial number',
    });
  });

  test.each(['ffffffff', '7fffffff', '00000000'])(
    'and a serial number that is not there (%s) is nobody’s: the true one is learned when it comes',
    async (blank) => {
      const memory = new MeterMemory();
      const { server, clock, polling, accepted } = await start(
        await serve(meterOf(Number.parseInt(blank, 16))),
        { memory },
      );
      expect(memory.recall('meter-1', withSerial).identity).toBeNull();
      await clock.advance(QUARTER_MS);
      expect(server.requests).toHaveLength(3);
      server.meters.delete(1);
      await clock.advance(QUARTER_MS);
      server.meters.set(1, meterOf(12345));
      await clock.advance(QUARTER_MS);
      expect(accepted.map(({ value }) => value)).toEqual(['1', '1', '1']);
      expect(memory.recall('meter-1', withSerial).identity).toBe('12345');
      await polling.stop();
      server.meters.set(1, meterOf(Number.parseInt(blank, 16)));
      const blanked = await start(server, { memory });
      expect(wrongIn(blanked.polling)).toEqual({ expected: '12345', found: 'without a serial number' });
    },
  );

  test.each(['4294967295', '0', 'without a serial number'])(
    'and where none was learned as one before (%s), it is forgotten',
    async (identity) => {
      const memory = new MeterMemory();
      memory.remember('meter-1', withSerial, { identity, serial: null, walls: [], absent: [] });
      const { polling } = await start(await serve(meterOf(12345)), { memory });
      expect(wrongIn(polling)).toBeUndefined();
      expect(memory.recall('meter-1', withSerial).identity).toBe('12345');
    },
  );

  test('and a register that may not be the serial tells of an exchange only where a serial is configured', async () => {
    const unsure = ModbusProfile.parse({ ...plain, serial: { ...serial, confidence: 'C' } });
    const memory = new MeterMemory();
    const { server, polling } = await start(await serve(meterOf(5)), { memory, profile: unsure });
    await polling.stop();
    server.meters.set(1, meterOf(6));
    const again = await start(server, { memory, profile: unsure });
    expect(wrongIn(again.polling)).toBeUndefined();
    await again.polling.stop();
    const configured = await start(server, { memory, profile: unsure, serial: '5' });
    expect(wrongIn(configured.polling)).toEqual({ expected: '5', found: '6' });
  });

  test('and where its model keeps no serial, by the addresses that it refuses', async () => {
    const memory = new MeterMemory();
    const { server, polling } = await start(await serve({ 4: { 0: '0001' } }), {
      memory,
      profile: withFingerprint,
    });
    await polling.stop();
    server.meters.set(1, { 4: { 0: '0001', 100: '00000000' } });
    const again = await start(server, { memory, profile: withFingerprint });
    expect(wrongIn(again.polling)).toEqual({ expected: '100 refused', found: '100 answered' });
    await again.polling.stop();
    const confirmed = await start(server, { memory, profile: withFingerprint, serial: 'A7' });
    expect(wrongIn(confirmed.polling)).toBeUndefined();
  });
});

describe('what was learned of a meter', () => {
  const known = { identity: '5', serial: null, walls: [4], absent: [9] };
  const file = (): string => {
    const folder = mkdtempSync(join(tmpdir(), 'meterline-memory-'));
    cleanups.push(() => rmSync(folder, { recursive: true }));
    return join(folder, 'meters.json');
  };
  const nothing = { identity: null, serial: null, walls: [], absent: [] };

  test('outlives the process, and is forgotten with its profile', () => {
    const path = file();
    new MeterMemory(path).remember('a', withSerial, known);
    const memory = new MeterMemory(path);
    expect(memory.damaged).toBe(false);
    expect(memory.recall('a', withSerial)).toEqual(known);
    expect(memory.recall('a', withFingerprint)).toEqual(nothing);
    expect(memory.recall('b', withSerial)).toEqual(nothing);
  });

  test.each(['{"a": 1}', '{"a"', ''])('is begun anew where the file is damaged: %s', (text) => {
    const path = file();
    writeFileSync(path, text);
    const memory = new MeterMemory(path);
    expect(memory.damaged).toBe(true);
    memory.remember('a', withSerial, known);
    expect(JSON.parse(readFileSync(path, 'utf8'))).toHaveProperty('a');
  });
});

test.each<[Parameters<typeof serialText>[0]['type'], string, string]>([
  ['number', '00bc614e', '12345678'],
  ['bcd', '00123456', '00123456'],
  ['text', '424e303833303031380000', 'BN0830018'],
])('a serial number of type %s reads as it is printed', (type, hex, text) => {
  expect(serialText({ type }, Buffer.from(hex, 'hex'))).toBe(text);
});

test.each<[string, string, boolean]>([
  ['00777', '777', true],
  ['bn083', 'BN083', true],
  ['0', '00', true],
  ['777', '7770', false],
])('%s and %s: the same meter is %s', (a, b, same) => {
  expect(isSameIdentity(a, b)).toBe(same);
});

test.each<[Parameters<typeof isBlankSerial>[0]['type'], string, boolean]>([
  ['number', '00000000', true],
  ['number', 'ffffffff', true],
  ['number', '7fffffff', true],
  ['number', '0000ffff', false],
  ['bcd', 'ffffffff', true],
  ['bcd', '00000000', true],
  ['bcd', '00000001', false],
  ['text', '00000000', true],
  ['text', 'ffffffff', true],
  ['text', '20202020', true],
  ['text', '30303030', true],
  ['text', '37373737', false],
])('a serial number of type %s in the bytes %s is none: %s', (type, hex, isBlank) => {
  const register = { type, words: 2 };
  expect(isBlankSerial(register, serialText(register, Buffer.from(hex, 'hex')))).toBe(isBlank);
});
