/** Changes at places of an XML text that leave the rest as it is. */
import { tagsOf } from './xml-tags.ts';

export interface Edit {
  start: number;
  end: number;
  text: string;
}

/** `edits` rise and do not overlap. */
export function applyEdits(xml: string, edits: readonly Edit[]): string {
  const pieces: string[] = [];
  let from = 0;
  for (const { start, end, text } of edits) {
    pieces.push(xml.slice(from, start), text);
    from = end;
  }
  return pieces.join('') + xml.slice(from);
}

/** Puts `text` in as the last child of the root, which may be empty so far. */
export function insertBeforeEnd(xml: string, root: string, text: string): string {
  const end = [...tagsOf(xml)].findLast((tag) => tag.name === root && tag.kind !== 'open');
  if (end === undefined) throw new Error(`the part has no ${root}`);
  if (end.kind === 'close') return xml.slice(0, end.start) + text + xml.slice(end.start);
  const open = xml.slice(end.start, end.end).replace(/\s*\/>$/, '>');
  return `${xml.slice(0, end.start)}${open}${text}</${end.prefix}${root}>${xml.slice(end.end)}`;
}
