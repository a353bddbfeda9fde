import type { Reading } from '../../protocols/reading.ts';
import { micro } from '../../protocols/units.ts';

/** A reading in the store's own terms. */
export interface Admitted {
  atMs: number;
  /** Millionths of the unit. */
  value: bigint | null;
}
/** Why an item goes into quarantine. */
export interface Refusal {
  code:
    | 'conflict'
    | 'out_of_scale'
    | 'no_value'
    | 'future_timestamp'
    | 'past_timestamp'
    | 'foreign_meter'
    | 'bad_signature'
    | 'foreign_evidence'
    | 'inconsistent_evidence';
  detail: string;
}

/** No meter that sends here was read before 2000: such a stamp is a clock that was never set, or seconds sent as milliseconds. */
const earliestMs = Date.UTC(2000, 0, 1);

/** Unix milliseconds of an RFC 3339 instant. A batch repeats the same few instants, so the last one is kept. */
export const unixMs = (() => {
  let last = { text: '', ms: 0 };
  return (text: string): number => {
    if (text !== last.text) last = { text, ms: Temporal.Instant.from(text).epochMilliseconds };
    return last.ms;
  };
})();

/** Checks what the wire schema cannot: the scale of the value, and the stamp against the cloud's own clock. */
export function admit({ value: text, code, readAt }: Reading, latestMs: number): Admitted | Refusal {
  const atMs = unixMs(readAt);
  if (atMs > latestMs) return { code: 'future_timestamp', detail: `read at ${readAt}, in the future` };
  if (atMs < earliestMs) return { code: 'past_timestamp', detail: `read at ${readAt}, before 2000` };
  if (text === null) {
    if (code !== undefined) return { atMs, value: null };
    return { code: 'no_value', detail: 'neither a value nor a reason for its absence' };
  }
  try {
    const value = micro(text);
    if (BigInt.asIntN(64, value) === value) return { atMs, value };
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
  }
  return { code: 'out_of_scale', detail: `${text} is no 64-bit count of millionths` };
}
