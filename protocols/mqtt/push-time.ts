/** The stamp of a record -> its instant, in the one form that the profile declares: nothing is guessed. */
import type { MqttProfile } from '../profile.ts';
import type { PushFault, PushRefusal } from '../pushed-value.ts';
import { InstantText } from '../reading.ts';
import { NumberText, shown } from './payload-json.ts';

type TimestampForm = Pick<MqttProfile, 'timestampFormat' | 'timeZone'>;

/** 2000-01-01: no meter that pushes is older. Counted in seconds it is 1970 in milliseconds, and the other way round. */
const FIRST_SECOND = 946_684_800;
const FIRST_MS = FIRST_SECOND * 1000;
/** A count of seconds or milliseconds; fractions of a second may follow. */
const countPattern = /^(\d{1,15})(?:\.(\d{1,9}))?$/;
const localPattern = /^(\d{4}-\d{2}-\d{2})[T ](\d{2}:\d{2}(?::\d{2}(?:\.\d{1,9})?)?)$/;

/** Unix milliseconds, or why the stamp has none. @param path where it stands, for the detail */
export function readTimestamp(value: unknown, form: TimestampForm, path: string): number | PushFault {
  if (value === undefined) return { code: 'missing_timestamp', detail: path };
  const read = parseTimestamp(value, form);
  return typeof read === 'number' ? read : { code: read, detail: `${path}: ${shown(value)}` };
}

function parseTimestamp(value: unknown, { timestampFormat, timeZone }: TimestampForm): number | PushRefusal {
  switch (timestampFormat) {
    case 'rfc3339':
      if (typeof value !== 'string' || !InstantText.safeParse(value).success) return 'bad_timestamp';
      return Temporal.Instant.from(value).epochMilliseconds;
    case 'unix_seconds':
    case 'unix_milliseconds':
      return parseCount(value instanceof NumberText ? value.source : value, timestampFormat);
    case 'local':
      return parseLocal(value, timeZone ?? 'UTC');
  }
}

function parseCount(text: unknown, unit: 'unix_seconds' | 'unix_milliseconds'): number | PushRefusal {
  const match = typeof text === 'string' ? countPattern.exec(text) : null;
  if (match === null) return 'bad_timestamp';
  const [, whole = '0', fraction = ''] = match;
  const count = +whole;
  if (unit === 'unix_milliseconds')
    return count >= FIRST_SECOND && count < FIRST_MS ? 'seconds_as_milliseconds' : count;
  if (count >= FIRST_MS) return 'milliseconds_as_seconds';
  return count * 1000 + +fraction.padEnd(3, '0').slice(0, 3);
}

function parseLocal(text: unknown, timeZone: string): number | PushRefusal {
  const match = typeof text === 'string' ? localPattern.exec(text) : null;
  if (match === null) return 'bad_timestamp';
  let local: Temporal.PlainDateTime;
  try {
    local = Temporal.PlainDateTime.from(`${match[1]}T${match[2]}`, { overflow: 'reject' });
  } catch {
    return 'bad_timestamp';
  }
  try {
    return local.toZonedDateTime(timeZone, { disambiguation: 'reject' }).epochMilliseconds;
  } catch {
    return 'ambiguous_time';
  }
}
