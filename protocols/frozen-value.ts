/** What a meter froze of its registers: the instant is the meter's own, by its own clock. */
import type { Decoded } from './modbus/registers.ts';

export interface FrozenValue {
  obis: string;
  decoded: Decoded;
  /** The bytes that it was decoded from, as on the wire: those of its instant, where the meter tells one, and its own. */
  raw: Uint8Array;
}

export interface FrozenRecord {
  at: Temporal.PlainDateTime;
  values: FrozenValue[];
}
