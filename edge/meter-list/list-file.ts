/** A meter list as a file: read as what it is, whatever its name says, and given back with its bad cells marked. */
import type { ColumnMap } from '../../protocols/meter-list/columns.ts';
import type { ListProblem } from '../../protocols/meter-list/problem.ts';
import type { Table } from '../../protocols/meter-list/table.ts';
import { type CsvFile, readCsv, writeCsv } from './csv.ts';
import { ListRefusal } from './list-refusal.ts';
import { markWorkbook } from './mark-workbook.ts';
import { readWorkbook, type Sheet } from './read-workbook.ts';
import type { CellNote } from './sheet-comments.ts';
import { openPackage, type WorkbookPackage } from './workbook-package.ts';

export type Language = 'zh-CN' | 'en';

export type ListFile = { table: Table } & (
  | { kind: 'xlsx'; workbook: WorkbookPackage; sheet: Sheet }
  | { kind: 'csv'; csv: CsvFile }
);

/**
 * @param name for its ending alone: a workbook by its name that is none is no text either
 * @throws ListRefusal
 */
export function openList(bytes: Uint8Array, { name, map }: { name: string; map: ColumnMap }): ListFile {
  if (bytes.length === 0) throw new ListRefusal('empty_file', 'there is nothing in the file');
  if (startsWith(bytes, [0xd0, 0xcf, 0x11, 0xe0]))
    throw new ListRefusal(
      'old_workbook',
      'an .xls or a workbook with a password: save it as .xlsx without one',
    );
  if (startsWith(bytes, [0x50, 0x4b])) {
    const workbook = openPackage(bytes);
    const sheet = readWorkbook(workbook, map);
    return { kind: 'xlsx', workbook, sheet, table: sheet.table };
  }
  if (/\.xls[xm]$/i.test(name))
    throw new ListRefusal(
      'not_a_workbook',
      `${name} is no workbook: save it as .xlsx, or name it .csv if it is text`,
    );
  const csv = readCsv(bytes);
  return { kind: 'csv', csv, table: csv.table };
}

const startsWith = (bytes: Uint8Array, magic: readonly number[]): boolean =>
  magic.every((byte, index) => bytes[index] === byte);

/** The file again, with what is wrong in it: cells filled and commented, or of a text one more column. */
export function markList(
  file: ListFile,
  {
    headingRow,
    problems,
    language,
  }: { headingRow: number; problems: readonly ListProblem[]; language: Language },
): Uint8Array {
  const words = (problem: ListProblem): string => problem.message[language];
  if (file.kind === 'csv') return markCsv(file.csv, { headingRow, problems, language }, words);
  const notes = new Map<string, CellNote>();
  for (const problem of problems) {
    const { row } = problem;
    const column = problem.column ?? 0;
    const text = [notes.get(`${row} ${column}`)?.text, words(problem)].filter((one) => one !== undefined);
    notes.set(`${row} ${column}`, { row, column, text: text.join('\n') });
  }
  markWorkbook(file.workbook, file.sheet.part, [...notes.values()]);
  return file.workbook.pack();
}

function markCsv(
  { records, delimiter }: CsvFile,
  {
    headingRow,
    problems,
    language,
  }: { headingRow: number; problems: readonly ListProblem[]; language: Language },
  words: (problem: ListProblem) => string,
): Uint8Array {
  const title = { 'zh-CN': '问题', en: 'Problem' }[language];
  const told = new Map<number, string[]>();
  for (const problem of problems) {
    const text = problem.heading === '' ? words(problem) : `${problem.heading}: ${words(problem)}`;
    told.set(problem.row, [...(told.get(problem.row) ?? []), text]);
  }
  const headings = records[headingRow - 1] ?? [];
  // Of an earlier answer the column is there already.
  const known = headings.findIndex((heading) => heading.startsWith(title));
  const place = known === -1 ? Math.max(0, ...records.map(({ length }) => length)) : known;
  const rows = records.map((fields, index) => {
    const said = (told.get(index + 1) ?? []).join('; ');
    // What is wrong with the headings stands in brackets, so that the column is known by its own when it comes back.
    const bracketed = said === '' ? title : `${title} (${said.replace(/[()[\]（）【】]/g, ' ')})`;
    const row = Array.from(
      { length: Math.max(place + 1, fields.length) },
      (_, column) => fields[column] ?? '',
    );
    return row.with(place, index + 1 === headingRow ? bracketed : said);
  });
  return writeCsv(rows, delimiter);
}
