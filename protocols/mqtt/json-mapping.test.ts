import { describe, expect, test } from 'vitest';
import { MqttProfile } from '../profile.ts';
import { mapPush } from './json-mapping.ts';

/** One meter, which its topic names. */
const mapOne = (profile: MqttProfile, payload: Uint8Array) => mapPush(new Map([['', profile]]), payload);

const profile = (scale = '1', path = 'total_m3', timestampPath = 'ts'): MqttProfile =>
  MqttProfile.parse({
    id: 'p',
    make: 'M',
    model: 'M',
    utility: 'water',
    source: 'this test',
    protocol: 'mqtt',
    timestampPath,
    registers: [{ obis: '8-0:1.0.0', name: 'volume', path, scale, unit: 'm3', billing: true }],
  });
const codeOf = (profile: MqttProfile, payload: Uint8Array) => mapOne(profile, payload).refused[0]?.code;
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const push = (value: string): Uint8Array => bytes(`{"ts":"2026-09-01T00:15:00Z","total_m3":${value}}`);

describe('a pushed value is taken exactly as it is written', () => {
  test.each<[string, string, string]>([
    ['"123.456"', '1', '123.456'],
    ['123.456', '1', '123.456'],
    ['0.1', '1', '0.1'],
    ['123.4560000000000', '1', '123.456'],
    ['1.5e3', '1', '1500'],
    ['15E-1', '1', '1.5'],
    // A float would make 9007199254740992 of it.
    ['9007199254740993', '0.001', '9007199254740.993'],
    ['-0', '1', '0'],
    ['-2.5', '1', '-2.5'],
    ['123456', '0.000001', '0.123456'],
  ])('%s times %s is %s', (value, scale, expected) => {
    const readAtMs = Date.UTC(2026, 8, 1, 0, 15);
    expect(mapOne(profile(scale), push(value))).toEqual({
      records: [{ device: '', values: [{ obis: '8-0:1.0.0', value: expected, unit: 'm3', readAtMs }] }],
      refused: [],
    });
  });
  test('null is no value, on record with its code', () => {
    expect(mapOne(profile(), push('null'))).toMatchObject({
      records: [{ values: [{ value: null, code: 'not_available' }] }],
    });
  });
  test('paths lead into objects and lists', () => {
    const payload = bytes('{"d":{"t":"2026-09-01T08:15:00+08:00","c":[{"v":7}]}}');
    expect(mapOne(profile('1', 'd.c.0.v', 'd.t'), payload)).toMatchObject({
      records: [{ values: [{ value: '7', readAtMs: Date.UTC(2026, 8, 1, 0, 15) }] }],
    });
  });
});

describe('a payload that is no reading is refused by name, and nothing of it is taken', () => {
  const at = '"ts":"2026-09-01T00:15:00Z"';
  test.each<[string, Uint8Array, string]>([
    ['empty', bytes(''), 'empty_payload'],
    ['{}', bytes('{}'), 'missing_timestamp'],
    ['truncated', bytes(`{${at},"total_m3":"12`), 'not_json'],
    ['invalid UTF-8', Uint8Array.of(0x7b, 0xff, 0x7d), 'not_utf8'],
    ['byte order mark', Uint8Array.of(0xef, 0xbb, 0xbf, 0x7b, 0x7d), 'not_json'],
    ['a list', bytes('[1]'), 'not_an_object'],
    ['a number', bytes('12'), 'not_an_object'],
    ['null', bytes('null'), 'not_an_object'],
    ['30,000 deep', bytes('['.repeat(30_000)), 'not_json'],
    ['no value', bytes(`{${at}}`), 'missing_value'],
    ['decimal comma', push('"12,5"'), 'not_a_number'],
    ['a boolean', push('true'), 'not_a_number'],
    ['an object', push('{"a":1}'), 'not_a_number'],
    ['an empty string', push('""'), 'not_a_number'],
    ['a string with an exponent', push('"1e3"'), 'not_a_number'],
    ['a string NaN', push('"NaN"'), 'not_a_number'],
    ['a bare NaN', push('NaN'), 'not_json'],
    ['1e400', push('1e400'), 'out_of_range'],
    ['1e99', push('1e99'), 'out_of_range'],
    ['1e-9', push('1e-9'), 'out_of_range'],
    ['1e99999', push('1e99999'), 'out_of_range'],
    ['seven decimals', push('"0.1234567"'), 'out_of_range'],
    ['2026-02-30', bytes('{"ts":"2026-02-30T00:00:00Z","total_m3":1}'), 'bad_timestamp'],
    ['no offset', bytes('{"ts":"2026-09-01T00:00:00","total_m3":1}'), 'bad_timestamp'],
    ['seconds', bytes('{"ts":1788220800,"total_m3":1}'), 'bad_timestamp'],
    ['a null timestamp', bytes('{"ts":null,"total_m3":1}'), 'bad_timestamp'],
  ])('%s', (_title, payload, code) => {
    expect(mapOne(profile(), payload)).toMatchObject({ records: [], refused: [{ code }] });
  });
  test('inherited properties are not in the payload', () => {
    expect(codeOf(profile('1', '__proto__.total'), bytes(`{${at},"total":1}`))).toBe('missing_value');
    expect(codeOf(profile('1', 'constructor.name'), bytes(`{${at}}`))).toBe('missing_value');
    expect(codeOf(profile('1', 'source.source'), bytes(`{${at},"source":1}`))).toBe('missing_value');
  });
});
