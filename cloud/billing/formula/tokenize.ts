/** The text of a formula in its words: numbers, names, signs. Signs typed by a Chinese keyboard are the same signs. */
import type { FormulaProblem, Span } from './syntax.ts';

export type Token = Span & { kind: 'number' | 'unit' | 'name' | 'sign' | 'end'; text: string };

const SIGNS = ['<=', '>=', '<>', '!=', '==', '+', '-', '*', '/', '(', ')', ',', '<', '>', '='] as const;
/** What else is read as a sign. */
const SAME = new Map(
  Object.entries({
    '＋': '+',
    '－': '-',
    '−': '-',
    '×': '*',
    '＊': '*',
    '÷': '/',
    '／': '/',
    '（': '(',
    '）': ')',
    '，': ',',
    '＜': '<',
    '＞': '>',
    '＝': '=',
    '≤': '<=',
    '≥': '>=',
    '≠': '<>',
  }),
);
const SPACE = /\s+/y;
const NUMBER =
  /\d+(?:\.\d+)?(?![\p{L}\p{N}_.])|\d+(?:\.\d+)?(?=\s*(?:kWh|m3|m2|kW|h|°C|℃|m³|m²)(?![\p{L}\p{N}_]))/uy;
/** A unit stands behind a number only. */
const UNIT = /\s*(kWh|kW|m3|m³|m2|m²|h|°C|℃)(?![\p{L}\p{N}_])/uy;
const NAME = /[\p{L}_][\p{L}\p{N}_]*/uy;

export type Tokens = { ok: true; tokens: Token[] } | { ok: false; problem: FormulaProblem };

export function tokenize(text: string): Tokens {
  const tokens: Token[] = [];
  let at = 0;
  const match = (pattern: RegExp): RegExpExecArray | null => {
    pattern.lastIndex = at;
    return pattern.exec(text);
  };
  const take = (kind: Token['kind'], found: string, length = found.length): void => {
    tokens.push({ kind, text: found, at, length });
    at += length;
  };
  while (at < text.length) {
    const space = match(SPACE);
    if (space !== null) {
      at += space[0].length;
      continue;
    }
    const number = match(NUMBER);
    if (number !== null) {
      take('number', number[0]);
      const unit = match(UNIT);
      if (unit !== null) take('unit', unit[1] ?? '', unit[0].length);
      continue;
    }
    const name = match(NAME);
    if (name !== null) {
      take('name', name[0]);
      continue;
    }
    const sign = signAt(text, at);
    if (sign === null) {
      const character = String.fromCodePoint(text.codePointAt(at) ?? 0);
      return {
        ok: false,
        problem: { code: 'unknown_character', detail: character, at, length: character.length },
      };
    }
    take('sign', sign.text, sign.length);
  }
  tokens.push({ kind: 'end', text: '', at, length: 0 });
  return { ok: true, tokens };
}

function signAt(text: string, at: number): { text: string; length: number } | null {
  const same = SAME.get(text.charAt(at));
  if (same !== undefined) return { text: same, length: 1 };
  const sign = SIGNS.find((one) => text.startsWith(one, at));
  if (sign === undefined) return null;
  const meant = sign === '!=' ? '<>' : sign === '==' ? '=' : sign;
  return { text: meant, length: sign.length };
}
