/**
 * The same workbook with cells marked: a fill colour and a comment each. Only the parts that have to change are changed,
 * and in these only the places: sheets, widths, formats, formulas and pictures stay as they came.
 */
import { posix } from 'node:path';
import { columnLetters } from '../../protocols/meter-list/table.ts';
import { addComments, type CellNote } from './sheet-comments.ts';
import type { WorkbookPackage } from './workbook-package.ts';
import { applyEdits, type Edit } from './xml-edits.ts';
import { attributesOf, type Tag, tagsOf } from './xml-tags.ts';

/** Red as spreadsheets show a bad cell. */
const MARK = 'FFFFC7CE';

export function markWorkbook(workbook: WorkbookPackage, sheetPart: string, notes: readonly CellNote[]): void {
  const main = workbook.relations('').find(({ type }) => type === 'officeDocument')?.target ?? '';
  const stylesPart = workbook.relations(main).find(({ type }) => type === 'styles')?.target;
  const styles = new MarkedStyles(stylesPart === undefined ? null : workbook.text(stylesPart));
  workbook.setText(sheetPart, markCells(workbook.text(sheetPart), notes, styles));
  const part = stylesPart ?? posix.join(posix.dirname(main), 'styles.xml');
  workbook.setText(part, styles.text());
  if (stylesPart === undefined) {
    workbook.addRelation(main, 'styles', 'styles.xml');
    workbook.addContentType(
      `<Override PartName="/${part}" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.styles+xml"/>`,
    );
  }
  addComments(workbook, sheetPart, notes);
}

/** Gives the cells the marked twin of their style; a cell that is not there is made. */
function markCells(xml: string, notes: readonly CellNote[], styles: MarkedStyles): string {
  const wanted = new Map<number, Set<number>>();
  for (const { row, column } of notes) wanted.set(row, (wanted.get(row) ?? new Set<number>()).add(column));
  const edits: Edit[] = [];
  let row = 0;
  let column = -1;
  let left = new Set<number>();
  // Cells of the row that are not there go in before the next one to the right.
  const make = (before: number, at: Tag): void => {
    for (const one of [...left].filter((missing) => missing < before).sort((a, b) => a - b)) {
      left.delete(one);
      const cell = `<${at.prefix}c r="${columnLetters(one)}${row}" s="${styles.marked(0)}"/>`;
      edits.push({ start: at.start, end: at.start, text: cell });
    }
  };
  for (const tag of tagsOf(xml)) {
    if (tag.name === 'row' && tag.kind === 'open') {
      row = Number(attributesOf(tag).r ?? row + 1);
      column = -1;
      left = new Set(wanted.get(row));
    } else if (tag.name === 'row' && tag.kind === 'close') make(Number.POSITIVE_INFINITY, tag);
    else if (tag.name === 'row') row = Number(attributesOf(tag).r ?? row + 1);
    else if (tag.name === 'c' && tag.kind !== 'close') {
      const { r, s } = attributesOf(tag);
      column = r === undefined ? column + 1 : columnIndex(r);
      make(column, tag);
      if (left.delete(column)) edits.push(restyle(xml, tag, styles.marked(Number(s ?? 0))));
    }
  }
  return applyEdits(xml, edits);
}

const columnIndex = (reference: string): number => {
  let column = 0;
  for (const letter of reference.replace(/\d+$/, '')) column = column * 26 + letter.charCodeAt(0) - 64;
  return column - 1;
};

function restyle(xml: string, { start, end }: Tag, style: number): Edit {
  const tag = xml.slice(start, end).replace(/\ss\s*=\s*(?:"[^"]*"|'[^']*')/, '');
  return { start, end, text: tag.replace(/\s*(\/?)>$/, ` s="${style}"$1>`) };
}

const EMPTY_STYLES =
  '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n<styleSheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><fonts count="1"><font/></fonts><fills count="2"><fill><patternFill patternType="none"/></fill><fill><patternFill patternType="gray125"/></fill></fills><borders count="1"><border/></borders><cellStyleXfs count="1"><xf/></cellStyleXfs><cellXfs count="1"><xf xfId="0"/></cellXfs></styleSheet>';

/** The style sheet with one more fill, and with a twin in that fill of each cell style that is asked for. */
class MarkedStyles {
  readonly #xml: string;
  readonly #prefix: string;
  readonly #xfs: string[] = [];
  readonly #twins = new Map<number, number>();
  readonly #added: string[] = [];
  readonly #fill: number;
  readonly #fillsEnd: Tag;
  readonly #xfsEnd: Tag;

  constructor(styles: string | null) {
    this.#xml = styles ?? EMPTY_STYLES;
    let fills = 0;
    let inside = '';
    let xfFrom = 0;
    let fillsEnd: Tag | null = null;
    let xfsEnd: Tag | null = null;
    for (const tag of tagsOf(this.#xml)) {
      if (tag.name === 'fills' || tag.name === 'cellXfs') inside = tag.kind === 'open' ? tag.name : '';
      if (tag.name === 'fills' && tag.kind === 'close') fillsEnd = tag;
      if (tag.name === 'cellXfs' && tag.kind === 'close') xfsEnd = tag;
      if (tag.name === 'fill' && inside === 'fills' && tag.kind !== 'close') fills += 1;
      if (tag.name !== 'xf' || inside !== 'cellXfs') continue;
      if (tag.kind === 'open') xfFrom = tag.start;
      else this.#xfs.push(this.#xml.slice(tag.kind === 'empty' ? tag.start : xfFrom, tag.end));
    }
    if (fillsEnd === null || xfsEnd === null)
      throw new Error('the style sheet has no fills or no cell styles');
    this.#fill = fills;
    this.#prefix = fillsEnd.prefix;
    this.#fillsEnd = fillsEnd;
    this.#xfsEnd = xfsEnd;
  }

  /** The number of the marked twin of a cell style. */
  marked(style: number): number {
    const known = this.#twins.get(style);
    if (known !== undefined) return known;
    const twin = this.#xfs.length + this.#added.length;
    const plain = this.#xfs[style] ?? this.#xfs[0] ?? `<${this.#prefix}xf/>`;
    const open = plain.slice(0, plain.indexOf('>') + 1);
    const unfilled = open.replace(/\s(fillId|applyFill)\s*=\s*(?:"[^"]*"|'[^']*')/g, '');
    const filled = unfilled.replace(/\s*(\/?)>$/, ` fillId="${this.#fill}" applyFill="1"$1>`);
    this.#added.push(filled + plain.slice(open.length));
    this.#twins.set(style, twin);
    return twin;
  }

  text(): string {
    const p = this.#prefix;
    const fill = `<${p}fill><${p}patternFill patternType="solid"><${p}fgColor rgb="${MARK}"/><${p}bgColor indexed="64"/></${p}patternFill></${p}fill>`;
    const edits = [
      { start: this.#fillsEnd.start, end: this.#fillsEnd.start, text: fill },
      { start: this.#xfsEnd.start, end: this.#xfsEnd.start, text: this.#added.join('') },
    ].sort((a, b) => a.start - b.start);
    // The counts are optional, and would be wrong.
    return applyEdits(this.#xml, edits).replace(/(<[\w.-]*:?(?:fills|cellXfs)\b[^>]*?)\scount="\d+"/g, '$1');
  }
}
