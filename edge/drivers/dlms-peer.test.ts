/** A meter of Gurux's DLMS server, read over the wrapper, over HDLC on a socket and on a serial line. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterEach, beforeEach, describe, expect, type TestContext, test, vi } from 'vitest';
import { missingPeer, requirePeer } from '../../process/peers.ts';
import { parseDateTime } from '../../protocols/dlms/profile-buffer.ts';
import type { DlmsProfile } from '../../protocols/profile.ts';
import type { NewReading } from '../buffer/outbox-items.ts';
import { run as read } from '../commands/read.ts';
import { openClock } from '../healing/meter-clock.ts';
import { Line } from '../line/line.ts';
import type { LineLink } from '../line/line-stream.ts';
import { startPolling } from '../poll.ts';
import { MeterMemory } from '../polling/meter-memory.ts';
import { loadProfiles } from '../profiles.ts';
import { dlmsDriver } from './dlms-driver.ts';
import { DlmsSession } from './dlms-session.ts';
import { hdlcTransport, wrapperTransport } from './dlms-transport.ts';

const PYTHON = '/usr/bin/python3';
const PACKAGES = join(import.meta.dirname, '../../node_modules/.python-peers');
const INSTALL =
  '/usr/bin/python3 -m pip install --no-deps --target node_modules/.python-peers --require-hashes -r protocols/python-peers.txt';

function requireGurux(context: TestContext): void {
  requirePeer(context, PYTHON);
  if (!existsSync(join(PACKAGES, 'gurux_dlms')))
    missingPeer(context, `gurux_dlms is not installed: ${INSTALL}`);
}

const loaded = loadProfiles();
if (!loaded.ok) throw new Error(loaded.errors.join('\n'));
const model = loaded.profiles.get('dlms-electricity');
if (model?.protocol !== 'dlms') throw new Error('no profile dlms-electricity');
const profile: DlmsProfile = model;

/** Class, type, value, scaler, unit. */
type Register = [number, string, number | null, number, number];
interface Meter {
  registers: Record<string, Register>;
  name: string;
  client: number;
  server: number;
  password: string | null;
  pdu: number;
  rows: [string, number][];
}

/** Of every register of the profile, each as another type; energies in Wh, hundredths, tens, kWh. */
const registers: Record<string, Register> = {
  '1.0.1.8.0.255': [3, 'u32', 123_456_789, -2, 30],
  '1.0.1.8.1.255': [3, 'u64', 9_007_199_254, 0, 30],
  '1.0.1.8.2.255': [3, 'u32', 4_294_967_295, 0, 30],
  '1.0.1.8.3.255': [3, 'u32', 12, 1, 30],
  '1.0.1.8.4.255': [3, 'u32', 0, 0, 30],
  '1.0.2.8.0.255': [3, 'f64', 1503.5, 0, 30],
  '1.0.32.7.0.255': [3, 'u16', 2305, -1, 35],
  '1.0.52.7.0.255': [3, 'u8', 231, 0, 35],
  '1.0.72.7.0.255': [3, 'f32', 230.25, 0, 35],
  '1.0.31.7.0.255': [3, 'u16', 1250, -3, 33],
  '1.0.51.7.0.255': [3, 'i32', -1250, -3, 33],
  '1.0.71.7.0.255': [3, 'u32', 5, 0, 35],
  '1.0.16.7.0.255': [3, 'i32', -1500, 0, 27],
};
const face = {
  '1-0:1.8.0': '1234.56789',
  '1-0:1.8.1': '9007199.254',
  '1-0:1.8.2': 'not_available',
  '1-0:1.8.3': '0.12',
  '1-0:1.8.4': '0',
  '1-0:2.8.0': '1.5035',
  '1-0:32.7.0': '230.5',
  '1-0:52.7.0': '231',
  '1-0:72.7.0': '230.25',
  '1-0:31.7.0': '1.25',
  '1-0:51.7.0': '-1.25',
  // It names volts.
  '1-0:71.7.0': 'unknown_unit',
  '1-0:16.7.0': '-1500',
};
/** Two of them as an extended register and as data, whose value is a count of the unit. */
const otherClasses: Record<string, Register> = {
  '1.0.1.8.1.255': [4, 'u64', 9_007_199_254, 0, 30],
  '1.0.1.8.4.255': [1, 'u32', 0, 0, 0],
};
const classes: Record<string, 1 | 4> = { '1-0:1.8.1': 4, '1-0:1.8.4': 1 };
const mixed = profile.registers.map((register) => ({
  ...register,
  class: classes[register.obis] ?? register.class,
}));
const UNIT = 17;
/** Gurux puts the two parts of an HDLC address into one number. */
const HDLC_SERVER = (1 << 7) | UNIT;
const meter: Meter = {
  registers,
  name: 'MTL0000000000001',
  client: 16,
  server: HDLC_SERVER,
  password: null,
  pdu: 1200,
  rows: [],
};

const cleanups: (() => unknown)[] = [];
let out: string[] = [];
beforeEach(() => {
  out = [];
  vi.spyOn(console, 'log').mockImplementation((line: string) => void out.push(line));
  vi.spyOn(console, 'error').mockImplementation((line: string) => void out.push(line));
});
afterEach(async () => {
  vi.restoreAllMocks();
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

function started(program: string, args: string[]): ChildProcess {
  const child = spawn(program, args, {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { PYTHONPATH: PACKAGES, PYTHONDONTWRITEBYTECODE: '1' },
  });
  cleanups.push(async () => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    const exited = once(child, 'exit');
    child.kill();
    await exited;
  });
  return child;
}

/** The first line of a child's output that matches; its failure when it ends before. */
async function lineOf(child: ChildProcess, output: 'stdout' | 'stderr', pattern: RegExp): Promise<string> {
  const stream = child[output];
  if (stream === null) throw new Error('no output');
  let seen = '';
  child.stderr?.on('data', (chunk: Buffer) => {
    seen += chunk.toString();
  });
  for await (const line of createInterface({ input: stream })) if (pattern.test(line)) return line;
  throw new Error(`ended: ${seen}`);
}

const peer = join(import.meta.dirname, 'dlms-peer.py');
const gurux = (framing: string, where: string, served: Meter): Promise<string> =>
  lineOf(started(PYTHON, [peer, framing, where, JSON.stringify(served)]), 'stdout', /./);

interface Way {
  unit: number;
  link(served: Meter): Promise<LineLink>;
}
const ways: Record<string, Way> = {
  'the wrapper': {
    unit: 1,
    link: async (served) => ({
      kind: 'tcp',
      host: '127.0.0.1',
      port: Number(await gurux('wrapper', '-', { ...served, server: 1 })),
    }),
  },
  'HDLC on a socket': {
    unit: UNIT,
    link: async (served) => ({
      kind: 'rtu-over-tcp',
      host: '127.0.0.1',
      port: Number(await gurux('hdlc', '-', served)),
    }),
  },
  'HDLC on a serial line': {
    unit: UNIT,
    async link(served) {
      const folder = mkdtempSync(join(tmpdir(), 'pty-'));
      cleanups.push(() => rmSync(folder, { recursive: true, force: true }));
      const [gateway, far] = [join(folder, 'gateway'), join(folder, 'meter')];
      const ends = [gateway, far].map((end) => `pty,raw,echo=0,link=${end}`);
      await lineOf(started('/usr/bin/socat', ['-d', '-d', ...ends]), 'stderr', /starting data transfer loop/);
      await gurux('hdlc', far, served);
      return { kind: 'serial', path: gateway, baudRate: 9600, parity: 'none' };
    },
  },
};

function lineTo(link: LineLink): Line {
  const line = new Line({ link, timeoutMilliseconds: 2000, worstReplyMilliseconds: 100 });
  cleanups.push(() => line.close());
  return line;
}
const options = { nowMs: Date.now, attempts: 1, pauses: false };

describe.each(Object.entries(ways))('a meter of Gurux over %s', (_way, { unit, link: linkTo }) => {
  test('is read, and read again with a request less for each register', async (context) => {
    requireGurux(context);
    requirePeer(context, '/usr/bin/socat');
    const link = await linkTo({ ...meter, registers: { ...registers, ...otherClasses } });
    const line = lineTo(link);
    const driver = dlmsDriver(profile, mixed, { unit, link });
    const first = await driver.read(line, options);
    expect(first).toMatchObject({ failures: 0, fault: null });
    const values = first.values.map(({ register, value, code }) => [register.obis, value ?? code]);
    expect(Object.fromEntries(values)).toEqual(face);
    const again = await driver.read(line, options);
    expect(again.values.map(({ value }) => value)).toEqual(first.values.map(({ value }) => value));
    expect(again.requests).toBe(first.requests - profile.registers.length + 1);
    expect(first.values[0]?.raw).toBe('06075bcd1502020ffe161e');
  });

  test('its clock is held against ours, and brought to the time of the site', async (context) => {
    requireGurux(context);
    requirePeer(context, '/usr/bin/socat');
    const link = await linkTo(meter);
    const nowMs = (): number => Temporal.Instant.from('2026-09-01T00:14:30Z').epochMilliseconds;
    const measure = openClock(profile, unit, { link });
    const offset = await measure?.(lineTo(link), { ...options, nowMs, timeZone: 'Asia/Shanghai' });
    // Half a second, since the meter cuts off what is less than one.
    expect(offset).toEqual({ offsetMs: 30_500, uncertaintyMs: 500, atMs: nowMs() });
  });

  test('its newest entries are read, in blocks where they are many', async (context) => {
    requireGurux(context);
    requirePeer(context, '/usr/bin/socat');
    const start = Temporal.PlainDateTime.from('2026-09-01T00:00:00');
    const quarter = (index: number): string => start.add({ minutes: index * 15 }).toString();
    const rows = Array.from({ length: 400 }, (_, index): [string, number] => [quarter(index), index * 10]);
    const link = await linkTo({ ...meter, rows });
    const line = lineTo(link);
    const transport = link.kind === 'tcp' ? wrapperTransport : hdlcTransport;
    let requests = 0;
    const session = new DlmsSession(
      transport(
        (exchange) => {
          requests += 1;
          return line.ask(exchange);
        },
        { client: 16, logicalDevice: 1, addressBytes: 2, unit },
      ),
      7,
    );
    expect(await session.open()).toMatchObject({ state: 'open' });
    const before = requests;
    const entries = await session.newestEntries('1-0:99.1.0', 300);
    expect(requests - before).toBeGreaterThan(5);
    if (!entries.ok) throw new Error(`refused: ${entries.error}`);
    expect(entries.columns.map(({ obis }) => obis)).toEqual(['0-0:1.0.0', '1-0:1.8.0']);
    const got = entries.rows.map(([at, value]) => [
      at?.type === 'octet-string' && parseDateTime(at.bytes)?.local,
      value?.type === 'u32' && value.value,
    ]);
    expect(got).toEqual(rows.slice(100).map(([at, value]) => [at, BigInt(value)]));
    expect(await session.newestEntries('1-0:99.2.0', 1)).toEqual({ ok: false, error: 3 });
    await session.close();
  });

  test('what it lacks costs only itself', async (context) => {
    requireGurux(context);
    requirePeer(context, '/usr/bin/socat');
    const only = { '1.0.1.8.0.255': registers['1.0.1.8.0.255'] ?? [3, 'u32', 0, 0, 30] };
    const link = await linkTo({ ...meter, registers: only });
    const driver = dlmsDriver(profile, profile.registers, { unit, link });
    const result = await driver.read(lineTo(link), options);
    expect(result).toMatchObject({ failures: 12, exception: 3, fault: null });
    expect(result.values.map(({ value }) => value)).toEqual(['1234.56789']);
  });

  test('that wants a password says so', async (context) => {
    requireGurux(context);
    requirePeer(context, '/usr/bin/socat');
    const link = await linkTo({ ...meter, password: '12345678' });
    const line = lineTo(link);
    const driver = dlmsDriver(profile, profile.registers, { unit, link });
    expect(await driver.read(line, options)).toMatchObject({
      values: [],
      failures: 1,
      exception: 14,
      fault: null,
    });
    const right = dlmsDriver(profile, profile.registers, { unit, link, password: '12345678' });
    expect((await right.read(line, options)).values).toHaveLength(13);
    const wrong = dlmsDriver(profile, profile.registers, { unit, link, password: '87654321' });
    expect(await wrong.read(line, options)).toMatchObject({ values: [], exception: 13 });
  });
});

test('every profile of DLMS is proved here', () => {
  const ids = [...(loaded.ok ? loaded.profiles : new Map()).values()].filter(
    ({ protocol }) => protocol === 'dlms',
  );
  expect(ids.map(({ id }) => id)).toEqual([profile.id]);
  expect(profile.registers.map(({ obis }) => obis)).toEqual(Object.keys(face));
});

describe('meterline read', () => {
  test('over TCP', async (context) => {
    requireGurux(context);
    const port = await gurux('wrapper', '-', { ...meter, server: 1 });
    const args = ['--profile', 'dlms-electricity', '--unit', '1', '--tcp', `127.0.0.1:${port}`];
    expect(await read([...args, '--json'])).toBe(0);
    const report = JSON.parse(out[0] ?? '');
    expect(report).toMatchObject({ profile: 'dlms-electricity', unit: 1 });
    expect(report.readings).toHaveLength(13);
    expect(report.readings[0]).toMatchObject({
      register: '1-0:1.8.0',
      value: '1234.56789',
      unit: 'kWh',
      quality: 'actual',
    });
  });
  test('with a password, which no other model takes', async (context) => {
    requireGurux(context);
    const port = await gurux('wrapper', '-', { ...meter, server: 1, password: '12345678' });
    const link = ['--unit', '1', '--tcp', `127.0.0.1:${port}`];
    expect(await read(['--profile', 'dlms-electricity', ...link])).toBe(1);
    expect(await read(['--profile', 'dlms-electricity', '--password', '12345678', ...link])).toBe(0);
    expect(await read(['--profile', 'abb-b23', '--password', '12345678', ...link])).toBe(2);
  });
});

test('is polled like any other: who it is, and then its billing registers', async (context) => {
  requireGurux(context);
  const port = Number(await gurux('wrapper', '-', { ...meter, server: 1, password: '12345678' }));
  const nowMs = Temporal.Instant.from('2026-09-01T00:15:00Z').epochMilliseconds;
  const memory = new MeterMemory();
  const log = { info: vi.fn(), warn: vi.fn(), error: vi.fn() };
  const readings = await new Promise<NewReading[]>((resolve) => {
    const row = { meter: 'E-1', profile: 'dlms-electricity', unit: 1, password: '12345678' };
    const link = { kind: 'tcp' as const, host: '127.0.0.1', port };
    const polling = startPolling({
      config: {
        buses: [{ id: 'bus-1', link, timeoutMilliseconds: 2000, meters: [row] }],
        pollIntervalSeconds: 900,
        clock: 'driven',
      },
      profiles: loaded.ok ? loaded.profiles : new Map(),
      memory,
      clock: {
        nowMs: () => nowMs,
        async until(ms, signal) {
          if (ms <= nowMs) return;
          signal?.throwIfAborted();
          await new Promise((_, reject) => signal?.addEventListener('abort', () => reject(signal.reason)));
        },
      },
      outbox: { accept: async (accepted) => resolve(accepted), lastAcceptedMs: () => null },
      log,
    });
    cleanups.push(() => polling.stop());
  });
  expect(readings).toEqual([
    {
      meter: 'E-1',
      register: '1-0:1.8.0',
      readAt: '2026-09-01T00:15:00Z',
      value: '1234.56789',
      unit: 'kWh',
      raw: '06075bcd1502020ffe161e',
      source: 'poll',
    },
  ]);
  expect(log.error).not.toHaveBeenCalled();
});
