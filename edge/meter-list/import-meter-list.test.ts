import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import type { Park } from '../../protocols/park.ts';
import { unusualWorkbook } from './bad-workbooks.ts';
import { outlineOf } from './edge-document.ts';
import { exportMeterList } from './export-meter-list.ts';
import type { ImportOptions, ImportResult } from './import-meter-list.ts';
import { readParkText } from './park-document.ts';
import { readWorkbook } from './read-workbook.ts';
import { at, EDGE, edgeText, importList, installBeforeEach } from './test-installation.ts';
import { openPackage } from './workbook-package.ts';

const parkMeter = (id: string, more: object): object => ({
  id,
  name: `${id} 表`,
  serial: `000${id}`,
  utility: 'electricity',
  register: '1-0:1.8.0',
  parent: null,
  building: 'A',
  floor: '-1',
  room: null,
  serves: { kind: 'landlord' },
  multiplier: '1',
  digits: 6,
  maxPerHour: '60.5',
  accuracyPercent: '1',
  gateway: 'gw-a',
  ...more,
});
const PARK = {
  id: 'p1',
  name: '园区',
  issuer: '物业',
  timeZone: 'Asia/Shanghai',
  currency: 'CNY',
  buildings: [{ id: 'A', name: 'A 座' }],
  units: ['101', '102'].map((id) => ({ id: `U-${id}`, name: id, building: 'A', floor: '1', areaM2: '80' })),
  leases: [],
  meters: [
    parkMeter('E-M', { serves: { kind: 'branch' }, multiplier: '80', name: '=总表' }),
    parkMeter('E-101', { parent: 'E-M', room: '101', serves: { kind: 'unit', unit: 'U-101' } }),
    parkMeter('E-102', { parent: 'E-M', room: '102', serves: { kind: 'unit', unit: 'U-102' } }),
    parkMeter('W-1', { utility: 'water', register: '8-0:1.0.0', serves: { kind: 'pool', pool: 'garden' } }),
    parkMeter('W-2', { utility: 'water', register: '8-0:1.0.0' }),
    parkMeter('X-1', { gateway: 'gw-b' }),
  ],
  exchanges: [],
  pools: [
    {
      id: 'garden',
      name: '绿化',
      utility: 'water',
      sharing: 'mandatory',
      scope: { kind: 'park' },
      rule: { id: 'r1', version: 1, text: '按面积' },
    },
  ],
  tariffs: [],
  sourceBills: [],
};

const parkNow = (): Park => {
  const read = readParkText(readFileSync(at('park.json'), 'utf8'), 'park.json');
  if (!read.ok) throw new Error(read.errors.join('\n'));
  return read.park;
};

installBeforeEach({ 'park.json': `${JSON.stringify(PARK, null, 2)}\n` });

describe('round trip', () => {
  test.each(
    (['xlsx', 'csv'] as const).flatMap((format) =>
      (['zh-CN', 'en'] as const).flatMap((language) =>
        [true, false].map((withPark) => ({ format, language, withPark })),
      ),
    ),
  )(
    'importing the $format export changes nothing ($language, park: $withPark)',
    ({ format, language, withPark }) => {
      const park = withPark ? parkNow() : null;
      const before = { edge: edgeText(), park: readFileSync(at('park.json'), 'utf8') };
      const list = exportMeterList({ meters: outlineOf(EDGE)?.meters ?? [], park, format, language });
      const result = importList(list, { parkFile: withPark ? at('park.json') : null, remove: true });
      expect(result).toMatchObject({
        ok: true,
        written: false,
        meters: 5,
        edge: { added: [], changed: [], removed: [], unchanged: 5 },
        park: withPark ? { added: [], changed: [], removed: [], unchanged: 5 } : null,
      });
      expect({ edge: edgeText(), park: readFileSync(at('park.json'), 'utf8') }).toEqual(before);
      expect(readdirSync(at('.')).sort()).toEqual(['edge.yaml', 'park.json']);
    },
  );

  test('what a spreadsheet takes for a formula is exported as text', () => {
    const options = { meters: outlineOf(EDGE)?.meters ?? [], park: parkNow(), language: 'en' as const };
    const csv = new TextDecoder().decode(exportMeterList({ ...options, format: 'csv' }));
    expect(csv).toContain(",'=总表,");
    expect(csv).toContain(",'-1,");
    const workbook = openPackage(exportMeterList({ ...options, format: 'xlsx' }));
    expect(workbook.text('xl/worksheets/sheet1.xml')).not.toContain('<f>');
    expect(workbook.text('xl/worksheets/sheet1.xml')).toContain(
      's="3" t="inlineStr"><is><t xml:space="preserve">=总表',
    );
  });
});

describe('changes', () => {
  test('only what the list changes is changed; comments stay, the former file is kept', () => {
    const result = importList(
      '表号,型号,总线,地址\nE-M,DTSD1352,b1,7\nE-103,dlt645-2007-3ph,b2,000000000013\n',
    );
    expect(result).toMatchObject({
      ok: true,
      written: true,
      edge: {
        added: ['E-103'],
        changed: [{ meter: 'E-M', changes: [{ key: 'unit', from: '1', to: '7' }] }],
        removed: [],
        notListed: ['E-101', 'E-102', 'W-1', 'W-2'],
      },
    });
    expect(edgeText()).toBe(
      EDGE.replace('unit: 1 }', 'unit: 7 }').replace(
        '"78330011223344" }\n',
        '"78330011223344" }\n      - { meter: E-103, profile: dlt645-2007-3ph, unit: "000000000013" }\n',
      ),
    );
    expect(readFileSync(at('edge.yaml.bak'), 'utf8')).toBe(EDGE);
  });

  test('a trial tells the same and writes nothing', () => {
    const list = '表号,型号,总线,地址\nE-M,DTSD1352,b2,7\n';
    const tried = importList(list, { dryRun: true, remove: true });
    expect(edgeText()).toBe(EDGE);
    expect(readdirSync(at('.')).sort()).toEqual(['edge.yaml', 'park.json']);
    expect(tried).toMatchObject({ ok: false, code: 'configuration_refused' });
    expect(importList(list, { dryRun: true })).toMatchObject({ ok: true, written: false });
    expect(edgeText()).toBe(EDGE);
  });

  test('a meter that moves to another bus takes its comment along', () => {
    expect(importList('表号,型号,总线,地址\nE-M,DTSD1352,b2,7\n').ok).toBe(true);
    const meters = outlineOf(edgeText())?.meters;
    expect(meters?.find(({ meter }) => meter === 'E-M')?.place).toEqual({ bus: 'b2', unit: 7 });
    expect(edgeText()).toContain('unit: 7 } # 400/5');
  });

  test('meters that are not listed go only when that is asked for', () => {
    const list =
      '表号,型号,总线,地址,主题\nE-M,DTSD1352,b1,1,\nE-102,dlt645-2007-3ph,b2,000000000012,\nW-2,json-water-push,,,water/2\n';
    expect(importList(list)).toMatchObject({ edge: { notListed: ['E-101', 'W-1'], removed: [] } });
    expect(importList(list, { remove: true })).toMatchObject({ edge: { removed: ['E-101', 'W-1'] } });
    expect(outlineOf(edgeText())?.meters.map(({ meter }) => meter)).toEqual(['E-M', 'E-102', 'W-2']);
  });

  test('a heading is mapped once, and remembered', () => {
    const list = '表记,型号,总线,地址,颜色\nE-M,DTSD1352,b1,7,red\n';
    expect(importList(list)).toMatchObject({ code: 'list_refused' });
    expect(importList(list, { map: { 表记: 'meter', 颜色: 'ignored' }, dryRun: true }).ok).toBe(true);
    expect(existsSync(at('edge.columns.json'))).toBe(false);
    expect(importList(list, { map: { 表记: 'meter', 颜色: 'ignored' } }).ok).toBe(true);
    expect(importList(list)).toMatchObject({ ok: true, edge: { unchanged: 1 } });
  });
});

describe('the park document', () => {
  const withPark = (list: string, more: Partial<ImportOptions> = {}): ImportResult =>
    importList(list, { parkFile: at('park.json'), ...more });

  test('a new meter takes its facts from the list, its model and what is given for all', () => {
    const result = withPark(
      '表号,型号,总线,地址,名称,出厂编号,CT变比,上级表,楼栋,楼层,房间\nE-103,dlt645-2007-3ph,b2,000000000013,,000000000013,200/5,E-M,A 座,1层,101\n',
      { defaults: { digits: '6', maxPerHour: '60', accuracyPercent: 'B' } },
    );
    expect(result).toMatchObject({ ok: true, park: { added: ['E-103'], notListed: expect.any(Array) } });
    expect(parkNow().meters.find(({ id }) => id === 'E-103')).toEqual({
      id: 'E-103',
      name: 'E-103',
      serial: '000000000013',
      utility: 'electricity',
      register: '1-0:1.8.0',
      parent: 'E-M',
      building: 'A',
      floor: '1层',
      room: '101',
      serves: { kind: 'unit', unit: 'U-101' },
      multiplier: '40',
      digits: 6,
      maxPerHour: '60',
      accuracyPercent: '1',
      gateway: 'gw-a',
    });
  });

  test.each([
    ['what a new meter lacks', 'E-9,SDM630,b1,9,,,', ['missing_column', 'missing_value', 'missing_value']],
    ['a branch that has nothing below it', 'E-101,SDM630,b1,2,1,E-M,总表', ['branch_without_children']],
    ['a meter with meters below it that serves a tenant', 'E-M,DTSD1352,b1,1,80,,分户', ['serves_children']],
    ['a parent of another utility', 'E-101,SDM630,b1,2,1,W-1,', ['parent_utility']],
  ])('%s is told', (_, row, codes) => {
    const result = withPark(`表号,型号,总线,地址,倍率,上级表,用途\n${row}\n`);
    expect(result.ok ? [] : [...new Set(result.problems.map(({ code }) => code))]).toEqual([
      ...new Set(codes),
    ]);
    expect(parkNow()).toEqual(PARK);
    expect(edgeText()).toBe(EDGE);
  });

  test('a changed multiplier is told with both figures', () => {
    const result = withPark('表号,型号,总线,地址,倍率\nE-M,DTSD1352,b1,1,100\n');
    expect(result).toMatchObject({
      park: { changed: [{ meter: 'E-M', changes: [{ key: 'multiplier', from: '80', to: '100' }] }] },
    });
    expect(parkNow().meters[0]?.multiplier).toBe('100');
    expect(edgeText()).toBe(EDGE);
  });

  test('a meter that others hang on does not go', () => {
    const result = withPark(
      '表号,型号,总线,地址,主题\nE-101,SDM630,b1,2,\nE-102,dlt645-2007-3ph,b2,000000000012,\nW-2,json-water-push,,,water/2\n',
      {
        remove: true,
      },
    );
    expect(result).toMatchObject({ ok: false, code: 'park_refused' });
    expect(parkNow()).toEqual(PARK);
    expect(edgeText()).toBe(EDGE);
  });
});

test('a workbook of prefixes, shared strings and cells without names is read, and marked at the right places', () => {
  const list = unusualWorkbook();
  const cells = readWorkbook(openPackage(list), {}).table.rows[1]?.cells.map((cell) => cell?.text);
  expect(cells).toEqual(['E-1', 'eastron-sdm630', 'b1', '1', 'A']);
  writeFileSync(at('edge.yaml'), EDGE.replaceAll('b1', 'b7'));
  const result = importList(list, { name: 'a.xlsx' });
  if (result.ok || result.answer === null) throw new Error('taken');
  expect(result.problems.map(({ row, column, code }) => [row, column, code])).toEqual([
    [2, 2, 'unknown_bus'],
  ]);
  const sheet = openPackage(result.answer.bytes).text('xl/worksheets/sheet1.xml');
  expect([...sheet.matchAll(/<x:c [^>]*s="(\d+)"/g)].map(([, style]) => style).slice(5)).toEqual([
    '2',
    '2',
    '4',
    '2',
    '2',
  ]);
  expect(sheet).toMatch(/<x:legacyDrawing [^>]*\/><\/x:worksheet>$/);
  expect(readWorkbook(openPackage(result.answer.bytes), {}).table).toEqual(
    readWorkbook(openPackage(list), {}).table,
  );
});

describe('the same workbook, marked', () => {
  const real = readFileSync(new URL('fixtures/park-list.xlsx', import.meta.url));
  const marked = (bytes: Uint8Array): Uint8Array => {
    const result = importList(bytes, { name: 'park-list.xlsx' });
    if (result.ok || result.answer === null) throw new Error('taken');
    expect(result.answer.name).toBe('park-list.checked.xlsx');
    return result.answer.bytes;
  };
  const commentsOf = (bytes: Uint8Array): string[] =>
    [
      ...openPackage(bytes)
        .text('xl/comments1.xml')
        .matchAll(/<comment ref="(\w+)"/g),
    ].map((match) => match[1] ?? '');

  test('bad cells have a comment and a fill; sheets, texts and the comments of others stay', () => {
    const [before, after] = [openPackage(real), openPackage(marked(real))];
    expect(after.names()).toEqual(before.names());
    const changed = before.names().filter((name) => before.text(name) !== after.text(name));
    expect(changed.sort()).toEqual([
      'xl/comments1.xml',
      'xl/drawings/vmlDrawing1.vml',
      'xl/styles.xml',
      'xl/worksheets/sheet1.xml',
    ]);
    expect(readWorkbook(after, {}).table).toEqual(readWorkbook(before, {}).table);
    expect(commentsOf(marked(real)).sort()).toEqual(['B6', 'C6', 'D5', 'E5', 'E6', 'F6', 'H5', 'I5']);
    const sheet = after.text('xl/worksheets/sheet1.xml');
    const style = Number(
      /<c r="B6" s="(\d+)"/.exec(sheet)?.[1] ?? /<c [^>]*r="B6"[^>]*s="(\d+)"/.exec(sheet)?.[1],
    );
    const xfs = /<cellXfs[\s\S]*<\/cellXfs>/.exec(after.text('xl/styles.xml'))?.[0].match(/<xf /g);
    expect(style).toBeLessThan(xfs?.length ?? 0);
    expect(after.text('xl/styles.xml')).toContain('rgb="FFFFC7CE"');
  });

  test('marking what was marked before replaces the comments', () => {
    const once = marked(real);
    expect(commentsOf(marked(once))).toEqual(commentsOf(once));
  });

  test('a workbook without comments gets them, and is still one', () => {
    const list = exportMeterList({
      meters: [{ meter: 'E-9', profile: 'nobody', place: { bus: 'b1', unit: 9 } }],
      park: null,
      format: 'xlsx',
      language: 'en',
    });
    const result = importList(list, { name: 'a.xlsx' });
    if (result.ok || result.answer === null) throw new Error('taken');
    const after = openPackage(result.answer.bytes);
    const relations = after.relations('xl/worksheets/sheet1.xml').map(({ type, target }) => [type, target]);
    expect(relations).toEqual([
      ['comments', 'xl/commentsMeterline1.xml'],
      ['vmlDrawing', 'xl/drawings/vmlMeterline1.vml'],
    ]);
    expect(after.text('xl/commentsMeterline1.xml')).toContain('ref="B2"');
    expect(after.text('xl/worksheets/sheet1.xml')).toMatch(
      /<legacyDrawing [^>]*r:id="rIdMeterline2"\/><\/worksheet>$/,
    );
  });
});
