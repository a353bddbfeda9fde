/**
 * The Sparkplug B payload <-> bytes (Eclipse Sparkplug 3.0.0, 6.4; field numbers of `sparkplug_b.proto` in Eclipse Tahu).
 * Numbers keep their bits: what they mean hangs on the metric's datatype, which only its birth may tell. Metadata,
 * properties, data sets and templates are passed over.
 */
import { bytesField, fixedField, readFields, varintField, type WireField } from './wire.ts';

/** Datatypes of metrics (6.4.16) that a register can have. */
export const DataType = {
  Int8: 1,
  Int16: 2,
  Int32: 3,
  Int64: 4,
  UInt8: 5,
  UInt16: 6,
  UInt32: 7,
  UInt64: 8,
  Float: 9,
  Double: 10,
  Boolean: 11,
  String: 12,
  DateTime: 13,
  Text: 14,
} as const;

/** A value by the field that it came in. */
export type MetricValue =
  | { kind: 'integer'; raw: bigint }
  /** Big-endian: four bytes of a float, eight of a double. */
  | { kind: 'float' | 'double'; bytes: Uint8Array }
  | { kind: 'boolean'; value: boolean }
  | { kind: 'string'; text: string }
  /** Bytes, a data set, a template, an extension. */
  | { kind: 'other' };

export interface Metric {
  name?: string;
  alias?: bigint;
  /** Unix milliseconds. */
  timestamp?: bigint;
  datatype?: number;
  isHistorical?: boolean;
  isNull?: boolean;
  value?: MetricValue;
}

export interface Payload {
  /** Unix milliseconds of the sending. */
  timestamp?: bigint;
  metrics: Metric[];
  /** 0 to 255. */
  sequence?: number;
}

const PAYLOAD = { timestamp: 1, metric: 2, sequence: 3 };
const METRIC = {
  name: 1,
  alias: 2,
  timestamp: 3,
  datatype: 4,
  isHistorical: 5,
  isNull: 7,
  int: 10,
  long: 11,
  float: 12,
  double: 13,
  boolean: 14,
  string: 15,
  bytes: 16,
  extension: 19,
};

/** @returns null when the bytes are no payload of Sparkplug B */
export function decodePayload(bytes: Uint8Array): Payload | null {
  const fields = readFields(bytes);
  if (fields === null) return null;
  const payload: Payload = { metrics: [] };
  for (const field of fields) {
    if (field.field === PAYLOAD.metric) {
      const metric = field.wire === 'bytes' ? decodeMetric(field.bytes) : null;
      if (metric === null) return null;
      payload.metrics.push(metric);
    } else if (field.field === PAYLOAD.timestamp) {
      if (field.wire !== 'varint') return null;
      payload.timestamp = field.value;
    } else if (field.field === PAYLOAD.sequence) {
      if (field.wire !== 'varint' || field.value > 255n) return null;
      payload.sequence = +field.value.toString();
    }
  }
  return payload;
}

function decodeMetric(bytes: Uint8Array): Metric | null {
  const fields = readFields(bytes);
  if (fields === null) return null;
  const metric: Metric = {};
  for (const field of fields) if (!putField(metric, field)) return null;
  return metric;
}

/** False when the field has not the type that the schema gives it. A field that came before is replaced. */
function putField(metric: Metric, field: WireField): boolean {
  if (field.field >= METRIC.int && field.field <= METRIC.extension) {
    const value = decodeValue(field);
    if (value === null) return false;
    metric.value = value;
    return true;
  }
  if (field.field === METRIC.name) {
    const name = field.wire === 'bytes' ? decodeText(field.bytes) : null;
    if (name === null) return false;
    metric.name = name;
    return true;
  }
  if (field.wire !== 'varint') return field.field > METRIC.isNull;
  const { value } = field;
  if (field.field === METRIC.alias) metric.alias = value;
  else if (field.field === METRIC.timestamp) metric.timestamp = value;
  else if (field.field === METRIC.datatype) metric.datatype = +BigInt.asUintN(32, value).toString();
  else if (field.field === METRIC.isHistorical) metric.isHistorical = value !== 0n;
  else if (field.field === METRIC.isNull) metric.isNull = value !== 0n;
  return true;
}

function decodeValue(field: WireField): MetricValue | null {
  switch (field.field) {
    case METRIC.int:
    case METRIC.long:
      return field.wire === 'varint' ? { kind: 'integer', raw: field.value } : null;
    case METRIC.float:
      return field.wire === 'fixed32' ? { kind: 'float', bytes: field.bytes.toReversed() } : null;
    case METRIC.double:
      return field.wire === 'fixed64' ? { kind: 'double', bytes: field.bytes.toReversed() } : null;
    case METRIC.boolean:
      return field.wire === 'varint' ? { kind: 'boolean', value: field.value !== 0n } : null;
    case METRIC.string: {
      const text = field.wire === 'bytes' ? decodeText(field.bytes) : null;
      return text === null ? null : { kind: 'string', text };
    }
    default:
      return field.wire === 'bytes' ? { kind: 'other' } : null;
  }
}

function decodeText(bytes: Uint8Array): string | null {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return null;
  }
}

/** Integers of up to 32 bits but UInt32 go as `int_value`, the others as `long_value`, as Tahu's encoders do. */
export function encodePayload({ timestamp, metrics, sequence }: Payload): Uint8Array {
  return Uint8Array.from([
    ...(timestamp === undefined ? [] : varintField(PAYLOAD.timestamp, timestamp)),
    ...metrics.flatMap((metric) => bytesField(PAYLOAD.metric, encodeMetric(metric))),
    ...(sequence === undefined ? [] : varintField(PAYLOAD.sequence, BigInt(sequence))),
  ]);
}

function encodeMetric({ name, alias, timestamp, datatype, isHistorical, isNull, value }: Metric): Uint8Array {
  return Uint8Array.from([
    ...(name === undefined ? [] : bytesField(METRIC.name, new TextEncoder().encode(name))),
    ...(alias === undefined ? [] : varintField(METRIC.alias, alias)),
    ...(timestamp === undefined ? [] : varintField(METRIC.timestamp, timestamp)),
    ...(datatype === undefined ? [] : varintField(METRIC.datatype, BigInt(datatype))),
    ...(isHistorical ? varintField(METRIC.isHistorical, 1n) : []),
    ...(isNull ? varintField(METRIC.isNull, 1n) : []),
    ...(value === undefined ? [] : encodeValue(value, datatype)),
  ]);
}

const shortIntegers: readonly (number | undefined)[] = [
  DataType.Int8,
  DataType.Int16,
  DataType.Int32,
  DataType.UInt8,
  DataType.UInt16,
];

function encodeValue(value: MetricValue, datatype: number | undefined): number[] {
  switch (value.kind) {
    case 'integer':
      return shortIntegers.includes(datatype)
        ? varintField(METRIC.int, BigInt.asUintN(32, value.raw))
        : varintField(METRIC.long, value.raw);
    case 'float':
      return fixedField(METRIC.float, value.bytes.toReversed());
    case 'double':
      return fixedField(METRIC.double, value.bytes.toReversed());
    case 'boolean':
      return varintField(METRIC.boolean, value.value ? 1n : 0n);
    case 'string':
      return bytesField(METRIC.string, new TextEncoder().encode(value.text));
    case 'other':
      return bytesField(METRIC.bytes, new Uint8Array());
  }
}
