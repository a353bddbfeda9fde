/** What is read when: billing registers on the boundaries, the others as often as asked, and which of them goes first. */
import { afterEach, describe, expect, test, vi } from 'vitest';
import { ModbusProfile } from '../../protocols/profile.ts';
import { BusStatus } from '../../protocols/uplink.ts';
import type { NewReading } from '../buffer/outbox-items.ts';
import type { Bus } from '../config.ts';
import { openDriver } from '../drivers/open-driver.ts';
import type { Line } from '../line/line.ts';
import { type Polling, startPolling } from '../poll.ts';
import { HandClock } from '../test-clock.ts';
import { type MeterImage, serveMeters, type TestMeters } from '../test-meters.ts';

const START = Temporal.Instant.from('2026-09-01T00:00:00Z').epochMilliseconds;
const QUARTER_MS = 900_000;
const YEARS_MS = 10 * 365 * 86_400_000;
const register = (obis: string, address: number, billing = false) => {
  return { obis, name: obis, address, type: 'u16', unit: 'W', billing };
};
const ENERGY = '1-0:1.8.0';
const POWER = '1-0:16.7.0';
const VOLTAGE = '1-0:32.7.0';
/** Energy and power lie together, the voltage far away. */
const profile = ModbusProfile.parse({
  id: 'm',
  make: 'M',
  model: 'M',
  utility: 'electricity',
  source: 'this test',
  protocol: 'modbus',
  functionCode: 3,
  registers: [register(ENERGY, 0, true), register(POWER, 2), register(VOLTAGE, 200)],
});
const image: MeterImage = { 3: { 0: '000100020003', 200: '0004' } };

const cleanups: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

interface Started {
  server: TestMeters;
  clock: HandClock;
  polling: Polling;
  accepted: NewReading[][];
}

async function start(
  units: number[],
  settings: Partial<Bus> = {},
  options: { lastAcceptedMs?: () => number; driven?: boolean } = {},
): Promise<Started> {
  const server = await serveMeters(Object.fromEntries(units.map((unit) => [unit, image])));
  cleanups.push(() => server.close());
  const bus: Bus = {
    id: 'bus-1',
    link: { kind: 'tcp', host: '127.0.0.1', port: server.port },
    timeoutMilliseconds: 100,
    meters: units.map((unit) => ({ meter: `meter-${unit}`, profile: 'm', unit })),
    ...settings,
  };
  const clock = new HandClock(START);
  const accepted: NewReading[][] = [];
  const polling = startPolling({
    config: { buses: [bus], pollIntervalSeconds: 900, clock: options.driven === false ? 'system' : 'driven' },
    profiles: new Map([['m', profile]]),
    clock,
    outbox: {
      accept: async (readings) => void accepted.push(readings),
      lastAcceptedMs: options.lastAcceptedMs ?? (() => null),
    },
    log: { info: vi.fn(), warn: vi.fn(), error: vi.fn() },
  });
  cleanups.push(() => polling.stop());
  await clock.idle();
  return { server, clock, polling, accepted };
}

const registersOf = (accepted: NewReading[][]): string[][] =>
  accepted.map((readings) => readings.map(({ register: obis }) => obis));

describe('registers that bill nothing', () => {
  test('are not read when nobody asks for them', async () => {
    const { accepted } = await start([1]);
    expect(registersOf(accepted)).toEqual([[ENERGY]]);
  });

  test('are read as often as asked, and the billing ones on the boundaries only', async () => {
    const { clock, accepted } = await start([1], { instantaneous: { everySeconds: 300 } });
    for (let n = 0; n < 3; n += 1) await clock.advance(300_000);
    expect(registersOf(accepted)).toEqual([
      [ENERGY, POWER],
      [VOLTAGE],
      [POWER, VOLTAGE],
      [POWER, VOLTAGE],
      [ENERGY, POWER],
      [VOLTAGE],
    ]);
    expect(accepted[2]?.[0]?.readAt).toBe('2026-09-01T00:05:00Z');
  });

  test('come along with the billing ones where that costs no request of their own', async () => {
    const { server, accepted } = await start([1, 2], { instantaneous: { everySeconds: 300 } });
    expect(server.requests).toEqual([1, 2, 1, 2]);
    expect(registersOf(accepted)).toEqual([
      [ENERGY, POWER, ENERGY, POWER],
      [VOLTAGE, VOLTAGE],
    ]);
  });

  test('are those that are listed; what a meter says goes before what its bus says', async () => {
    const { accepted } = await start([1, 2], {
      instantaneous: { everySeconds: 300, registers: [VOLTAGE] },
      meters: [
        { meter: 'a', profile: 'm', unit: 1 },
        { meter: 'b', profile: 'm', unit: 2, instantaneous: { everySeconds: 300, registers: [POWER] } },
      ],
    });
    expect(registersOf(accepted)).toEqual([[ENERGY, ENERGY, POWER], [VOLTAGE]]);
  });

  test('wait for a boundary that comes while they are read, but for the request under way', async () => {
    const { server, clock, accepted } = await start([1, 2, 3], { instantaneous: { everySeconds: 840 } });
    const before = server.requests.length;
    accepted.length = 0;
    // Of their own rhythm they are due at 00:10; while the first request is under way it becomes 00:15.
    const meters = server.meters;
    const get = meters.get.bind(meters);
    meters.get = (unit) => {
      clock.now = START + QUARTER_MS;
      return get(unit);
    };
    await clock.advance(600_000);
    expect(server.requests.slice(before)).toEqual([1, 1, 2, 3, 1, 2, 3]);
    expect(registersOf(accepted)).toEqual([
      [POWER],
      [ENERGY, ENERGY, POWER, ENERGY, POWER],
      [VOLTAGE, VOLTAGE, VOLTAGE],
    ]);
  });
});

describe('a clock that is set', () => {
  test('years forward and back silences no meter', async () => {
    const { clock, accepted } = await start([1], { instantaneous: { everySeconds: 300 } });
    await clock.advance(YEARS_MS);
    await clock.advance(-YEARS_MS);
    accepted.length = 0;
    await clock.advance(QUARTER_MS);
    expect(registersOf(accepted)).toEqual([[ENERGY, POWER], [VOLTAGE]]);
    expect(accepted[0]?.[0]?.readAt).toBe('2026-09-01T00:15:00Z');
  });

  test('back leaves no meter in a backoff of years', async () => {
    const { server, clock, accepted, polling } = await start([1, 2]);
    server.meters.delete(2);
    await clock.advance(YEARS_MS);
    expect(polling.status()[0]?.silent).toEqual(['meter-2']);
    server.meters.set(2, image);
    await clock.advance(-YEARS_MS);
    await clock.advance(QUARTER_MS);
    expect(polling.status()[0]?.silent).toEqual([]);
    expect(accepted.at(-1)).toHaveLength(2);
  });

  test('back while the gateway was down: what was accepted by the wrong clock does not stand for a boundary', async () => {
    const accepted = (lastMs: number) => start([1], {}, { lastAcceptedMs: () => lastMs });
    expect(registersOf((await accepted(START + YEARS_MS)).accepted)).toEqual([[ENERGY]]);
    // A second off is the care of every clock: the boundary has been read.
    expect(registersOf((await accepted(START + 1000)).accepted)).toEqual([]);
  });
});

describe('work beside the polls', () => {
  test('goes through the line of its bus, and waits for one request of a sweep at most', async () => {
    const units = Array.from({ length: 12 }, (_, i) => i + 1);
    const { server, clock, polling } = await start(units);
    const bus = polling.bus('bus-1');
    expect(bus?.meters.map(({ unit }) => unit)).toEqual(units);
    expect(polling.bus('bus-2')).toBeUndefined();
    server.delayMilliseconds = 20;
    server.requests.length = 0;
    const sweep = clock.advance(QUARTER_MS);
    await vi.waitFor(() => expect(server.requests.length).toBeGreaterThanOrEqual(3));
    const driver = openDriver(profile, { unit: 12, link: bus?.link ?? ({} as Bus['link']) });
    const before = server.requests.length;
    const options = { nowMs: clock.nowMs, attempts: 1, pauses: false, priority: 'live' } as const;
    const read = await driver.read(bus?.line ?? ({} as Line), options);
    const meanwhile = server.requests.slice(before);
    await sweep;
    expect(read.values.map(({ value }) => value)).toEqual(['1', '3', '4']);
    // The one under way, and a poll or two between the two requests of the read.
    expect(meanwhile.indexOf(12)).toBeLessThanOrEqual(1);
    expect(meanwhile.length).toBeLessThan(6);
    expect(server.requests).toHaveLength(units.length + 2);
  });
});

describe('the status of a bus', () => {
  test('is what the cloud reads: its cycle and floor, failures by code, and how each meter is', async () => {
    const { server, clock, polling } = await start([1, 2, 3]);
    server.meters.delete(2);
    server.meters.set(3, { 3: { 9: '0000' } });
    await clock.advance(QUARTER_MS);
    const [status] = polling.status();
    expect(BusStatus.parse(status)).toEqual(status);
    expect(status).toMatchObject({
      requests: 7,
      failures: 3,
      failuresByCode: { timeout: 2, refused: 1 },
      retries: 1,
      states: [
        { meter: 'meter-1', lastReadAt: '2026-09-01T00:15:00Z', silentSince: null },
        { meter: 'meter-2', lastReadAt: '2026-09-01T00:00:00Z', silentSince: '2026-09-01T00:15:00Z' },
        { meter: 'meter-3', lastReadAt: '2026-09-01T00:00:00Z', silentSince: null },
      ],
    });
    const { milliseconds, floorMilliseconds, utilisation } = status?.cycle ?? {};
    expect(floorMilliseconds).toBeLessThan(milliseconds ?? 0);
    expect(utilisation).toBeLessThan(1);
  });
});

describe('a silent meter', () => {
  test('is probed between the boundaries too, and what it missed is read as soon as it is back', async () => {
    const { server, clock, accepted } = await start([1, 2], {}, { driven: false });
    server.meters.delete(2);
    await clock.advance(QUARTER_MS);
    expect(accepted.at(-1)?.map(({ meter }) => meter)).toEqual(['meter-1']);
    server.meters.set(2, image);
    await clock.advance(5_000);
    expect(accepted.at(-1)?.map(({ meter, readAt }) => [meter, readAt])).toEqual([
      ['meter-2', '2026-09-01T00:15:05Z'],
    ]);
  });
});
