import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { buildDlt645Frame, parseDlt645Frame } from './frame.ts';
import {
  type Dlt645History,
  decodeDaily,
  frozenItem,
  parseSettlementDay,
  type SettlementDay,
  settlements,
} from './frozen-history.ts';
import { buildLoadRecord, loadRecordQuery, parseLoadRecordQuery, parseLoadRecords } from './load-record.ts';
import { meterClockBytes, parseMeterClock } from './meter-clock.ts';
import { buildRequest, type Dlt645Request, parseReply, parseRequest } from './read-data.ts';
import { ALL_METERS, parseTimeBroadcast, timeBroadcast } from './time-broadcast.ts';

const bytes = (hex: string): Uint8Array =>
  Uint8Array.from(hex.replaceAll(' ', '').match(/../g) ?? [], (pair) => parseInt(pair, 16));
const hex = (data: Uint8Array): string => Buffer.from(data).toString('hex');
const at = (text: string) => Temporal.PlainDateTime.from(text);
const none = new Uint8Array(0);

describe('load records', () => {
  /** 1 September 2026, 00:15: 1234.56 kWh import, nothing else. Sum: see the last test. */
  const ENERGIES = '56 34 12 00 00 00 00 00 00 00 00 00 00 00 00 00';
  const RECORD = `A0 A0 1B 15 00 01 09 26 AA AA AA ${ENERGIES} AA AA AA`;
  const ending = (record: string): string => {
    const sum = bytes(record).reduce((total, byte) => (total + byte) & 0xff, 0);
    return `${record} ${sum.toString(16).padStart(2, '0')} E5`;
  };
  const whole = (data: Uint8Array) => {
    const parsed = parseLoadRecords(data, 16);
    return parsed.ok ? parsed.records.map((one) => [one.at.toString(), hex(one.block)]) : parsed.code;
  };
  const first = ['2026-09-01T00:15:00', '56341200000000000000000000000000'];

  test('are asked for by time and number', () => {
    const request: Dlt645Request = {
      version: 2007,
      address: '000000000001',
      kind: 'item',
      item: '06040001',
      given: loadRecordQuery(at('2026-09-01T00:15'), 6),
    };
    const frame = buildRequest(request);
    expect(hex(frame.data)).toBe('01000406061500010926');
    expect(hex(buildDlt645Frame(frame))).toBe('6801000000000068110a34333739394833343c594016');
    expect(parseRequest(2007, frame)).toEqual(request);
    expect(parseLoadRecordQuery(request.given ?? '')).toEqual({ from: at('2026-09-01T00:15'), count: 6 });
    const reply = { address: '000000000001', control: 0xb1, data: bytes('01000406 A0A0') };
    expect(parseReply(request, reply)).toMatchObject({
      ok: true,
      answer: { data: bytes('A0A0'), more: true },
    });
    expect(parseReply(request, { ...reply, data: bytes('01000306 A0A0') })).toEqual({
      ok: false,
      code: 'wrong_item',
    });
  });
  test.each<[string, string, unknown]>([
    ['one', ending(RECORD), [first]],
    ['none', '', []],
    ['one without empty blocks', ending(`A0 A0 18 15 00 01 09 26 ${ENERGIES} AA AA AA`), [first]],
    ['one behind a spoilt one', ending('E0 E0 02 00 00') + ending(RECORD), [first]],
    [
      'two',
      ending(RECORD) + ending(`A0 A0 1B 30 00 01 09 26 AA AA AA ${'FF '.repeat(16)} AA AA AA`),
      [first, ['2026-09-01T00:30:00', 'ff'.repeat(16)]],
    ],
    ['a wrong sum', `${RECORD} 00 E5`, 'bad_record'],
    ['no end', `${ending(RECORD).slice(0, -2)}E4`, 'bad_record'],
    ['half of one', ending(RECORD).slice(0, -8), 'bad_record'],
    ['something behind it', `${ending(RECORD)} 00`, 'bad_record'],
    [
      'an illegal digit in the time',
      ending(`A0 A0 1B 1F 00 01 09 26 AA AA AA ${ENERGIES} AA AA AA`),
      'bad_record',
    ],
    ['two classes', ending(`A0 A0 1D 15 00 01 09 26 00 00 AA AA AA ${ENERGIES} AA AA AA`), 'bad_record'],
    ['another class', ending(`A0 A0 0D 15 00 01 09 26 00 00 AA AA AA AA AA AA`), 'bad_record'],
    ['noise', '00 01 02', 'bad_record'],
  ])('%s', (_title, data, expected) => {
    expect(whole(bytes(data))).toEqual(expected);
  });
  test('go back and forth', () => {
    const blocks = new Map([[4, bytes(ENERGIES)]]);
    const built = buildLoadRecord(at('2026-09-01T00:15'), blocks);
    expect(hex(built)).toBe(hex(bytes(ending(RECORD))));
    expect(whole(built)).toEqual([first]);
  });
  test('each flipped bit of one is found', () => {
    const good = bytes(ending(RECORD));
    for (let bit = 0; bit < good.length * 8; bit++) {
      const damaged = good.slice();
      damaged[bit >> 3] = (damaged[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      expect(whole(damaged)).toBe('bad_record');
    }
  });
  test('any bytes are read without a fault', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (data) => void parseLoadRecords(data, 16)),
      { seed: 645, numRuns: 500 },
    );
  });
});

describe('settlement days', () => {
  test.each<[string, SettlementDay | null]>([
    ['00 01', { day: 1, hour: 0 }],
    ['23 28', { day: 28, hour: 23 }],
    ['99 99', null],
    ['FF FF', null],
    ['00 00', null],
    ['24 01', null],
    ['00 29', null],
    ['0A 01', null],
    ['00', null],
  ])('%s', (wire, day) => expect(parseSettlementDay(bytes(wire))).toEqual(day));

  test.each<[string, SettlementDay[], string, number, string[]]>([
    ['one a month', [{ day: 1, hour: 0 }], '2026-02-01T00:00', 3, ['2026-02-01', '2026-01-01', '2025-12-01']],
    ['not yet this month', [{ day: 20, hour: 0 }], '2026-03-19T23:59', 2, ['2026-02-20', '2026-01-20']],
    [
      'several a month',
      [
        { day: 5, hour: 0 },
        { day: 25, hour: 0 },
      ],
      '2026-03-06T00:00',
      3,
      ['2026-03-05', '2026-02-25', '2026-02-05'],
    ],
    ['none', [], '2026-03-06T00:00', 3, []],
  ])('%s', (_title, days, now, count, expected) => {
    expect(settlements(days, at(now), count).map((one) => one.toPlainDate().toString())).toEqual(expected);
  });
  test('copies follow one another by one', () => {
    expect([1, 10, 12].map((back) => frozenItem('00010001', back))).toEqual([
      '00010001',
      '0001000A',
      '0001000C',
    ]);
    expect(frozenItem('9410', 1)).toBe('9410');
  });
});

describe('midnights', () => {
  const total = { obis: '1-0:1.8.0', di: '05060101', format: 'XXXXXX.XX', signed: false, scale: '1' };
  const daily = (time: string, data: string) => {
    const record = decodeDaily(
      total satisfies NonNullable<Dlt645History['daily']>['registers'][number],
      bytes(time),
      bytes(data),
    );
    return (
      record && [record.at.toString(), record.values[0]?.decoded.value, hex(record.values[0]?.raw ?? none)]
    );
  };
  test.each<[string, string, string, unknown]>([
    [
      'the total of all rates',
      '00 00 03 09 26',
      '56 34 12 00 56 34 12 00',
      ['2026-09-03T00:00:00', 1_234_560_000n, '000003092656341200'],
    ],
    ['no time', 'FF FF FF FF FF', '56 34 12 00', null],
    ['a time of four bytes', '00 03 09 26', '56 34 12 00', null],
    ['half a total', '00 00 03 09 26', '56 34', null],
    [
      'an illegal digit',
      '00 00 03 09 26',
      '5A 34 12 00',
      ['2026-09-03T00:00:00', null, '00000309265a341200'],
    ],
  ])('%s', (_title, time, data, expected) => expect(daily(time, data)).toEqual(expected));
});

describe('the clock', () => {
  test.each<[string, string, string, string | null]>([
    ['a Tuesday', '02 01 09 26', '59 30 12', '2026-09-01T12:30:59'],
    ['the year 2000', '06 01 01 00', '00 00 00', '2000-01-01T00:00:00'],
    ['30 February', '00 30 02 26', '00 00 00', null],
    ['an illegal digit', '02 0A 09 26', '00 00 00', null],
    ['all FF', 'FF FF FF FF', 'FF FF FF', null],
    ['a short date', '01 09 26', '59 30 12', null],
  ])('%s', (_title, date, time, expected) => {
    const clock = parseMeterClock(bytes(date), bytes(time));
    expect(clock?.toString() ?? null).toBe(expected);
    if (clock === null) return;
    const built = meterClockBytes(clock);
    expect([hex(built.date), hex(built.time)]).toEqual([hex(bytes(date)), hex(bytes(time))]);
  });
  test('is set by a broadcast', () => {
    const frame = timeBroadcast(ALL_METERS, at('2034-11-12T02:11:25'));
    expect(hex(frame)).toBe('689999999999996808065844354544673516');
    expect(parseTimeBroadcast(parseDlt645Frame(frame), '000000000001')?.toString()).toBe(
      '2034-11-12T02:11:25',
    );
    const own = { address: '000000000001', control: 8, data: bytes('251102121134') };
    expect(parseTimeBroadcast(own, '000000000001')?.toString()).toBe('2034-11-12T02:11:25');
    expect(parseTimeBroadcast(own, '000000000002')).toBeNull();
    expect(parseTimeBroadcast({ ...own, control: 0x11 }, '000000000001')).toBeNull();
  });
});
