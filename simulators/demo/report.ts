/** The demo's report for a person: aligned columns, a unit at every number, no more than a screen or two. */
import type { BalanceNode, Charge } from '../../protocols/api.ts';
import { formatDecimal, parseDecimal } from '../../protocols/decimal.ts';
import { formatMinor, minor } from '../../protocols/units.ts';
import type { DemoOutcome } from './run-demo.ts';
import { isPlanted } from './verdict.ts';

/** Chinese characters are two columns wide. */
const width = (text: string): number =>
  [...text].reduce(
    (sum, char) =>
      sum +
      (/[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60]/.test(char) ? 2 : 1),
    0,
  );
const left = (text: string, columns: number): string => text + ' '.repeat(Math.max(columns - width(text), 0));
const right = (text: string, columns: number): string =>
  ' '.repeat(Math.max(columns - width(text), 0)) + text;

const grouped = (whole: string): string => whole.replace(/\B(?=(\d{3})+$)/g, ' ');
const spaced = (decimal: string): string => {
  const [whole = '0', fraction] = decimal.split('.');
  return fraction === undefined ? grouped(whole) : `${grouped(whole)}.${fraction}`;
};
/** `¥12 345.60` */
const money = (amount: string): string =>
  amount.startsWith('-') ? `-¥${spaced(amount.slice(1))}` : `¥${spaced(amount)}`;
const unitText = (unit: string): string => (unit === 'm3' ? 'm³' : unit);
/** Two decimals are enough to read; the exact figures are in the charges. */
const quantity = (decimal: string): string => spaced(formatDecimal(parseDecimal(decimal, 6) / 10_000n, 2, 2));

export function demoReport(outcome: DemoOutcome): string {
  const { generated, verdict, seconds, restarts, withoutTerminals } = outcome;
  const { park } = generated;
  const { period = '' } = park.sourceBills[0] ?? {};
  const lines = [
    '',
    `${park.name}  ${period}  ${park.meters.length} meters, ${park.leases.length} leases`,
    ...balances(outcome),
    ...moneyTable(outcome),
    ...leases(outcome),
    ...anomalies(outcome),
    ...proofs(outcome),
  ];
  if (restarts.edge + restarts.cloud > 0)
    lines.push(`Restarted          edge ${restarts.edge}, cloud ${restarts.cloud}`);
  if (withoutTerminals.length > 0)
    lines.push(`No pseudo terminals here: ${withoutTerminals.join(', ')} ran over sockets`);
  lines.push('', ...verdict.problems.map((problem) => `NOT OK  ${problem}`));
  if (verdict.problems.length === 0) lines.push(`ok in ${seconds.toFixed(1)} s`);
  return lines.join('\n');
}

function balances({ month }: DemoOutcome): string[] {
  return month.balances.flatMap(({ utility, unit, nodes, conserved }) => {
    const branches = inTreeOrder(nodes).filter(({ node }) => node.verdict !== 'leaf');
    const rows = branches.map(({ node, depth }) =>
      [
        left(`  ${'  '.repeat(depth)}${node.meter} ${node.name}`, 36),
        right(quantity(node.quantity), 13),
        right(quantity(node.children), 13),
        right(quantity(node.residual), 11),
        right(`±${quantity(node.tolerance)}`, 11),
        `  ${node.verdict}`,
      ].join(''),
    );
    const head = left(`${utility}, ${unitText(unit)}`, 36) + right('meter', 13) + right('below it', 13);
    return [
      '',
      `${head}${right('residual', 11)}${right('tolerance', 11)}  ${conserved ? 'balanced' : 'NOT BALANCED'}`,
      ...rows,
    ];
  });
}

function inTreeOrder(
  nodes: readonly BalanceNode[],
  parent: string | null = null,
  depth = 0,
): { node: BalanceNode; depth: number }[] {
  return nodes
    .filter((node) => node.parent === parent)
    .flatMap((node) => [{ node, depth }, ...inTreeOrder(nodes, node.meter, depth + 1)]);
}

function moneyTable({ verdict, generated }: DemoOutcome): string[] {
  const heads = ['supplier bills', 'tenants', 'landlord'].map((head) => right(head, 17)).join('');
  return [
    '',
    left('Money (gross, CNY)', 36) + heads,
    ...verdict.utilities.map(({ utility, source, tenants, landlord, conserved }) => {
      const supplier = generated.park.sourceBills.find((bill) => bill.utility === utility)?.supplier ?? '';
      const amounts = [source, tenants, landlord].map((amount) => right(money(amount), 17)).join('');
      return `${left(`  ${utility}  ${supplier}`, 36)}${amounts}  ${conserved ? 'conserved' : 'NOT CONSERVED'}`;
    }),
  ];
}

function leases({ generated, month }: DemoOutcome): string[] {
  const total = (charges: readonly Charge[]): string =>
    formatMinor(charges.reduce((sum, { gross }) => sum + minor(gross), 0n));
  const heads = ['electricity', 'water', 'total'].map((head) => right(head, 15)).join('');
  const rows = [...generated.park.leases, null].map((lease) => {
    const own = month.charges.filter((charge) => charge.lease === (lease?.id ?? null));
    const of = (utility: string): Charge[] => own.filter((charge) => charge.utility === utility);
    const statement = month.statements.find((one) => one.lease === lease?.id);
    const span = statement === undefined ? '' : `${statement.from.slice(5)}..${statement.to.slice(5)}`;
    const who = lease === null ? '      业主 landlord' : `${lease.id}  ${lease.tenant}`;
    const amounts = [of('electricity'), of('water'), own].map((part) => right(money(total(part)), 15));
    return `${left(`  ${left(who, 24)} ${span}`, 42)}${amounts.join('')}  ${own.length} charges`;
  });
  return ['', left('Charges', 42) + heads, ...rows, `  digest ${month.digest}`];
}

function anomalies({ generated: { park, planted }, month }: DemoOutcome): string[] {
  const { leak, outage } = planted;
  const at = (ms: number): string => {
    const local = Temporal.Instant.fromEpochMilliseconds(ms).toZonedDateTimeISO(park.timeZone);
    return `${local.toPlainDate()} ${local.toPlainTime().toString({ smallestUnit: 'minute' })}`;
  };
  return [
    '',
    `Planted  leak on ${leak.meter} of ${leak.perHour} l/h from ${at(leak.fromMs)}; outage of ${outage.bus} from ${at(outage.fromMs)} to ${at(outage.toMs)}`,
    ...month.anomalies.map(
      (one) =>
        `  ${isPlanted(planted, one) ? 'found' : 'NOT PLANTED'}  ${one.kind} ${one.meter}: ${one.evidence.en}`,
    ),
  ];
}

function proofs({ readings, month, verdict }: DemoOutcome): string[] {
  const { expected, stored, lost, duplicated, altered, unexplained } = readings;
  return [
    '',
    `Readings           ${spaced(`${expected}`)} given, ${spaced(`${stored}`)} stored: ${lost} lost, ${duplicated} duplicated, ${altered} altered, ${unexplained} unexplained`,
    `Ledger             ${money(verdict.ledgerTotal)} in ${month.charges.length} charges`,
    `Statements         ${month.statementsVerified} of ${month.statements.length} verified offline`,
  ];
}
