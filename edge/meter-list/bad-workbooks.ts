/** Workbooks for tests: good ones whose parts were changed. */
import { Buffer } from 'node:buffer';
import { unzipSync, zipSync } from 'fflate';
import { writeWorkbook } from './write-workbook.ts';

const HEADINGS = ['表号', '型号', '总线', '地址', '出厂编号'];
const SHEET = 'xl/worksheets/sheet1.xml';

const good = (): Uint8Array =>
  writeWorkbook('表计', HEADINGS, [['E-1', 'eastron-sdm630', 'b1', '1', 'A'].map((text) => ({ text }))]);

/** The good workbook with the parts that `change` makes of its own. */
function changed(change: (parts: Record<string, string>) => void): Uint8Array {
  const parts = Object.fromEntries(
    Object.entries(unzipSync(good())).map(([name, bytes]) => [name, new TextDecoder().decode(bytes)]),
  );
  change(parts);
  return zipSync(
    Object.fromEntries(Object.entries(parts).map(([name, text]) => [name, new TextEncoder().encode(text)])),
  );
}

const replace = (part: string, from: RegExp | string, to: string): Uint8Array =>
  changed((parts) => {
    const text = parts[part]?.replace(from, to) ?? '';
    if (text === parts[part]) throw new Error(`${part} has no ${from}`);
    parts[part] = text;
  });

/** Letters that no packer makes much smaller. */
function noise(length: number): string {
  let state = 1;
  return Array.from({ length }, () => {
    state = (state * 48_271) % 2_147_483_647;
    return String.fromCharCode(65 + (state % 26));
  }).join('');
}

const cell = (reference: string): RegExp => new RegExp(`<c r="${reference}"[^>]*>.*?</c>`);
const rowsOf = (count: number): Uint8Array =>
  Buffer.concat([Buffer.from('meter,model,bus,unit\n'), Buffer.alloc(count * 8, 'E,m,b,1\n')]);

/** As some programs write them: every element with a prefix, rows and cells without their names, strings shared. */
export const unusualWorkbook = (): Uint8Array =>
  changed((parts) => {
    const sheet = parts[SHEET] ?? '';
    parts[SHEET] = sheet
      .replace(/ r="[A-Z]*\d+"/g, '')
      .replace(/<(\/?)(?=\w)/g, '<$1x:')
      .replace('xmlns=', 'xmlns:x=')
      .replace(/<x:c ([^>]*)t="inlineStr"><x:is><x:t[^>]*>E-1<\/x:t><\/x:is>/, '<x:c $1t="s"><x:v>0</x:v>');
    parts['xl/sharedStrings.xml'] =
      '<x:sst xmlns:x="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><x:si><x:r><x:t>E-</x:t></x:r><x:rPh sb="0" eb="1"><x:t>yi</x:t></x:rPh><x:r><x:t><![CDATA[1]]></x:t></x:r></x:si></x:sst>';
    parts['xl/_rels/workbook.xml.rels'] = (parts['xl/_rels/workbook.xml.rels'] ?? '').replace(
      '</Relationships>',
      '<Relationship Id="rId9" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/sharedStrings" Target="/xl/sharedStrings.xml"/></Relationships>',
    );
  });

export const badLists: Record<string, () => Uint8Array> = {
  nothing: () => new Uint8Array(),
  rows_20001: () => rowsOf(20_001),
  rows_1000000: () => rowsOf(1_000_000),
  bytes_40_000_000: () => rowsOf(5_000_000),
  bomb: () =>
    zipSync({
      ...unzipSync(good()),
      'xl/media/image1.bin': [new Uint8Array(129 * 1024 * 1024), { level: 1 }],
    }),
  string_bomb: () => replace(SHEET, '>E-1<', `>${'A'.repeat(60_000_000)}<`),
  parts_bomb: () =>
    zipSync({
      ...unzipSync(good()),
      ...Object.fromEntries(
        Array.from({ length: 400 }, (_, n) => [`xl/media/image${n}.bin`, new Uint8Array(90_000)]),
      ),
    }),
  long_cell: () => replace(SHEET, '>E-1<', `>${noise(32_768)}<`),
  long_field: () => Buffer.from(`meter,model,bus,unit\n${'A'.repeat(32_768)},m,b,1\n`),
  lying_bomb() {
    const bytes = Buffer.from(zipSync({ [SHEET]: new Uint8Array(8 * 1024 * 1024) }));
    // The uncompressed size in the central directory, at 24 of its entry.
    bytes.writeUInt32LE(100, bytes.indexOf(Buffer.from('PK\x01\x02', 'latin1')) + 24);
    return bytes;
  },
  entity: () =>
    replace(SHEET, '<worksheet', '<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]><worksheet'),
  macros: () => changed((parts) => Object.assign(parts, { 'xl/vbaProject.bin': 'x' })),
  old: () => Uint8Array.from([0xd0, 0xcf, 0x11, 0xe0, 0xa1, 0xb1, 0x1a, 0xe1]),
  zip: () => zipSync({ 'a.txt': new Uint8Array(3) }),
  cut: () => good().subarray(0, 700),
  formulas: () =>
    changed((parts) => {
      const sheet = parts[SHEET] ?? '';
      parts[SHEET] = sheet
        .replace(cell('A2'), '<c r="A2" t="str"><f>"E-"&amp;1</f><v>E-1</v></c>')
        .replace(cell('D2'), '<c r="D2"><f t="shared" si="0"/><v>1</v></c>');
    }),
  number_plate: () => replace(SHEET, cell('E2'), '<c r="E2"><v>1E10</v></c>'),
  zero_format: () =>
    changed((parts) => {
      parts[SHEET] = parts[SHEET]?.replace(cell('E2'), '<c r="E2" s="4"><v>12345</v></c>') ?? '';
      parts['xl/styles.xml'] =
        parts['xl/styles.xml']
          ?.replace(
            '<fonts',
            '<numFmts count="1"><numFmt numFmtId="200" formatCode="00000000"/></numFmts><fonts',
          )
          .replace(
            '</cellXfs>',
            '<xf numFmtId="200" fontId="0" fillId="0" borderId="0" xfId="0"/></cellXfs>',
          ) ?? '';
    }),
  date_cell: () =>
    changed((parts) => {
      parts[SHEET] =
        parts[SHEET]
          ?.replace(cell('A2'), '<c r="A2" s="4"><v>46023</v></c>')
          .replace(cell('D2'), '<c r="D2" t="e"><v>#REF!</v></c>') ?? '';
      parts['xl/styles.xml'] =
        parts['xl/styles.xml']?.replace(
          '</cellXfs>',
          '<xf numFmtId="58" fontId="0" fillId="0" borderId="0" xfId="0"/></cellXfs>',
        ) ?? '';
    }),
};
