/** The parts of a workbook's package (ECMA-376 part 2, a ZIP): unpacked within bounds, and packed again. */
import { posix } from 'node:path';
import { type UnzipFileInfo, unzipSync, zipSync } from 'fflate';
import { ListRefusal, MOST_FILE_BYTES, MOST_UNPACKED_BYTES } from './list-refusal.ts';
import { insertBeforeEnd } from './xml-edits.ts';
import { attributesOf, tagsOf } from './xml-tags.ts';

const MOST_PARTS = 2000;
/** An export of 20,000 meters packs to a twentieth; only what was made to be large unpacks to more than this. */
const MOST_RATIO = 100;
/** So much may come of anything. */
const RATIO_FROM_BYTES = 100 * 1024;

export class WorkbookPackage {
  readonly #parts: Map<string, Uint8Array>;

  constructor(parts: Iterable<[string, Uint8Array]>) {
    this.#parts = new Map(parts);
  }

  has(name: string): boolean {
    return this.#parts.has(name);
  }

  names(): string[] {
    return [...this.#parts.keys()];
  }

  /** @throws ListRefusal when the part is not there, no UTF-8, or declares a document type */
  text(name: string): string {
    const bytes = this.#parts.get(name);
    if (bytes === undefined) throw new ListRefusal('not_a_workbook', `the workbook has no part ${name}`);
    return decodeXml(bytes, name);
  }

  setText(name: string, text: string): void {
    this.#parts.set(name, new TextEncoder().encode(text));
  }

  /** The bytes of the file. The parts keep their order; the same parts give the same bytes. */
  pack(): Uint8Array {
    // The earliest date that a ZIP knows: a clock would make each answer another file.
    return zipSync(Object.fromEntries(this.#parts), { level: 6, mtime: '1980-01-01T00:00:00' });
  }

  /** The relationships of a part: their ids with type (its last word) and target part. */
  relations(name: string): { id: string; type: string; target: string }[] {
    const file = relationsPart(name);
    if (!this.has(file)) return [];
    return [...tagsOf(this.text(file))]
      .filter((tag) => tag.name === 'Relationship' && tag.kind !== 'close')
      .map((tag) => attributesOf(tag))
      .filter((relation) => relation.TargetMode !== 'External')
      .map(({ Id = '', Type = '', Target = '' }) => ({
        id: Id,
        type: Type.slice(Type.lastIndexOf('/') + 1),
        target: Target.startsWith('/') ? Target.slice(1) : posix.join(posix.dirname(name), Target),
      }));
  }

  /** Adds a relationship of `part` to `target` (relative to it). @returns its id */
  addRelation(part: string, type: string, target: string): string {
    const file = relationsPart(part);
    const before = this.has(file) ? this.text(file) : NO_RELATIONS;
    let number = 1;
    while (before.includes(`"rIdMeterline${number}"`)) number += 1;
    const id = `rIdMeterline${number}`;
    const relation = `<Relationship Id="${id}" Type="${RELATION_TYPES}${type}" Target="${target}"/>`;
    this.setText(file, insertBeforeEnd(before, 'Relationships', relation));
    return id;
  }

  /** @param entry an `Override` or a `Default` */
  addContentType(entry: string): void {
    this.setText(CONTENT_TYPES, insertBeforeEnd(this.text(CONTENT_TYPES), 'Types', entry));
  }
}

const CONTENT_TYPES = '[Content_Types].xml';
const RELATION_TYPES = 'http://schemas.openxmlformats.org/officeDocument/2006/relationships/';
const NO_RELATIONS =
  '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"></Relationships>';

/** `xl/workbook.xml` has its relationships in `xl/_rels/workbook.xml.rels`. */
const relationsPart = (name: string): string =>
  posix.join(posix.dirname(name), '_rels', `${posix.basename(name)}.rels`);

/**
 * The sizes that the directory tells are added up before anything is unpacked, and nothing unpacks to more than it told.
 * @throws ListRefusal
 */
export function openPackage(bytes: Uint8Array): WorkbookPackage {
  if (bytes.length > MOST_FILE_BYTES) throw tooLarge();
  let unpacked = 0;
  let parts = 0;
  const within = ({ originalSize, size, name }: UnzipFileInfo): boolean => {
    unpacked += originalSize;
    parts += 1;
    if (unpacked > MOST_UNPACKED_BYTES || parts > MOST_PARTS) throw tooLarge();
    // By the part, so that a large picture hides nothing, and by the whole, so that no crowd of small parts does.
    if (isInflated(originalSize, size) || isInflated(unpacked, bytes.length)) throw tooLarge();
    if (/vbaProject\.bin$/i.test(name)) throw macros();
    return false;
  };
  const unpack = (filter: (file: UnzipFileInfo) => boolean): Record<string, Uint8Array> => {
    try {
      return unzipSync(bytes, { filter });
    } catch (error) {
      if (error instanceof ListRefusal) throw error;
      throw new ListRefusal('not_a_workbook', 'the file is no readable ZIP package', error);
    }
  };
  unpack(within);
  const workbook = new WorkbookPackage(Object.entries(unpack(({ name }) => !name.endsWith('/'))));
  if (!workbook.has(CONTENT_TYPES))
    throw new ListRefusal('not_a_workbook', 'the file is a ZIP package, but no workbook');
  if (/macroEnabled/i.test(workbook.text(CONTENT_TYPES))) throw macros();
  return workbook;
}

const isInflated = (unpacked: number, packed: number): boolean =>
  unpacked > RATIO_FROM_BYTES && unpacked > MOST_RATIO * packed;

const tooLarge = (): ListRefusal =>
  new ListRefusal(
    'too_large',
    `more than ${MOST_FILE_BYTES / 1_048_576} MB, or unpacked more than ${MOST_UNPACKED_BYTES / 1_048_576} MB or ${MOST_RATIO} times its size`,
  );
const macros = (): ListRefusal =>
  new ListRefusal('macro_workbook', 'a workbook with macros is not opened: save it as .xlsx');

function decodeXml(bytes: Uint8Array, name: string): string {
  const utf16 = bytes[0] === 0xff && bytes[1] === 0xfe ? 'utf-16le' : 'utf-16be';
  const isUtf16 = (bytes[0] === 0xff && bytes[1] === 0xfe) || (bytes[0] === 0xfe && bytes[1] === 0xff);
  let text: string;
  try {
    text = new TextDecoder(isUtf16 ? utf16 : 'utf-8', { fatal: true }).decode(bytes);
  } catch (error) {
    throw new ListRefusal('unknown_encoding', `${name} of the workbook is neither UTF-8 nor UTF-16`, error);
  }
  if (text.includes('<!DOCTYPE') || text.includes('<!ENTITY'))
    throw new ListRefusal('document_type', `${name} of the workbook declares a document type`);
  return text;
}
