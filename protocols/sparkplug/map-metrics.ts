/** Sparkplug metrics -> exact values of a profile's registers. */
import { registerDecoder } from '../modbus/registers.ts';
import { exactDecimal } from '../mqtt/exact-number.ts';
import type { RegisterType, SparkplugProfile } from '../profile.ts';
import type { PushedValue, PushFault, PushRefusal } from '../pushed-value.ts';
import type { ReadingCode } from '../reading.ts';
import { formatMicro } from '../units.ts';
import { DataType, type MetricValue } from './payload.ts';
import type { NamedMetric } from './session.ts';

/** The latest instant that `Temporal` knows. */
const LATEST_MS = 8_640_000_000_000_000n;

/**
 * A metric may come several times, each with its own stamp. One that is not there has not changed; but a birth has all.
 * @param sentAt the payload's own stamp, for metrics without one
 */
export function mapMetrics(
  { registers }: SparkplugProfile,
  metrics: readonly NamedMetric[],
  { sentAt, isBirth }: { sentAt: bigint | undefined; isBirth: boolean },
): { values: PushedValue[]; refused: PushFault[] } {
  const values: PushedValue[] = [];
  const refused: PushFault[] = [];
  for (const { obis, metric: name, scale, unit } of registers) {
    const found = metrics.filter((metric) => metric.name === name);
    if (found.length === 0 && isBirth) refused.push({ code: 'missing_value', detail: name });
    for (const metric of found) {
      const at = metric.timestamp ?? sentAt;
      const read = readMetric(metric, scale);
      if (at === undefined) refused.push({ code: 'missing_timestamp', detail: name });
      else if (at > LATEST_MS) refused.push({ code: 'bad_timestamp', detail: `${name}: ${at}` });
      else if ('refused' in read) refused.push({ code: read.refused, detail: `${name}: ${shown(metric)}` });
      else values.push({ obis, ...read, unit, readAtMs: +at.toString() });
    }
  }
  return { values, refused };
}

type MetricRead =
  | { value: string; code?: never }
  | { value: null; code: ReadingCode }
  | { refused: PushRefusal };

const integers: Readonly<Record<number, { bits: number; signed: boolean; type: RegisterType }>> = {
  [DataType.Int8]: { bits: 8, signed: true, type: 'i16' },
  [DataType.Int16]: { bits: 16, signed: true, type: 'i16' },
  [DataType.Int32]: { bits: 32, signed: true, type: 'i32' },
  [DataType.Int64]: { bits: 64, signed: true, type: 'i64' },
  [DataType.UInt8]: { bits: 8, signed: false, type: 'u16' },
  [DataType.UInt16]: { bits: 16, signed: false, type: 'u16' },
  [DataType.UInt32]: { bits: 32, signed: false, type: 'u32' },
  [DataType.UInt64]: { bits: 64, signed: false, type: 'u64' },
};

/**
 * Integers and floats are judged as a polled register of their width is, its "no value" patterns included: a node in
 * front of a Modbus meter passes them on.
 */
function readMetric({ datatype, isNull, value }: NamedMetric, scale: string): MetricRead {
  if (isNull) return { value: null, code: 'not_available' };
  if (value === undefined) return { refused: 'missing_value' };
  const integer = integers[datatype];
  if (integer !== undefined && value.kind === 'integer') {
    const bytes = integerBytes(value.raw, integer);
    return bytes === null ? { refused: 'out_of_range' } : decode(integer.type, bytes, scale);
  }
  if (datatype === DataType.Float && value.kind === 'float') return decode('f32', value.bytes, scale);
  if (datatype === DataType.Double && value.kind === 'double') return decode('f64', value.bytes, scale);
  if ((datatype === DataType.String || datatype === DataType.Text) && value.kind === 'string') {
    const exact = exactDecimal(value.text, scale);
    return exact.ok ? { value: exact.value } : { refused: exact.code };
  }
  return { refused: 'not_a_number' };
}

function decode(type: RegisterType, bytes: Uint8Array, scale: string): MetricRead {
  const decoded = registerDecoder({ type, order: 'ABCD', scale })(bytes, 0);
  return decoded.value === null ? decoded : { value: formatMicro(decoded.value) };
}

/**
 * The integer as a register of its type holds it, high byte first; null when it does not fit. A negative number comes as
 * two's complement of its own width, of 32 or of 64 bits, after the encoder that wrote it.
 */
function integerBytes(
  raw: bigint,
  { bits, signed, type }: { bits: number; signed: boolean; type: RegisterType },
): Uint8Array | null {
  const value = signed ? BigInt.asIntN(bits, raw) : raw;
  const forms = [BigInt.asUintN(bits, value), BigInt.asUintN(32, value), BigInt.asUintN(64, value)];
  if (signed ? !forms.includes(raw) : raw >> BigInt(bits) !== 0n) return null;
  const length = type === 'u64' || type === 'i64' ? 8 : type === 'u32' || type === 'i32' ? 4 : 2;
  const view = new DataView(new ArrayBuffer(8));
  view.setBigInt64(0, value);
  return new Uint8Array(view.buffer).subarray(8 - length);
}

function shown({ datatype, value }: NamedMetric): string {
  const text = value === undefined ? 'no value' : shownValue(value);
  return `${text}, datatype ${datatype}`;
}

function shownValue(value: MetricValue): string {
  if (value.kind === 'integer') return `${value.raw}`;
  return value.kind === 'string' ? JSON.stringify(value.text.slice(0, 40)) : value.kind;
}
