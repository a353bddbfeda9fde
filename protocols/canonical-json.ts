/**
 * Canonical JSON (RFC 8785) of what documents here are made of: objects, arrays, strings, safe whole numbers, booleans and
 * null. One value has one text, so that a digest stands for the value.
 */
export type CanonicalValue =
  | string
  | number
  | boolean
  | null
  | undefined
  | readonly CanonicalValue[]
  | { readonly [key: string]: CanonicalValue };

/**
 * Keys rise by UTF-16 code units; keys whose value is undefined are left out, as in JSON.
 * @throws TypeError on a number that is no safe integer, a lone surrogate, or anything that is not JSON
 */
export function canonicalJson(value: CanonicalValue): string {
  if (value === null || typeof value === 'boolean') return `${value}`;
  if (typeof value === 'string') return quoted(value);
  if (typeof value === 'number') return whole(value);
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`;
  if (typeof value === 'object') {
    const entries = Object.entries(value as { readonly [key: string]: CanonicalValue })
      .filter(([, item]) => item !== undefined)
      .sort(([a], [b]) => (a < b ? -1 : 1));
    return `{${entries.map(([key, item]) => `${quoted(key)}:${canonicalJson(item)}`).join(',')}}`;
  }
  throw new TypeError(`${typeof value} has no canonical JSON`);
}

function quoted(text: string): string {
  if (!text.isWellFormed()) throw new TypeError('a lone surrogate has no canonical JSON');
  return JSON.stringify(text);
}

function whole(value: number): string {
  if (!Number.isSafeInteger(value)) throw new TypeError(`${value} is no safe integer: write it as a string`);
  return Object.is(value, -0) ? '0' : `${value}`;
}
