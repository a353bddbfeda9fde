import { writeFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { at, EDGE, edgeText, importList, installBeforeEach } from './test-installation.ts';

installBeforeEach();

describe('what a person has to know', () => {
  test('columns of the park go nowhere without its document, and that is told', () => {
    const list = '表号,型号,总线,地址,名称,倍率,楼层\nE-9,SDM630,b1,9,总表,40,\n';
    const without = importList(list, { dryRun: true });
    expect(without).toMatchObject({ ok: true, notTaken: { columns: ['名称', '倍率'] } });
    const told = without.ok ? without.notTaken?.message : undefined;
    expect(told?.['zh-CN']).toContain('名称、倍率');
    expect(told?.en).toMatch(/名称, 倍率.*--park/);
    expect(importList('表号,型号,总线,地址\nE-9,SDM630,b1,9\n')).toMatchObject({ ok: true, notTaken: null });
  });

  test('a figure with a comma or a ratio is told as it is taken', () => {
    const list = '表号;型号;总线;地址;倍率\nE-M;DTSD1352;b1;1;1,000\nE-101;SDM630;b1;2;200/5\n';
    expect(importList(list, { decimalComma: true, dryRun: true })).toMatchObject({
      figures: [
        { row: 2, heading: '倍率', text: '1,000', value: '1' },
        { row: 3, heading: '倍率', text: '200/5', value: '40' },
      ],
    });
  });

  test.each([
    ['a key that nobody knows', EDGE.replace('dataDir', 'dataDri'), 'dataDri'],
    ['a bus id that is none', EDGE.replace('id: b2', 'id: 总线1'), 'buses'],
  ])('a configuration that the gateway refuses is refused first: %s', (_, text, named) => {
    writeFileSync(at('edge.yaml'), text);
    for (const dryRun of [true, false]) {
      const result = importList('表号,型号,总线,地址\nE-M,DTSD1352,b1,1\n', { dryRun });
      expect(result).toMatchObject({ ok: false, code: 'configuration_refused' });
      expect(result.ok ? '' : result.detail).toContain(named);
    }
    expect(edgeText()).toBe(text);
  });

  test('a bus without meters is what the first list fills; one that stays empty is refused', () => {
    const empty = EDGE.replace(/ +meters:\n +# the main[\s\S]*?unit: 2 }\n/, '    meters: []\n');
    expect(empty).toContain('meters: []');
    writeFileSync(at('edge.yaml'), empty);
    expect(importList('表号,型号,总线,地址\nE-102,dlt645-2007-3ph,b2,000000000012\n')).toMatchObject({
      ok: false,
      code: 'configuration_refused',
    });
    expect(edgeText()).toBe(empty);
    expect(importList('表号,型号,总线,地址\nE-M,DTSD1352,b1,1\n')).toMatchObject({ ok: true, written: true });
  });

  test('each reason is in one language', () => {
    const list =
      '表号,型号,总线,地址\nE-9,SDM630,b1,300\nE-8,cjt188-water,b1,5\nE-7,SDM630,b1,7\nE-7,SDM630,b1,7\n';
    const result = importList(list, { dryRun: true });
    const told = result.ok ? [] : result.problems;
    expect(told.map(({ code }) => code)).toEqual([
      'bad_address',
      'bad_address',
      'duplicate_meter',
      'duplicate_address',
    ]);
    for (const { message } of told) {
      expect(message['zh-CN'].replace(/Modbus|TCP|CJ\/T/g, '')).not.toMatch(/[a-z]{2}/i);
      expect(message.en).not.toMatch(/\p{Script=Han}/u);
    }
  });

  test('cells in a column without a heading go nowhere, and that is told', () => {
    const told = importList('表号,型号,总线,地址,,备注\nE-9,SDM630,b1,9,40,\n', { dryRun: true });
    expect(told).toMatchObject({ ok: true, notTaken: { columns: ['E'] } });
    expect(told.ok ? told.notTaken?.message.en : '').toContain('column E has no heading');
    const beyond = importList('表号,型号,总线,地址,倍率\nE-9,SDM630,b1,9,40,7\n', { dryRun: true });
    expect(beyond).toMatchObject({ ok: true, notTaken: { columns: ['倍率', 'F'] } });
    expect(importList('表号,型号,总线,地址,\nE-9,SDM630,b1,9, \n')).toMatchObject({ notTaken: null });
  });

  test('a long cell is quoted by its beginning', () => {
    const list = `表号,型号,总线,地址\nE-9,${'B'.repeat(60)},b1,9\n${'A'.repeat(30_000)},SDM630,b1,8\n`;
    const told = importList(list, { dryRun: true });
    const [model, id] = told.ok ? [] : told.problems;
    expect(model?.message.en).toContain(`"${'B'.repeat(40)}…"`);
    expect(id?.message.en).toContain(`"${'A'.repeat(40)}…" is not an id`);
  });

  test('a workbook by its name alone is none', () => {
    const result = importList('表号,型号,总线,地址\n', { name: 'list.xlsx' });
    expect(result).toMatchObject({ ok: false, code: 'not_a_workbook' });
  });
});
