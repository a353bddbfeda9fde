import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { run as tariff } from './tariff.ts';

const ladder = new URL('../billing/tariff/library/cn-shanghai-residential.json', import.meta.url).pathname;
let dir: string;
let out: string[];
let err: string[];
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'meterline-tariff-'));
  out = [];
  err = [];
  vi.spyOn(console, 'log').mockImplementation((line: string) => void out.push(line));
  vi.spyOn(console, 'error').mockImplementation((line: string) => void err.push(line));
});
afterEach(() => {
  vi.restoreAllMocks();
  rmSync(dir, { recursive: true });
});
const file = (name: string, content: unknown): string => {
  const path = join(dir, name);
  writeFileSync(path, JSON.stringify(content));
  return path;
};
const usage = {
  from: '2026-10-01',
  to: '2026-11-01',
  quantities: [{ touPeriod: null, quantity: '400' }],
  usedThisYear: '3000',
};

test('a tariff is proved, and a bill priced by it', async () => {
  expect(await tariff([ladder])).toBe(0);
  expect(out.join()).toContain('every quantity priced once');
  expect(await tariff([ladder, '--usage', file('usage.json', usage), '--json'])).toBe(0);
  expect(JSON.parse(out.at(-1) ?? '')).toMatchObject({ ok: true, net: '260.8', tax: '0', total: '260.8' });
});

test('a bad tariff, a bad usage and a bad file are told by name', async () => {
  const bad = JSON.parse(readFileSync(ladder, 'utf8').replace('"from": "4800"', '"from": "4900"'));
  expect(await tariff([file('bad.json', bad)])).toBe(1);
  expect(err.join()).toContain('energy: a gap below tier 3: nothing prices up to 4900');
  const credit = { ...usage, quantities: [{ touPeriod: null, quantity: '-1' }] };
  expect(await tariff([ladder, '--usage', file('usage.json', credit)])).toBe(1);
  expect(err.join()).toContain('a quantity of -1 is below 0');
  expect(await tariff([file('other.json', { id: 'x' })])).toBe(2);
  expect(err.join()).toContain('other.json:1: format:');
  expect(await tariff([join(dir, 'none.json')])).toBe(2);
  expect(await tariff([])).toBe(2);
});

test('the schema names every kind of component', async () => {
  expect(await tariff(['--schema'])).toBe(0);
  const schema = out.join('');
  for (const kind of [
    'energy',
    'demand',
    'fixed',
    'band_fee',
    'percent',
    'power_factor',
    'minimum',
    'rounding',
  ])
    expect(schema).toContain(`"${kind}"`);
});
