/**
 * A statement to be printed: what is owed, what it is made of, and how each figure came about. It says nothing that the signed file
 * does not say; the digest in its foot is that file's. The same file and link give the same bytes.
 */
import type { Statement, StatementLine } from '../../protocols/statement.ts';
import { formatMinor, micro, minor } from '../../protocols/units.ts';
import { meanPrice, moneyText, quantityText, unitText } from './figures.ts';
import { ACCENT, type Column, LINE, MARGIN, MUTED, Sheet, WIDTH } from './sheet.ts';
import { explainLines, explainRegisters, handover } from './statement-proof.ts';
import { touBars } from './tou-bars.ts';

export interface PrintedStatement {
  statement: Statement;
  /** SHA-256 of the signed file. */
  digest: string;
  /** The tenant's page; null where the service knows no public address. */
  url: string | null;
}

/** @throws MissingGlyphError */
export async function statementPdf({ statement, digest, url }: PrintedStatement): Promise<Buffer> {
  const { head } = statement;
  const sheet = new Sheet({
    title: `${head.id} ${head.tenant}`,
    author: head.issuer,
    createdMs: Temporal.Instant.from(head.issuedAt).epochMilliseconds,
  });
  title(sheet, statement);
  total(sheet, statement, { digest, url });
  correction(sheet, statement);
  touBars(sheet, statement);
  for (const utility of ['electricity', 'water'] as const) charges(sheet, statement, utility);
  carried(sheet, statement);
  explainRegisters(sheet, statement);
  explainLines(sheet, statement);
  handover(sheet, statement);
  return sheet.finish(`${head.id} · ${head.issuer} · 文件摘要 SHA-256 ${digest}`);
}

function title(sheet: Sheet, { head }: Statement): void {
  sheet.box(MARGIN, sheet.y, WIDTH, 3, ACCENT);
  sheet.y += 12;
  const half = { y: sheet.y, width: WIDTH / 2 };
  const height = sheet.text(head.issuer, { x: MARGIN, ...half }, { size: 12, bold: true });
  sheet.text('水电费结算单', { x: MARGIN + WIDTH / 2, ...half }, { size: 15, bold: true, align: 'right' });
  sheet.text(head.parkName, { x: MARGIN, y: sheet.y + height + 2, width: WIDTH / 2 }, { color: MUTED });
  sheet.text(
    'Utility statement',
    { x: MARGIN + WIDTH / 2, y: sheet.y + 21, width: WIDTH / 2 },
    { color: MUTED, align: 'right' },
  );
  sheet.y += 44;
}

const dayBefore = (date: string): string => Temporal.PlainDate.from(date).subtract({ days: 1 }).toString();

function total(
  sheet: Sheet,
  { head, signature }: Statement,
  { digest, url }: { digest: string; url: string | null },
): void {
  const top = sheet.y;
  const days = head.from < head.to ? `${head.from} 至 ${dayBefore(head.to)}` : head.period;
  const rows: [string, string][] = [
    ['租户 Tenant', head.tenant],
    ['租约 Lease', head.lease],
    ['计费期间 Period', days],
    ['结算单号 Statement', head.id],
    ['出账时间 Issued', localTime(head.issuedAt, head.timeZone)],
    ['签名公钥 Key', signature.keyId],
  ];
  for (const [name, value] of rows) {
    sheet.text(name, { x: MARGIN, y: sheet.y, width: 92 }, { size: 8, color: MUTED });
    sheet.y += Math.max(
      13,
      sheet.text(value, { x: MARGIN + 94, y: sheet.y, width: 180 }, { bold: name.startsWith('租户') }) + 3,
    );
  }
  const x = MARGIN + 290;
  const width = WIDTH - 290 - 92;
  sheet.text('应付总额 Total due', { x, y: top, width }, { size: 8, color: MUTED });
  sheet.text(
    moneyText(head.gross),
    { x, y: top + 13, width: width + 6 },
    { size: 21, bold: true, color: ACCENT },
  );
  sheet.text(
    `不含税 ${moneyText(head.net)}\n税额 ${moneyText(head.tax)}`,
    { x, y: top + 46, width },
    { size: 8.5, color: MUTED },
  );
  const side = 78;
  const qrX = MARGIN + WIDTH - side;
  sheet.qr(url ?? `sha256:${digest}`, { x: qrX, y: top, side });
  const hint = url === null ? '文件摘要' : '扫码核对、确认或提出异议';
  sheet.text(
    hint,
    { x: qrX - 8, y: top + side + 4, width: side + 8 },
    { size: 6.5, color: MUTED, align: 'right' },
  );
  sheet.y = Math.max(sheet.y, top + side + 18) + 4;
}

const localTime = (text: string, timeZone: string): string =>
  Temporal.Instant.from(text)
    .toZonedDateTimeISO(timeZone)
    .toPlainDateTime()
    .toString({ smallestUnit: 'minute' })
    .replace('T', ' ');

function correction(sheet: Sheet, { head }: Statement): void {
  if (head.corrects === undefined) return;
  const { statement, gross, cause, lines } = head.corrects;
  const change = formatMinor(minor(head.gross) - minor(gross));
  sheet.heading('更正 Correction');
  sheet.paragraph(`本单取代 ${statement}（${moneyText(gross)}），差额 ${moneyText(change)}。原因：${cause}`, {
    bold: true,
  });
  const columns: Column[] = [
    { title: '费用项', part: 0.34 },
    { title: '原数量', part: 0.16, align: 'right' },
    { title: '新数量', part: 0.16, align: 'right' },
    { title: '原金额(含税)', part: 0.17, align: 'right' },
    { title: '新金额(含税)', part: 0.17, align: 'right' },
  ];
  const gross2 = ({ net, tax }: { net: string; tax: string }): string =>
    moneyText(formatMinor(minor(net) + minor(tax)));
  sheet.table(
    columns,
    lines.map(({ component, pool, before, after }) => [
      pool === 'own' ? component : `${component} · ${pool}`,
      quantityText(before.quantity),
      quantityText(after.quantity),
      gross2(before),
      gross2(after),
    ]),
  );
}

const titles = { electricity: '电费 Electricity', water: '水费 Water' };

function charges(sheet: Sheet, { lines }: Statement, utility: 'electricity' | 'water'): void {
  const own = lines.filter((line) => line.utility === utility);
  const [first] = own;
  if (first === undefined) return;
  sheet.heading(titles[utility]);
  const columns: Column[] = [
    { title: '费用项', part: 0.26 },
    { title: '自用 / 公摊', part: 0.2 },
    { title: `数量 ${unitText(first.unit)}`, part: 0.14, align: 'right' },
    { title: '均价 (不含税)', part: 0.12, align: 'right' },
    { title: '税额', part: 0.12, align: 'right' },
    { title: '金额 (含税)', part: 0.16, align: 'right' },
  ];
  sheet.table(columns, own.map(chargeRow));
  const sum = (what: 'tax' | 'gross'): string =>
    moneyText(formatMinor(own.reduce((total, line) => total + minor(line[what]), 0n)));
  sheet.rule(sheet.y - 1, LINE);
  sheet.y += 2;
  const width = WIDTH * 0.16;
  sheet.text('小计 Subtotal', { x: MARGIN, y: sheet.y, width: 200 }, { size: 8.5, bold: true });
  sheet.text(
    sum('tax'),
    { x: MARGIN + WIDTH * 0.72, y: sheet.y, width: WIDTH * 0.12 - 8 },
    { size: 8.5, align: 'right' },
  );
  sheet.y +=
    sheet.text(
      sum('gross'),
      { x: MARGIN + WIDTH * 0.84, y: sheet.y, width },
      { size: 8.5, bold: true, align: 'right' },
    ) + 4;
}

const chargeRow = ({ name, pool, poolName, quantity, net, tax, gross }: StatementLine): string[] => [
  name,
  pool === 'own' ? '自用' : `公摊 · ${poolName}`,
  micro(quantity) === 0n ? '' : quantityText(quantity),
  meanPrice(net, quantity),
  moneyText(tax),
  moneyText(gross),
];

function carried(sheet: Sheet, { head }: Statement): void {
  const list = head.carried ?? [];
  if (list.length === 0) return;
  sheet.heading('往期调整与减免 Adjustments and credits');
  sheet.table(
    [
      { title: '账期', part: 0.1 },
      { title: '费用项', part: 0.24 },
      { title: '原因', part: 0.36 },
      { title: '数量差', part: 0.14, align: 'right' },
      { title: '金额 (含税)', part: 0.16, align: 'right' },
    ],
    list.map(({ servicePeriod, name, pool, poolName, reason, before, after, gross }) => [
      servicePeriod,
      pool === 'own' ? name : `${name} · ${poolName}`,
      reason,
      before === null || after === null ? '' : difference(before.quantity, after.quantity),
      moneyText(gross),
    ]),
  );
}

const difference = (before: string, after: string): string => {
  const change = micro(after) - micro(before);
  const sign = change < 0n ? '-' : '';
  const digits = (change < 0n ? -change : change).toString().padStart(7, '0');
  return quantityText(`${sign}${digits.slice(0, -6)}.${digits.slice(-6)}`);
};
