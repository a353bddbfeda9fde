/** COSEM data as A-XDR encodes it (IEC 62056-62, 4.1.5; IEC 61334-6): a tag, and then the value, high byte first. */

const integers = {
  5: { type: 'i32', bytes: 4, signed: true },
  6: { type: 'u32', bytes: 4, signed: false },
  15: { type: 'i8', bytes: 1, signed: true },
  16: { type: 'i16', bytes: 2, signed: true },
  17: { type: 'u8', bytes: 1, signed: false },
  18: { type: 'u16', bytes: 2, signed: false },
  20: { type: 'i64', bytes: 8, signed: true },
  21: { type: 'u64', bytes: 8, signed: false },
} as const;
const fixed = {
  23: { type: 'f32', bytes: 4 },
  24: { type: 'f64', bytes: 8 },
  25: { type: 'date-time', bytes: 12 },
  26: { type: 'date', bytes: 5 },
  27: { type: 'time', bytes: 4 },
} as const;

export type IntegerType = (typeof integers)[keyof typeof integers]['type'];

export type CosemData =
  | { type: 'null' }
  | { type: 'boolean'; value: boolean }
  | { type: IntegerType; value: bigint }
  | { type: 'enum'; value: number }
  | { type: 'f32' | 'f64' | 'octet-string' | 'date-time' | 'date' | 'time'; bytes: Uint8Array }
  | { type: 'text'; text: string }
  /** `"101"`: the first bit first. */
  | { type: 'bit-string'; bits: string }
  | { type: 'array' | 'structure'; items: CosemData[] };

/** No object of a meter is nested deeper than a few levels. */
const MAX_DEPTH = 10;

export const isInteger = (data: CosemData): data is CosemData & { type: IntegerType } =>
  'value' in data && typeof data.value === 'bigint';

/** One value and where it ends, or null where the bytes are no value: truncated, of an unknown type, nested too deep. */
export function parseData(bytes: Uint8Array, at = 0): { data: CosemData; end: number } | null {
  return new Reader(bytes, at).read();
}

class Reader {
  readonly #bytes: Uint8Array;
  #at: number;

  constructor(bytes: Uint8Array, at: number) {
    this.#bytes = bytes;
    this.#at = at;
  }

  read(): { data: CosemData; end: number } | null {
    const data = this.#data(0);
    return data === null ? null : { data, end: this.#at };
  }

  #data(depth: number): CosemData | null {
    const tag = this.#take(1)?.[0];
    if (tag === undefined) return null;
    if (tag in integers) return this.#integer(integers[tag as keyof typeof integers]);
    if (tag in fixed) {
      const { type, bytes: length } = fixed[tag as keyof typeof fixed];
      const bytes = this.#take(length);
      return bytes && { type, bytes };
    }
    switch (tag) {
      case 0x00:
        return { type: 'null' };
      case 0x01:
        return this.#items('array', depth);
      case 0x02:
        return this.#items('structure', depth);
      case 0x03: {
        const byte = this.#take(1)?.[0];
        return byte === undefined ? null : { type: 'boolean', value: byte !== 0 };
      }
      case 0x04:
        return this.#bits();
      case 0x09: {
        const bytes = this.#counted();
        return bytes && { type: 'octet-string', bytes };
      }
      case 0x0a:
      case 0x0c: {
        const bytes = this.#counted();
        return bytes && { type: 'text', text: new TextDecoder().decode(bytes) };
      }
      case 0x16: {
        const value = this.#take(1)?.[0];
        return value === undefined ? null : { type: 'enum', value };
      }
      default:
        return null;
    }
  }

  #integer({ type, bytes: length, signed }: (typeof integers)[keyof typeof integers]): CosemData | null {
    const bytes = this.#take(length);
    if (bytes === null) return null;
    const value = bytes.reduce((sum, byte) => (sum << 8n) | BigInt(byte), 0n);
    return { type, value: signed ? BigInt.asIntN(length * 8, value) : value };
  }

  #items(type: 'array' | 'structure', depth: number): CosemData | null {
    const count = this.#count();
    // Each item has a tag at least, so no count can promise more than there is.
    if (count === null || count > this.#bytes.length - this.#at || depth >= MAX_DEPTH) return null;
    const items: CosemData[] = [];
    for (let i = 0; i < count; i++) {
      const item = this.#data(depth + 1);
      if (item === null) return null;
      items.push(item);
    }
    return { type, items };
  }

  #bits(): CosemData | null {
    const count = this.#count();
    const bytes = count === null ? null : this.#take((count + 7) >> 3);
    if (count === null || bytes === null) return null;
    const bits = Array.from(bytes, (byte) => byte.toString(2).padStart(8, '0')).join('');
    return { type: 'bit-string', bits: bits.slice(0, count) };
  }

  #counted(): Uint8Array | null {
    const count = this.#count();
    return count === null ? null : this.#take(count);
  }

  #count(): number | null {
    const length = parseLength(this.#bytes, this.#at);
    if (length === null) return null;
    this.#at = length.end;
    return length.value;
  }

  #take(count: number): Uint8Array | null {
    if (this.#at + count > this.#bytes.length) return null;
    this.#at += count;
    return this.#bytes.subarray(this.#at - count, this.#at);
  }
}

/** A length and where it ends: one byte up to 7F, else 81 and one byte, or 82 and two. Null for others. */
export function parseLength(bytes: Uint8Array, at: number): { value: number; end: number } | null {
  const first = bytes[at];
  if (first === undefined) return null;
  if (first < 0x80) return { value: first, end: at + 1 };
  const count = first - 0x80;
  const end = at + 1 + count;
  if (count < 1 || count > 2 || end > bytes.length) return null;
  return { value: bytes.subarray(at + 1, end).reduce((sum, byte) => (sum << 8) | byte, 0), end };
}

export function buildLength(length: number): number[] {
  if (length < 0x80) return [length];
  return length <= 0xff ? [0x81, length] : [0x82, length >> 8, length & 0xff];
}
