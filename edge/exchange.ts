/** One request and what may answer it: between a line, which owns the wire, and a protocol, which knows its frames. */

/** A meter's address on its line: a Modbus unit id, or the digits printed on a DL/T 645 or CJ/T 188 meter. */
export type MeterUnit = number | string;

/** Why what came cannot be, or cannot surely be, the answer to the request in flight. */
export type Doubt =
  | 'unsolicited'
  | 'noise'
  | 'bad_frame'
  | 'bad_crc'
  | 'bad_checksum'
  | 'not_alone'
  | 'wrong_transaction'
  | 'wrong_unit'
  | 'wrong_function'
  | 'wrong_item'
  | 'wrong_byte_count';

/** What has come so far; `mayFollow`: another answer to the same request may still be under way. */
export type Taken<T> =
  | { state: 'partial' }
  | { state: 'answer'; answer: T; mayFollow: boolean }
  | { state: 'doubt'; doubt: Doubt };

export interface Exchange<T> {
  unit: MeterUnit;
  /** When an answer came whose repetition would pass for the answer to this one (`performance.now()`); null: none. */
  mistakableSince(): number | null;
  /** The bytes of the request, when its turn has come. */
  start(): Uint8Array;
  /** Gets what comes after `start`, chunk by chunk, until it is no longer `partial`. */
  take(chunk: Uint8Array): Taken<T>;
}
