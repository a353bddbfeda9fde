import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Unit } from '../units.ts';
import {
  BLOCK_GET,
  buildAssociationRequest,
  buildReleaseRequest,
  GET,
  isReleaseResponse,
  parseAssociationResponse,
  SELECTIVE_ACCESS,
} from './association.ts';
import { type CosemData, parseData } from './data.ts';
import { buildGet, buildGetNext, judgeGet, logicalName, obisFromName } from './get.ts';
import { parseColumns, parseDateTime, parseRows } from './profile-buffer.ts';
import { decodeValue, parseScale } from './register-value.ts';

const bytes = (hex: string): Uint8Array =>
  Uint8Array.from(hex.replaceAll(' ', '').match(/../g) ?? [], (pair) => parseInt(pair, 16));
function dataOf(hex: string): CosemData {
  const parsed = parseData(bytes(hex));
  if (parsed === null || parsed.end !== bytes(hex).length) throw new Error(`no data: ${hex}`);
  return parsed.data;
}

/** The two AARQ of the Green Book's examples, but for what is asked for: here only to read. */
const AARQ = '60 1D A1 09 06 07 60 85 74 05 08 01 01 BE 10 04 0E 01 00 00 00 06 5F 1F 04 00 00 7E 1F 04 B0';
const AARQ_LOW =
  '60 36 A1 09 06 07 60 85 74 05 08 01 01 8A 02 07 80 8B 07 60 85 74 05 08 02 01 AC 0A 80 08 31 32 33 34 35 36 37 38 BE 10 04 0E 01 00 00 00 06 5F 1F 04 00 00 7E 1F 04 B0';
const readOnly = (wire: string): Uint8Array => bytes(wire.replace('00 00 7E 1F', '00 00 10 14'));
/** What open test suites take for an AARE. */
const AARE =
  '61 29 A1 09 06 07 60 85 74 05 08 01 01 A2 03 02 01 00 A3 05 A1 03 02 01 00 BE 10 04 0E 08 00 06 5F 1F 04 00 00 1E 1D 04 C8 00 07';

describe('an association', () => {
  test('is asked for without security, or with a password', () => {
    expect(buildAssociationRequest()).toEqual(readOnly(AARQ));
    expect(buildAssociationRequest('12345678')).toEqual(readOnly(AARQ_LOW));
  });
  test('asks for nothing that writes', () => {
    const conformance = [...buildAssociationRequest()].slice(-5, -2);
    const asked = conformance.map((byte) => byte.toString(2).padStart(8, '0')).join('');
    expect([...asked].flatMap((bit, at) => (bit === '1' ? [at] : []))).toEqual([
      BLOCK_GET,
      GET,
      SELECTIVE_ACCESS,
    ]);
  });
  test('is open', () => {
    const association = parseAssociationResponse(bytes(AARE));
    if (association?.state !== 'open') throw new Error('not open');
    expect(association.maxPdu).toBe(0x4c8);
    expect([BLOCK_GET, GET, SELECTIVE_ACCESS, 0].map(association.offers)).toEqual([true, true, true, false]);
  });
  test.each<[string, string, string, object | null]>([
    [
      'a password is wrong',
      'A2 03 02 01 00 A3 05 A1 03 02 01 00',
      'A2 03 02 01 01 A3 05 A1 03 02 01 0D',
      { state: 'rejected', diagnostic: 13 },
    ],
    [
      'a further secret is wanted',
      'A3 05 A1 03 02 01 00',
      'A3 05 A1 03 02 01 0E',
      { state: 'rejected', diagnostic: 14 },
    ],
    ['the names are short ones', '08 01 01 A2', '08 01 02 A2', { state: 'rejected', diagnostic: 0 }],
    ['the service fails', '08 00 06 5F', '0E 01 06 01', { state: 'rejected', diagnostic: 1 }],
    ['the version is another', '08 00 06', '08 00 05', null],
    ['there is no result', 'A2 03', 'A4 03', null],
    ['there is no user information', 'BE 10', 'BF 10', null],
    ['a length is wrong', '61 29', '61 2A', null],
    ['it is a request', '61 29', '60 29', null],
  ])('is not open when %s', (_title, before, after, association) => {
    expect(AARE).toContain(before);
    expect(parseAssociationResponse(bytes(AARE.replace(before, after)))).toEqual(association);
  });
  test('cut off anywhere is none', () => {
    for (let end = 0; end < bytes(AARE).length; end++)
      expect(parseAssociationResponse(bytes(AARE).slice(0, end))).toBeNull();
  });
  test('is released, or was none', () => {
    expect(buildReleaseRequest()).toEqual(bytes('62 03 80 01 00'));
    expect(isReleaseResponse(bytes('63 03 80 01 00'))).toBe(true);
    expect(isReleaseResponse(bytes('D8 01 01'))).toBe(true);
    expect(isReleaseResponse(bytes('C4 01 C1 01 03'))).toBe(false);
  });
});

describe('a GET', () => {
  test('names object and attribute', () => {
    const clock = { classId: 8, obis: '0-0:1.0.0', attribute: 3 };
    expect(buildGet(clock, 1)).toEqual(bytes('C0 01 C1 00 08 00 00 01 00 00 FF 03 00'));
    expect(buildGetNext(1, 2)).toEqual(bytes('C0 02 C1 00 00 00 02'));
    const profile = { classId: 7, obis: '1-0:99.1.0', attribute: 2 };
    expect(buildGet(profile, 15, { from: 1, to: 300, columns: 2 })).toEqual(
      bytes(
        'C0 01 CF 00 07 01 00 63 01 00 FF 02 01 02 02 04 06 00 00 00 01 06 00 00 01 2C 12 00 01 12 00 02',
      ),
    );
    expect(obisFromName(logicalName('1-0:1.8.0'))).toBe('1-0:1.8.0');
    expect(obisFromName(bytes('01 00 63 01 00 07'))).toBe('1-0:99.1.0.7');
  });
  const block = 'C4 02 C1 00 00 00 00 01 00 03 06 00 00';
  test.each<[string, string, number | undefined, object]>([
    ['data', 'C4 01 C1 00 10 00 3C', undefined, { kind: 'data', data: { type: 'i16', value: 60n } }],
    ['data under another priority', 'C4 01 41 00 10 00 3C', undefined, { kind: 'data' }],
    ['a refusal', 'C4 01 C1 01 04', undefined, { kind: 'refused', error: 4 }],
    ['an exception', 'D8 02 01', undefined, { kind: 'exception', allowed: true, error: 1 }],
    ['that there is no association', 'D8 01 02', undefined, { kind: 'exception', allowed: false }],
    ['a block', block, undefined, { kind: 'block', block: 1, last: false, bytes: bytes('06 00 00') }],
    ['the last block', 'C4 02 C1 01 00 00 00 02 00 02 01 02', 2, { kind: 'block', block: 2, last: true }],
    ['a refused block', 'C4 02 C1 01 00 00 00 02 01 13', 2, { kind: 'refused', error: 0x13 }],
    ['a refusal to go on', 'C4 01 C1 01 10', 2, { kind: 'refused', error: 16 }],
  ])('is answered by %s', (_title, pdu, asked, answer) => {
    expect(judgeGet(bytes(pdu), 1, asked)).toMatchObject({ ok: true, answer });
  });
  test.each<[string, string, number | undefined, string]>([
    ['another invoke id', 'C4 01 C2 00 10 00 3C', undefined, 'wrong_transaction'],
    ['another service', 'C5 01 C1 00', undefined, 'wrong_function'],
    ['a list', 'C4 03 C1 01 00 10 00 3C', undefined, 'wrong_function'],
    ['data where a block was asked for', 'C4 01 C1 00 10 00 3C', 2, 'wrong_function'],
    ['the block before', block, 2, 'wrong_item'],
    ['a block that is longer than it says', `${block} 00`, undefined, 'wrong_byte_count'],
    ['a block that is shorter', block.slice(0, -3), undefined, 'wrong_byte_count'],
    ['half a value', 'C4 01 C1 00 06 00 00', undefined, 'bad_frame'],
    ['more than a value', 'C4 01 C1 00 10 00 3C 00', undefined, 'wrong_byte_count'],
    ['nothing', 'C4', undefined, 'wrong_byte_count'],
    ['no choice', 'C4 01 C1', undefined, 'wrong_byte_count'],
    ['a third choice', 'C4 01 C1 02 00', undefined, 'bad_frame'],
    ['half an exception', 'D8 01', undefined, 'wrong_byte_count'],
  ])('is not answered by %s', (_title, pdu, asked, code) => {
    expect(judgeGet(bytes(pdu), 1, asked)).toEqual({ ok: false, code });
  });
});

describe('data', () => {
  test.each<[string, CosemData]>([
    ['00', { type: 'null' }],
    ['03 01', { type: 'boolean', value: true }],
    ['04 0B A5 40', { type: 'bit-string', bits: '10100101010' }],
    ['05 FF FF FF FE', { type: 'i32', value: -2n }],
    ['06 FF FF FF FE', { type: 'u32', value: 4_294_967_294n }],
    ['09 02 01 02', { type: 'octet-string', bytes: bytes('01 02') }],
    ['0A 03 41 42 43', { type: 'text', text: 'ABC' }],
    ['0F FD', { type: 'i8', value: -3n }],
    ['10 80 00', { type: 'i16', value: -32_768n }],
    ['11 FF', { type: 'u8', value: 255n }],
    ['12 09 01', { type: 'u16', value: 2305n }],
    ['14 80 00 00 00 00 00 00 00', { type: 'i64', value: -(2n ** 63n) }],
    ['15 00 20 00 00 00 00 00 01', { type: 'u64', value: 9_007_199_254_740_993n }],
    ['16 1E', { type: 'enum', value: 30 }],
    ['17 43 66 40 00', { type: 'f32', bytes: bytes('43 66 40 00') }],
    ['1B 00 0F 00 00', { type: 'time', bytes: bytes('00 0F 00 00') }],
    [
      '02 02 0F FF 16 23',
      {
        type: 'structure',
        items: [
          { type: 'i8', value: -1n },
          { type: 'enum', value: 35 },
        ],
      },
    ],
    ['01 81 01 11 05', { type: 'array', items: [{ type: 'u8', value: 5n }] }],
  ])('%s', (wire, data) => {
    expect(dataOf(wire)).toEqual(data);
    for (let end = 0; end < bytes(wire).length; end++)
      expect(parseData(bytes(wire).slice(0, end))).toBeNull();
  });
  test.each([
    ['an unknown type', '7F'],
    ['more items than bytes', '01 82 FF FF 00'],
    ['a length of four bytes', '09 84 00 00 00 01 00'],
    ['nested without end', '02 01 '.repeat(200)],
  ])('%s is none', (_title, wire) => {
    expect(parseData(bytes(wire))).toBeNull();
  });
  test('any bytes at all are read without a fault', () => {
    const any = fc.uint8Array({ maxLength: 200 });
    const likely = fc
      .array(fc.constantFrom(0, 1, 2, 3, 4, 5, 6, 9, 10, 15, 17, 18, 20, 22, 25, 0x81, 0x82, 0xff), {
        maxLength: 60,
      })
      .map((list) => Uint8Array.from(list));
    const property = fc.property(fc.oneof(any, likely), (tail) => {
      parseData(tail);
      parseAssociationResponse(Uint8Array.of(0x61, tail.length & 0x7f, ...tail));
      for (const head of ['C4 01 C1 00', 'C4 02 C1 01 00 00 00 01 00'])
        judgeGet(Uint8Array.of(...bytes(head), ...tail), 1);
    });
    fc.assert(property, { seed: 62056, numRuns: 2000 });
  });
});

describe('a register', () => {
  test.each<[string, string, string, Unit, bigint | string]>([
    ['hundredths of a watt-hour', '06 07 5B CD 15', '02 02 0F FE 16 1E', 'kWh', 1_234_567_890n],
    ['watt-hours', '06 00 BC 61 4E', '02 02 0F 00 16 1E', 'kWh', 12_345_678_000n],
    ['kilowatt-hours', '15 00 00 00 00 00 00 30 39', '02 02 0F 03 16 1E', 'kWh', 12_345_000_000n],
    ['reactive energy', '06 00 00 03 E8', '02 02 0F 00 16 20', 'kvarh', 1_000_000n],
    ['less than nothing', '05 FF FF FA 24', '02 02 0F 00 16 1B', 'W', -1_500_000_000n],
    ['tenths of a volt', '12 09 01', '02 02 0F FF 16 23', 'V', 230_500_000n],
    ['a byte that is full', '11 FF', '02 02 0F 00 16 23', 'V', 255_000_000n],
    ['millilitres', '06 00 00 00 01', '02 02 0F FA 16 0D', 'm3', 1n],
    ['a float', '17 43 66 40 00', '02 02 0F 00 16 23', 'V', 230_250_000n],
    ['a float of watt-hours', '17 44 BB F3 33', '02 02 0F 00 16 1E', 'kWh', 1_503_600n],
    ['apparent energy where active was meant', '06 00 00 03 E8', '02 02 0F 00 16 1F', 'kWh', 'unknown_unit'],
    ['an unknown unit', '06 00 00 03 E8', '02 02 0F 00 16 C8', 'kWh', 'unknown_unit'],
    ['no value', '00', '02 02 0F 00 16 1E', 'kWh', 'not_available'],
    ['all ones', '06 FF FF FF FF', '02 02 0F 00 16 1E', 'kWh', 'not_available'],
    ['the largest of a signed one', '05 7F FF FF FF', '02 02 0F 00 16 1B', 'W', 'not_available'],
    ['no number', '17 7F C0 00 00', '02 02 0F 00 16 23', 'V', 'not_available'],
    ['text', '0A 01 31', '02 02 0F 00 16 1E', 'kWh', 'out_of_range'],
    ['finer than is counted', '06 00 00 00 01', '02 02 0F FB 16 1E', 'kWh', 'out_of_range'],
  ])('of %s', (_title, value, scaler, unit, expected) => {
    const scale = parseScale(dataOf(scaler));
    if (scale === null) throw new Error('no scale');
    const decoded = decodeValue(dataOf(value), scale, unit);
    expect(decoded).toEqual(
      typeof expected === 'bigint' ? { value: expected } : { value: null, code: expected },
    );
  });
  test.each(['02 01 0F 00', '0F 00', '02 02 16 1E 0F 00', '02 02 0F 7F 16 1E', '02 02 11 02 16 1E'])(
    'has no scale in %s',
    (wire) => {
      expect(parseScale(dataOf(wire))).toBeNull();
    },
  );
});

describe('a load profile', () => {
  const clock = '02 04 12 00 08 09 06 00 00 01 00 00 FF 0F 02 12 00 00';
  const energy = '02 04 12 00 03 09 06 01 00 01 08 00 FF 0F 02 12 00 00';
  test('its columns', () => {
    expect(parseColumns(dataOf(`01 02 ${clock} ${energy}`))).toEqual([
      { classId: 8n, obis: '0-0:1.0.0', attribute: 2n },
      { classId: 3n, obis: '1-0:1.8.0', attribute: 2n },
    ]);
    for (const wrong of [clock, '01 01 00', '01 01 02 01 00', `01 01 ${clock.replace('09 06 00', '09 05')}`])
      expect(parseColumns(dataOf(wrong))).toBeNull();
  });
  test('its rows', () => {
    const row = '02 02 09 0C 07 EA 09 01 FF 00 0F 00 00 80 00 00 06 00 00 00 05';
    expect(parseRows(dataOf(`01 01 ${row}`), 2)).toMatchObject([
      [{ type: 'octet-string' }, { type: 'u32', value: 5n }],
    ]);
    expect(parseRows(dataOf(`01 01 ${row}`), 3)).toBeNull();
    expect(parseRows(dataOf('01 01 00'), 1)).toBeNull();
    expect(parseRows(dataOf('00'), 1)).toBeNull();
  });
  test.each<[string, string, object | null]>([
    [
      'without an offset',
      '07 EA 09 01 02 00 0F 00 00 80 00 00',
      { local: '2026-09-01T00:15:00', offsetMinutes: null, doubtful: false },
    ],
    [
      'two hours ahead of UTC',
      '07 EA 09 01 FF 00 0F 1E FF FF 88 FF',
      { local: '2026-09-01T00:15:30', offsetMinutes: 120, doubtful: false },
    ],
    [
      'at UTC, by a clock in doubt',
      '07 EA 09 01 FF 00 0F FF FF 00 00 02',
      { local: '2026-09-01T00:15:00', offsetMinutes: 0, doubtful: true },
    ],
    ['without a year', 'FF FF 09 01 FF 00 0F 00 00 80 00 00', null],
    ['of no month', '07 EA 0D 01 FF 00 0F 00 00 80 00 00', null],
    ['of an hour too many', '07 EA 09 01 FF 18 0F 00 00 80 00 00', null],
    ['too short', '07 EA 09 01 FF 00 0F 00 00 80 00', null],
  ])('a time %s', (_title, wire, time) => {
    expect(parseDateTime(bytes(wire))).toEqual(time);
  });
});
