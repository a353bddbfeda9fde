import { afterEach, describe, expect, test, vi } from 'vitest';
import type { NewReading } from './buffer/outbox-items.ts';
import type { Bus } from './config.ts';
import { type Polling, startPolling } from './poll.ts';
import { loadProfiles } from './profiles.ts';
import { HandClock } from './test-clock.ts';
import { type MeterImage, serveMeters, type TestMeters } from './test-meters.ts';

const loaded = loadProfiles();
if (!loaded.ok) throw new Error(loaded.errors.join('\n'));
const { profiles } = loaded;

const START = Temporal.Instant.from('2026-09-01T00:00:00Z').epochMilliseconds;
const QUARTER_MS = 900_000;

const acrel = (energy: string): MeterImage => ({ 3: { 10: energy } });
const cleanups: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

async function served(meters: Record<number, MeterImage>): Promise<TestMeters> {
  const server = await serveMeters(meters);
  cleanups.push(() => server.close());
  return server;
}

const busAt = (port: number, units: number[], id = 'bus-1', timeoutMilliseconds = 100): Bus => ({
  id,
  link: { kind: 'tcp', host: '127.0.0.1', port },
  timeoutMilliseconds,
  meters: units.map((unit) => ({ meter: `${id}-${unit}`, profile: 'acrel-dtsd1352', unit })),
});

interface Started {
  clock: HandClock;
  polling: Polling;
  /** What each call of `accept` was given. */
  accepted: NewReading[][];
  log: { info: ReturnType<typeof vi.fn>; warn: ReturnType<typeof vi.fn>; error: ReturnType<typeof vi.fn> };
}

function start(
  buses: Bus[],
  options: {
    accept?: () => Promise<void>;
    lastAcceptedMs?: (meter: string) => number | null;
    profiles?: typeof profiles;
  } = {},
): Started {
  const clock = new HandClock(START);
  const accepted: NewReading[][] = [];
  const log = { info: vi.fn(), warn: vi.fn(), error: vi.fn() };
  const polling = startPolling({
    config: { buses, pollIntervalSeconds: 900, clock: 'driven' },
    profiles,
    clock,
    outbox: {
      async accept(readings) {
        await options.accept?.();
        accepted.push(readings);
      },
      lastAcceptedMs: options.lastAcceptedMs ?? (() => null),
    },
    log,
  });
  cleanups.push(() => polling.stop());
  return { clock, polling, accepted, log };
}

describe('polling', () => {
  test('reads each billing register on each boundary, stamped with it, one hand-over per bus', async () => {
    const server = await served({ 3: acrel('00bc614e'), 7: acrel('00000001') });
    const { clock, accepted, polling } = start([busAt(server.port, [3, 7])]);
    await clock.idle();
    await clock.advance(QUARTER_MS);
    const reading = { register: '1-0:1.8.0', unit: 'kWh', source: 'poll' };
    const first = { ...reading, meter: 'bus-1-3', value: '123456.78', raw: '00bc614e' };
    const second = { ...reading, meter: 'bus-1-7', value: '0.01', raw: '00000001' };
    expect(accepted).toEqual(
      ['2026-09-01T00:00:00Z', '2026-09-01T00:15:00Z'].map((readAt) => [
        { ...first, readAt },
        { ...second, readAt },
      ]),
    );
    expect(polling.status()).toMatchObject([
      { bus: 'bus-1', meters: 2, silent: [], requests: 4, failures: 0, failuresByCode: {}, retries: 0 },
    ]);
    expect(polling.status()[0]?.states).toEqual(
      ['bus-1-3', 'bus-1-7'].map((meter) => ({
        meter,
        lastReadAt: '2026-09-01T00:15:00Z',
        silentSince: null,
      })),
    );
  });

  test('a register without a value is handed over with its code', async () => {
    const server = await served({ 3: acrel('ffffffff') });
    const { clock, accepted } = start([busAt(server.port, [3])]);
    await clock.idle();
    expect(accepted[0]?.[0]).toMatchObject({ value: null, code: 'not_available', raw: 'ffffffff' });
  });

  test('what was accepted since the boundary is not read again', async () => {
    const server = await served({ 3: acrel('00000001'), 7: acrel('00000001') });
    const { clock, accepted } = start([busAt(server.port, [3, 7])], {
      lastAcceptedMs: (meter) => (meter === 'bus-1-3' ? START : START - QUARTER_MS),
    });
    await clock.idle();
    expect(server.requests).toEqual([7]);
    expect(accepted.flat().map(({ meter }) => meter)).toEqual(['bus-1-7']);
  });

  test('a silent meter keeps nobody else, is asked again after the others, then probed once per boundary, and comes back', async () => {
    const server = await served({ 7: acrel('00000002') });
    const { clock, accepted, polling, log } = start([busAt(server.port, [3, 7])]);
    await clock.idle();
    await clock.advance(QUARTER_MS);
    expect(server.requests).toEqual([3, 7, 3, 3, 7]);
    expect(polling.status()[0]).toMatchObject({ silent: ['bus-1-3'], requests: 5, failures: 3 });
    const counts = ['bus-1-3', 'bus-1-7', 'none'].map((meter) => polling.bus('bus-1')?.countsOf(meter));
    expect(counts).toEqual([
      { requests: 3, failures: 3 },
      { requests: 2, failures: 0 },
      { requests: 0, failures: 0 },
    ]);
    expect(log.warn).toHaveBeenCalledTimes(1);
    server.meters.set(3, acrel('00000001'));
    await clock.advance(QUARTER_MS);
    expect(accepted.at(-1)?.map(({ meter }) => meter)).toEqual(['bus-1-3', 'bus-1-7']);
    expect(polling.status()[0]).toMatchObject({ silent: [] });
    expect(log.info).toHaveBeenCalledTimes(1);
  });

  test('a converter that is off costs one attempt per boundary, and the other buses nothing', async () => {
    const gone = await served({});
    await gone.close();
    const server = await served({ 1: acrel('00000001') });
    const { clock, accepted, polling, log } = start([
      busAt(gone.port, [1, 2, 3], 'off'),
      busAt(server.port, [1], 'on'),
    ]);
    await clock.idle();
    await clock.advance(QUARTER_MS);
    expect(polling.status()).toMatchObject([
      { bus: 'off', meters: 3, silent: ['off-1', 'off-2', 'off-3'], requests: 2, failures: 2 },
      { bus: 'on', meters: 1, silent: [], requests: 2, failures: 0 },
    ]);
    expect(accepted.flat()).toHaveLength(2);
    expect(log.warn).toHaveBeenCalledTimes(1);
  });

  test('a meter that refuses its register is counted and logged, and is not silent', async () => {
    const server = await served({ 3: { 3: { 256: '0000' } } });
    const { clock, accepted, polling, log } = start([busAt(server.port, [3])]);
    await clock.idle();
    expect(accepted).toEqual([]);
    expect(polling.status()[0]).toMatchObject({ silent: [], requests: 1, failures: 1 });
    expect(log.warn).toHaveBeenCalledWith(
      expect.objectContaining({ meter: 'bus-1-3', exception: 2 }),
      'meter refused a read',
    );
  });

  test('goes on when readings are not accepted', async () => {
    const server = await served({ 3: acrel('00000001') });
    let full = true;
    const { clock, accepted, log } = start([busAt(server.port, [3])], {
      accept: () => (full ? Promise.reject(new Error('disk full')) : Promise.resolve()),
    });
    await clock.idle();
    expect(log.error).toHaveBeenCalledTimes(1);
    full = false;
    await clock.advance(QUARTER_MS);
    expect(accepted).toHaveLength(1);
  });

  test('stops in the middle of a request', async () => {
    const server = await served({});
    const { polling, log } = start([busAt(server.port, [3], 'bus-1', 60_000)]);
    await vi.waitFor(() => expect(server.requests).toEqual([3]));
    await polling.stop();
    expect(log.warn).not.toHaveBeenCalled();
  });

  test('waits for its boundaries without any bus', async () => {
    const { clock } = start([]);
    await clock.idle();
    await clock.advance(QUARTER_MS);
  });

  test('refuses a meter whose profile is not polled', () => {
    const bus = busAt(1, [3]);
    bus.meters.forEach((meter) => {
      meter.profile = 'json-water-push';
    });
    expect(() => start([bus])).toThrow(
      'meter bus-1-3 on bus bus-1: "json-water-push" is no profile of a meter that is asked',
    );
  });
});
