/** Meter lists as text files: what spreadsheets save, in the encodings and with the delimiters that they use. */
import { CsvError, parse } from 'csv-parse/sync';
import type { Cell, Table, TableRow } from '../../protocols/meter-list/table.ts';
import { ListRefusal, MOST_FILE_BYTES, refuseLongCell } from './list-refusal.ts';

export type Delimiter = ',' | ';' | '\t';
export interface CsvFile {
  table: Table;
  /** The rows as they came, with empty ones. */
  records: string[][];
  delimiter: Delimiter;
}

/** A list has some thousand rows; the check tells of a number that is too large. */
const MOST_RECORDS = 25_000;

/** @throws ListRefusal */
export function readCsv(bytes: Uint8Array): CsvFile {
  if (bytes.length > MOST_FILE_BYTES)
    throw new ListRefusal('too_large', `more than ${MOST_FILE_BYTES / 1_048_576} MB`);
  const text = decode(bytes);
  const delimiter = delimiterOf(text);
  let records: string[][];
  try {
    records = parse(text, {
      delimiter,
      record_delimiter: ['\r\n', '\n', '\r'],
      relax_column_count: true,
      relax_quotes: true,
      to: MOST_RECORDS,
      max_record_size: 1_048_576,
    });
  } catch (error) {
    if (!(error instanceof CsvError)) throw error;
    throw new ListRefusal('unclosed_quote', error.message, error);
  }
  const rows: TableRow[] = records.map((fields, index) => ({ number: index + 1, cells: fields.map(cellOf) }));
  return { table: { rows }, records, delimiter };
}

function cellOf(field: string): Cell | undefined {
  refuseLongCell(field);
  const text = field.trim();
  if (text === '') return undefined;
  // Our own mark, and that of whoever exports as we do: what follows is text, however it begins.
  return /^'[=+\-@\t\r]/.test(text)
    ? { kind: 'text', text: text.slice(1), quoted: true }
    : { kind: 'text', text };
}

/** UTF-8 and UTF-16 tell themselves by their mark; what is no UTF-8 is GB 18030, of which GBK is a part. */
function decode(bytes: Uint8Array): string {
  const [a, b] = bytes;
  const tries =
    a === 0xff && b === 0xfe
      ? ['utf-16le']
      : a === 0xfe && b === 0xff
        ? ['utf-16be']
        : bytes.subarray(0, 1000).includes(0)
          ? []
          : ['utf-8', 'gb18030'];
  for (const encoding of tries) {
    try {
      return new TextDecoder(encoding, { fatal: true }).decode(bytes);
    } catch {
      // Not in this encoding.
    }
  }
  throw new ListRefusal('unknown_encoding', 'the text is neither UTF-8, nor UTF-16 with its mark, nor GBK');
}

/** The one that stands most often, outside quotes, in the first line that has any. */
function delimiterOf(text: string): Delimiter {
  for (const line of text.slice(0, 100_000).split(/\r\n|\n|\r/, 20)) {
    const bare = line.replace(/"[^"]*"/g, '');
    const counts = ([',', ';', '\t'] as const).map((one) => ({ one, count: bare.split(one).length - 1 }));
    const best = counts.reduce((a, b) => (b.count > a.count ? b : a));
    if (best.count > 0) return best.one;
  }
  throw new ListRefusal('no_delimiter', 'no line has a comma, semicolon or tab between its columns');
}

/**
 * UTF-8 with its mark, as spreadsheets want it to read Chinese. A text that they would take for a formula gets an
 * apostrophe before it.
 */
export function writeCsv(rows: readonly (readonly string[])[], delimiter: Delimiter = ','): Uint8Array {
  const lines = rows.map((row) => row.map((field) => quote(escapeFormula(field), delimiter)).join(delimiter));
  return new TextEncoder().encode(`\ufeff${lines.join('\r\n')}\r\n`);
}

const escapeFormula = (text: string): string => (/^[=+\-@\t\r]/.test(text) ? `'${text}` : text);
const quote = (text: string, delimiter: Delimiter): string =>
  text.includes(delimiter) || /["\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
