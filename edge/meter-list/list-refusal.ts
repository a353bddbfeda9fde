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
/** All parts of a workbook, unpacked. */
export const MOST_UNPACKED_BYTES = 128 * 1024 * 1024;
