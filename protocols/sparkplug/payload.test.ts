import fc from 'fast-check';
import { get } from 'sparkplug-payload';
import { describe, expect, test } from 'vitest';
import { DataType, decodePayload, encodePayload, type Metric, type MetricValue } from './payload.ts';

const tahu = get('spBv1.0');
if (tahu === null) throw new Error('no encoder');
const { encodePayload: encodeByTahu, decodePayload: readByTahu } = tahu;
type TahuMetric = Omit<NonNullable<Parameters<typeof encodeByTahu>[0]['metrics']>[number], 'name'>;
/** A 64-bit integer as Tahu's encoder takes it. */
const long = (value: bigint) =>
  ({
    low: Number(BigInt.asIntN(32, value)),
    high: Number(BigInt.asIntN(32, value >> 32n)),
    unsigned: value >= 0n,
  }) as never;

const hex = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text.replaceAll(/\s/g, ''), 'hex'));
const integer = (raw: bigint): MetricValue => ({ kind: 'integer', raw });
const bits = (value: number, length: 4 | 8): Uint8Array => {
  const view = new DataView(new ArrayBuffer(length));
  if (length === 4) view.setFloat32(0, value);
  else view.setFloat64(0, value);
  return new Uint8Array(view.buffer);
};

/** A payload by hand: timestamp 1788220800000, one metric, sequence 7. */
const golden = hex(
  `08 80 f8 8f d2 85 34
   12 1d 0a 01 45 10 05 18 81 f8 8f d2 85 34 20 0a 28 01 69 00 00 00 00 00 4a 93 40 38 00 42 00
   18 07`,
);

describe('a payload', () => {
  test('literal bytes', () => {
    expect(decodePayload(golden)).toEqual({
      timestamp: 1_788_220_800_000n,
      sequence: 7,
      metrics: [
        {
          name: 'E',
          alias: 5n,
          timestamp: 1_788_220_800_001n,
          datatype: DataType.Double,
          isHistorical: true,
          isNull: false,
          value: { kind: 'double', bytes: bits(1234.5, 8) },
        },
      ],
    });
  });
  test('empty is one without metrics', () => {
    expect(decodePayload(new Uint8Array())).toEqual({ metrics: [] });
  });
  test('cut anywhere: no payload, or one that ends before the cut', () => {
    for (let length = 0; length < golden.length; length += 1) {
      const cut = decodePayload(golden.subarray(0, length));
      if (cut !== null) expect(cut.sequence).toBeUndefined();
    }
  });
  test('64 bits are exact', () => {
    const metrics = [{ alias: 2n ** 64n - 1n, value: integer(2n ** 63n + 1n) }];
    expect(decodePayload(encodePayload({ metrics }))).toEqual({ metrics });
  });
  test.each<[string, string]>([
    ['a varint without end', '08 ff ff ff ff ff ff ff ff ff ff 01'],
    ['a length beyond the end', '12 7f 0a'],
    ['a length of 64 bits', '12 ff ff ff ff ff ff ff ff ff 01'],
    ['a group', '0b'],
    ['field number 0', '00 00'],
    ['a field number of 64 bits', '80 80 80 80 80 80 80 80 80 01 00'],
    ['a metric that is a number', '10 01'],
    ['a timestamp that is a text', '0a 01 31'],
    ['sequence 256', '18 80 02'],
    ['a name that is no UTF-8', '12 04 0a 02 ff fe'],
    ['a name that is a number', '12 02 08 01'],
    ['an alias that is a text', '12 03 12 01 31'],
    ['a double of four bytes', '12 05 6d 00 00 00 00'],
    ['a string value that is no UTF-8', '12 03 7a 01 ff'],
    ['JSON', '7b 22 74 73 22 3a 31 7d'],
  ])('%s is none', (_, bytes) => {
    expect(decodePayload(hex(bytes))).toBeNull();
  });
  test('a field that is not known is passed over, one that comes twice is the later one', () => {
    expect(decodePayload(hex('f8 3f 01 18 05 18 06 12 08 a2 06 01 41 10 02 10 03'))).toEqual({
      sequence: 6,
      metrics: [{ alias: 3n }],
    });
  });
});

describe("Tahu's own encoder and ours understand each other", () => {
  const at = 1_788_220_800_000;
  const cases: [string, TahuMetric, Metric][] = [
    ['Int8', { type: 'Int8', value: -5 }, { datatype: DataType.Int8, value: integer(4_294_967_291n) }],
    ['Int16', { type: 'Int16', value: 1234 }, { datatype: DataType.Int16, value: integer(1234n) }],
    ['Int32', { type: 'Int32', value: -1 }, { datatype: DataType.Int32, value: integer(0xffff_ffffn) }],
    [
      'Int64',
      { type: 'Int64', value: long(-9_007_199_254_740_993n) },
      { datatype: DataType.Int64, value: integer(2n ** 64n - 9_007_199_254_740_993n) },
    ],
    [
      'UInt32',
      { type: 'UInt32', value: 4_294_967_294 },
      { datatype: DataType.UInt32, value: integer(4_294_967_294n) },
    ],
    [
      'UInt64',
      { type: 'UInt64', value: long(18_446_744_073_709_551_614n) },
      { datatype: DataType.UInt64, value: integer(18_446_744_073_709_551_614n) },
    ],
    [
      'Float',
      { type: 'Float', value: 0.1 },
      { datatype: DataType.Float, value: { kind: 'float', bytes: bits(0.1, 4) } },
    ],
    [
      'Double',
      { type: 'Double', value: 123456.789 },
      { datatype: DataType.Double, value: { kind: 'double', bytes: bits(123456.789, 8) } },
    ],
    [
      'Boolean',
      { type: 'Boolean', value: true },
      { datatype: DataType.Boolean, value: { kind: 'boolean', value: true } },
    ],
    [
      'String',
      { type: 'String', value: '水 12.5' },
      { datatype: DataType.String, value: { kind: 'string', text: '水 12.5' } },
    ],
  ];
  test.each(cases)('%s', (name, theirs, ours) => {
    const full = { name, alias: 3n, timestamp: BigInt(at), ...ours };
    const bytes = encodeByTahu({
      timestamp: at,
      seq: 200,
      metrics: [{ ...theirs, name, alias: 3, timestamp: at }],
    });
    expect(decodePayload(bytes)).toEqual({ timestamp: BigInt(at), sequence: 200, metrics: [full] });
    const read = readByTahu(encodePayload({ timestamp: BigInt(at), sequence: 200, metrics: [full] }));
    expect(`${read.metrics?.[0]?.value}`).toBe(`${readByTahu(bytes).metrics?.[0]?.value}`);
    expect(`${read.seq} ${read.timestamp} ${read.metrics?.[0]?.name}`).toBe(`200 ${at} ${name}`);
  });
  test('null, historical, and what is no value of a register', () => {
    const bytes = encodeByTahu({
      timestamp: at,
      metrics: [
        { name: 'n', type: 'Double', value: null, isHistorical: true },
        { name: 'b', type: 'Bytes', value: Uint8Array.of(1) },
        {
          name: 'd',
          type: 'DataSet',
          value: { numOfColumns: 1, columns: ['c'], types: ['Int32'], rows: [[1]] } as never,
        },
        { name: 'p', type: 'Int32', value: 1, properties: { unit: { type: 'String', value: 'kWh' } } },
      ],
    });
    expect(decodePayload(bytes)?.metrics).toMatchObject([
      { name: 'n', isNull: true, isHistorical: true },
      { name: 'b', value: { kind: 'other' } },
      { name: 'd', value: { kind: 'other' } },
      { name: 'p', value: { kind: 'integer', raw: 1n } },
    ]);
  });
});

describe('whatever comes, nothing is thrown', () => {
  test('bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 120 }), (bytes) => void decodePayload(bytes)),
      { seed: 42, numRuns: 5000 },
    );
  });
  test('a good payload with one byte changed', () => {
    for (let index = 0; index < golden.length; index += 1)
      for (let byte = 0; byte < 256; byte += 1) decodePayload(golden.with(index, byte));
  });
  test('metrics of random bytes', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 30 }), { maxLength: 4 }), (metrics) => {
        const bytes = metrics.flatMap((metric) => [0x12, metric.length, ...metric]);
        const payload = decodePayload(Uint8Array.from(bytes));
        if (payload !== null) expect(payload.metrics).toHaveLength(metrics.length);
      }),
      { seed: 42, numRuns: 5000 },
    );
  });
});
