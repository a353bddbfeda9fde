/**
 * A statement as bytes. The file is canonical JSON whose first member is the digests, so its layout is known before it is
 * parsed: every part has a place and a length. A damaged part is found by its digest even where the file is no JSON or no
 * UTF-8 any more.
 */
import type { z } from 'zod';
import { canonicalJson } from '../../protocols/canonical-json.ts';
import { type PartDigest, type RegisterSpan, Statement } from '../../protocols/statement.ts';

export type PartKind = 'head' | 'line' | 'register';
export interface StatementPart {
  kind: PartKind;
  id: string;
  json: string;
}

const Digests = Statement.shape.digests;
type Digests = z.infer<typeof Digests>;

const OPENING = '{"digests":';
/** A signature's members all have one length: keys and values are of fixed size. */
const SIGNATURE_LENGTH = canonicalJson({
  algorithm: 'Ed25519',
  keyId: '0'.repeat(16),
  publicKey: '0'.repeat(44),
  value: '0'.repeat(88),
}).length;

export const encode = (text: string): Uint8Array<ArrayBuffer> => new TextEncoder().encode(text);

/**
 * The value of JSON text in UTF-8. A byte order mark is no white space, and text that no UTF-8 could hold is no text.
 * @throws SyntaxError or TypeError
 */
export function parseJson(bytes: Uint8Array<ArrayBuffer>, opening = ''): unknown {
  const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  return JSON.parse(opening + text, (_, value: unknown) => {
    if (typeof value === 'string' && !value.isWellFormed()) throw new SyntaxError('a lone surrogate');
    return value;
  });
}

/** Lower-case hex of the SHA-256. */
export async function sha256(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  const digest = new Uint8Array(await globalThis.crypto.subtle.digest('SHA-256', bytes));
  return [...digest].map((byte) => byte.toString(16).padStart(2, '0')).join('');
}

export const registerId = ({ meter, from }: Pick<RegisterSpan, 'meter' | 'from'>): string =>
  `${meter}@${from}`;

/** The parts of a statement in the order of its file. */
export function partsOf({
  head,
  lines,
  registers,
}: Pick<Statement, 'head' | 'lines' | 'registers'>): StatementPart[] {
  return [
    { kind: 'head', id: head.id, json: canonicalJson(head) },
    ...lines.map((line) => ({ kind: 'line' as const, id: line.id, json: canonicalJson(line) })),
    ...registers.map((span) => ({
      kind: 'register' as const,
      id: registerId(span),
      json: canonicalJson(span),
    })),
  ];
}

/** @param parts of one statement, each with the digest of its bytes */
export function digestsOf(parts: readonly (StatementPart & { sha256: string })[]): Digests {
  const of = (kind: PartKind): PartDigest[] =>
    parts
      .filter((part) => part.kind === kind)
      .map(({ id, json, sha256: digest }) => ({ id, length: encode(json).length, sha256: digest }));
  const [head] = of('head');
  if (head === undefined) throw new RangeError('a statement has a head');
  return { head, lines: of('line'), registers: of('register') };
}

export interface Damage {
  kind: PartKind | 'file';
  id: string;
}

/** What of the file's bytes is not what its digests say; null when the digests themselves cannot be read. */
export async function findDamage(bytes: Uint8Array<ArrayBuffer>): Promise<Damage[] | null> {
  const digests = readDigests(bytes);
  if (digests === null) return null;
  const pieces = layoutOf(digests.value);
  const length = pieces.reduce((sum, piece) => sum + piece.length, digests.end) + SIGNATURE_LENGTH + 1;
  // Bytes that were taken out or put in shift all that follows them.
  const shift = bytes.length - length;
  const damages: Damage[] = [];
  let at = digests.end;
  for (const piece of pieces) {
    const intact =
      (await matches(bytes, at, piece)) || (shift !== 0 && (await matches(bytes, at + shift, piece)));
    if (!intact) damages.push({ kind: piece.kind, id: piece.id });
    at += piece.length;
  }
  if (shift !== 0 && damages.length === 0) damages.push({ kind: 'file', id: 'length' });
  return damages;
}

/** A stretch of the file: a part by its digest, or the glue between parts by its text. */
type Piece = { kind: Damage['kind']; id: string; length: number } & ({ sha256: string } | { text: string });

function layoutOf({ head, lines, registers }: Digests): Piece[] {
  const glue = (text: string): Piece => ({ kind: 'file', id: 'structure', length: text.length, text });
  const list = (kind: PartKind, parts: readonly PartDigest[]): Piece[] =>
    parts.flatMap((part, index) => [...(index === 0 ? [] : [glue(',')]), { kind, ...part }]);
  return [
    glue(',"head":'),
    { kind: 'head', ...head },
    glue(',"lines":['),
    ...list('line', lines),
    glue('],"registers":['),
    ...list('register', registers),
    glue('],"signature":'),
  ];
}

async function matches(bytes: Uint8Array<ArrayBuffer>, at: number, piece: Piece): Promise<boolean> {
  if (at < 0 || at + piece.length > bytes.length) return false;
  const slice = bytes.slice(at, at + piece.length);
  if ('sha256' in piece) return (await sha256(slice)) === piece.sha256;
  return isText(slice, piece.text);
}

/** Byte for byte. */
export function isText(bytes: Uint8Array<ArrayBuffer>, text: string): boolean {
  const expected = encode(text);
  return bytes.length === expected.length && expected.every((byte, index) => byte === bytes[index]);
}

/** The digests, and the offset behind them. They hold no brace inside a string, or they are not ours. */
function readDigests(bytes: Uint8Array<ArrayBuffer>): { value: Digests; end: number } | null {
  const start = OPENING.length;
  if (!isText(bytes.slice(0, start), OPENING)) return null;
  let depth = 0;
  let end = start;
  do {
    if (bytes[end] === 0x7b) depth += 1;
    if (bytes[end] === 0x7d) depth -= 1;
    end += 1;
  } while (depth > 0 && end < bytes.length);
  try {
    const slice = bytes.slice(start, end);
    const value = Digests.parse(parseJson(slice));
    return isText(slice, canonicalJson(value)) ? { value, end } : null;
  } catch {
    return null;
  }
}
