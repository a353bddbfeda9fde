/** Reads the cells of one row of a meter list, and notes what is wrong with each. */
import type { Wording } from '../api.ts';
import { Id } from '../reading.ts';
import type { Headings, ListField } from './columns.ts';
import { titlesOf } from './columns.ts';
import { narrow, readNumber } from './number-text.ts';
import { type ListProblem, type ProblemCode, problem, shortened } from './problem.ts';
import type { Cell, TableRow } from './table.ts';

export interface ReadingRules {
  /** `1,5` is one and a half. */
  decimalComma: boolean;
  /** What an empty cell of the field holds. */
  defaults: Readonly<Partial<Record<ListField, string>>>;
}

/** What a spreadsheet would take for a formula; figures with a sign, and floors such as -1F, are none. */
const looksLikeFormula = (text: string): boolean =>
  /^[=@\t\r]/.test(text) || (/^[+-]/.test(text) && !/^[+-]\d[\d.,]*(F|层|楼)?$/i.test(text));
/** Whole numbers of more digits are shown, and saved as text, in scientific notation. */
const MOST_SHOWN_DIGITS = 11;
/** `1E10` or `1.2E+10`: what is left of a long number. */
export const isScientific = (text: string): boolean => /^\d(\.\d+)?e\+?\d+$/i.test(text);

/** `"1,5"` that is taken as `1.5`, `"200/5"` as `40`. */
export interface TakenFigure {
  row: number;
  heading: string;
  text: string;
  value: string;
}

export class RowReader {
  readonly row: TableRow;
  readonly #headings: Headings;
  readonly #rules: ReadingRules;
  readonly #problems: ListProblem[];
  readonly #refused = new Set<number>();
  /** Figures that are taken otherwise than they are written. */
  readonly figures: TakenFigure[] = [];

  constructor(row: TableRow, headings: Headings, rules: ReadingRules, problems: ListProblem[]) {
    this.row = row;
    this.#headings = headings;
    this.#rules = rules;
    this.#problems = problems;
  }

  /** A cell is refused for one reason; what the whole list lacks is told once, at its headings. */
  refuse(code: ProblemCode, field: ListField | null, of: string | Wording = ''): null {
    const column = field === null ? undefined : this.#headings.columns.get(field);
    if (code === 'missing_value' && column === undefined) return this.#missColumn(of);
    if (column !== undefined && this.#refused.has(column)) return null;
    if (column !== undefined) this.#refused.add(column);
    const heading = column === undefined ? '' : (this.#headings.titles[column] ?? '');
    const quoted = column === undefined ? undefined : this.row.cells[column]?.text;
    const told =
      quoted === undefined || typeof of !== 'string' ? of : of.replaceAll(quoted, () => shortened(quoted));
    this.#problems.push(problem(code, { row: this.row.number, column: column ?? null, heading }, told));
    return null;
  }

  #missColumn(of: string | Wording): null {
    const missing = problem('missing_column', { row: this.#headings.row, column: null, heading: '' }, of);
    const told = this.#problems.some(
      ({ code, message }) => code === 'missing_column' && message.en === missing.message.en,
    );
    if (!told) this.#problems.push(missing);
    return null;
  }

  /** Whether the list says anything of the field, if only that it is empty. */
  states(field: ListField): boolean {
    return this.#headings.columns.has(field) || this.#rules.defaults[field] !== undefined;
  }

  /** The text of the cell, or null when it is empty or refused. */
  text(field: ListField, most = 64): string | null {
    const text = this.cell(field)?.text ?? null;
    if (text !== null && [...text].length > most) return this.refuse('too_long', field, `${most}`);
    return text;
  }

  /** The cell, when it is one that a person typed in. */
  cell(field: ListField): Cell | null {
    const column = this.#headings.columns.get(field);
    const cell = column === undefined ? undefined : this.row.cells[column];
    if (cell === undefined) {
      const text = this.#rules.defaults[field];
      return text === undefined ? null : { kind: 'text', text };
    }
    switch (cell.kind) {
      case 'formula':
        return this.refuse('formula_cell', field, cell.text);
      case 'error':
        return this.refuse('cell_error', field, cell.text);
      case 'date':
        return this.refuse('cell_is_date', field, cell.text);
      case 'number':
      case 'boolean':
        return cell;
      case 'text':
        if (cell.quoted || !looksLikeFormula(cell.text)) return cell;
        return this.refuse('formula_text', field, cell.text);
    }
  }

  /** A number printed on a plate: as a number cell it may have lost zeros or digits, and nobody can tell. */
  plate(field: ListField, most = 32): string | null {
    const cell = this.cell(field);
    if (cell === null) return null;
    if (cell.kind === 'number' || isScientific(cell.text))
      return this.refuse('became_a_number', field, cell.text);
    const text = this.text(field, most);
    return text === null ? null : narrow(text);
  }

  id(field: ListField): string | null {
    const cell = this.cell(field);
    if (cell === null) return null;
    const long = cell.kind === 'number' && cell.text.length > MOST_SHOWN_DIGITS;
    if (long || isScientific(cell.text)) return this.refuse('became_a_number', field, cell.text);
    const id = narrow(cell.text);
    return Id.safeParse(id).success ? id : this.refuse('bad_id', field, cell.text);
  }

  /** A plain decimal, in its shortest form. */
  decimal(field: ListField): string | null {
    const text = this.text(field);
    if (text === null) return null;
    const read = readNumber(text, this.#rules.decimalComma);
    return read.ok ? this.took(field, text, read.decimal) : this.refuse(read.code, field, text);
  }

  /** Notes a figure whose comma or ratio somebody has to see through. */
  took(field: ListField, text: string, value: string): string {
    if (/[,，/／:：]/.test(text)) {
      const heading = this.#headings.titles[this.#headings.columns.get(field) ?? -1] ?? field;
      this.figures.push({ row: this.row.number, heading, text, value });
    }
    return value;
  }

  /** One of `words`: each meaning with what it may be called. */
  word<T extends string>(field: ListField, words: Readonly<Record<T, string>>): T | null {
    const text = this.text(field);
    if (text === null) return null;
    const wanted = text.normalize('NFKC').toLowerCase().replaceAll(' ', '');
    for (const [meaning, names] of Object.entries(words) as [T, string][])
      if (meaning === wanted || names.split(' ').includes(wanted)) return meaning;
    const choice = (Object.values(words) as string[]).map((names) => names.split(' ')[0]).join(' / ');
    return this.refuse('unknown_word', field, `${choice} (${Object.keys(words).join(' / ')})`);
  }

  /** Notes an empty cell of a field that must not be. */
  require<T>(field: ListField, value: T | null): T | null {
    return value ?? this.refuse('missing_value', field, titlesOf(field));
  }
}
