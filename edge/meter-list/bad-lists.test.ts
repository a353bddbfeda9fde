import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { z } from 'zod';
import { columnLetters } from '../../protocols/meter-list/table.ts';
import { loadProfiles } from '../profiles.ts';
import { badLists } from './bad-workbooks.ts';
import { importMeterList } from './import-meter-list.ts';

const BadList = z.strictObject({
  title: z.string(),
  columns: z.string().default('表号,型号,总线,地址'),
  text: z.string().default(''),
  encoding: z.enum(['utf-8', 'utf-8-mark', 'utf-16le', 'utf-16be', 'gbk', 'binary']).default('utf-8'),
  decimalComma: z.boolean().default(false),
  build: z.string().optional(),
  refused: z.string().optional(),
  problems: z.array(z.string()).default([]),
});
const lists = z.array(BadList).parse(parse(readFileSync(new URL('bad-lists.yaml', import.meta.url), 'utf8')));

const EDGE = `gateway: gw-a
dataDir: ./data
broker: mqtt://127.0.0.1:1883
buses:
  - id: b1 # first riser
    tcp: 127.0.0.1:502
    meters:
      - { meter: E-99, profile: eastron-sdm630, unit: 99 }
  - id: b2
    serial: { path: /dev/ttyUSB0 }
    meters:
      - { meter: E-98, profile: eastron-sdm630, unit: 98 }
`;
/** 表号,型号,总线,地址 in GBK. */
const GBK = Buffer.from('b1edbac52cd0cdbac52cd7dccfdf2cb5d8d6b7', 'hex');

function encode({ columns, text, encoding }: z.infer<typeof BadList>): Uint8Array {
  const utf16 = Buffer.from(`\ufeff${columns}\r\n${text}\r\n`, 'utf16le');
  switch (encoding) {
    case 'utf-8':
      return Buffer.from(`${columns}\r\n${text}\r\n`);
    case 'utf-8-mark':
      return Buffer.from(`\ufeff${columns}\n${text}`);
    case 'utf-16le':
      return utf16;
    case 'utf-16be':
      return utf16.swap16();
    case 'gbk':
      return Buffer.concat([GBK, Buffer.from(`\r\n${text}\r\n`)]);
    case 'binary':
      return Uint8Array.from({ length: 4096 }, (_, index) => (index * 197) & 0xff);
  }
}

describe('bad lists', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'meterline-lists-'));
    writeFileSync(join(folder, 'edge.yaml'), EDGE);
  });
  afterEach(() => rmSync(folder, { recursive: true }));
  const loaded = loadProfiles();
  const profiles = loaded.ok ? loaded.profiles : new Map();

  test.each(lists)('$title', (list) => {
    const bytes = list.build === undefined ? encode(list) : badLists[list.build]?.();
    if (bytes === undefined) throw new Error(`nobody builds ${list.build}`);
    const result = importMeterList({
      name: 'list.csv',
      bytes,
      configFile: join(folder, 'edge.yaml'),
      parkFile: null,
      profiles,
      map: {},
      defaults: {},
      decimalComma: list.decimalComma,
      remove: false,
      dryRun: true,
      language: 'en',
    });
    if (list.refused !== undefined) expect(result).toMatchObject({ ok: false, code: list.refused });
    else if (result.ok) expect(list.problems).toEqual([]);
    else {
      const told = result.problems.map(
        ({ row, column, code }) => `${column === null ? '' : `${columnLetters(column)}${row}`} ${code}`,
      );
      expect(told, result.detail).toEqual(list.problems);
      expect(result.answer).not.toBeNull();
    }
    // Nothing was written, whatever came.
    expect(readdirSync(folder)).toEqual(['edge.yaml']);
    expect(readFileSync(join(folder, 'edge.yaml'), 'utf8')).toBe(EDGE);
  });
});
