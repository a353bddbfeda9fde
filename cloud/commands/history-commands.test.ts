import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import * as detect from './detect.ts';
import * as estimate from './estimate.ts';

let folder: string;
let said: string[];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'meterline-history-test-'));
  said = [];
  vi.spyOn(console, 'error').mockImplementation((line: string) => said.push(line));
});
afterEach(() => {
  vi.restoreAllMocks();
  rmSync(folder, { recursive: true });
});

const header = 'meter,utility,kind,unit,time_zone,parent,digits,max_rate';
const write = (name: string, lines: readonly string[]): string => {
  const file = join(folder, name);
  writeFileSync(file, `${lines.join('\n')}\n`);
  return file;
};
async function ran(
  command: typeof detect,
  meters: readonly string[],
  readings: readonly string[],
): Promise<{ code: number; lines: string[] }> {
  const out = join(folder, 'out');
  const files = [
    '--meters',
    write('M.csv', [header, ...meters]),
    '--readings',
    write('R.csv', ['meter,time,value', ...readings]),
  ];
  const code = await command.run([...files, '--out', out]);
  return { code, lines: code === 0 ? readFileSync(out, 'utf8').trim().split('\n') : [] };
}
const alarms = (lines: readonly string[]): string[] =>
  lines
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line))
    .map(({ meter, type, raisedAt }) => `${meter} ${type} ${raisedAt}`);

const home = 'h,water,register,l,Europe/Madrid,,,';
/** An hour apart in local time, over the night in which the clock is turned back. */
const autumn = Array.from({ length: 60 }, (_, h) => {
  const instant = Temporal.Instant.from('2016-10-28T22:08:53Z').add({ hours: h });
  const local = instant.toZonedDateTimeISO('Europe/Madrid').toPlainDateTime().toString();
  return `h,${local},${1000 + 10 * h}`;
});

describe('detect', () => {
  test('tells the local hour that came twice apart by the register, in whatever order the rows come', async () => {
    const straight = await ran(detect, [home], autumn);
    expect(alarms(straight.lines)).toEqual(['h dst_repeat 2016-10-30T01:08:53Z']);
    expect(await ran(detect, [home], autumn.toReversed())).toEqual(straight);
  });

  test('explains each alarm in both languages, with instants that have an offset', async () => {
    const { lines } = await ran(detect, [home], autumn);
    expect(JSON.parse(lines[0] ?? '')).toEqual({
      meter: 'h',
      type: 'dst_repeat',
      start: '2016-10-30T01:08:53Z',
      end: '2016-10-30T01:08:53Z',
      raisedAt: '2016-10-30T01:08:53Z',
      severity: 'info',
      evidence: { 'zh-CN': expect.stringMatching(/拨回时钟/), en: expect.stringMatching(/came twice/) },
    });
  });

  test('an empty value is a reading that is missing, and an unlisted meter is left out and named', async () => {
    const rows = autumn.map((row, i) => (i > 35 && i < 45 ? row.replace(/\d+$/, '') : row));
    const { code, lines } = await ran(detect, [home], [...rows, 'x,2016-10-29T00:00:00Z,5']);
    expect(code).toBe(0);
    expect(alarms(lines).map((one) => one.split(' ')[1])).toEqual(['dst_repeat', 'gap']);
    expect(said.at(-1)).toMatch(/1 rows of 1 meters that the list does not name were left out: x/);
  });
});

describe('estimate', () => {
  test('writes contiguous intervals of the local grid, a day of 25 hours among them', async () => {
    const { lines } = await ran(
      estimate,
      [home],
      autumn.map((row) => row.replace(':08:53', ':00:00')),
    );
    expect(lines[0]).toBe('meter,start,end,quantity,quality,method,reason');
    expect(lines.slice(1)).toHaveLength(59);
    expect(lines[26]).toBe('h,2016-10-29T23:00:00Z,2016-10-30T00:00:00Z,10,actual,difference,');
    expect(new Set(lines.slice(1).map((line) => line.split(',').slice(3).join()))).toEqual(
      new Set(['10,actual,difference,']),
    );
  });
});

describe.each([
  ['detect', detect],
  ['estimate', estimate],
])('%s refuses', (_, command) => {
  test.each<[string, string[], string[], RegExp]>([
    [
      'a time that does not exist',
      [home],
      ['h,2016-03-27T02:30:00,1'],
      /R\.csv: line 2: time: "2016-03-27T02:30:00" does not exist in Europe\/Madrid/,
    ],
    ['a date that does not exist', [home], ['h,2026-02-30T00:00:00Z,1'], /line 2: time: .* does not exist/],
    ['a decimal comma', [home], ['h,2026-02-03T00:00:00Z,"12,5"'], /line 2: value: "12,5" is no number/],
    ['a row without a value', [home], ['h,2026-02-03T00:00:00Z'], /line 2: value: .* missing/],
    [
      'a zone that nobody knows',
      ['h,water,register,l,Mars/Base,,,'],
      [],
      /M\.csv: row 2: time_zone: "Mars\/Base" is no IANA/,
    ],
    [
      'a meter above itself',
      ['a,water,register,l,UTC,b,,', 'b,water,register,l,UTC,a,,'],
      [],
      /stands above itself/,
    ],
    ['a parent that is not listed', ['a,water,register,l,UTC,b,,'], [], /parent: "b" is not listed/],
    ['a meter twice', [home, home], [], /"h" is listed twice/],
    ['another kind', ['h,water,counter,l,UTC,,,'], [], /row 2: kind: "counter"/],
  ])('%s, by file, row and field', async (_name, meters, readings, message) => {
    expect((await ran(command, meters, readings)).code).toBe(2);
    expect(said.join('\n')).toMatch(message);
  });
  test('a file without its columns, and one that is not there', async () => {
    const meters = write('M.csv', [header, home]);
    const readings = write('R.csv', ['meter;time;value', 'h;2026-02-03T00:00:00Z;1']);
    const out = join(folder, 'out');
    expect(await command.run(['--meters', meters, '--readings', readings, '--out', out])).toBe(2);
    expect(said.join('\n')).toMatch(/line 1: column meter, time, value is missing/);
    expect(await command.run(['--meters', meters, '--readings', join(folder, 'none'), '--out', out])).toBe(2);
    expect(await command.run([])).toBe(2);
  });
});
