import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { formatMicro, micro, type Unit } from '../units.ts';
import { buildHeader, buildRecord } from './build-records.ts';
import { type MbusRecord, parseRecords } from './records.ts';
import { MbusMatch, readRegister } from './register.ts';
import { parseTelegram } from './telegram.ts';
import { recordName, recordText } from './test-telegrams.ts';

const SEED = 13757;
const bytes = (hex: string): Uint8Array => Buffer.from(hex.replaceAll(' ', ''), 'hex');

function recordsOf(hex: string, highFirst = false): MbusRecord[] {
  const parsed = parseRecords(bytes(hex), highFirst);
  if (!parsed.ok) throw new Error('not readable');
  return parsed.records;
}

describe('records', () => {
  test.each([
    ['8 bits, negative', '01 2b fe', 'power', '-2e0 W'],
    ['16 bits', '02 fd 48 d1 08', 'voltage', '2257e-1 V'],
    ['24 bits, negative', '03 fd 59 be ff ff', 'current', '-66e-3 A'],
    ['the lowest 32-bit number is none', '04 2b 00 00 00 80', 'power', 'not_available'],
    ['a counter of all ones is none', '04 13 ff ff ff ff', 'volume', 'not_available'],
    ['power of all ones is minus one', '04 2b ff ff ff ff', 'power', '-1e0 W'],
    ['48 bits', '06 04 15 cd 5b 07 00 00', 'energy', '123456789e1 Wh'],
    ['64 bits', '07 03 ff ff ff ff ff ff ff 7f', 'energy', '9223372036854775807e0 Wh'],
    ['a float', '05 5b 00 00 c8 41', 'flow_temperature', '250000e-4 degC'],
    ['a float that is none', '05 5b 00 00 c0 7f', 'flow_temperature', 'not_available'],
    ['a subnormal float', '05 5b 01 00 00 00', 'flow_temperature', 'out_of_range'],
    ['2 digits', '09 2c 42', 'power', '42e1 W'],
    ['4 digits', '0a 5a 55 07', 'flow_temperature', '755e-1 degC'],
    ['6 digits, minus', '0b 62 02 00 f0', 'temperature_difference', '-2e-1 K'],
    ['8 digits', '0c 13 13 20 00 00', 'volume', '2013e-3 m3'],
    ['12 digits', '0e 84 00 83 56 68 00 00 00', 'energy', '685683e1 Wh'],
    ['digits that are none', '0c 13 ff ff ff ff', 'volume', 'not_available'],
    ['an illegal digit', '0c 13 1a 00 00 00', 'volume', 'illegal_digit'],
    ['an F elsewhere than in front', '0c 13 f1 00 00 00', 'volume', 'illegal_digit'],
    ['text', '0d 79 03 43 42 41', 'identification', 'ABC'],
    ['digits of any number', '0d 79 c2 34 12', 'identification', '1234e0 1'],
    ['the same with a minus', '0d 79 d2 34 12', 'identification', '-1234e0 1'],
    ['bits of any number', '0d 79 e3 01 02 00', 'identification', '513e0 1'],
    ['a date', '02 6c 61 1c', 'date', '2011-12-01'],
    ['a date and time', '04 6d 38 08 6e 19', 'date_time', '2011-09-14T08:56'],
    ['to the second', '06 6d 1e 38 08 6e 19 00', 'date_time', '2011-09-14T08:56:30'],
    ['a time that the meter calls wrong', '04 6d b8 08 6e 19', 'date_time', 'not_available'],
    ['the last century', '04 6d 38 08 6e c9', 'date_time', '1999-09-14T08:56'],
    ['no month 13', '02 6c 61 1d', 'date', 'not_available'],
    ['no hour 24', '04 6d 38 18 6e 19', 'date_time', 'not_available'],
    ['no data', '00 2b', 'power', 'not_available'],
    ['a maximum', '14 2d c0 01 00 00', 'power maximum', '448e2 W'],
    ['a minimum', '22 fd c8 ff 01 52 07', 'voltage[7F01] minimum', '1874e-1 V'],
    ['in an error', '3b 2d 99 99 99', 'power error', '999999e2 W'],
    ['tariff 3, subunit 2', '8e b0 40 84 00 01 00 00 00 00 00', 'energy t3 u2', '1e1 Wh'],
    ['storage 510', '84 8f 0f 6d 0d 0c 8d 11', 'date_time s510', '2012-01-13T12:13'],
    ['0.1 MWh', '04 fb 00 05 00 00 00', 'energy', '5e5 Wh'],
    ['kvarh', '04 fb 02 07 00 00 00', 'reactive_energy', '7e3 varh'],
    ['GJ', '04 fb 09 05 00 00 00', 'energy', '5e9 J'],
    ['100 m3', '04 fb 10 05 00 00 00', 'volume', '5e2 m3'],
    ['frequency', '02 fb 2d 8d 13', 'frequency', '5005e-2 Hz'],
    ['backwards', '04 86 3c 05 00 00 00', 'energy[3C]', '5e3 Wh'],
    ['a factor of a tenth', '04 86 75 05 00 00 00', 'energy', '5e2 Wh'],
    ['a factor of a thousand', '04 86 7d 05 00 00 00', 'energy', '5e6 Wh'],
    ['what no table has', '02 fd 7f 05 00', 'unknown', '5e0 1'],
    ['a unit in words', '0a fc 20 03 43 42 41 15 31', 'text[41424320]', '3115e0 1'],
    ['the maker alone knows', '02 ff e0 00 6e 00', 'manufacturer[60]', '110e0 1'],
  ])('%s', (_title, hex, name, value) => {
    const [record, ...others] = recordsOf(hex);
    expect(others).toEqual([]);
    expect(record && [recordName(record), recordText(record)]).toEqual([name, value]);
  });

  test('fillers are nothing, and behind the maker’s own data nothing is read', () => {
    expect(recordsOf('2f 2f 01 2b 05 2f 0f 01 2b 06').map(recordText)).toEqual(['5e0 W']);
    expect(parseRecords(bytes('1f'))).toEqual({ ok: true, records: [], more: true });
  });

  test.each([
    ['too little data', '04 13 01 02 03'],
    ['no VIF', '04'],
    ['an open chain of DIFEs', '84 80'],
    ['eleven DIFEs', `8480${'80'.repeat(9)}0013 01020304`],
    ['an open chain of VIFEs', '04 93 80'],
    ['a reserved function', '3f 13 00'],
    ['a reserved length', '0d 79 cb 00'],
    ['text that ends too early', '0d 79 05 41'],
    ['words that end too early', '04 7c 05 41'],
  ])('%s is not read at all', (_title, hex) => {
    expect(parseRecords(bytes(`01 2b 05 ${hex}`))).toEqual({ ok: false });
  });

  test('numbers go high byte first where the telegram says so', () => {
    expect(recordsOf('0c 13 00 00 20 13', true).map(recordText)).toEqual(['2013e-3 m3']);
    const telegram = parseTelegram(0x76, bytes('12345678 0442 01 07 55 00 0000 0c 13 00002013'));
    expect(telegram).toMatchObject({ header: { id: '12345678', maker: 'ABB', version: 1, medium: 7 } });
  });

  test.each([
    ['an application error', 0x70, '08', { ok: true, applicationError: 8 }],
    ['the fixed structure', 0x73, '785634120a00e97e0100000035010000', { ok: false, code: 'unsupported' }],
    ['half a header', 0x72, '78563412', { ok: false, code: 'bad_records' }],
    ['ciphertext', 0x72, '785634124204010755002005aaaa', { ok: false, code: 'encrypted' }],
  ])('%s', (_title, ci, hex, expected) => {
    expect(parseTelegram(ci, bytes(hex))).toEqual(expected);
  });

  test('a short header, or none, names no meter', () => {
    expect(parseTelegram(0x7a, bytes('55000000 012b05'))).toMatchObject({ ok: true, header: null });
    expect(parseTelegram(0x78, bytes('012b05'))).toMatchObject({ ok: true, header: null });
  });

  test('any data never throws (seeded)', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(0x72, 0x76, 0x7a, 0x78, 0x70),
        fc.uint8Array({ maxLength: 252 }),
        (ci, data) => {
          parseTelegram(ci, data);
        },
      ),
      { seed: SEED, numRuns: 5000 },
    );
  });
});

const register = (match: object, unit: Unit, scale = '1') => ({ match: MbusMatch.parse(match), unit, scale });
/** The register's value as text, its code, or null. */
function readText(one: ReturnType<typeof register>, hex: string): string | null {
  const found = readRegister(one, recordsOf(hex));
  if (found === null) return null;
  const { value, code } = found.decoded;
  return value === null ? code : formatMicro(value);
}

describe('registers', () => {
  const energy = register({ quantity: 'energy' }, 'kWh');
  test.each([
    ['Wh to kWh, exactly', energy, '04 03 15 cd 5b 07', '123456.789'],
    ['10 Wh to kWh', energy, '0e 84 00 83 56 68 00 00 00', '6856.83'],
    ['MWh to kWh', energy, '04 fb 01 32 00 00 00', '50000'],
    ['joules are no kWh', energy, '04 0e 05 00 00 00', 'unknown_unit'],
    ['litres to m3', register({ quantity: 'volume' }, 'm3'), '0c 13 13 20 00 00', '2.013'],
    [
      'a smaller step than millionths',
      register({ quantity: 'volume' }, 'm3'),
      '04 93 70 05 00 00 00',
      'out_of_range',
    ],
    ['the same when it comes out even', register({ quantity: 'volume' }, 'm3'), '04 93 70 00 ca 9a 3b', '1'],
    [
      'a float is rounded',
      register({ quantity: 'flow_temperature' }, 'degC'),
      '05 5b 22 f3 26 42',
      '41.737434',
    ],
    [
      'a number of the maker’s own',
      register({ quantity: 'manufacturer', vife: '60' }, '1', '0.001'),
      '02 ff e0 00 6e 00',
      '0.11',
    ],
    [
      'a number in words',
      register({ quantity: 'text', vife: '41424320' }, 'm3', '0.1'),
      '0a fc 20 03 43 42 41 15 31',
      '311.5',
    ],
    [
      'reactive energy in a subunit',
      register({ quantity: 'energy', subunit: 2 }, 'kvarh'),
      '8e 80 40 84 00 01 00 00 00 00 00',
      '0.01',
    ],
    ['a report in place of data', energy, '04 83 15 05 00 00 00', 'not_available'],
    ['an error in place of the value', energy, '34 03 05 00 00 00', 'not_available'],
    ['a value and one from an error', energy, '34 03 05 00 00 00 04 03 06 00 00 00', '0.006'],
    ['text where a number should be', energy, '0d 03 01 41', 'unknown_unit'],
    ['another tariff', energy, '84 10 03 05 00 00 00', null],
    ['another storage', energy, '44 03 05 00 00 00', null],
    ['another subunit', energy, '84 40 03 05 00 00 00', null],
    ['a maximum', energy, '14 03 05 00 00 00', null],
    ['backwards', energy, '04 83 3c 05 00 00 00', null],
    ['a phase', energy, '04 83 ff 01 05 00 00 00', null],
    ['the same twice', energy, '04 03 05 00 00 00 04 03 05 00 00 00', '0.005'],
    ['the same in two scales', energy, '04 03 88 13 00 00 04 06 05 00 00 00', '5'],
    ['two that contradict each other', energy, '04 03 05 00 00 00 04 03 06 00 00 00', null],
  ])('%s', (_title, one, hex, expected) => {
    expect(readText(one, hex)).toBe(expected);
  });

  test('records in any order read the same (seeded)', () => {
    const records = [
      '0403 05000000',
      '841003 06000000',
      '4403 07000000',
      '042b 08000000',
      '0483ff01 09000000',
    ];
    const wanted = [
      energy,
      register({ quantity: 'energy', tariff: 1 }, 'kWh'),
      register({ quantity: 'energy', storage: 1 }, 'kWh'),
    ];
    fc.assert(
      fc.property(fc.shuffledSubarray(records, { minLength: records.length }), (order) => {
        expect(wanted.map((one) => readText(one, order.join('')))).toEqual(['0.005', '0.006', '0.007']);
      }),
      { seed: SEED },
    );
  });

  test('what a meter builds reads back as it was (seeded)', () => {
    const place = fc.record({
      storage: fc.oneof(fc.nat(20), fc.constantFrom(510, 2 ** 40 + 3)),
      tariff: fc.nat(70),
      subunit: fc.nat(5),
      function: fc.constantFrom('instantaneous', 'maximum', 'minimum'),
      vife: fc.constantFrom('', '7F01', '3C', '7F737F15'),
    });
    const quantities = fc.constantFrom<[string, Unit, string]>(
      ['energy', 'kWh', '0.01'],
      ['energy', 'kvarh', '0.01'],
      ['reactive_energy', 'kvarh', '1'],
      ['volume', 'm3', '0.001'],
      ['power', 'W', '1'],
      ['volume_flow', 'm3/h', '0.001'],
      ['flow_temperature', 'degC', '0.01'],
      ['voltage', 'V', '0.1'],
      ['current', 'A', '0.001'],
      ['frequency', 'Hz', '0.01'],
    );
    const count = fc.option(fc.integer({ min: -9_999_999, max: 999_999_999 }));
    fc.assert(
      fc.property(place, quantities, count, (match, [quantity, unit, step], steps) => {
        const one = register({ ...match, quantity }, unit);
        const value = steps === null ? null : BigInt(steps) * micro(step);
        const parsed = parseRecords(buildRecord(one, value));
        const found = parsed.ok ? readRegister(one, parsed.records) : null;
        expect(found?.decoded).toEqual(value === null ? { value, code: 'not_available' } : { value });
      }),
      { seed: SEED, numRuns: 1000 },
    );
  });

  test('a header that is built names the meter', () => {
    const header = buildHeader('0147807742042002', { accessNumber: 257 });
    expect(parseTelegram(0x72, header)).toMatchObject({
      header: { id: '01478077', maker: 'ABB', secondary: '0147807742042002', accessNumber: 1, status: 0 },
    });
  });
});
