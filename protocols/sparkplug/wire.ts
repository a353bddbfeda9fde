/**
 * Protocol Buffers on the wire, as far as Sparkplug B needs them (protobuf.dev, "Encoding"): fields of a message, read
 * within its bounds and written. 64-bit integers are exact.
 */

export interface VarintField {
  field: number;
  wire: 'varint';
  /** Unsigned, 64 bits. */
  value: bigint;
}
export interface BytesField {
  field: number;
  wire: 'fixed64' | 'bytes' | 'fixed32';
  bytes: Uint8Array;
}
export type WireField = VarintField | BytesField;

const MOST_VARINT_BYTES = 10;

/** The fields in their order; null when the bytes are no message: cut short, a group, a varint without end. */
export function readFields(message: Uint8Array): WireField[] | null {
  const fields: WireField[] = [];
  for (let at = 0; at < message.length; ) {
    const key = readVarint(message, at);
    if (key === null || key.value >> 3n === 0n || key.value > 0xffff_ffffn) return null;
    const field = small(key.value >> 3n);
    const read = readValue(message, key.end, field, small(key.value & 7n));
    if (read === null) return null;
    fields.push(read.field);
    at = read.end;
  }
  return fields;
}

function readValue(
  message: Uint8Array,
  at: number,
  field: number,
  type: number,
): { field: WireField; end: number } | null {
  const take = (wire: BytesField['wire'], start: number, length: number) => {
    const end = start + length;
    return end > message.length
      ? null
      : { field: { field, wire, bytes: message.subarray(start, end) } as const, end };
  };
  if (type === 1) return take('fixed64', at, 8);
  if (type === 5) return take('fixed32', at, 4);
  if (type !== 0 && type !== 2) return null;
  const varint = readVarint(message, at);
  if (varint === null) return null;
  if (type === 0) return { field: { field, wire: 'varint', value: varint.value }, end: varint.end };
  return varint.value > BigInt(message.length) ? null : take('bytes', varint.end, small(varint.value));
}

function readVarint(message: Uint8Array, start: number): { value: bigint; end: number } | null {
  let value = 0n;
  for (let index = 0; index < MOST_VARINT_BYTES; index += 1) {
    const byte = message[start + index];
    if (byte === undefined) return null;
    value |= BigInt(byte & 0x7f) << BigInt(7 * index);
    if (byte < 0x80) return { value: BigInt.asUintN(64, value), end: start + index + 1 };
  }
  return null;
}

/** A bigint that is known to be small. */
const small = (value: bigint): number => +value.toString();

/** @param value unsigned, or two's complement of 64 bits when negative, as Protocol Buffers writes it */
export const varintField = (field: number, value: bigint): number[] => [
  ...varint(BigInt(field) << 3n),
  ...varint(BigInt.asUintN(64, value)),
];

export const bytesField = (field: number, bytes: Uint8Array): number[] => [
  ...varint((BigInt(field) << 3n) | 2n),
  ...varint(BigInt(bytes.length)),
  ...bytes,
];

/** @param bytes four or eight, low byte first */
export const fixedField = (field: number, bytes: Uint8Array): number[] => [
  ...varint((BigInt(field) << 3n) | (bytes.length === 8 ? 1n : 5n)),
  ...bytes,
];

function varint(value: bigint): number[] {
  const bytes: number[] = [];
  for (let rest = value; ; rest >>= 7n) {
    const low = small(rest & 0x7fn);
    if (rest < 0x80n) return [...bytes, low];
    bytes.push(low | 0x80);
  }
}
