import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { type MeterImage, serveMeters, type TestMeters } from '../test-meters.ts';
import { run } from './detect-register.ts';

const zeros = (registers: number): string => '0000'.repeat(registers);
const acrel: MeterImage = { 3: { 0: zeros(10), 10: '00bc614e', 12: zeros(84), 97: '090309010905' } };
/** Low word first, x 0.1 kWh, by function 04. */
const gavazzi: MeterImage = { 4: { 0: '08fd0000', 40: 'fff6ffff', 52: 'd6870012' } };

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
async function detect(...args: string[]): Promise<number> {
  server = await serveMeters({ 3: acrel, 4: gavazzi });
  return run(['--tcp', `127.0.0.1:${server.port}`, '--timeout', '60', '--pause', '0', ...args]);
}

describe('meterline detect-register', () => {
  test('--json names the register, and the models that have it', async () => {
    expect(await detect('--face', '123456.78', '--unit', '3', '--json')).toBe(0);
    const { found, ...rest } = JSON.parse(out[0] ?? '');
    expect(rest).toMatchObject({ face: '123456.78', unit: 3, ct: null });
    expect(found[0]).toMatchObject({
      functionCode: 3,
      address: 10,
      type: 'u32',
      order: 'ABCD',
      scale: '0.01',
      transformed: 'none',
      shows: '123456.78',
      offBy: '0',
      raw: '00bc614e',
      plausibility: 100,
    });
    expect(found[0].known.map(({ profile }: { profile: string }) => profile)).toEqual([
      'acrel-adl400-secondary',
      'acrel-dtsd1352',
    ]);
  });
  test('tells people what it read and what it found', async () => {
    expect(await detect('--face', '123456.7', '--unit', '4', '--from', '0')).toBe(0);
    expect(out).toContainEqual(expect.stringMatching(/^ {2}function 4: 6 of 256 registers, \d+ requests$/));
    expect(out).toContainEqual(
      expect.stringMatching(/0x0034 \(52\) +u32 +CDAB +x 0\.1 +123456\.7 +d6870012 +96\/100$/),
    );
    expect(out).toContainEqual('           carlo-gavazzi-em340: 1-0:1.8.0 import, billed');
  });
  test('without a range the billing registers of the models come first, and the range is not read', async () => {
    expect(await detect('--face', '123456.78', '--unit', '3', '--profile', 'acrel-dtsd1352', '--json')).toBe(
      0,
    );
    const { read, found } = JSON.parse(out[0] ?? '');
    expect(read).toEqual([{ functionCode: 3, registers: 2, requests: 1 }]);
    expect(found[0]).toMatchObject({ address: 10, offBy: '0' });
  });
  test('a meter that ran on since its face was read is found, below one that did not', async () => {
    expect(await detect('--face', '123456.70', '--unit', '3', '--json')).toBe(0);
    expect(JSON.parse(out[0] ?? '').found[0]).toMatchObject({ address: 10, offBy: '8', plausibility: 90 });
  });
  test('when nothing matches the nearest is told', async () => {
    expect(await detect('--face', '123450.00', '--unit', '3')).toBe(1);
    expect(out).toContain('near: 123456.78 at 0x000a, 678 last digits ahead');
  });
  test('a face before the transformers is found with their ratio', async () => {
    const args = ['--face', '3086.41', '--unit', '3', '--fc', '3', '--to', '20'];
    expect(await detect(...args, '--ct', '40')).toBe(0);
    expect(out).toContainEqual('           divided by the CT ratio 40');
    await server?.close();
    expect(await detect(...args)).toBe(1);
  });
  test('no register gives it: exit 1, with what to try', async () => {
    expect(await detect('--face', '987654.32', '--unit', '3')).toBe(1);
    expect(out.at(-1)).toContain('No register gives 987654.32. Another range');
  });
  test('a silent meter is exit 1, a line that cannot be opened exit 3', async () => {
    expect(await detect('--face', '987654.32', '--unit', '9', '--json')).toBe(1);
    await server?.close();
    const closed = ['--tcp', '127.0.0.1:9', '--face', '1234', '--unit', '1'];
    out.length = 0;
    expect(await run(closed)).toBe(3);
    expect(out).toEqual([]);
    expect(await run([...closed, '--json'])).toBe(3);
    expect(out.map((line) => JSON.parse(line))).toEqual([
      expect.objectContaining({ found: [], fault: expect.objectContaining({ code: 'unreachable' }) }),
    ]);
  });
  test.each([
    [['--unit', '1'], '--face is missing'],
    [['--face', '12,5', '--unit', '1'], '--face "12,5" is not'],
    [['--face', '0.42', '--unit', '1'], 'three that count'],
    [['--face', '1234'], '--unit is missing'],
    [['--face', '1234', '--unit', '1', '--from', '9', '--to', '8'], '--from and --to'],
    [['--face', '1234', '--unit', '1', '--to', '0x1ffff'], '--from and --to'],
    [['--face', '1234', '--unit', '1', '--to', '20000'], 'more than 10000'],
    [['--face', '1234', '--unit', '1', '--fc', '6'], '--fc'],
    [['--face', '1234', '--unit', '1', '--ct', '0'], '--ct'],
    [['--face', '1234', '--unit', '1', '--pause', 'long'], '--pause'],
    [['--write'], 'Unknown option'],
  ])('%j is exit 2: %s', async (args, message) => {
    expect(await run([...args, '--tcp', '127.0.0.1:502'])).toBe(2);
    expect(err[0]).toContain(message);
  });
});
