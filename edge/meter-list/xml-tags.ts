/** The tags of an XML text with where they stand, so that a text can be read, or changed in places and left as it is elsewhere. */

export interface Tag {
  kind: 'open' | 'close' | 'empty';
  /** Without the namespace's prefix. */
  name: string;
  /** With its colon, or empty. */
  prefix: string;
  /** As written. */
  attributes: string;
  /** Offsets of `<` and behind `>`. */
  start: number;
  end: number;
}

// No alternative can take what another could, what is never closed runs to the end, and a tag not past the next `<`: so
// it is linear on any text.
const pattern =
  /<!--[\s\S]*?(?:-->|$)|<!\[CDATA\[[\s\S]*?(?:\]\]>|$)|<\?[\s\S]*?(?:\?>|$)|<(\/?)([\w.-]+:)?([\w.-]+)((?:\s+[^\s=<>"'/]+\s*=\s*(?:"[^"<]*"|'[^'<]*'))*)\s*(\/?)>/g;

/** The tags in order; comments, processing instructions and CDATA sections are none. */
export function* tagsOf(xml: string): Generator<Tag> {
  for (const match of xml.matchAll(pattern)) {
    const [whole, slash, prefix = '', name, attributes = '', empty] = match;
    if (name === undefined) continue;
    const kind = slash === '/' ? 'close' : empty === '/' ? 'empty' : 'open';
    yield { kind, name, prefix, attributes, start: match.index, end: match.index + whole.length };
  }
}

/** By name as written, with prefix. */
export function attributesOf({ attributes }: Tag): Record<string, string | undefined> {
  const found: Record<string, string | undefined> = Object.create(null);
  for (const [, name = '', double, single] of attributes.matchAll(/([^\s=]+)\s*=\s*(?:"([^"]*)"|'([^']*)')/g))
    found[name] = decodeText(double ?? single ?? '');
  return found;
}

const named: Record<string, string> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" };

/** Character data -> text: references resolved, CDATA sections unwrapped, comments dropped. */
export function decodeText(xml: string): string {
  if (!/[&<]/.test(xml)) return xml;
  return xml.replace(
    /<!\[CDATA\[([\s\S]*?)(?:\]\]>|$)|<!--[\s\S]*?(?:-->|$)|&(?:#x([0-9a-f]{1,6})|#(\d{1,7})|(\w+));/gi,
    (whole, cdata: string | undefined, hex, decimal, name) => {
      if (cdata !== undefined) return cdata;
      if (whole.startsWith('<')) return '';
      const code = hex !== undefined ? Number.parseInt(hex, 16) : Number.parseInt(decimal ?? '', 10);
      if (Number.isNaN(code)) return named[name] ?? whole;
      return code <= 0x10ffff ? String.fromCodePoint(code) : '';
    },
  );
}

/** Text -> character data or attribute value; what XML 1.0 cannot hold is dropped. */
export function encodeText(text: string): string {
  return text
    .toWellFormed()
    .replace(/[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/gu, '')
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;');
}
