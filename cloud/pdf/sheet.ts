/** A page of a document: text that has all its glyphs, columns, a place that moves down, and new pages when it has reached the end. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import PDFDocument from 'pdfkit';
import { encode } from 'uqr';
import { unpackWoff } from './unpack-woff.ts';

/** A character that the fonts do not have: a name would be printed with a hole in it. */
export class MissingGlyphError extends Error {
  override readonly name = 'MissingGlyphError';
  readonly code = 'missing_glyph';
}

const folder = join(import.meta.dirname, 'fonts');
const fontOf = (name: string): Buffer => unpackWoff(readFileSync(join(folder, name)));
/** Unpacked when the first document is made. */
let fonts: { regular: Buffer; bold: Buffer } | null = null;

export const MARGIN = 44;
const PAGE = { width: 595.28, height: 841.89 };
export const WIDTH = PAGE.width - 2 * MARGIN;
const FOOT = 46;
export const INK = '#16211c';
export const MUTED = '#5d6b64';
export const LINE = '#d5ddd8';
export const ACCENT = '#1f7a4d';

export interface TextStyle {
  size?: number;
  bold?: boolean;
  color?: string;
  align?: 'left' | 'right' | 'center';
}
export interface Column {
  title: string;
  /** Share of the width. */
  part: number;
  align?: 'left' | 'right';
}

/** pdfkit's own view of the font in use: it says which characters there are. */
interface CurrentFont {
  _font: { font: { hasGlyphForCodePoint(code: number): boolean } };
}

/**
 * What stands for other characters by Unicode's own tables (NFKC), such as ℃ for °C, is written as those where the font
 * lacks it.
 * @throws MissingGlyphError when it lacks these as well
 */
function withGlyphs(text: string, font: CurrentFont['_font']['font']): string {
  const has = (one: string): boolean => one === '\n' || font.hasGlyphForCodePoint(one.codePointAt(0) ?? 0);
  const shown = [...text].map((one) => (has(one) ? one : one.normalize('NFKC'))).join('');
  const missing = new Set([...shown].filter((one) => !has(one)));
  if (missing.size === 0) return shown;
  throw new MissingGlyphError(`the font has no glyph for ${[...missing].join(' ')} in "${text}"`);
}

export class Sheet {
  y = MARGIN;
  readonly #document: PDFKit.PDFDocument;
  readonly #chunks: Buffer[] = [];
  readonly #done: Promise<Buffer>;

  /** @param createdMs of the document: the same content at the same instant is the same file */
  constructor({ title, author, createdMs }: { title: string; author: string; createdMs: number }) {
    this.#document = new PDFDocument({
      size: 'A4',
      margin: 0,
      bufferPages: true,
      lang: 'zh-CN',
      info: {
        Title: title,
        Author: author,
        Creator: 'Meterline',
        Producer: 'Meterline',
        CreationDate: new Date(createdMs),
      },
    });
    fonts ??= { regular: fontOf('NotoSansSC-Regular.woff'), bold: fontOf('NotoSansSC-Bold.woff') };
    for (const [name, file] of Object.entries(fonts)) this.#document.registerFont(name, file);
    this.#document.on('data', (chunk: Buffer) => this.#chunks.push(chunk));
    this.#done = new Promise((resolve) =>
      this.#document.on('end', () => resolve(Buffer.concat(this.#chunks))),
    );
  }

  /** @param foot what stands at the end of every page, before its number */
  finish(foot: string): Promise<Buffer> {
    const { count } = this.#document.bufferedPageRange();
    for (let page = 0; page < count; page += 1) {
      this.#document.switchToPage(page);
      const y = PAGE.height - FOOT + 14;
      this.rule(y - 6);
      this.text(foot, { x: MARGIN, y, width: WIDTH - 60 }, { size: 7, color: MUTED });
      this.text(
        `${page + 1} / ${count}`,
        { x: MARGIN, y, width: WIDTH },
        { size: 7, color: MUTED, align: 'right' },
      );
    }
    this.#document.end();
    return this.#done;
  }

  /** @returns the height that it took. @throws MissingGlyphError */
  text(text: string, box: { x: number; y: number; width: number }, style: TextStyle = {}): number {
    const { size = 9, bold = false, color = INK, align = 'left' } = style;
    const document = this.#document
      .font(bold ? 'bold' : 'regular')
      .fontSize(size)
      .fillColor(color);
    const { font } = (document as unknown as CurrentFont)._font;
    const shown = withGlyphs(text, font);
    const options = { width: box.width, align, lineGap: 1 };
    const height = document.heightOfString(shown, options);
    document.text(shown, box.x, box.y, options);
    return height;
  }

  heightOf(text: string, width: number, { size = 9, bold = false }: TextStyle = {}): number {
    return this.#document
      .font(bold ? 'bold' : 'regular')
      .fontSize(size)
      .heightOfString(text, { width, lineGap: 1 });
  }

  /** A paragraph over the whole width, below what came before. */
  paragraph(text: string, style: TextStyle = {}, after = 4): void {
    this.room(this.heightOf(text, WIDTH, style) + after);
    this.y += this.text(text, { x: MARGIN, y: this.y, width: WIDTH }, style) + after;
  }

  heading(text: string): void {
    this.room(48);
    this.y += 10;
    this.y += this.text(text, { x: MARGIN, y: this.y, width: WIDTH }, { size: 11.5, bold: true }) + 3;
    this.rule(this.y);
    this.y += 5;
  }

  rule(y: number, color = LINE): void {
    this.#document
      .moveTo(MARGIN, y)
      .lineTo(MARGIN + WIDTH, y)
      .lineWidth(0.6)
      .strokeColor(color)
      .stroke();
  }

  box(x: number, y: number, width: number, height: number, color: string): void {
    this.#document.rect(x, y, width, height).fill(color);
  }

  /** Begins a new page where less than `height` is left. */
  room(height: number): void {
    if (this.y + height <= PAGE.height - FOOT - 6) return;
    this.newPage();
  }

  newPage(): void {
    this.#document.addPage({ size: 'A4', margin: 0 });
    this.y = MARGIN;
  }

  /** Its head is repeated on every page that the rows run over. */
  table(columns: readonly Column[], rows: readonly (readonly string[])[], style: TextStyle = {}): void {
    const size = style.size ?? 8;
    const head = (): void => {
      this.#row(
        columns,
        columns.map(({ title }) => title),
        { size: size - 0.5, color: MUTED },
      );
      this.rule(this.y - 2);
    };
    this.room(40);
    head();
    for (const row of rows) {
      const height = this.#rowHeight(columns, row, { size });
      if (this.y + height > PAGE.height - FOOT - 6) {
        this.newPage();
        head();
      }
      this.#row(columns, row, { ...style, size });
    }
  }

  #rowHeight(columns: readonly Column[], cells: readonly string[], style: TextStyle): number {
    return Math.max(
      ...columns.map(({ part }, index) => this.heightOf(cells[index] ?? '', part * WIDTH - 8, style)),
    );
  }

  #row(columns: readonly Column[], cells: readonly string[], style: TextStyle): void {
    const height = this.#rowHeight(columns, cells, style);
    let x = MARGIN;
    for (const [index, { part, align = 'left' }] of columns.entries()) {
      const width = part * WIDTH;
      // The last column ends at the margin, the others before the next one begins.
      const inset = index === columns.length - 1 && align === 'right' ? 0 : 8;
      this.text(cells[index] ?? '', { x, y: this.y, width: width - inset }, { ...style, align });
      x += width;
    }
    this.y += height + 3.5;
  }

  qr(text: string, { x, y, side }: { x: number; y: number; side: number }): void {
    const { data, size } = encode(text, { ecc: 'M', border: 0 });
    const module = side / size;
    // A hair wider, so that no light line is left between two dark modules.
    for (const [row, cells] of data.entries())
      for (const [column, dark] of cells.entries())
        if (dark) this.#document.rect(x + column * module, y + row * module, module + 0.1, module + 0.1);
    this.#document.fill(INK);
  }
}
