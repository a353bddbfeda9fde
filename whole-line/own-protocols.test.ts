/** DL/T 645 and CJ/T 188 from end to end: simulated meters on sockets and pseudo terminals, read and polled by the edge. */
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { NewReading } from '../edge/buffer/outbox-items.ts';
import { run as read } from '../edge/commands/read.ts';
import { run as scan } from '../edge/commands/scan.ts';
import type { Bus } from '../edge/config.ts';
import { type AskedProfile, isAsked } from '../edge/drivers/asked-profile.ts';
import { startPolling } from '../edge/poll.ts';
import { loadProfiles } from '../edge/profiles.ts';
import { missingPeer } from '../process/peers.ts';
import { micro } from '../protocols/units.ts';
import {
  cjt188Meter,
  dlt645Meter,
  type FramedMeter,
  framedLine,
  type MeterValues,
} from '../simulators/meters/framed-meters.ts';
import { startTransparentConverter, startTransparentSerial } from '../simulators/meters/transparent-line.ts';

const loaded = loadProfiles();
if (!loaded.ok) throw new Error(loaded.errors.join('\n'));
const { profiles } = loaded;

function asked(id: string): AskedProfile {
  const profile = profiles.get(id);
  if (!isAsked(profile)) throw new Error(`no profile ${id}`);
  return profile;
}

function meterOf(id: string, address: string, values: MeterValues): FramedMeter {
  const profile = asked(id);
  if (profile.protocol === 'dlt645') return dlt645Meter(profile, address, values);
  if (profile.protocol === 'cjt188') return cjt188Meter(profile, address, values);
  throw new Error(`${id} is no such profile`);
}

const E = '000000000001';
const W = '78330011223344';
/** What the meters show, and a few registers of each model as they are then read. */
const shown: Record<string, { address: string; face: Record<string, string> }> = {
  'dlt645-2007-3ph': {
    address: E,
    face: {
      '1-0:1.8.0': '123456.78',
      '1-0:1.8.4': '0.01',
      '1-0:15.8.0': '-12.5',
      '1-0:52.7.0': '231.4',
      '1-0:71.7.0': '-1.25',
      '1-0:16.7.0': '-12345.6',
      '1-0:14.7.0': '49.98',
    },
  },
  'dlt645-2007-1ph': { address: '202411087654', face: { '1-0:1.8.0': '999999.99', '1-0:13.7.0': '0.97' } },
  'dlt645-1997': {
    address: '970000000001',
    face: { '1-0:1.8.0': '4321.09', '1-0:32.7.0': '229', '1-0:16.7.0': '1500.5' },
  },
  'cjt188-water': {
    address: W,
    face: { '8-0:1.0.0': '785634.12', '8-0:1.2.0': '785000', '8-0:96.3.10': '1', '8-0:96.6.0': '1' },
  },
  'cjt188-gas': { address: '00000000000030', face: { '7-0:3.0.0': '12.34', '7-0:96.3.10': '3' } },
  'cjt188-heat': {
    address: '00000000000020',
    face: { '6-0:1.0.0': '1000.1', '6-0:8.0.0': '2500', '6-0:9.0.0': '0.1234', '6-0:10.0.0': '61.25' },
  },
};
const faceOf =
  (face: Record<string, string>): MeterValues =>
  (obis) => {
    const text = face[obis];
    return text === undefined ? null : micro(text);
  };

const cleanups: (() => unknown)[] = [];
let out: string[] = [];
let err: string[] = [];
beforeEach(() => {
  out = [];
  err = [];
  vi.spyOn(console, 'log').mockImplementation((line: string) => void out.push(line));
  vi.spyOn(console, 'error').mockImplementation((line: string) => void err.push(line));
});
afterEach(async () => {
  vi.restoreAllMocks();
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

async function converterTo(meters: FramedMeter[]): Promise<number> {
  const converter = await startTransparentConverter(framedLine(meters));
  cleanups.push(converter.close);
  return converter.port;
}

const allMeters = (): FramedMeter[] =>
  Object.entries(shown).map(([id, { address, face }]) => meterOf(id, address, faceOf(face)));

describe('meterline read', () => {
  test('every profile of these protocols is proved here', () => {
    const ids = [...profiles.values()].filter(({ protocol }) => ['dlt645', 'cjt188'].includes(protocol));
    expect(ids.map(({ id }) => id).sort()).toEqual(Object.keys(shown).sort());
  });

  test.each(Object.entries(shown))(
    '%s, alone among all others on one line',
    async (id, { address, face }) => {
      const link = ['--rtu-over-tcp', `127.0.0.1:${await converterTo(allMeters())}`, '--timeout', '200'];
      expect(await read(['--profile', id, '--unit', address, ...link, '--json'])).toBe(0);
      const report = JSON.parse(out[0] ?? '');
      expect(report).toMatchObject({ profile: id, unit: address });
      const { registers, protocol } = asked(id);
      expect(report.requests).toBe(protocol === 'dlt645' ? registers.length : 1);
      const values = Object.fromEntries(
        report.readings.map(({ register, value }: { register: string; value: string }) => [register, value]),
      );
      expect(values).toMatchObject(face);
    },
  );

  test('on a serial line of 2400 baud, even parity', async (context) => {
    const line = startTransparentSerial(framedLine(allMeters()));
    if (line === null) return missingPeer(context, 'there are no pseudo terminals');
    cleanups.push(line.close);
    const link = ['--serial', line.path, '--baud', '2400', '--parity', 'even', '--timeout', '500'];
    expect(await read(['--profile', 'dlt645-2007-1ph', '--unit', '202411087654', ...link])).toBe(0);
    expect(out).toContainEqual(
      expect.stringMatching(/1-0:1\.8\.0 +active import +999999\.99 kWh {2}<- billed$/),
    );
    expect(await read(['--profile', 'cjt188-water', '--unit', W, ...link])).toBe(0);
    expect(out).toContainEqual(
      expect.stringMatching(/8-0:1\.0\.0 +water volume +785634\.12 m3 {2}<- billed$/),
    );
  });

  test('what the meter lacks costs only itself', async () => {
    const has = (obis: string) => (obis === '1-0:1.8.0' ? micro('1') : undefined);
    const link = ['--rtu-over-tcp', `127.0.0.1:${await converterTo([meterOf('dlt645-1997', E, has)])}`];
    expect(await read(['--profile', 'dlt645-1997', '--unit', E, ...link])).toBe(0);
    expect(out.join('\n')).toMatch(
      /15 registers without an answer: the meter refuses \(error byte of DL\/T 645 2\)/,
    );
  });

  test.each([
    ['dlt645-1997', '1', '--rtu-over-tcp'],
    ['dlt645-1997', W, '--rtu-over-tcp'],
    ['cjt188-water', E, '--rtu-over-tcp'],
    ['abb-b23', E, '--rtu-over-tcp'],
    ['dlt645-1997', E, '--tcp'],
  ])('%s with unit %s and %s is refused', async (id, unit, link) => {
    expect(await read(['--profile', id, '--unit', unit, link, '127.0.0.1:1'])).toBe(2);
  });
});

describe('meterline scan', () => {
  test.each(Object.entries(shown))('finds a lone %s by its own address', async (id, { address, face }) => {
    const profile = asked(id);
    const has: MeterValues = (obis) =>
      profile.registers.some((one) => one.obis === obis) ? micro(face[obis] ?? '0') : undefined;
    const link = ['--rtu-over-tcp', `127.0.0.1:${await converterTo([meterOf(id, address, has)])}`];
    expect(await scan([...link, '--units', '1', '--timeout', '60', '--json'])).toBe(0);
    expect(JSON.parse(out[0] ?? '')).toMatchObject({
      probed: 1,
      found: [{ unit: address, profile: id, registers: face }],
    });
  });

  test('says that it is unclear who answers when there are several', async () => {
    const one = shown['dlt645-2007-1ph'];
    const meters = [E, '000000000002'].map((unit) =>
      meterOf('dlt645-2007-1ph', unit, faceOf(one?.face ?? {})),
    );
    const link = ['--rtu-over-tcp', `127.0.0.1:${await converterTo(meters)}`];
    expect(await scan([...link, '--units', '1', '--timeout', '60', '--json'])).toBe(1);
    expect(err).toContainEqual(expect.stringContaining('several meters?'));
  });
});

const NOW = Temporal.Instant.from('2026-09-01T00:15:00Z').epochMilliseconds;

/** One sweep over one bus. */
async function poll(bus: Bus): Promise<{ readings: NewReading[]; stop(): Promise<void> }> {
  const log = { info: vi.fn(), warn: vi.fn(), error: vi.fn() };
  return new Promise((resolve) => {
    const polling = startPolling({
      config: { buses: [bus], pollIntervalSeconds: 900, clock: 'driven' },
      profiles,
      clock: {
        nowMs: () => NOW,
        async until(ms, signal) {
          if (ms <= NOW) return;
          signal?.throwIfAborted();
          await new Promise((_, reject) => signal?.addEventListener('abort', () => reject(signal.reason)));
        },
      },
      outbox: {
        accept: async (readings) => resolve({ readings, stop: () => polling.stop() }),
        lastAcceptedMs: () => null,
      },
      log,
    });
  });
}

test('a bus of both protocols is polled like any other, each total with its bytes', async () => {
  const port = await converterTo(allMeters());
  const { readings, stop } = await poll({
    id: 'bus-1',
    link: { kind: 'rtu-over-tcp', host: '127.0.0.1', port },
    timeoutMilliseconds: 200,
    meters: [
      { meter: 'E-1', profile: 'dlt645-2007-3ph', unit: E },
      { meter: 'W-1', profile: 'cjt188-water', unit: W },
    ],
  });
  await stop();
  const common = { readAt: '2026-09-01T00:15:00Z', source: 'poll' };
  expect(readings).toEqual([
    { ...common, meter: 'E-1', register: '1-0:1.8.0', value: '123456.78', unit: 'kWh', raw: '78563412' },
    { ...common, meter: 'W-1', register: '8-0:1.0.0', value: '785634.12', unit: 'm3', raw: '123456782c' },
  ]);
});
