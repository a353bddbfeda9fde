/** A meter's JSON push -> exact values, as its profile maps it. Numbers are taken from the text, never as floats. */
import { decimalPattern, formatDecimal } from '../decimal.ts';
import type { MqttProfile } from '../profile.ts';
import { InstantText, type ReadingCode } from '../reading.ts';
import { MICRO_SCALE, type Unit } from '../units.ts';

export interface PushedValue {
  obis: string;
  /** Decimal in `unit`, at most 6 decimals; null when the meter says that it has none. */
  value: string | null;
  code?: ReadingCode;
  unit: Unit;
  billing: boolean;
}

/** Why a payload is no reading: the codes under which a gateway counts and sets it aside. */
export type PushRefusal =
  | 'empty_payload'
  | 'not_utf8'
  | 'not_json'
  | 'not_an_object'
  | 'missing_timestamp'
  | 'bad_timestamp'
  | 'missing_value'
  | 'not_a_number'
  | 'out_of_range';

export type MappedPush =
  | { ok: true; readAtMs: number; values: PushedValue[] }
  | { ok: false; code: PushRefusal; detail: string };

/** A number as it stands in the payload. */
class NumberText {
  readonly source: string;
  constructor(source: string) {
    this.source = source;
  }
}

const refused = (code: PushRefusal, detail: string): MappedPush & { ok: false } => ({
  ok: false,
  code,
  detail,
});

/**
 * Maps one payload. All of the profile's registers must be in it: a payload is taken whole or not at all. A value is a
 * JSON number or a string that holds a plain decimal; JSON null is the meter's own "no value".
 */
export function mapPush(profile: MqttProfile, payload: Uint8Array): MappedPush {
  const parsed = parsePayload(payload);
  if (!parsed.ok) return parsed;
  const at = timestamp(parsed.document, profile.timestampPath);
  if (typeof at !== 'number') return at;
  const values: PushedValue[] = [];
  for (const { obis, path, scale, unit, billing } of profile.registers) {
    const found = valueAt(parsed.document, path);
    if (found === undefined) return refused('missing_value', path);
    if (found === null) {
      values.push({ obis, value: null, code: 'not_available', unit, billing });
      continue;
    }
    const text = found instanceof NumberText ? found.source : found;
    if (typeof text !== 'string') return refused('not_a_number', path);
    const exact = parseNumber(text, found instanceof NumberText);
    if (exact === 'not_a_number' || exact === 'out_of_range') return refused(exact, path);
    const value = toMicro(exact, scale);
    if (value === null) return refused('out_of_range', path);
    values.push({ obis, value, unit, billing });
  }
  return { ok: true, readAtMs: at, values };
}

type ParsedPayload = { ok: true; document: object } | (MappedPush & { ok: false });

function parsePayload(payload: Uint8Array): ParsedPayload {
  if (payload.length === 0) return refused('empty_payload', '0 bytes');
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(payload);
  } catch {
    return refused('not_utf8', `${payload.length} bytes`);
  }
  let document: unknown;
  try {
    document = JSON.parse(text, (_key, value: unknown, context?: { source?: string }) =>
      typeof value === 'number' ? new NumberText(context?.source ?? '') : value,
    );
  } catch (error) {
    // A document nested beyond the parser's stack ends here as well (RangeError).
    return refused('not_json', error instanceof Error ? error.message : 'unreadable');
  }
  if (
    typeof document !== 'object' ||
    document === null ||
    document instanceof NumberText ||
    Array.isArray(document)
  ) {
    return refused('not_an_object', text.slice(0, 40));
  }
  return { ok: true, document };
}

/** The value at dot-separated keys, own properties only; undefined when there is none. */
function valueAt(document: object, path: string): unknown {
  let found: unknown = document;
  for (const key of path.split('.')) {
    if (typeof found !== 'object' || found === null || found instanceof NumberText) return undefined;
    found = Object.getOwnPropertyDescriptor(found, key)?.value;
  }
  return found;
}

function timestamp(document: object, path: string): number | (MappedPush & { ok: false }) {
  const text = valueAt(document, path);
  if (text === undefined) return refused('missing_timestamp', path);
  const shown = text instanceof NumberText ? text.source : text;
  if (!InstantText.safeParse(text).success || typeof text !== 'string') {
    return refused(
      'bad_timestamp',
      `${path}: ${typeof shown === 'string' ? shown.slice(0, 40) : typeof shown}`,
    );
  }
  return Temporal.Instant.from(text).epochMilliseconds;
}

/** An exact decimal: digits x 10^exponent. */
interface Exact {
  digits: bigint;
  exponent: number;
}

/** JSON's own number grammar; a string in the payload must be a plain decimal, without exponent. */
function parseNumber(text: string, json: boolean): Exact | 'not_a_number' | 'out_of_range' {
  if (!json && !decimalPattern.test(text)) return 'not_a_number';
  const match = /^(-?\d{1,60})(?:\.(\d{1,60}))?(?:[eE]([+-]?\d{1,3}))?$/.exec(text);
  if (match === null) return 'out_of_range';
  const [, whole = '0', fraction = '', power = '0'] = match;
  return { digits: BigInt(whole + fraction), exponent: +power - fraction.length };
}

/** value x scale as a decimal of at most six fraction digits; null when it has more, or is too large for a wire. */
function toMicro({ digits, exponent }: Exact, scale: string): string | null {
  const [whole = '0', fraction = ''] = scale.split('.');
  const product = digits * BigInt(whole + fraction);
  const power = exponent - fraction.length + MICRO_SCALE;
  const divisor = 10n ** BigInt(power < 0 ? -power : 0);
  if (product % divisor !== 0n) return null;
  const text = formatDecimal(power < 0 ? product / divisor : product * 10n ** BigInt(power), MICRO_SCALE);
  return decimalPattern.test(text) ? text : null;
}
