import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { type MeterImage, serveMeters, type TestMeters } from '../test-meters.ts';
import { run as profiles } from './profiles.ts';
import { run as read } from './read.ts';
import { parseUnits, run as scan } from './scan.ts';
import { run as syncTime } from './sync-time.ts';

const volts = '43664000';
/** The whole block from 0 to 0x4f, as a real one has it. */
const block = new Array<string>(0x28).fill('00000000');
for (const [address, hex] of Object.entries({
  0: volts,
  6: '3fc00000',
  12: '43ac8000',
  18: '43ad0000',
  24: '41200000',
  30: '3f7d70a4',
  70: '42480000',
  72: '44bbf333',
  76: '3dcccccd',
}))
  block[Number(address) / 2] = hex;
const sdm120: MeterImage = { 4: { 0: block.join('') } };
const acrel: MeterImage = { 3: { 10: '00bc614e', 97: '090309010905', 119: '1388' } };
const water: MeterImage = { 3: { 0: '00003fa0', 71: '0000', 91: '005a', 114: 'c00044d4' } };

let out: string[];
let err: string[];
let server: TestMeters | null = null;
beforeEach(() => {
  out = [];
  err = [];
  vi.spyOn(console, 'log').mockImplementation((line: string) => void out.push(line));
  vi.spyOn(console, 'error').mockImplementation((line: string) => void err.push(line));
});
afterEach(async () => {
  vi.restoreAllMocks();
  await server?.close();
  server = null;
});

async function at(
  meters: Record<number, MeterImage>,
  kind: 'tcp' | 'rtu-over-tcp' = 'tcp',
): Promise<string[]> {
  server = await serveMeters(meters, kind);
  return [`--${kind}`, `127.0.0.1:${server.port}`, '--timeout', '40'];
}

describe('meterline read', () => {
  test('--json prints every register of the profile with unit, quality and instant', async () => {
    const link = await at({ 3: { 3: { ...acrel[3], 20: 'ffffffff' } } });
    expect(await read(['--profile', 'acrel-dtsd1352', '--unit', '3', ...link, '--json'])).toBe(0);
    expect(out).toHaveLength(1);
    const report = JSON.parse(out[0] ?? '');
    expect(report).toMatchObject({ profile: 'acrel-dtsd1352', unit: 3, requests: expect.any(Number) });
    const readAt = expect.stringMatching(/^20\d\d-\d\d-\d\dT[0-9:.]+Z$/);
    expect(report.readings[0]).toEqual({
      register: '1-0:1.8.0',
      value: '123456.78',
      unit: 'kWh',
      quality: 'actual',
      readAt,
    });
    expect(report.readings[1]).toEqual({
      register: '1-0:2.8.0',
      value: null,
      unit: 'kWh',
      quality: 'missing',
      readAt,
    });
    expect(report.readings.map(({ register }: { register: string }) => register)).toContain('1-0:72.7.0');
  });
  test('prints a table with units for people', async () => {
    const link = await at({ 1: sdm120 }, 'rtu-over-tcp');
    expect(await read(['--profile', 'eastron-sdm120', '--unit', '1', ...link])).toBe(0);
    expect(out[0]).toContain('Eastron SDM120, unit 1 at 127.0.0.1:');
    expect(out).toContainEqual(
      expect.stringMatching(/^ {2}1-0:1\.8\.0 +active import +1503\.6 kWh {2}<- billed$/),
    );
    expect(out).toContainEqual(expect.stringMatching(/voltage L1 +230\.25 V$/));
  });
  test('a silent meter is exit 1, with an empty report', async () => {
    const link = await at({});
    expect(await read(['--profile', 'tuf-2000m', '--unit', '9', ...link, '--json'])).toBe(1);
    expect(JSON.parse(out[0] ?? '')).toEqual({
      profile: 'tuf-2000m',
      unit: 9,
      requests: 2,
      readings: [],
      fault: {
        layer: 'reply',
        code: 'timeout',
        detail: 'no reply',
        next: expect.stringContaining('baud rate'),
      },
    });
    expect(err.at(-1)).toMatch(/^meterline read: timeout: no reply; check its power/);
  });
  test('a line that cannot be opened is exit 3', async () => {
    const link = await at({});
    await server?.close();
    expect(await read(['--profile', 'tuf-2000m', '--unit', '9', ...link])).toBe(3);
    expect(err[0]).toContain('unreachable: connect ECONNREFUSED');
    expect(err[0]).toContain('connection refused: nothing listens there; check the port');
  });
  test('a device that is not there: those that are there are listed, and nobody is said to hold it', async () => {
    expect(await read(['--profile', 'abb-b23', '--unit', '9', '--serial', '/dev/ttyUSB77', '--json'])).toBe(
      3,
    );
    expect(err[0]).toMatch(/\/dev\/ttyUSB77 is not there; (there are|no other is there)/);
    expect(err[0]).not.toContain('Does a running gateway');
    expect(err[0]).not.toContain('Error:');
    expect(JSON.parse(out[0] ?? '').fault).toMatchObject({ layer: 'port', code: 'unreachable' });
  });
  test('what is wrong with the options stands last, after the usage', async () => {
    expect(await read(['--profile', 'inepro-pro38', '--unit', '1', '--tcp', 'a:1'])).toBe(2);
    expect(err[0]?.split('\n').at(-1)).toBe(
      'meterline read: there is no profile "inepro-pro38": did you mean inepro-pro380?',
    );
  });
  test.each([
    [['--profile', 'nope', '--unit', '1', '--tcp', '127.0.0.1:502'], 'there is no profile "nope"'],
    [['--unit', '1', '--tcp', '127.0.0.1:502'], '--profile is missing'],
    [['--profile', 'json-water-push', '--unit', '1', '--tcp', '127.0.0.1:502'], 'it cannot be read'],
    [['--profile', 'abb-b23', '--tcp', '127.0.0.1:502'], '--unit is missing'],
    [['--profile', 'abb-b23', '--unit', '1.5', '--tcp', '127.0.0.1:502'], '--unit is missing or not'],
    [['--profile', 'abb-b23', '--unit', '1'], 'one of --tcp'],
    [['--profile', 'abb-b23', '--unit', '1', '--tcp', 'a:1', '--serial', '/dev/x'], 'one of --tcp'],
    [['--profile', 'abb-b23', '--unit', '1', '--tcp', '127.0.0.1'], 'is not HOST:PORT'],
    [['--profile', 'abb-b23', '--unit', '1', '--tcp', '127.0.0.1:0'], 'is not HOST:PORT'],
    [['--profile', 'abb-b23', '--unit', '1', '--serial', '/dev/x', '--baud', 'fast'], '--baud'],
    [['--profile', 'abb-b23', '--unit', '1', '--serial', '/dev/x', '--parity', 'maybe'], '--parity'],
    [['--profile', 'abb-b23', '--unit', '1', '--tcp', 'a:1', '--timeout', '0'], '--timeout'],
    [['--write'], 'Unknown option'],
  ])('%j is exit 2: %s', async (args, message) => {
    expect(await read(args)).toBe(2);
    expect(err[0]).toContain(message);
    expect(out).toEqual([]);
  });
});

describe('meterline sync-time', () => {
  const options = ['--profile', 'dlt645-2007-3ph', '--unit', '000000000001', '--time-zone', 'Asia/Shanghai'];
  test('a port that is closed is exit 3, and named', async () => {
    const link = await at({}, 'rtu-over-tcp');
    await server?.close();
    expect(await syncTime([...options, ...link])).toBe(3);
    expect(err[0]).toContain('ECONNREFUSED');
  });
  test('a meter that is silent is exit 1, with what to check', async () => {
    const mute = createServer(() => undefined).listen(0, '127.0.0.1');
    await once(mute, 'listening');
    const { port } = mute.address() as AddressInfo;
    expect(await syncTime([...options, '--rtu-over-tcp', `127.0.0.1:${port}`, '--timeout', '40'])).toBe(1);
    mute.close();
    expect(err[0]).toMatch(/tells no time: timeout: no reply; check its power/);
  });
  test('a model without a clock that could be set is exit 2', async () => {
    const named = ['--profile', 'abb-b23', '--unit', '1', '--time-zone', 'Asia/Shanghai', '--tcp', 'a:1'];
    expect(await syncTime(named)).toBe(2);
    expect(err[0]).toContain('abb-b23 is no DL/T 645 meter');
  });
});

describe('meterline scan', () => {
  test('--json names who answers, with the model that fits', async () => {
    const link = await at({ 2: sdm120, 3: acrel, 5: water, 7: { 3: { 36864: '1234' } } });
    expect(await scan([...link, '--units', '1-7', '--json'])).toBe(0);
    const report = JSON.parse(out[0] ?? '');
    expect(report.probed).toBe(7);
    expect(
      report.found.map(({ unit, profile }: { unit: number; profile: string }) => [unit, profile]),
    ).toEqual([
      [2, 'eastron-sdm120'],
      [3, 'acrel-dtsd1352'],
      [5, 'tuf-2000m'],
      [7, null],
    ]);
    expect(report.found[0].registers['1-0:1.8.0']).toBe('1503.6');
  });
  test('nobody there is exit 1', async () => {
    expect(await scan([...(await at({})), '--units', '1,2'])).toBe(1);
    expect(out).toEqual(['2 addresses tried, 0 found']);
    expect(err[0]).toMatch(/^Only Modbus TCP was searched\..*--rtu-over-tcp.*DLMS/);
  });
  test('a line that cannot be opened is exit 3', async () => {
    const link = await at({});
    await server?.close();
    expect(await scan(link)).toBe(3);
    expect(out).toEqual([]);
    expect(await scan([...link, '--json'])).toBe(3);
    expect(out.map((line) => JSON.parse(line))).toEqual([
      { probed: 0, found: [], fault: expect.objectContaining({ layer: 'port', code: 'unreachable' }) },
    ]);
  });
  test.each([
    ['1-3,7', [1, 2, 3, 7]],
    ['5,5', [5]],
    ['0-3', null],
    ['1-248', null],
    ['9-3', null],
    ['', null],
    ['1-', null],
  ])('--units %s', (text, units) => {
    expect(parseUnits(text)).toEqual(units);
  });
});

describe('meterline profiles', () => {
  test('--json lists id, make, model, protocol and utility', async () => {
    expect(await profiles(['--json'])).toBe(0);
    const rows = JSON.parse(out[0] ?? '');
    expect(rows).toContainEqual({
      id: 'abb-b23',
      make: 'ABB',
      model: 'B23',
      protocol: 'modbus',
      utility: 'electricity',
    });
    expect(rows.length).toBeGreaterThanOrEqual(39);
  });
  test('refuses what it does not know', async () => {
    expect(await profiles(['--all'])).toBe(2);
  });
});
