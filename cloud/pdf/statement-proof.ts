/** The part of a printed statement that shows where its figures come from: registers, shares, prices; and the sheet to hand a meter over. */
import type { PoolStream, RegisterSpan, Statement, StatementLine } from '../../protocols/statement.ts';
import { fractionText, moneyText, quantityText, registerText, unitText } from './figures.ts';
import { type Column, MARGIN, MUTED, type Sheet, WIDTH } from './sheet.ts';

const registerColumns: Column[] = [
  { title: '表计 / 表号', part: 0.3 },
  { title: '期初示数', part: 0.16, align: 'right' },
  { title: '期末示数', part: 0.16, align: 'right' },
  { title: '倍率', part: 0.08, align: 'right' },
  { title: '用量', part: 0.18, align: 'right' },
  { title: '说明', part: 0.12 },
];

export function explainRegisters(sheet: Sheet, { registers, head }: Statement): void {
  if (registers.length === 0) return;
  sheet.heading('表计示数 Registers');
  sheet.table(
    registerColumns,
    registers.map((span) => registerRow(span, head.timeZone)),
    { size: 7.5 },
  );
}

function registerRow(span: RegisterSpan, timeZone: string): string[] {
  const { name, serial, opening, closing, multiplier, quantity, unit } = span;
  return [
    `${name}\n${serial}`,
    registerText(opening),
    registerText(closing),
    `×${registerText(multiplier)}`,
    `${quantityText(quantity, 3)} ${unitText(unit)}`,
    notes(span, timeZone),
  ];
}

const eventNames = { rollover: '翻转', exchange: '换表', estimated: '估算', frozen: '冻结' };

function notes({ events, estimated }: RegisterSpan, timeZone: string): string {
  const told = events.map(({ kind, at }) => {
    const date = Temporal.Instant.from(at).toZonedDateTimeISO(timeZone).toPlainDate().toString();
    return `${eventNames[kind]} ${date}`;
  });
  return [...told, ...(/[1-9]/.test(estimated) ? [`含估算 ${quantityText(estimated, 2)}`] : [])].join('\n');
}

/** One paragraph for each way in which lines came about: most lines of a pool share theirs. */
export function explainLines(sheet: Sheet, { lines }: Statement): void {
  if (lines.length === 0) return;
  sheet.heading('计算依据 How it was computed');
  sheet.table(
    [
      { title: '费用项', part: 0.24 },
      { title: '数量的由来', part: 0.42 },
      { title: '金额的由来', part: 0.34 },
    ],
    lines.map((line) => [
      `${line.name}\n${line.pool === 'own' ? '自用' : line.poolName}`,
      quantityBasis(line),
      priceBasis(line),
    ]),
    { size: 7.5 },
  );
}

function quantityBasis({ basis, quantity, unit }: StatementLine): string {
  const result = `= ${quantityText(quantity, 3)} ${unitText(unit)}`;
  switch (basis.kind) {
    case 'own':
      return `${basis.meters.join(' + ')}\n${result}`;
    case 'pool':
      return `${basis.rule}\n${quantityText(basis.poolQuantity, 3)} × ${registerText(basis.weight)} / ${registerText(basis.totalWeight)}\n${result}`;
    case 'rule':
      return [...basis.streams.flatMap((stream) => streamText(stream, unit)), result].join('\n');
  }
}

const streamText = ({ meters, difference, quantity, path }: PoolStream, unit: string): string[] => [
  `${difference === null ? meters.join(' + ') : `${meters.join(' + ')} 表差`}: ${quantityText(quantity, 3)} ${unitText(unit)}`,
  ...path.map(
    ({ poolName, rule, version, ruleText, share }) =>
      `× ${fractionText(share)} ${poolName} (${rule} v${version}: ${ruleText})`,
  ),
];

function priceBasis({ pricing, quantity }: StatementLine): string {
  switch (pricing.kind) {
    case 'share':
      return `${pricing.sourceBill}: ${moneyText(pricing.sourceNet)} + 税 ${moneyText(pricing.sourceTax)}\n× ${quantityText(quantity, 3)} / ${quantityText(pricing.meteredQuantity, 3)}`;
    case 'tiers':
      return [
        pricing.tariff,
        ...pricing.tiers.map(
          ({ upTo, unit }) => `${upTo === null ? '以上' : `至 ${registerText(upTo)}`}: ${unit}`,
        ),
        `界限 × ${pricing.boundMultiplier}，税率 ${pricing.taxRate}`,
      ].join('\n');
  }
}

/** Where the lease begins or ends within the period, both sides sign for the registers on that day. */
export function handover(sheet: Sheet, { head, registers }: Statement): void {
  const month = Temporal.PlainYearMonth.from(head.period);
  const first = month.toPlainDate({ day: 1 });
  const [movedIn, movedOut] = [head.from > first.toString(), head.to < first.add({ months: 1 }).toString()];
  if (registers.length === 0 || head.from >= head.to || !(movedIn || movedOut)) return;
  sheet.newPage();
  sheet.heading(
    movedOut ? '表计交接单（退租） Handover on moving out' : '表计交接单（入住） Handover on moving in',
  );
  const day = movedOut ? head.to : head.from;
  sheet.paragraph(`${head.tenant}（${head.lease}）· 交接日 ${day} 00:00 (${head.timeZone})`, { bold: true });
  sheet.paragraph('下列示数即前后租户共同的起止示数：前者的期末示数等于后者的期初示数。', { color: MUTED });
  const own = registers.filter(
    ({ from, to }) =>
      localDate(from, head.timeZone) === head.from && localDate(to, head.timeZone) === head.to,
  );
  sheet.table(
    [
      { title: '表计', part: 0.3 },
      { title: '表号', part: 0.24 },
      { title: '登记项', part: 0.16 },
      { title: '示数', part: 0.18, align: 'right' },
      { title: '现场照片 / 备注', part: 0.12 },
    ],
    own.map(({ name, serial, register, opening, closing, unit, events }) => [
      name,
      events.findLast(({ kind }) => kind === 'exchange') === undefined ? serial : `${serial} (换表)`,
      register,
      `${registerText(movedOut ? closing : opening)} ${unitText(unit)}`,
      '',
    ]),
  );
  sheet.y += 36;
  sheet.room(60);
  for (const [index, name] of ['交方签字', '接方签字', '物业签字'].entries()) {
    const x = MARGIN + (index * WIDTH) / 3;
    sheet.text(`${name}：____________________`, { x, y: sheet.y, width: WIDTH / 3 - 10 });
    sheet.text('日期：', { x, y: sheet.y + 22, width: WIDTH / 3 - 10 }, { color: MUTED });
  }
}

const localDate = (text: string, timeZone: string): string =>
  Temporal.Instant.from(text).toZonedDateTimeISO(timeZone).toPlainDate().toString();
