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

/**
 * Who else spoke. `echo`: the request came back; `duplicate`: the same answer came twice; `second_slave`: two clean answers
 * to one request that differ, so that two meters have one address.
 */
export type AlarmKind = 'echo' | 'duplicate' | 'second_slave';

export interface Alarm {
  kind: AlarmKind;
  unit: MeterUnit;
}

/** What has come so far; `mayFollow`: another answer to the same request may still be under way. */
export type Taken<T> =
  | { state: 'partial' }
  | { state: 'answer'; answer: T; mayFollow: boolean }
  | { state: 'doubt'; doubt: Doubt; alarm?: Alarm };

/** What came when nothing was asked. Harmless: it names a request that it answers, and that one is over. */
export interface Stray {
  harmless: boolean;
  alarm?: Alarm;
}

export interface Exchange<T> {
  unit: MeterUnit;
  /** When an answer came whose repetition would pass for the answer to this one (`performance.now()`); null: none. */
  mistakableSince(): number | null;
  /** The bytes of the request, when its turn has come; `isFresh`: it is the first on its connection. */
  start(isFresh?: boolean): Uint8Array;
  /** Gets what comes after `start`, chunk by chunk, until it is no longer `partial`. */
  take(chunk: Uint8Array): Taken<T>;
  /** Gets what comes after that, until the next exchange starts. Where it is not given, nothing is harmless. */
  stray?(chunk: Uint8Array): Stray;
  /**
   * Nothing came in time. Whether an answer that is late would be known for one on this connection, which may then be
   * kept; where it is not given, it would not.
   */
  giveUp?(): boolean;
}
