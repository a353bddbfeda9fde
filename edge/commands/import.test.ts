import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { run } from './import.ts';

const EDGE = `gateway: gw-a
dataDir: ./data
broker: mqtt://127.0.0.1:1883
buses:
  - { id: b1, tcp: '127.0.0.1:502', meters: [] }
`;
const HEADINGS = '表号,型号,总线,地址,倍率\n';

let folder: string;
let out: string[];
let err: string[];
const at = (name: string): string => join(folder, name);
const imported = (name: string, ...more: string[]): Promise<number> =>
  run([at(name), '--config', at('edge.yaml'), ...more]);

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'meterline-import-command-'));
  writeFileSync(at('edge.yaml'), EDGE);
  out = [];
  err = [];
  vi.spyOn(console, 'log').mockImplementation((line: string) => void out.push(line));
  vi.spyOn(console, 'error').mockImplementation((line: string) => void err.push(line));
});
afterEach(() => {
  vi.restoreAllMocks();
  rmSync(folder, { recursive: true });
});

test('the marked file of an earlier try goes with the import that is good, not before', async () => {
  writeFileSync(at('list.csv'), `${HEADINGS}1#总表,SDM630,b1,1,\n`);
  expect(await imported('list.csv')).toBe(2);
  expect(err.at(-2)).toContain('1 problem: nothing');
  expect(existsSync(at('list.checked.csv'))).toBe(true);
  writeFileSync(at('list.csv'), `${HEADINGS}E-1,SDM630,b1,1,\n`);
  expect(await imported('list.csv', '--dry-run')).toBe(0);
  expect(existsSync(at('list.checked.csv'))).toBe(true);
  expect(await imported('list.csv')).toBe(0);
  expect(existsSync(at('list.checked.csv'))).toBe(false);
});

test('a marked file that was mended and imported itself stays', async () => {
  writeFileSync(at('list.checked.csv'), `${HEADINGS}E-1,SDM630,b1,1,\n`);
  expect(await imported('list.checked.csv')).toBe(0);
  expect(existsSync(at('list.checked.csv'))).toBe(true);
});

test.each([
  ['zh-CN', '以下列没有写入任何地方：倍率'],
  ['en', 'these columns went nowhere: 倍率'],
])('columns that went nowhere are named, and how a ratio is taken (%s)', async (language, told) => {
  writeFileSync(at('list.csv'), `${HEADINGS}E-1,SDM630,b1,1,200/5\n`);
  expect(await imported('list.csv', '--language', language)).toBe(0);
  expect(err).toContainEqual(expect.stringContaining(told));
  expect(out).toContain('  row 2, 倍率: "200/5" is taken as 40');
});
