import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { MqttProfile } from '../profile.ts';
import type { MappedPush } from '../pushed-value.ts';
import { mapPush } from './json-mapping.ts';

const profile = (shape: Partial<MqttProfile> = {}): MqttProfile =>
  MqttProfile.parse({
    id: 'p',
    make: 'M',
    model: 'M',
    utility: 'electricity',
    source: 'this test',
    protocol: 'mqtt',
    timestampPath: 't',
    registers: [
      { obis: '1-0:1.8.0', name: 'import', path: 'kwh', unit: 'kWh', billing: true },
      { obis: '1-0:16.7.0', name: 'power', path: 'w', unit: 'W' },
    ],
    ...shape,
  });
const map = (shape: Partial<MqttProfile>, payload: unknown, ...names: string[]): MappedPush =>
  mapPush(
    new Map((names.length === 0 ? [''] : names).map((name) => [name, profile(shape)])),
    new TextEncoder().encode(typeof payload === 'string' ? payload : JSON.stringify(payload)),
  );
const at = (minute: number) => `2026-09-01T00:${minute}:00Z`;
/** Meter, register, minute, value of each. */
const shown = ({ records }: MappedPush): string[] =>
  records.flatMap(({ device, values }) =>
    values.map(
      ({ obis, value, readAtMs }) =>
        `${device} ${obis} ${(readAtMs - Date.UTC(2026, 8, 1)) / 60_000} ${value}`,
    ),
  );

describe('records in a list, each with its own stamp', () => {
  const good = [
    { t: at(15), kwh: '1.5', w: 800 },
    { t: at(30), kwh: '2.25', w: null },
  ];
  const expected = [' 1-0:1.8.0 15 1.5', ' 1-0:16.7.0 15 800', ' 1-0:1.8.0 30 2.25', ' 1-0:16.7.0 30 null'];
  test('at a path', () => {
    const mapped = map({ recordsPath: 'd.rows' }, { d: { rows: good } });
    expect(shown(mapped)).toEqual(expected);
    expect(mapped.refused).toEqual([]);
  });
  test('as the payload itself', () => {
    expect(shown(map({ recordsPath: '' }, good))).toEqual(expected);
  });
  test('with a stamp that stands once, at the payload', () => {
    const mapped = map({ recordsPath: 'rows', timestampPath: '/sent' }, { sent: at(15), rows: [good[1]] });
    expect(shown(mapped)).toEqual([' 1-0:1.8.0 15 2.25', ' 1-0:16.7.0 15 null']);
  });
  test('a bad record loses itself alone, a bad value too', () => {
    const rows = [
      good[0],
      7,
      { t: 'x', kwh: 1, w: 1 },
      { t: at(45), kwh: '12,5', w: 1 },
      { t: at(50), w: 2 },
    ];
    const mapped = map({ recordsPath: '' }, rows);
    expect(shown(mapped)).toEqual([
      ' 1-0:1.8.0 15 1.5',
      ' 1-0:16.7.0 15 800',
      ' 1-0:16.7.0 45 1',
      ' 1-0:16.7.0 50 2',
    ]);
    expect(mapped.refused).toEqual([
      { code: 'not_an_object', detail: 'record 1: 7' },
      { code: 'bad_timestamp', detail: 'record 2: t: "x"', device: '' },
      { code: 'not_a_number', detail: 'record 3: kwh: "12,5"', device: '' },
      { code: 'missing_value', detail: 'record 4: kwh', device: '' },
    ]);
  });
  test.each<[string, unknown, string]>([
    ['no list', { rows: 1 }, 'missing_records'],
    ['an object in its place', { rows: { a: good[0] } }, 'missing_records'],
    ['nothing there', {}, 'missing_records'],
    ['an empty list', { rows: [] }, 'no_records'],
    ['10,001 records', `{"rows":[${Array(10_001).fill('1').join()}]}`, 'too_many_records'],
  ])('%s is refused by name', (_, payload, code) => {
    expect(map({ recordsPath: 'rows' }, payload)).toMatchObject({ records: [], refused: [{ code }] });
  });
  test('10,000 records are taken', () => {
    const rows = Array.from({ length: 10_000 }, (_, w) => ({ t: at(15), kwh: '1', w }));
    expect(map({ recordsPath: '' }, rows).records).toHaveLength(10_000);
  });
});

describe('a collector names the meter of each record', () => {
  const shape = { recordsPath: 'rows', meterPath: 'id' };
  test('by text, or by a number as it is written', () => {
    const rows = [
      { id: 'A', t: at(15), kwh: 1, w: 1 },
      { id: 12, t: at(15), kwh: 2, w: 2 },
    ];
    expect(shown(map(shape, { rows }, 'A', '12'))).toEqual([
      'A 1-0:1.8.0 15 1',
      'A 1-0:16.7.0 15 1',
      '12 1-0:1.8.0 15 2',
      '12 1-0:16.7.0 15 2',
    ]);
  });
  test('one that is not known, and none, are refused; the others go on', () => {
    const rows = [{ id: 'B', t: at(15), kwh: 1, w: 1 }, { t: at(15) }, { id: 'A', t: at(15), kwh: 1, w: 1 }];
    const mapped = map(shape, { rows }, 'A');
    expect(mapped.records).toHaveLength(1);
    expect(mapped.refused).toEqual([
      { code: 'unknown_meter', detail: 'record 0: B', device: 'B' },
      { code: 'missing_meter', detail: 'record 1: id' },
    ]);
  });
  test('and each is read by its own profile', () => {
    const water = profile({
      ...shape,
      registers: [{ ...profile().registers[0], obis: '8-0:1.0.0', path: 'm3', unit: 'm3' }] as never,
    });
    const payload = {
      rows: [
        { id: 'A', t: at(15), kwh: 1, w: 1 },
        { id: 'W', t: at(15), m3: '3.5' },
      ],
    };
    const devices = new Map([
      ['A', profile(shape)],
      ['W', water],
    ]);
    const mapped = mapPush(devices, new TextEncoder().encode(JSON.stringify(payload)));
    expect(shown(mapped)).toEqual(['A 1-0:1.8.0 15 1', 'A 1-0:16.7.0 15 1', 'W 8-0:1.0.0 15 3.5']);
  });
});

describe('a stamp is read in the declared form alone', () => {
  type Form = Partial<Pick<MqttProfile, 'timestampFormat' | 'timeZone'>>;
  const stamp = (form: Form, t: string) => map(form, `{"t":${t},"kwh":1,"w":1}`);
  const ms = Date.UTC(2026, 8, 1, 0, 15);
  const seconds: Form = { timestampFormat: 'unix_seconds' };
  const milliseconds: Form = { timestampFormat: 'unix_milliseconds' };
  const local = (timeZone: string): Form => ({ timestampFormat: 'local', timeZone });
  test.each<[Form, string, number]>([
    [{}, '"2026-09-01T08:15:00+08:00"', ms],
    [seconds, `${ms / 1000}`, ms],
    [seconds, `"${ms / 1000}"`, ms],
    [seconds, `${ms / 1000}.25`, ms + 250],
    [milliseconds, `${ms}`, ms],
    [local('Asia/Shanghai'), '"2026-09-01 08:15:00"', ms],
    [local('Asia/Shanghai'), '"2026-09-01T08:15"', ms],
    [local('Europe/Berlin'), '"2026-09-01T02:15:00.000"', ms],
  ])('%j %s', (form, t, expected) => {
    expect(stamp(form, t).records[0]?.values[0]?.readAtMs).toBe(expected);
  });
  test.each<[Form, string, string]>([
    [{}, '"2026-09-01 08:15:00"', 'bad_timestamp'],
    [{}, `${ms}`, 'bad_timestamp'],
    [seconds, '"2026-09-01T00:15:00Z"', 'bad_timestamp'],
    [seconds, '-1', 'bad_timestamp'],
    [seconds, '1.7e9', 'bad_timestamp'],
    [seconds, 'null', 'bad_timestamp'],
    [seconds, '"9999999999999999999999"', 'bad_timestamp'],
    [seconds, `${ms}`, 'milliseconds_as_seconds'],
    [milliseconds, `${ms / 1000}`, 'seconds_as_milliseconds'],
    [local('Asia/Shanghai'), '"2026-09-01T08:15:00Z"', 'bad_timestamp'],
    [local('Asia/Shanghai'), '"2026-02-30 08:15:00"', 'bad_timestamp'],
    [local('Europe/Berlin'), '"2026-03-29T02:30:00"', 'ambiguous_time'],
    [local('Europe/Berlin'), '"2026-10-25T02:30:00"', 'ambiguous_time'],
  ])('%j %s is refused: %s', (form, t, code) => {
    expect(stamp(form, t)).toMatchObject({ records: [], refused: [{ code }] });
  });
  test.each<[Form, string]>([
    [{ timestampFormat: 'local' }, 'local times have a time zone, others none'],
    [{ timeZone: 'Asia/Shanghai' }, 'local times have a time zone, others none'],
    [local('Mars/Olympus'), 'not a time zone such as'],
  ])('the profile %j is refused', (form, message) => {
    expect(() => profile(form)).toThrow(message);
  });
});

describe('whatever comes', () => {
  const shapes: Partial<MqttProfile>[] = [{}, { recordsPath: '' }, { recordsPath: 'rows', meterPath: 'id' }];
  test('bytes: nothing is thrown', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), fc.constantFrom(...shapes), (bytes, shape) => {
        expect(mapPush(new Map([['', profile(shape)]]), bytes).records).toEqual([]);
      }),
      { seed: 42, numRuns: 2000 },
    );
  });
  test('JSON in place of a value: taken exactly or refused', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        const { records, refused } = map({}, { t: at(15), kwh: value, w: 1 });
        expect((records[0]?.values.length ?? 0) + refused.length).toBe(2);
      }),
      { seed: 42, numRuns: 2000 },
    );
  });
});
