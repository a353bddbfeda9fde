/** A list as it came, from a workbook or a text file: rows of cells, not yet understood. */

/** `formula`, `error`, `date` and `boolean` are what a workbook made of a cell; a text file has texts alone. */
export type CellKind = 'text' | 'number' | 'formula' | 'error' | 'date' | 'boolean';

export interface Cell {
  kind: CellKind;
  /** What the cell shows, spaces around it removed; of a formula the formula itself. Never empty: an empty cell is absent. */
  text: string;
  /** The text was marked as text by hand (a leading apostrophe): it may begin as a formula does. */
  quoted?: boolean;
}

export interface TableRow {
  /** As the file counts them, from 1. */
  number: number;
  /** By column, from 0. */
  cells: readonly (Cell | undefined)[];
}

export interface Table {
  rows: readonly TableRow[];
}

/** `A`, `B`, ... `Z`, `AA`: the column's letters, from 0. */
export function columnLetters(column: number): string {
  const letter = String.fromCharCode(65 + (column % 26));
  return column < 26 ? letter : columnLetters(Math.floor(column / 26) - 1) + letter;
}
