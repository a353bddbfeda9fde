/** Comments on the cells of a sheet: the comments themselves, and the drawing (VML) without which no program shows them. */
import { posix } from 'node:path';
import { columnLetters } from '../../protocols/meter-list/table.ts';
import type { WorkbookPackage } from './workbook-package.ts';
import { applyEdits, type Edit, insertBeforeEnd } from './xml-edits.ts';
import { attributesOf, encodeText, type Tag, tagsOf } from './xml-tags.ts';

/** `column` counts from 0, `row` as the sheet does. */
export interface CellNote {
  row: number;
  column: number;
  text: string;
}

const AUTHOR = 'Meterline';
const MAIN = 'http://schemas.openxmlformats.org/spreadsheetml/2006/main';
const HEADER = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n';

/** Adds the notes; a comment that a cell has already is replaced, and those that this program wrote before go. */
export function addComments(workbook: WorkbookPackage, sheetPart: string, notes: readonly CellNote[]): void {
  const relations = workbook.relations(sheetPart);
  const comments = relations.find(({ type }) => type === 'comments')?.target;
  const drawing = legacyDrawing(workbook, sheetPart);
  const own = comments === undefined ? new Set<string>() : ownComments(workbook.text(comments));
  const replaced = new Set([...own, ...notes.map(cellName)]);
  if (comments === undefined) newComments(workbook, sheetPart, notes);
  else workbook.setText(comments, mergeComments(workbook.text(comments), notes, replaced));
  if (drawing === null) newDrawing(workbook, sheetPart, notes);
  else workbook.setText(drawing, mergeShapes(workbook.text(drawing), notes, replaced));
}

const cellName = ({ row, column }: CellNote): string => `${columnLetters(column)}${row}`;

const commentXml = (notes: readonly CellNote[], author: number, prefix: string): string =>
  notes
    .map((note) => {
      const text = `<${prefix}t xml:space="preserve">${encodeText(note.text)}</${prefix}t>`;
      return `<${prefix}comment ref="${cellName(note)}" authorId="${author}"><${prefix}text>${text}</${prefix}text></${prefix}comment>`;
    })
    .join('');

function newComments(workbook: WorkbookPackage, sheetPart: string, notes: readonly CellNote[]): void {
  const part = freeName(workbook, 'xl/commentsMeterline', '.xml');
  workbook.setText(
    part,
    `${HEADER}<comments xmlns="${MAIN}"><authors><author>${AUTHOR}</author></authors><commentList>${commentXml(notes, 0, '')}</commentList></comments>`,
  );
  workbook.addContentType(
    `<Override PartName="/${part}" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.comments+xml"/>`,
  );
  workbook.addRelation(sheetPart, 'comments', relativeTo(sheetPart, part));
}

const authorsOf = (xml: string): string[] =>
  [...xml.matchAll(/<(?:[\w.-]+:)?author(?:\s[^>]*)?(?:\/>|>([^<]*)<)/g)].map((match) => match[1] ?? '');

function ownComments(xml: string): Set<string> {
  const author = authorsOf(xml).indexOf(AUTHOR);
  return new Set(
    [...tagsOf(xml)]
      .filter((tag) => tag.name === 'comment' && tag.kind === 'open')
      .map((tag) => attributesOf(tag))
      .filter(({ authorId }) => Number(authorId) === author)
      .map(({ ref = '' }) => ref),
  );
}

function mergeComments(xml: string, notes: readonly CellNote[], replaced: ReadonlySet<string>): string {
  const authors = authorsOf(xml);
  const known = authors.indexOf(AUTHOR);
  const kept = without(xml, 'comment', (tag) => replaced.has(attributesOf(tag).ref ?? ''));
  const prefix = [...tagsOf(xml)].find((tag) => tag.name === 'comments')?.prefix ?? '';
  const author = `<${prefix}author>${AUTHOR}</${prefix}author>`;
  const named = known === -1 ? insertBeforeEnd(kept, 'authors', author) : kept;
  const number = known === -1 ? authors.length : known;
  return insertBeforeEnd(named, 'commentList', commentXml(notes, number, prefix));
}

/** The text without the elements of a name that `isMeant`. */
function without(xml: string, name: string, isMeant: (tag: Tag, inner: () => string) => boolean): string {
  const edits: Edit[] = [];
  let open: Tag | null = null;
  for (const tag of tagsOf(xml)) {
    if (tag.name !== name) continue;
    if (tag.kind === 'open') open = tag;
    else if (tag.kind === 'close' && open !== null) {
      const [from, to] = [open.end, tag.start];
      if (isMeant(open, () => xml.slice(from, to))) edits.push({ start: open.start, end: tag.end, text: '' });
      open = null;
    }
  }
  return applyEdits(xml, edits);
}

function legacyDrawing(workbook: WorkbookPackage, sheetPart: string): string | null {
  const tag = [...tagsOf(workbook.text(sheetPart))].find(({ name }) => name === 'legacyDrawing');
  if (tag === undefined) return null;
  const id = Object.entries(attributesOf(tag)).find(([key]) => /(^|:)id$/.test(key))?.[1];
  return workbook.relations(sheetPart).find((relation) => relation.id === id)?.target ?? null;
}

const WIDTH = 3;
const HEIGHT = 4;

const shapes = (notes: readonly CellNote[]): string =>
  notes
    .map(({ row, column }, index) => {
      const anchor = [column + 1, 15, Math.max(row - 2, 0), 4, column + 1 + WIDTH, 15, row - 1 + HEIGHT, 4];
      const client = `<x:ClientData ObjectType="Note"><x:MoveWithCells/><x:SizeWithCells/><x:Anchor>${anchor.join(', ')}</x:Anchor><x:AutoFill>False</x:AutoFill><x:Row>${row - 1}</x:Row><x:Column>${column}</x:Column></x:ClientData>`;
      return `<v:shape id="meterline_${index}" type="#meterline_note" style="position:absolute;visibility:hidden" fillcolor="#ffffe1" o:insetmode="auto"><v:fill color2="#ffffe1"/><v:shadow on="t" color="black" obscured="t"/><v:path o:connecttype="none"/><v:textbox style="mso-direction-alt:auto"/>${client}</v:shape>`;
    })
    .join('');

const SHAPE_TYPE =
  '<v:shapetype id="meterline_note" coordsize="21600,21600" o:spt="202" path="m,l,21600r21600,l21600,xe"><v:stroke joinstyle="miter"/><v:path gradientshapeok="t" o:connecttype="rect"/></v:shapetype>';

function newDrawing(workbook: WorkbookPackage, sheetPart: string, notes: readonly CellNote[]): void {
  const part = freeName(workbook, 'xl/drawings/vmlMeterline', '.vml');
  workbook.setText(
    part,
    `<xml xmlns:v="urn:schemas-microsoft-com:vml" xmlns:o="urn:schemas-microsoft-com:office:office" xmlns:x="urn:schemas-microsoft-com:office:excel">${SHAPE_TYPE}${shapes(notes)}</xml>`,
  );
  if (!/Extension="vml"/i.test(workbook.text('[Content_Types].xml')))
    workbook.addContentType(
      '<Default Extension="vml" ContentType="application/vnd.openxmlformats-officedocument.vmlDrawing"/>',
    );
  const id = workbook.addRelation(sheetPart, 'vmlDrawing', relativeTo(sheetPart, part));
  workbook.setText(sheetPart, withLegacyDrawing(workbook.text(sheetPart), id));
}

/** Older drawings may use other prefixes for the same namespaces: ours are declared anew on each shape. */
function mergeShapes(vml: string, notes: readonly CellNote[], replaced: ReadonlySet<string>): string {
  const kept = without(vml, 'shape', (_, inner) => {
    const row = /<x:Row>(\d+)<\/x:Row>/.exec(inner())?.[1];
    const column = /<x:Column>(\d+)<\/x:Column>/.exec(inner())?.[1];
    return (
      row !== undefined &&
      column !== undefined &&
      replaced.has(cellName({ row: Number(row) + 1, column: Number(column), text: '' }))
    );
  });
  const type = kept.includes('id="meterline_note"') ? '' : SHAPE_TYPE;
  const spaces =
    'xmlns:v="urn:schemas-microsoft-com:vml" xmlns:o="urn:schemas-microsoft-com:office:office" xmlns:x="urn:schemas-microsoft-com:office:excel"';
  const added = (type + shapes(notes)).replace(/<v:(shape|shapetype) /g, `<v:$1 ${spaces} `);
  return insertBeforeEnd(kept, 'xml', added);
}

/** What stands behind `legacyDrawing` in a sheet (ECMA-376 part 1, 18.3.1.99). */
const behind = new Set([
  'legacyDrawingHF',
  'drawingHF',
  'picture',
  'oleObjects',
  'controls',
  'webPublishItems',
  'tableParts',
  'extLst',
]);

function withLegacyDrawing(xml: string, id: string): string {
  let at: Tag | null = null;
  let depth = 0;
  for (const tag of tagsOf(xml)) {
    if (tag.kind === 'close') depth -= 1;
    const isPlace = (depth === 1 && behind.has(tag.name)) || (depth === 0 && tag.kind === 'close');
    if (isPlace && at === null) at = tag;
    if (tag.kind === 'open') depth += 1;
  }
  if (at === null) throw new Error('the sheet has no end');
  const drawing = `<${at.prefix}legacyDrawing xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships" r:id="${id}"/>`;
  return xml.slice(0, at.start) + drawing + xml.slice(at.start);
}

const relativeTo = (part: string, target: string): string => posix.relative(posix.dirname(part), target);

function freeName(workbook: WorkbookPackage, stem: string, extension: string): string {
  let number = 1;
  while (workbook.has(`${stem}${number}${extension}`)) number += 1;
  return `${stem}${number}${extension}`;
}
