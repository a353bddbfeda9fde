/** A JSON payload whose numbers are kept as they are written: no float stands between the meter and the bill. */
import type { PushFault, PushRefusal } from '../pushed-value.ts';
import { changedReading } from '../strict-json.ts';

/** A number as it stands in the payload. */
export class NumberText {
  readonly source: string;
  constructor(source: string) {
    this.source = source;
  }
}

export type ParsedPayload = { ok: true; document: unknown } | { ok: false; fault: PushFault };

const SHOWN = 40;

export function parsePayload(payload: Uint8Array): ParsedPayload {
  const refused = (code: PushRefusal, detail: string): ParsedPayload => ({
    ok: false,
    fault: { code, detail },
  });
  if (payload.length === 0) return refused('empty_payload', '0 bytes');
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(payload);
  } catch {
    return refused('not_utf8', `${payload.length} bytes`);
  }
  try {
    const document: unknown = JSON.parse(text, (_key, value: unknown, context?: { source?: string }) =>
      typeof value === 'number' ? new NumberText(context?.source ?? '') : value,
    );
    const changed = changedReading(text, 'text');
    return changed === null ? { ok: true, document } : refused('ambiguous_json', changed);
  } catch (error) {
    // A document nested beyond the parser's stack ends here as well (RangeError).
    return refused('not_json', error instanceof Error ? error.message : 'unreadable');
  }
}

export const isRecord = (value: unknown): value is object =>
  typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof NumberText);

/** The value at dot-separated keys, own properties only; undefined when there is none. An empty path is `value` itself. */
export function valueAt(value: unknown, path: string): unknown {
  if (path === '') return value;
  let found = value;
  for (const key of path.split('.')) {
    if (typeof found !== 'object' || found === null || found instanceof NumberText) return undefined;
    found = Object.getOwnPropertyDescriptor(found, key)?.value;
  }
  return found;
}

/** What stands there, short enough for a log. */
export function shown(value: unknown): string {
  if (value instanceof NumberText) return value.source.slice(0, SHOWN);
  if (typeof value === 'string') return JSON.stringify(value.slice(0, SHOWN));
  if (value === null || typeof value === 'boolean') return String(value);
  return Array.isArray(value) ? 'a list' : 'an object';
}
