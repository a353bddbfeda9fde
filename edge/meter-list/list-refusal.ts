/** A file that is no list at all, or none that may be opened: refused before anything in it is read. */

export type FileRefusalCode =
  /** Larger than the limits below, packed or unpacked. */
  | 'too_large'
  | 'empty_file'
  | 'not_a_workbook'
  | 'old_workbook'
  | 'macro_workbook'
  /** A document type declaration: nothing that makes workbooks writes one, and it can name other files. */
  | 'document_type'
  | 'unknown_encoding'
  | 'unclosed_quote'
  | 'no_delimiter';

export class ListRefusal extends Error {
  override readonly name = 'ListRefusal';
  readonly code: FileRefusalCode;
  constructor(code: FileRefusalCode, message: string, cause?: unknown) {
    super(message, { cause });
    this.code = code;
  }
}

/** The file as it lies on the disk. */
export const MOST_FILE_BYTES = 32 * 1024 * 1024;
/** All parts of a workbook, unpacked: an export of 20,000 meters has some 18 MB. */
export const MOST_UNPACKED_BYTES = 32 * 1024 * 1024;
/** What a cell of a workbook holds at most, by the spreadsheets' own limit; a field of a text file likewise. */
export const MOST_CELL_CHARACTERS = 32_767;

/** @throws ListRefusal */
export function refuseLongCell(text: string): void {
  if (text.length > MOST_CELL_CHARACTERS)
    throw new ListRefusal('too_large', `a cell of more than ${MOST_CELL_CHARACTERS} characters`);
}
