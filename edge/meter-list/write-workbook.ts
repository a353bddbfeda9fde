/** A new workbook of one sheet: bold headings that stay in sight, and columns as wide as what they hold. */
import { columnLetters } from '../../protocols/meter-list/table.ts';
import { WorkbookPackage } from './workbook-package.ts';
import { encodeText } from './xml-tags.ts';

/** `number`: a figure that a spreadsheet keeps exactly; everything else is text, and stays so when it is edited. */
export interface NewCell {
  text: string;
  number?: boolean;
}

const HEADER = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n';
const MAIN = 'http://schemas.openxmlformats.org/spreadsheetml/2006/main';
const OFFICE = 'http://schemas.openxmlformats.org/officeDocument/2006/relationships';
const PACKAGE = 'http://schemas.openxmlformats.org/package/2006';
const SHEET_TYPE = 'application/vnd.openxmlformats-officedocument.spreadsheetml';

/** Cell styles: plain number, heading, text (format `@`), text that begins as a formula does (quoted). */
const [PLAIN, HEADING, TEXT, QUOTED] = [0, 1, 2, 3];
const STYLES = `${HEADER}<styleSheet xmlns="${MAIN}"><fonts count="2"><font><sz val="11"/><name val="Calibri"/></font><font><b/><sz val="11"/><name val="Calibri"/></font></fonts><fills count="3"><fill><patternFill patternType="none"/></fill><fill><patternFill patternType="gray125"/></fill><fill><patternFill patternType="solid"><fgColor rgb="FFE7EFE9"/><bgColor indexed="64"/></patternFill></fill></fills><borders count="1"><border><left/><right/><top/><bottom/><diagonal/></border></borders><cellStyleXfs count="1"><xf numFmtId="0" fontId="0" fillId="0" borderId="0"/></cellStyleXfs><cellXfs count="4"><xf numFmtId="0" fontId="0" fillId="0" borderId="0" xfId="0"/><xf numFmtId="49" fontId="1" fillId="2" borderId="0" xfId="0" applyNumberFormat="1" applyFont="1" applyFill="1"/><xf numFmtId="49" fontId="0" fillId="0" borderId="0" xfId="0" applyNumberFormat="1"/><xf numFmtId="49" fontId="0" fillId="0" borderId="0" xfId="0" quotePrefix="1" applyNumberFormat="1"/></cellXfs></styleSheet>`;

/** @returns the bytes of the file; the same rows give the same bytes */
export function writeWorkbook(sheetName: string, headings: string[], rows: readonly NewCell[][]): Uint8Array {
  const parts: [string, string][] = [
    [
      '[Content_Types].xml',
      `${HEADER}<Types xmlns="${PACKAGE}/content-types"><Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/><Default Extension="xml" ContentType="application/xml"/><Override PartName="/xl/workbook.xml" ContentType="${SHEET_TYPE}.sheet.main+xml"/><Override PartName="/xl/worksheets/sheet1.xml" ContentType="${SHEET_TYPE}.worksheet+xml"/><Override PartName="/xl/styles.xml" ContentType="${SHEET_TYPE}.styles+xml"/></Types>`,
    ],
    [
      '_rels/.rels',
      `${HEADER}<Relationships xmlns="${PACKAGE}/relationships"><Relationship Id="rId1" Type="${OFFICE}/officeDocument" Target="xl/workbook.xml"/></Relationships>`,
    ],
    [
      'xl/workbook.xml',
      `${HEADER}<workbook xmlns="${MAIN}" xmlns:r="${OFFICE}"><sheets><sheet name="${encodeText(sheetName)}" sheetId="1" r:id="rId1"/></sheets></workbook>`,
    ],
    [
      'xl/_rels/workbook.xml.rels',
      `${HEADER}<Relationships xmlns="${PACKAGE}/relationships"><Relationship Id="rId1" Type="${OFFICE}/worksheet" Target="worksheets/sheet1.xml"/><Relationship Id="rId2" Type="${OFFICE}/styles" Target="styles.xml"/></Relationships>`,
    ],
    ['xl/styles.xml', STYLES],
    ['xl/worksheets/sheet1.xml', sheetXml(headings, rows)],
  ];
  const encoder = new TextEncoder();
  return new WorkbookPackage(parts.map(([name, text]) => [name, encoder.encode(text)])).pack();
}

function sheetXml(headings: string[], rows: readonly NewCell[][]): string {
  const widths = headings.map((heading, column) => {
    const longest = Math.max(
      shownWidth(heading),
      ...rows.slice(0, 200).map((row) => shownWidth(row[column]?.text ?? '')),
    );
    const number = column + 1;
    return `<col min="${number}" max="${number}" width="${Math.min(longest + 2, 40)}" customWidth="1"/>`;
  });
  const all = [headings.map((text) => ({ text })), ...rows];
  const body = all.map((row, index) => {
    const cells = row.map((cell, column) => cellXml(cell, index, column)).join('');
    return `<row r="${index + 1}">${cells}</row>`;
  });
  const last = `${columnLetters(Math.max(headings.length - 1, 0))}${all.length}`;
  return `${HEADER}<worksheet xmlns="${MAIN}"><dimension ref="A1:${last}"/><sheetViews><sheetView workbookViewId="0"><pane ySplit="1" topLeftCell="A2" activePane="bottomLeft" state="frozen"/></sheetView></sheetViews><cols>${widths.join('')}</cols><sheetData>${body.join('')}</sheetData><autoFilter ref="A1:${last}"/></worksheet>`;
}

/** Chinese characters are twice as wide. */
const shownWidth = (text: string): number =>
  [...text].reduce((width, character) => width + (character > '\u2e7f' ? 2 : 1), 0);

function cellXml({ text, number }: NewCell, row: number, column: number): string {
  if (text === '') return '';
  const reference = `${columnLetters(column)}${row + 1}`;
  if (number === true && /^\d{1,11}(\.\d{1,4})?$/.test(text))
    return `<c r="${reference}" s="${PLAIN}"><v>${text}</v></c>`;
  const style = row === 0 ? HEADING : /^[=+\-@\t\r]/.test(text) ? QUOTED : TEXT;
  return `<c r="${reference}" s="${style}" t="inlineStr"><is><t xml:space="preserve">${encodeText(text)}</t></is></c>`;
}
