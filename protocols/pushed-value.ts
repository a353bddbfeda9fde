/** What a meter's push comes to, whatever its protocol: values with their instants, and what was refused, by name. */
import type { ReadingCode } from './reading.ts';
import type { Unit } from './units.ts';

export interface PushedValue {
  obis: string;
  /** Decimal in `unit`, at most 6 decimals; null when the meter says that it has none. */
  value: string | null;
  code?: ReadingCode;
  unit: Unit;
  /** The meter's own stamp. */
  readAtMs: number;
}

/** The codes under which a gateway counts what is no reading, and sets it aside. */
export type PushRefusal =
  // of a JSON payload
  | 'empty_payload'
  | 'not_utf8'
  | 'not_json'
  | 'ambiguous_json' // a key that stands twice, or nesting without end
  | 'not_an_object'
  | 'missing_records'
  | 'no_records'
  | 'too_many_records'
  | 'missing_meter'
  | 'unknown_meter'
  // of a timestamp
  | 'missing_timestamp'
  | 'bad_timestamp'
  | 'ambiguous_time' // a local time that a change of the clocks repeats or leaves out
  | 'seconds_as_milliseconds'
  | 'milliseconds_as_seconds'
  // of a value
  | 'missing_value'
  | 'not_a_number'
  | 'out_of_range'
  // of Sparkplug B
  | 'not_sparkplug'
  | 'missing_sequence' // a message without its number in the session
  | 'no_birth' // data of a node or device whose birth was not heard
  | 'unknown_alias' // an alias that no birth explains, or that a lost message may have changed
  | 'stale_death'; // the will of an earlier session

export interface PushFault {
  code: PushRefusal;
  /** What is wrong, in a few words: the path or metric, the record's place in a batch, what stands there. */
  detail: string;
  /** The meter as the payload names it, when it does. */
  device?: string;
}

/** The values of one meter. */
export interface PushedRecord {
  /** The meter as the payload names it; '' when the topic alone says which one it is. */
  device: string;
  values: PushedValue[];
}

/** A bad value takes nothing else with it: what is good of a push is taken, what is bad is refused by name. */
export interface MappedPush {
  records: PushedRecord[];
  refused: PushFault[];
}
