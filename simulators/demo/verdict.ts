/** Whether the month reconciles: money to the fen, readings to the last one, and the planted faults found and nothing else. */
import type { Anomaly, Charge } from '../../protocols/api.ts';
import type { Park } from '../../protocols/park.ts';
import type { Utility } from '../../protocols/units.ts';
import { formatMinor, minor } from '../../protocols/units.ts';
import type { CheckResult } from '../compare-readings.ts';
import type { Planted } from '../park/generate-park.ts';
import type { ClosedMonth } from './close-month.ts';

/** One utility's money, recomputed from the charges; gross, in CNY. */
export interface UtilityTotal {
  utility: Utility;
  currency: 'CNY';
  /** What the supplier bills. */
  source: string;
  tenants: string;
  landlord: string;
  conserved: boolean;
}

export interface Verdict {
  utilities: UtilityTotal[];
  ledgerTotal: string;
  /** What does not hold, in words; empty when all does. */
  problems: string[];
}

export function judgeMonth(park: Park, planted: Planted, readings: CheckResult, month: ClosedMonth): Verdict {
  const utilities = park.sourceBills.map((bill) => utilityTotal(bill, month.charges));
  const billed = sum(utilities.map(({ source }) => source));
  const { run } = month;
  const problems = [
    ...readings.findings,
    ...utilities.filter(({ conserved }) => !conserved).map((one) => `${one.utility}: ${JSON.stringify(one)}`),
    ...run.proof.filter(({ holds }) => !holds).map((row) => `proof: ${JSON.stringify(row)}`),
    ...agree('the run and the charges', run.charges, month.charges.length),
    ...agree('the ledger and the bills', run.ledgerTotal, formatMinor(billed)),
    ...agree('the run and the statements', run.statements, month.statements.length),
    ...agree('statements and verified statements', month.statements.length, month.statementsVerified),
    ...month.balances
      .filter(({ conserved }) => !conserved)
      .map(({ utility }) => `the ${utility} tree does not balance`),
    ...anomalyProblems(planted, month.anomalies),
  ];
  for (const one of utilities) {
    const told = run.utilities.find(({ utility }) => utility === one.utility);
    if (told?.tenants !== one.tenants || told.landlord !== one.landlord || told.source !== one.source)
      problems.push(
        `${one.utility}: the run says ${JSON.stringify(told)}, its charges ${JSON.stringify(one)}`,
      );
  }
  const { lost, duplicated, altered, unexplained } = readings;
  if (lost + duplicated + altered + unexplained > 0)
    problems.push(`readings: ${JSON.stringify({ lost, duplicated, altered, unexplained })}`);
  return { utilities, ledgerTotal: run.ledgerTotal, problems };
}

const sum = (amounts: readonly string[]): bigint => amounts.reduce((all, amount) => all + minor(amount), 0n);
const agree = (what: string, a: string | number, b: string | number): string[] =>
  a === b ? [] : [`${what} differ: ${a} and ${b}`];

function utilityTotal(
  { utility, lines }: Park['sourceBills'][number],
  charges: readonly Charge[],
): UtilityTotal {
  const own = charges.filter((charge) => charge.utility === utility);
  const source = sum(lines.flatMap(({ net, tax }) => [net, tax]));
  const tenants = sum(own.filter(({ lease }) => lease !== null).map(({ gross }) => gross));
  const landlord = sum(own.filter(({ lease }) => lease === null).map(({ gross }) => gross));
  return {
    utility,
    currency: 'CNY',
    source: formatMinor(source),
    tenants: formatMinor(tenants),
    landlord: formatMinor(landlord),
    conserved: source === tenants + landlord,
  };
}

/** The leak, on its meter and after it began; the outage, on one of its bus's meters and in its time; nothing else. */
export function isPlanted({ leak, outage }: Planted, { kind, meter, start }: Anomaly): boolean {
  const startMs = Temporal.Instant.from(start).epochMilliseconds;
  if (kind === 'night_flow') return meter === leak.meter && Math.abs(startMs - leak.fromMs) < 2 * DAY_MS;
  if (kind === 'gap')
    return (
      outage.meters.includes(meter) && startMs > outage.fromMs - 2 * INTERVAL_MS && startMs < outage.toMs
    );
  return false;
}
const DAY_MS = 86_400_000;
const INTERVAL_MS = 900_000;

function anomalyProblems(planted: Planted, anomalies: readonly Anomaly[]): string[] {
  const found = anomalies.filter((one) => isPlanted(planted, one));
  const others = anomalies.filter((one) => !isPlanted(planted, one));
  return [
    ...(found.some(({ kind }) => kind === 'night_flow') ? [] : ['the leak was not found']),
    ...(found.some(({ kind }) => kind === 'gap') ? [] : ['the outage was not found']),
    ...others.map(
      ({ kind, meter, evidence }) => `an anomaly that was not planted: ${kind} ${meter}: ${evidence.en}`,
    ),
  ];
}
