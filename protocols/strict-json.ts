/** JSON without the readings that change a message: doubled keys, `__proto__`, numbers that a double cannot hold. */

export type StrictJson = { ok: true; value: unknown } | { ok: false; detail: string };

const DEPTH = 32;
const token = /\s+|"(?:[^"\\]|\\.)*"|-?\d[\d.eE+-]*|[{}[\],:]|true|false|null/y;
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** @param bytes the body as it came; must be UTF-8 without a byte order mark */
export function parseStrictJson(bytes: Uint8Array): StrictJson {
  let text: string;
  let value: unknown;
  try {
    text = decoder.decode(bytes);
    value = JSON.parse(text);
  } catch (error) {
    return { ok: false, detail: (error as Error).message };
  }
  const detail = changedReading(text);
  return detail === null ? { ok: true, value } : { ok: false, detail };
}

/**
 * Walks the tokens of a text that is known to be JSON.
 * @param numbers 'double' when they are read as doubles, 'text' when they are taken as they are written
 * @returns what in it would be read differently from what it says
 */
export function changedReading(text: string, numbers: 'double' | 'text' = 'double'): string | null {
  /** Keys seen in each open object; null for an open array. */
  const open: (Set<string> | null)[] = [];
  let keyNext = false;
  token.lastIndex = 0;
  for (let match = token.exec(text); match !== null; match = token.exec(text)) {
    const [word] = match;
    const first = word.charAt(0);
    if (first === '{' || first === '[') {
      open.push(first === '{' ? new Set() : null);
      if (open.length > DEPTH) return `nested deeper than ${DEPTH}`;
      keyNext = first === '{';
    } else if (first === '}' || first === ']') {
      open.pop();
      keyNext = false;
    } else if (first === ',') {
      keyNext = open.at(-1) instanceof Set;
    } else if (first === '"' && keyNext) {
      const refused = refuseKey(JSON.parse(word), open.at(-1) ?? new Set());
      if (refused !== null) return refused;
      keyNext = false;
    } else if (numbers === 'double' && (first === '-' || (first >= '0' && first <= '9'))) {
      if (!heldExactly(word)) return `the number ${word.slice(0, 40)} would be read as another one`;
    }
  }
  return null;
}

function refuseKey(key: string, seen: Set<string>): string | null {
  if (key === '__proto__') return 'the key "__proto__" is refused';
  if (seen.has(key)) return `the key "${key.slice(0, 40)}" stands twice in one object`;
  seen.add(key);
  return null;
}

function heldExactly(word: string): boolean {
  const value = JSON.parse(word) as number;
  if (!Number.isFinite(value) || Object.is(value, -0)) return false;
  return !Number.isInteger(value) || Number.isSafeInteger(value);
}
