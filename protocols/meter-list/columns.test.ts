import { describe, expect, test } from 'vitest';
import { fieldNames, findHeadings, listFields, normalizeHeading } from './columns.ts';
import { multiply, readNumber, readRatio } from './number-text.ts';
import { type ListProblem, problem, problemCodes } from './problem.ts';
import type { Table } from './table.ts';

const table = (...rows: string[][]): Table => ({
  rows: rows.map((texts, index) => ({
    number: index + 1,
    cells: texts.map((text) => (text === '' ? undefined : { kind: 'text', text })),
  })),
});

describe('headings', () => {
  test.each([
    [
      'Chinese ones',
      ['表号', '型号', '倍率', '上级表', '房间'],
      ['meter', 'profile', 'multiplier', 'parent', 'room'],
    ],
    [
      'English ones',
      ['Meter No.', 'Model', 'BUS', 'unit id', 'PT', 'CT'],
      ['meter', 'profile', 'bus', 'unit', 'pt', 'ct'],
    ],
    [
      'marks, widths, spaces and units',
      ['*表 号', '倍率（CT）', '地址(十进制)', 'ＢＵＳ'],
      ['meter', 'multiplier', 'unit', 'bus'],
    ],
    [
      'the field names themselves',
      ['meter', 'accuracyPercent', 'maxPerHour'],
      ['meter', 'accuracyPercent', 'maxPerHour'],
    ],
  ])('%s', (_, headings, fields) => {
    expect([...(findHeadings(table(headings))?.columns.keys() ?? [])]).toEqual(fields);
  });

  test('every heading that is exported is read back as its field', () => {
    for (const language of ['zh', 'en'] as const) {
      const headings = fieldNames.map((field) => listFields[field][language]);
      expect([...(findHeadings(table(headings))?.columns.keys() ?? [])]).toEqual(fieldNames);
    }
  });

  test('no heading means two fields', () => {
    const all = fieldNames.flatMap((field) => {
      const { zh, en, aliases } = listFields[field];
      const names = new Set([field, zh, en, ...aliases.split(' ')].map(normalizeHeading));
      return [...names].map((name) => [name, field] as const);
    });
    const twice = all.filter(([name, field]) => all.some(([other, is]) => other === name && is !== field));
    expect(twice).toEqual([]);
  });

  test('two rows of them, merged across and down, are read as one', () => {
    const found = findHeadings(
      table(
        ['园区电表台账', '', '', '', '', ''],
        ['表号', '型号', '通讯', '', '安装', '备注'],
        ['', '', '总线', '地址', '房间', ''],
        ['E-1', 'x', 'b1', '1', '101', ''],
      ),
    );
    expect([...(found?.columns ?? [])]).toEqual([
      ['meter', 0],
      ['profile', 1],
      ['bus', 2],
      ['unit', 3],
      ['room', 4],
    ]);
    expect(found).toMatchObject({ row: 3, index: 2, unknown: [], repeated: [] });
  });

  test('a row of data below them is none of them', () => {
    const found = findHeadings(table(['表号', '型号', '通讯'], ['E-1', 'x', '总线']));
    expect(found).toMatchObject({ row: 1, unknown: [2] });
  });

  test('title lines stand above them, and remarks are nobody’s', () => {
    const found = findHeadings(
      table(['临港科技园 电表台账'], [], ['序号', '表号', '型号', '备注'], ['1', 'E-1', 'x', '']),
    );
    expect(found).toMatchObject({ row: 3, index: 2, unknown: [], repeated: [] });
  });

  test('a park’s own are known once they are mapped', () => {
    const list = table(['表记', '型号']);
    expect(findHeadings(list)).toBeNull();
    expect(findHeadings(list, { ' 表记 ': 'meter' })?.columns.get('meter')).toBe(0);
  });
});

test.each<[string, boolean, string | null]>([
  ['40', false, '40'],
  ['040.50', false, '40.5'],
  ['１２', false, '12'],
  ['1.000000', false, '1'],
  ['1,5', true, '1.5'],
  ['1,5', false, null],
  ['1.5', true, '1.5'],
  ['1.234,5', true, null],
  ['1,234.5', false, null],
  ['-1', false, null],
  ['1e3', false, null],
  ['1.1234567', false, null],
  ['', false, null],
])('the figure "%s" (decimal comma: %s) is %s', (text, decimalComma, expected) => {
  const read = readNumber(text, decimalComma);
  expect(read.ok ? read.decimal : null).toBe(expected);
});

test.each([
  ['200/5', '40'],
  ['200A/5A', '40'],
  ['10kV/100V', '100'],
  ['10:0.1', '100'],
  ['1/3', null],
  ['40', '40'],
  ['5/0', null],
  ['0/5', null],
  ['a/b', null],
  ['200/5/1', null],
])('the ratio "%s" is %s', (text, expected) => {
  expect(readRatio(text)).toBe(expected);
});

test('PT x CT is exact, or none', () => {
  expect([multiply('100', '40'), multiply('0.1', '0.3'), multiply('0.0001', '0.0001')]).toEqual([
    '4000',
    '0.03',
    null,
  ]);
});

test('each problem has a sentence in both languages', () => {
  const at: Pick<ListProblem, 'row' | 'column' | 'heading'> = { row: 1, column: 0, heading: 'x' };
  for (const code of problemCodes) {
    const { message } = problem(code, at, 'this');
    expect(message['zh-CN']).toMatch(/\p{Script=Han}/u);
    expect(message.en).toMatch(/^[ -~]+$/);
  }
});
