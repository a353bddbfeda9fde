/** A workbook's cells as a table: SpreadsheetML (ECMA-376 part 1, clause 18) as far as a list needs it. */

import type { ColumnMap } from '../../protocols/meter-list/columns.ts';
import { findHeadings } from '../../protocols/meter-list/columns.ts';
import type { Cell, CellKind, Table, TableRow } from '../../protocols/meter-list/table.ts';
import { ListRefusal, refuseLongCell } from './list-refusal.ts';
import type { WorkbookPackage } from './workbook-package.ts';
import { attributesOf, decodeText, type Tag, tagsOf } from './xml-tags.ts';

export interface Sheet {
  /** Its part in the package. */
  part: string;
  name: string;
  table: Table;
}

/** More rows are no list, and cells stand in no more columns. */
const MOST_ROW = 1_048_576;
const MOST_COLUMN = 16_384;

/** The first visible sheet that has headings of a meter list; the first visible one where none has. */
export function readWorkbook(workbook: WorkbookPackage, map: ColumnMap): Sheet {
  const main = workbook.relations('').find(({ type }) => type === 'officeDocument')?.target;
  if (main === undefined) throw new ListRefusal('not_a_workbook', 'the package names no workbook');
  const relations = workbook.relations(main);
  const targetOf = (wanted: string): string | undefined =>
    relations.find(({ type }) => type === wanted)?.target;
  const stringsPart = targetOf('sharedStrings');
  const stylesPart = targetOf('styles');
  const strings = stringsPart === undefined ? [] : sharedStrings(workbook.text(stringsPart));
  const formats = stylesPart === undefined ? [] : cellFormats(workbook.text(stylesPart));
  const sheets = [...tagsOf(workbook.text(main))]
    .filter((tag) => tag.name === 'sheet' && tag.kind !== 'close')
    .map((tag) => attributesOf(tag))
    .filter(({ state }) => state === undefined || state === 'visible');
  let first: Sheet | null = null;
  for (const { name = '', ...attributes } of sheets) {
    const id = Object.entries(attributes).find(([key]) => /(^|:)id$/.test(key))?.[1];
    const part = relations.find((relation) => relation.id === id && relation.type === 'worksheet')?.target;
    if (part === undefined) continue;
    const sheet = { part, name, table: readSheet(workbook.text(part), strings, formats) };
    if (findHeadings(sheet.table, map) !== null) return sheet;
    first ??= sheet;
  }
  if (first === null) throw new ListRefusal('not_a_workbook', 'the workbook has no visible sheet');
  return first;
}

/** Phonetic runs are reading aids, not text. */
function sharedStrings(xml: string): string[] {
  const strings: string[] = [];
  let phonetic = false;
  let textFrom = 0;
  for (const tag of tagsOf(xml)) {
    if (tag.name === 'si' && tag.kind !== 'close') strings.push('');
    else if (tag.name === 'rPh') phonetic = tag.kind === 'open';
    else if (tag.name === 't' && tag.kind === 'open') textFrom = tag.end;
    else if (tag.name === 't' && tag.kind === 'close' && !phonetic && strings.length > 0)
      strings[strings.length - 1] += decodeString(xml.slice(textFrom, tag.start));
  }
  return strings;
}

/** Workbooks write `_x000D_` for characters that XML cannot hold. */
const decodeString = (xml: string): string =>
  decodeText(xml).replace(/_x([0-9A-F]{4})_/gi, (_, hex: string) =>
    String.fromCharCode(Number.parseInt(hex, 16)),
  );

/** What a cell's style says of its number. */
interface CellFormat {
  isDate: boolean;
  /** Digits of a format such as `00000000`; 0 for another. */
  zeros: number;
  quoted: boolean;
}

/** Built-in formats of dates and times (ECMA-376 part 1, 18.8.30), the East Asian ones among them. */
const isBuiltInDate = (id: number): boolean =>
  (id >= 14 && id <= 22) || (id >= 27 && id <= 36) || (id >= 45 && id <= 47) || (id >= 50 && id <= 58);

function cellFormats(xml: string): CellFormat[] {
  const codes = new Map<number, string>();
  const formats: CellFormat[] = [];
  let inCells = false;
  for (const tag of tagsOf(xml)) {
    if (tag.name === 'cellXfs') inCells = tag.kind === 'open';
    if (tag.kind === 'close') continue;
    if (tag.name === 'numFmt') {
      const { numFmtId = '', formatCode = '' } = attributesOf(tag);
      codes.set(Number(numFmtId), formatCode);
    }
    if (tag.name !== 'xf' || !inCells) continue;
    const { numFmtId = '0', quotePrefix } = attributesOf(tag);
    const code = codes.get(Number(numFmtId)) ?? '';
    // Texts in quotes and colours in brackets are no part of the format's letters.
    const letters = code.replace(/"[^"]*"|\[[^\]]*\]|\\./g, '');
    formats.push({
      isDate: isBuiltInDate(Number(numFmtId)) || /[ymdhs年月日]/i.test(letters),
      zeros: /^0+$/.test(code) ? code.length : 0,
      quoted: quotePrefix === '1' || quotePrefix === 'true',
    });
  }
  return formats;
}

/** A cell while its tags are read. */
interface OpenCell {
  row: number;
  column: number;
  type: string;
  format: CellFormat | undefined;
  value: string;
  formula: string | null;
}

function readSheet(xml: string, strings: readonly string[], formats: readonly CellFormat[]): Table {
  const rows: { number: number; cells: (Cell | undefined)[] }[] = [];
  let row = 0;
  let column = -1;
  let open: OpenCell | null = null;
  let textFrom = 0;
  let phonetic = false;
  for (const tag of tagsOf(xml)) {
    if (tag.name === 'row' && tag.kind !== 'close') {
      row = Number(attributesOf(tag).r ?? row + 1);
      column = -1;
      if (!(row >= 1 && row <= MOST_ROW)) throw new ListRefusal('not_a_workbook', `row ${row} cannot be`);
      rows.push({ number: row, cells: [] });
    } else if (tag.name === 'c' && tag.kind !== 'close') {
      const { r, s, t = 'n' } = attributesOf(tag);
      column = r === undefined ? column + 1 : columnOf(r);
      const format = formats[Number(s ?? 0)];
      open = { row, column, type: t, format, value: '', formula: null };
    } else if (open === null) continue;
    else if (tag.name === 'f' && tag.kind !== 'close') open.formula = '';
    if (tag.name === 'rPh') phonetic = tag.kind === 'open';
    if (tag.kind === 'open' && isText(tag)) textFrom = tag.end;
    else if (tag.kind === 'close' && isText(tag) && open !== null && !phonetic) {
      const text = decodeString(xml.slice(textFrom, tag.start));
      if (tag.name === 'f') open.formula = text;
      else open.value += text;
    }
    if (tag.name === 'c' && tag.kind !== 'open' && open !== null) {
      const cell = cellOf(open, strings);
      const cells = rows.at(-1)?.cells;
      if (cell !== null && cells !== undefined) cells[open.column] = cell;
      open = null;
    }
  }
  return { rows: rows as TableRow[] };
}

const isText = ({ name }: Tag): boolean => name === 'v' || name === 't' || name === 'f';

/** `AB12` is column 27. */
function columnOf(reference: string): number {
  let column = 0;
  for (const letter of /^[A-Z]{1,3}/.exec(reference)?.[0] ?? '')
    column = column * 26 + letter.charCodeAt(0) - 64;
  if (column < 1 || column > MOST_COLUMN)
    throw new ListRefusal('not_a_workbook', `there is no cell ${reference}`);
  return column - 1;
}

function cellOf({ type, format, value, formula }: OpenCell, strings: readonly string[]): Cell | null {
  if (formula !== null) return { kind: 'formula', text: `=${formula.replace(/^(of:)?=/, '')}`.slice(0, 80) };
  const raw = type === 's' ? (strings[Number(value)] ?? '') : value;
  refuseLongCell(raw);
  const text = raw.trim();
  if (text === '') return null;
  switch (type) {
    case 's':
    case 'str':
    case 'inlineStr':
      return format?.quoted ? { kind: 'text', text, quoted: true } : { kind: 'text', text };
    case 'b':
      return { kind: 'boolean', text };
    case 'e':
      return { kind: 'error', text };
    case 'd':
      return { kind: 'date', text };
    default:
      return numberCell(text, format);
  }
}

/** Fifteen digits are what a spreadsheet shows of a number, and all that it keeps. */
function numberCell(text: string, format: CellFormat | undefined): Cell {
  const value = Number(Number(text).toPrecision(15));
  const kind: CellKind = format?.isDate ? 'date' : 'number';
  const zeros = format?.zeros ?? 0;
  // A format of zeros shows them all: what is on the screen is what is printed on the plate.
  if (zeros > 1 && Number.isSafeInteger(value) && value >= 0)
    return { kind: 'text', text: String(value).padStart(zeros, '0') };
  return { kind, text: Number.isNaN(value) ? text : String(value) };
}
