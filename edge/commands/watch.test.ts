import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { type MeterImage, serveMeters, type TestMeters } from '../test-meters.ts';
import { run } from './watch.ts';

const water = (total: string): MeterImage => ({ 3: { 0: '00003fa0', 71: '0000', 91: '005a', 114: total } });

let out: string[];
let err: string[];
let server: TestMeters;
const terminal = process.stdout.isTTY;
beforeEach(async () => {
  out = [];
  err = [];
  vi.spyOn(console, 'log').mockImplementation((line: string) => void out.push(line));
  vi.spyOn(console, 'error').mockImplementation((line: string) => void err.push(line));
  server = await serveMeters({ 5: water('c00044d4') });
  process.stdout.isTTY = false;
});
afterEach(async () => {
  vi.restoreAllMocks();
  process.stdout.isTTY = terminal;
  await server.close();
});
const watch = (...args: string[]): Promise<number> =>
  run([
    '--tcp',
    `127.0.0.1:${server.port}`,
    '--timeout',
    '60',
    '--profile',
    'tuf-2000m',
    '--interval',
    '1',
    ...args,
  ]);

test('a line for each value, as often as asked', async () => {
  expect(await watch('--unit', '5', '--count', '2')).toBe(0);
  expect(out).toHaveLength(10);
  expect(out[0]).toMatch(/^20\S+Z 8-0:1\.0\.0 water volume 1702 m3$/);
  expect(err).toEqual([]);
});

test('on a terminal a table in its place, with what has changed', async () => {
  process.stdout.isTTY = true;
  const written: string[] = [];
  vi.spyOn(process.stdout, 'write').mockImplementation((text) => {
    written.push(String(text));
    server.meters.set(5, water('d00044d4'));
    return true;
  });
  expect(await watch('--unit', '5', '--count', '2')).toBe(0);
  expect(written).toHaveLength(2);
  expect(written[0]?.split('\n')).toHaveLength(8);
  expect(written[1]).toContain('\x1b[7A\x1b[J');
  expect(written[1]).toMatch(/volume +1702\.5 +m3 +\+0\.5 +<- billed/);
});

test('a silent meter is exit 1, with the reason', async () => {
  expect(await watch('--unit', '9', '--count', '1')).toBe(1);
  expect(err[0]).toContain('4 registers without an answer: unit 9');
});

test('Ctrl-C ends it in order', async () => {
  const watching = watch('--unit', '5');
  while (out.length === 0) await new Promise(setImmediate);
  process.emit('SIGINT');
  expect(await watching).toBe(0);
});

test('a line that cannot be opened is exit 3', async () => {
  await server.close();
  expect(await watch('--unit', '5')).toBe(3);
  expect(out).toEqual([]);
  expect(await watch('--unit', '5', '--json')).toBe(3);
  expect(out.map((line) => JSON.parse(line))).toEqual([
    expect.objectContaining({ readings: [], fault: expect.objectContaining({ code: 'unreachable' }) }),
  ]);
});

test('--json is a document a line for each read, on a terminal too', async () => {
  process.stdout.isTTY = true;
  expect(await watch('--unit', '5', '--count', '2', '--json')).toBe(0);
  expect(out).toHaveLength(2);
  for (const line of out)
    expect(JSON.parse(line)).toMatchObject({
      profile: 'tuf-2000m',
      unit: 5,
      readings: expect.arrayContaining([
        expect.objectContaining({ register: '8-0:1.0.0', value: '1702', unit: 'm3', quality: 'actual' }),
      ]),
    });
});

test.each([
  [['--interval', '0'], '--interval is not'],
  [['--count', '0'], '--count is not'],
  [['--profile', 'json-water-push'], 'it cannot be read'],
  [['--write'], 'Unknown option'],
])('%j is exit 2', async (args, message) => {
  expect(await watch('--unit', '5', ...args)).toBe(2);
  expect(err[0]).toContain(message);
});
