import { describe, expect, test } from 'vitest';
import { SparkplugProfile } from '../profile.ts';
import { mapMetrics } from './map-metrics.ts';
import { DataType, type MetricValue } from './payload.ts';
import type { NamedMetric } from './session.ts';

const profile = (scale = '1'): SparkplugProfile =>
  SparkplugProfile.parse({
    id: 'p',
    make: 'M',
    model: 'M',
    utility: 'electricity',
    source: 'this test',
    protocol: 'sparkplug',
    registers: [{ obis: '1-0:1.8.0', name: 'import', metric: 'E', scale, unit: 'kWh', billing: true }],
  });
const AT = 1_788_220_800_000n;
const metric = (datatype: number, value?: MetricValue, more: Partial<NamedMetric> = {}): NamedMetric => ({
  name: 'E',
  datatype,
  timestamp: AT,
  ...(value === undefined ? {} : { value }),
  ...more,
});
const integer = (raw: bigint): MetricValue => ({ kind: 'integer', raw });
const float = (value: number): MetricValue => {
  const view = new DataView(new ArrayBuffer(4));
  view.setFloat32(0, value);
  return { kind: 'float', bytes: new Uint8Array(view.buffer) };
};
const double = (value: number): MetricValue => {
  const view = new DataView(new ArrayBuffer(8));
  view.setFloat64(0, value);
  return { kind: 'double', bytes: new Uint8Array(view.buffer) };
};
const map = (metrics: NamedMetric[], scale = '1', sentAt: bigint | undefined = undefined) =>
  mapMetrics(profile(scale), metrics, { sentAt, isBirth: false });

describe('a metric is taken exactly, after its datatype', () => {
  test.each<[string, number, MetricValue, string, string]>([
    ['Int8 in 32 bits', DataType.Int8, integer(0xffff_fffbn), '1', '-5'],
    ['Int8 in 8 bits', DataType.Int8, integer(0xfbn), '1', '-5'],
    ['Int16', DataType.Int16, integer(0xffff_fffbn), '1', '-5'],
    ['Int32 in 64 bits', DataType.Int32, integer(2n ** 64n - 5n), '1', '-5'],
    ['Int64', DataType.Int64, integer(2n ** 64n - 9_007_199_254_740_993n), '0.001', '-9007199254740.993'],
    ['UInt8', DataType.UInt8, integer(255n), '1', '255'],
    ['UInt32', DataType.UInt32, integer(4_294_967_294n), '0.01', '42949672.94'],
    ['UInt64', DataType.UInt64, integer(18_446_744_073_709_551_614n), '0.001', '18446744073709551.614'],
    ['Float as its face shows it', DataType.Float, float(0.1), '1', '0.1'],
    ['Double', DataType.Double, double(123456.789), '0.001', '123.456789'],
    ['String', DataType.String, { kind: 'string', text: '123.45' }, '1', '123.45'],
  ])('%s', (_, datatype, value, scale, expected) => {
    expect(map([metric(datatype, value)], scale)).toEqual({
      values: [{ obis: '1-0:1.8.0', value: expected, unit: 'kWh', readAtMs: 1_788_220_800_000 }],
      refused: [],
    });
  });
  test('several of one name are several readings, historical ones too', () => {
    const earlier = metric(DataType.Int64, integer(1n), { timestamp: AT - 900_000n, isHistorical: true });
    expect(map([earlier, metric(DataType.Int64, integer(2n))]).values).toMatchObject([
      { value: '1', readAtMs: 1_788_219_900_000 },
      { value: '2', readAtMs: 1_788_220_800_000 },
    ]);
  });
  test('without a stamp of its own it has that of the message', () => {
    const { timestamp: _, ...bare } = metric(DataType.Int64, integer(1n));
    expect(map([bare], '1', AT).values).toMatchObject([{ readAtMs: 1_788_220_800_000 }]);
    expect(map([bare]).refused).toMatchObject([{ code: 'missing_timestamp' }]);
  });
});

describe('what is no value is one with its code', () => {
  test.each<[string, NamedMetric, string]>([
    ['null', metric(DataType.Double, undefined, { isNull: true }), 'not_available'],
    ['NaN', metric(DataType.Double, double(Number.NaN)), 'not_available'],
    ['infinite', metric(DataType.Float, float(Number.POSITIVE_INFINITY)), 'not_available'],
    ['all ones', metric(DataType.UInt32, integer(0xffff_ffffn)), 'not_available'],
    ['too large', metric(DataType.Double, double(1e300)), 'out_of_range'],
  ])('%s', (_, one, code) => {
    expect(map([one])).toMatchObject({ values: [{ value: null, code }], refused: [] });
  });
});

describe('what cannot be told is refused by name', () => {
  test.each<[string, NamedMetric, string]>([
    ['no value', metric(DataType.Double), 'missing_value'],
    ['a UInt8 of 256', metric(DataType.UInt8, integer(256n)), 'out_of_range'],
    ['a UInt32 of 33 bits', metric(DataType.UInt32, integer(2n ** 32n)), 'out_of_range'],
    ['an Int16 of 40000', metric(DataType.Int16, integer(40_000n + 65_536n)), 'out_of_range'],
    ['an integer in a float', metric(DataType.Int32, float(1)), 'not_a_number'],
    ['a float in an integer', metric(DataType.Float, integer(1n)), 'not_a_number'],
    ['a boolean', metric(DataType.Boolean, { kind: 'boolean', value: true }), 'not_a_number'],
    ['an instant', metric(DataType.DateTime, integer(AT)), 'not_a_number'],
    ['a data set', metric(16, { kind: 'other' }), 'not_a_number'],
    ['a decimal comma', metric(DataType.String, { kind: 'string', text: '12,5' }), 'not_a_number'],
    [
      'a stamp beyond all',
      metric(DataType.Int32, integer(1n), { timestamp: 2n ** 64n - 1n }),
      'bad_timestamp',
    ],
  ])('%s', (_, one, code) => {
    expect(map([one])).toMatchObject({ values: [], refused: [{ code }] });
  });
  test('a birth without the metric; data without it has not changed', () => {
    expect(map([])).toEqual({ values: [], refused: [] });
    expect(mapMetrics(profile(), [], { sentAt: AT, isBirth: true }).refused).toEqual([
      { code: 'missing_value', detail: 'E' },
    ]);
  });
});
