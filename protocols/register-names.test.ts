import { readdirSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { registerName, registerWording } from './register-names.ts';

const folder = new URL('./profiles/', import.meta.url);
const shipped = readdirSync(folder)
  .filter((file) => file.endsWith('.yaml'))
  .map((file) => ({
    file,
    registers: [
      ...readFileSync(new URL(file, folder), 'utf8').matchAll(
        /obis: "?(\d+-\d+:\d+\.\d+\.\d+)"?, name: ([^,}]*[^,} ])/g,
      ),
    ].map(([, code = '', own = '']) => ({ code, own })),
  }));

test.each(shipped)(
  'every register of $file is called something, and each something else',
  ({ registers }) => {
    expect(registers.length).toBeGreaterThan(0);
    for (const language of ['zh-CN', 'en'] as const) {
      const names = registers.map(
        ({ code, own }) => registerWording(code, own)?.[language] ?? `nothing for ${code} ${own}`,
      );
      expect(names.filter((name) => name.startsWith('nothing'))).toEqual([]);
      expect(new Set(names).size).toBe(registers.length);
    }
  },
);

test.each([
  ['1-0:1.8.0', '正向有功电能', 'active import'],
  ['1-0:1.8.2', '正向有功电能 费率 2', 'active import rate 2'],
  ['1-0:41.8.0', 'B 相正向有功电能', 'active import L2'],
  ['1-0:72.7.0', 'C 相电压', 'voltage L3'],
  ['1-0:33.7.0', 'A 相功率因数', 'power factor L1'],
  ['8-0:1.0.0', '累计水量', 'water volume'],
  ['6-0:10.0.0', '供水温度', 'supply temperature'],
])('%s is %s, %s', (obis, zh, en) => {
  expect(registerWording(obis, '')).toEqual({ 'zh-CN': zh, en });
});

test('what makers number as they like is told by the word of the profile', () => {
  expect(registerName('8-0:128.1.0', 'pipe state', 'zh-CN')).toBe('管道状态');
  expect(registerName('8-0:128.1.0', 'working step', 'zh-CN')).toBe('工作步骤');
});

test.each(['1-0:99.1.0', '1-0:1.6.0', '9-0:1.0.0'])('%s is not known: the profile has the word', (obis) => {
  expect(registerName(obis, 'load profile', 'zh-CN')).toBe('load profile');
});
