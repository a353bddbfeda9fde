/**
 * The records of an answer (EN 13757-3): each says by itself what it is, in data information (DIF, DIFE) and value
 * information (VIF, VIFE), so that its place among the others means nothing.
 */
import { digitsFromBytes } from '../bcd.ts';
import {
  bcdValue,
  dateValue,
  integerValue,
  type MbusValue,
  realValue,
  textOf,
  variableLength,
  variableValue,
} from './values.ts';
import { type MbusQuantity, type VifMeaning, vifMeaning } from './vif.ts';

export const MBUS_FUNCTIONS = ['instantaneous', 'maximum', 'minimum', 'error'] as const;
export type MbusFunction = (typeof MBUS_FUNCTIONS)[number];

/** What a record is of. */
export interface RecordName {
  quantity: MbusQuantity;
  storage: number;
  tariff: number;
  subunit: number;
  function: MbusFunction;
  /** VIFEs that say more about the quantity, such as a phase, as hex without extension bits; those of errors and factors are not among them. */
  vife: string;
}

export interface MbusRecord extends RecordName {
  unit: VifMeaning['unit'];
  value: MbusValue;
  /** Whether the meter sent a float, which holds more digits than it measures. */
  isReal: boolean;
  /** The meter's report on the record, such as 15 hex, "no data available"; null for none. */
  error: number | null;
  /** The data as on the wire. */
  bytes: Uint8Array;
}

/** All of them, or a structure that the standard does not know. `more`: the meter has not told everything yet. */
export type ParsedRecords = { ok: true; records: MbusRecord[]; more: boolean } | { ok: false };

const EXTENSION = 0x80;
const FILLER = 0x2f;
const MAKER_DATA = 0x0f;
const MORE_FOLLOW = 0x1f;
const SPECIAL = 0x0f;
const REAL = 5;
const VARIABLE = 13;
/** Bytes of data by the low four bits of the DIF. */
const dataBytes = [0, 1, 2, 3, 4, 4, 6, 8, 0, 1, 2, 3, 4, 0, 6];
/** The standard allows so many DIFEs, and so many VIFEs. */
const MOST_EXTENSIONS = 10;

/** Thrown inside this file alone: the records end before they should, or say what nobody knows. */
class Unreadable extends Error {}

class Bytes {
  readonly #bytes: Uint8Array;
  #at = 0;
  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }
  get left(): number {
    return this.#bytes.length - this.#at;
  }
  byte(): number {
    return this.take(1)[0] ?? 0;
  }
  take(count: number): Uint8Array {
    if (count > this.left) throw new Unreadable();
    this.#at += count;
    return this.#bytes.subarray(this.#at - count, this.#at);
  }
  /** The extension bytes that follow one whose extension bit was set. */
  extensions(isExtended: boolean): number[] {
    const found: number[] = [];
    for (let more = isExtended; more; ) {
      const byte = this.byte();
      if (found.length === MOST_EXTENSIONS) throw new Unreadable();
      found.push(byte);
      more = byte >= EXTENSION;
    }
    return found.map((byte) => byte & ~EXTENSION);
  }
}

/** @param highFirst whether numbers go high byte first, as in answers of mode 2 */
export function parseRecords(data: Uint8Array, highFirst = false): ParsedRecords {
  const bytes = new Bytes(data);
  const records: MbusRecord[] = [];
  try {
    while (bytes.left > 0) {
      const dif = bytes.byte();
      if (dif === FILLER) continue;
      if (dif === MAKER_DATA || dif === MORE_FOLLOW) return { ok: true, records, more: dif === MORE_FOLLOW };
      if ((dif & 0x0f) === SPECIAL) return { ok: false };
      records.push(parseRecord(dif, bytes, highFirst));
    }
  } catch (error) {
    if (error instanceof Unreadable) return { ok: false };
    throw error;
  }
  return { ok: true, records, more: false };
}

function parseRecord(dif: number, bytes: Bytes, highFirst: boolean): MbusRecord {
  const place = { storage: (dif >>> 6) & 1, tariff: 0, subunit: 0 };
  // From here on no bit operations: a storage number may have 41 bits.
  for (const [at, dife] of bytes.extensions(dif >= EXTENSION).entries()) {
    place.storage += (dife & 0x0f) * 2 ** (4 * at + 1);
    place.tariff += ((dife >>> 4) & 3) * 4 ** at;
    place.subunit += (dife >>> 6) * 2 ** at;
  }
  const { meaning, ...vife } = valueInformation(bytes);
  const { quantity, unit } = meaning;
  const { data, value } = recordData(dif & 0x0f, quantity, bytes, highFirst);
  return {
    ...{ quantity, unit, ...place, ...vife },
    function: MBUS_FUNCTIONS[(dif >>> 4) & 3] ?? 'error',
    value: value.kind === 'number' ? { ...value, exponent: value.exponent + meaning.exponent } : value,
    isReal: (dif & 0x0f) === REAL,
    bytes: data,
  };
}

const PLAIN_TEXT = 0x7c;
const MANUFACTURER = 0x7f;
const FIRST_EXTENSION = 0xfb;
const SECOND_EXTENSION = 0xfd;

function valueInformation(bytes: Bytes): { meaning: VifMeaning; vife: string; error: number | null } {
  const vif = bytes.byte();
  const extensions = bytes.extensions(vif >= EXTENSION);
  const code = vif & ~EXTENSION;
  if (code === PLAIN_TEXT) {
    const name = textOf(bytes.take(bytes.byte()));
    const { factor, error, vife } = combinable(extensions);
    // The text is the quantity's only name.
    const named = Array.from(name, (letter) => letter.charCodeAt(0));
    return {
      meaning: { quantity: 'text', unit: '1', exponent: factor },
      ...{ error, vife: hex(named) + vife },
    };
  }
  const isTable = vif === FIRST_EXTENSION || vif === SECOND_EXTENSION;
  if (isTable || code === MANUFACTURER) {
    const [own = 0, ...others] = extensions;
    const { factor, error, vife } = combinable(others);
    const meaning: VifMeaning = isTable
      ? vifMeaning(vif === FIRST_EXTENSION ? 'fb' : 'fd', own)
      : { quantity: 'manufacturer', unit: '1', exponent: 0 };
    return {
      meaning: { ...meaning, exponent: meaning.exponent + factor },
      ...{ error, vife: isTable ? vife : hex(extensions.length === 0 ? [] : [own]) + vife },
    };
  }
  const { factor, error, vife } = combinable(extensions);
  const meaning = vifMeaning('primary', code);
  return { meaning: { ...meaning, exponent: meaning.exponent + factor }, error, vife };
}

/** VIFEs below are the meter's reports; 0 is "no error". */
const END_OF_ERRORS = 0x20;
/** Factors 10^-6 to 10^1, and 1000. */
const [FIRST_FACTOR, LAST_FACTOR, THOUSAND] = [0x70, 0x77, 0x7d];

/** The VIFEs that any quantity may have behind it. One behind 7F is the maker's own, and no report. */
function combinable(extensions: readonly number[]): { factor: number; error: number | null; vife: string } {
  let factor = 0;
  let error = 0;
  const kept: number[] = [];
  for (let at = 0; at < extensions.length; at++) {
    const code = extensions[at] ?? 0;
    if (code === MANUFACTURER) kept.push(code, ...extensions.slice(++at, at + 1));
    else if (code < END_OF_ERRORS) error ||= code;
    else if (code >= FIRST_FACTOR && code <= LAST_FACTOR) factor += code - FIRST_FACTOR - 6;
    else if (code === THOUSAND) factor += 3;
    else kept.push(code);
  }
  return { factor, error: error === 0 ? null : error, vife: hex(kept) };
}

const hex = (bytes: readonly number[]): string => digitsFromBytes(Uint8Array.from(bytes).reverse());

const isDate = (quantity: MbusQuantity): boolean => quantity === 'date' || quantity === 'date_time';
/** Counters: minus one is no count, but what a meter sends that has none. */
const isCounter = (quantity: MbusQuantity): boolean =>
  ['energy', 'reactive_energy', 'apparent_energy', 'volume', 'mass'].includes(quantity);

function recordData(
  field: number,
  quantity: MbusQuantity,
  bytes: Bytes,
  highFirst: boolean,
): { data: Uint8Array; value: MbusValue } {
  const inOrder = (data: Uint8Array): Uint8Array => (highFirst ? data.toReversed() : data);
  if (field === VARIABLE) {
    const length = variableLength(bytes.byte());
    if (length === null) throw new Unreadable();
    const data = bytes.take(length.bytes);
    return { data, value: variableValue(length.as, inOrder(data)) };
  }
  const data = bytes.take(dataBytes[field] ?? 0);
  if (data.length === 0) return { data, value: { kind: 'none', code: 'not_available' } };
  return { data, value: fixedValue(field, quantity, inOrder(data)) };
}

function fixedValue(field: number, quantity: MbusQuantity, data: Uint8Array): MbusValue {
  if (isDate(quantity) && field < 8 && field !== REAL) return dateValue(data);
  if (field === REAL) return realValue(data);
  if (field > 8) return bcdValue(data);
  const isAbsent = isCounter(quantity) && data.every((byte) => byte === 0xff);
  return isAbsent ? { kind: 'none', code: 'not_available' } : integerValue(data);
}
