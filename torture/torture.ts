/** `meterline torture`: processes killed and disks failing again and again, and one count of what came of it. */
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import type { FaultKind } from '../simulators/compare-readings.ts';
import { clocksTorture } from './clocks.ts';
import { closeTorture } from './close.ts';
import { conflictsTorture } from './conflicts.ts';
import { corruptionTorture } from './corruption.ts';
import { demoTorture } from './demo.ts';
import { fullDiskTorture } from './full-disk.ts';
import { gapsTorture } from './gaps.ts';
import { ledgerTorture } from './ledger.ts';
import { lineTorture } from './line.ts';
import { millionTorture } from './million.ts';
import { namespacesTorture } from './namespaces.ts';
import { networkTorture } from './network.ts';
import { noisyTorture } from './noisy.ts';
import { ordersTorture } from './orders.ts';
import { outboxTorture } from './outbox.ts';
import { parksTorture } from './parks.ts';
import { poisonTorture } from './poison.ts';
import { powerTorture } from './power.ts';
import { receiptsTorture } from './receipts.ts';
import { registersTorture } from './registers.ts';
import { repliesTorture } from './replies.ts';
import { syscallsTorture } from './syscalls.ts';
import { newTally, type Proof, type Tally, type TorturePart } from './tally.ts';
import { worldsTorture } from './worlds.ts';

const parts: TorturePart[] = [
  worldsTorture,
  receiptsTorture,
  gapsTorture,
  conflictsTorture,
  ordersTorture,
  corruptionTorture,
  poisonTorture,
  clocksTorture,
  registersTorture,
  repliesTorture,
  outboxTorture,
  syscallsTorture,
  powerTorture,
  fullDiskTorture,
  lineTorture,
  networkTorture,
  namespacesTorture,
  noisyTorture,
  millionTorture,
  closeTorture,
  ledgerTorture,
  parksTorture,
  demoTorture,
];

const USAGE = `Usage: meterline torture [PART...] [--json] [--full] [--seed N] [--rounds N] [--report FILE] [--resume]

  --full         the full count of kills, within an hour; without it, some minutes
  --seed N       another choice of whom to kill when (default 1)
  --rounds N     so many rounds of each part
  --json         the report as one JSON document on standard output
  --report FILE  the same, into a file as well, after each part
  --resume       goes on where the run of that file was interrupted, at the same commit

Parts, all of them when none is named:
${parts.map(({ name, about }) => `  ${name.padEnd(10)}${about}`).join('\n')}`;

interface PartReport extends Tally {
  name: string;
  proves: readonly Proof[];
  rounds: number;
  seconds: number;
  /** All rounds were run. */
  finished: boolean;
}

/** One promise, what was done to break it, and whether the full figure was reached. */
export interface InvariantReport extends Proof {
  part: string;
  done: number;
  held: boolean;
  reached: boolean;
}

/** What `--json` prints. */
export interface TortureReport {
  seed: number;
  /** Of the repository; null where there is none. */
  commit: string | null;
  /** Every part had its full count of rounds. */
  full: boolean;
  rounds: number;
  /** RFC 3339. */
  startedAt: string;
  killed: number;
  lost: number;
  duplicated: number;
  altered: number;
  unexplained: number;
  seconds: number;
  /**
   * Nothing was lost, duplicated, altered or unexplained, and every part that could be run ran to its end, and did harm; in a
   * full run every figure of an invariant was reached as well.
   */
  ok: boolean;
  invariants: InvariantReport[];
  parts: PartReport[];
}

type ReportHead = Pick<TortureReport, 'seed' | 'commit' | 'startedAt' | 'full'>;

/** Exit codes: 0 all held, 1 something was lost, duplicated or altered, 2 usage refused. */
export async function run(args: string[]): Promise<number> {
  const options = {
    json: { type: 'boolean' },
    full: { type: 'boolean' },
    seed: { type: 'string', default: '1' },
    rounds: { type: 'string' },
    report: { type: 'string' },
    resume: { type: 'boolean' },
    help: { type: 'boolean' },
  } as const;
  let parsed: ReturnType<
    typeof parseArgs<{ args: string[]; options: typeof options; allowPositionals: true }>
  >;
  try {
    parsed = parseArgs({ args, options, allowPositionals: true });
  } catch (error) {
    return refuse(String(error));
  }
  const { values, positionals } = parsed;
  if (values.help) {
    process.stdout.write(`${USAGE}\n`);
    return 0;
  }
  if (!/^\d{1,9}$/.test(values.seed)) return refuse(`--seed: "${values.seed}" is not a whole number`);
  const unknown = positionals.find((name) => !parts.some((part) => part.name === name));
  if (unknown !== undefined) return refuse(`there is no part "${unknown}"`);
  if (values.rounds !== undefined && !/^[1-9]\d{0,8}$/.test(values.rounds))
    return refuse(`--rounds: "${values.rounds}" is not a number of rounds`);
  const chosen = parts.filter(({ name }) => positionals.length === 0 || positionals.includes(name));
  const head: ReportHead = {
    seed: Number(values.seed),
    commit: headCommit(),
    startedAt: Temporal.Now.instant().round('second').toString(),
    full: values.full === true && values.rounds === undefined && positionals.length === 0,
  };
  const done = values.resume && values.report !== undefined ? finishedParts(values.report, head) : [];
  let report = tortureReport({ ...head, full: false }, done);
  for (const part of chosen) {
    const planned = values.full ? part.rounds.full : part.rounds.usual;
    const rounds = values.rounds === undefined ? planned : Number(values.rounds);
    if (!done.some(({ name }) => name === part.name)) done.push(await runPart(part, head.seed, rounds));
    for (const finding of done.at(-1)?.findings ?? []) process.stderr.write(`  ${finding}\n`);
    report = tortureReport({ ...head, full: head.full && done.length === chosen.length }, done);
    if (values.report !== undefined) writeFileSync(values.report, `${JSON.stringify(report, null, 2)}\n`);
  }
  process.stdout.write(values.json ? `${JSON.stringify(report, null, 2)}\n` : formatTorture(report));
  return report.ok ? 0 : 1;
}

/** Those of an earlier run that were finished, if it was of the same commit and seed. */
function finishedParts(file: string, { seed, commit }: ReportHead): PartReport[] {
  if (!existsSync(file)) return [];
  const before = JSON.parse(readFileSync(file, 'utf8')) as TortureReport;
  const isSame = before.seed === seed && before.commit === commit && commit !== null;
  return isSame ? before.parts.filter(({ finished }) => finished) : [];
}

function refuse(reason: string): number {
  process.stderr.write(`meterline torture: ${reason}\n\n${USAGE}\n`);
  return 2;
}

/** A part that cannot go on is not finished; its findings say why. */
async function runPart(
  { name, proves, run: torture }: TorturePart,
  seed: number,
  rounds: number,
): Promise<PartReport> {
  const started = performance.now();
  let done = 0;
  let tally = newTally();
  const show = (text: string): void => {
    const { isTTY } = process.stderr;
    const end = done === rounds || !isTTY ? '\n' : '';
    if (isTTY || done % Math.ceil(rounds / 10) === 0)
      process.stderr.write(`${isTTY ? '\r' : ''}${text}${end}`);
  };
  try {
    tally = await torture({
      seed,
      rounds,
      onRound(sofar) {
        tally = sofar;
        done += 1;
        const { killed, lost, duplicated, altered, unexplained } = sofar;
        const faults = `lost ${lost}, duplicated ${duplicated}, altered ${altered}, unexplained ${unexplained}`;
        show(`${name} ${done}/${rounds}: ${killed} killed, ${faults}`);
      },
    });
  } catch (error) {
    tally.findings.push(`round ${done + 1}: ${error instanceof Error ? error.stack : error}`);
  }
  const seconds = Math.round((performance.now() - started) / 100) / 10;
  return { name, proves, rounds: done, ...tally, seconds, finished: done === rounds };
}

const secondsOf = (reports: readonly PartReport[]): number =>
  Math.round(10 * reports.reduce((all, { seconds }) => all + seconds, 0)) / 10;

/** Sums the parts. */
export function tortureReport(
  { seed, commit, startedAt, full }: ReportHead,
  reports: PartReport[],
): TortureReport {
  const sum = (key: 'rounds' | 'killed' | FaultKind): number =>
    reports.reduce((total, report) => total + report[key], 0);
  const [lost, duplicated, altered, unexplained] = [
    sum('lost'),
    sum('duplicated'),
    sum('altered'),
    sum('unexplained'),
  ];
  const invariants = reports.flatMap(invariantsOf);
  const ok =
    lost + duplicated + altered + unexplained === 0 &&
    reports.every((report) => report.skipped !== undefined || (report.finished && didSomething(report))) &&
    (!full || invariants.every(({ reached }) => reached));
  const sums = { rounds: sum('rounds'), killed: sum('killed'), lost, duplicated, altered, unexplained };
  return {
    seed,
    commit,
    startedAt,
    full,
    ...sums,
    seconds: secondsOf(reports),
    ok,
    invariants,
    parts: reports,
  };
}

/** A part without harm, or without a case, shows nothing. */
const didSomething = ({ killed, figures }: PartReport): boolean =>
  killed > 0 || Object.values(figures).some((figure) => figure > 0);

function invariantsOf({ name, proves, ...report }: PartReport): InvariantReport[] {
  const { lost, duplicated, altered, unexplained, finished, rounds, killed, figures } = report;
  const held = finished && lost + duplicated + altered + unexplained === 0;
  return proves.map((proof) => {
    const done = { ...figures, rounds, killed }[proof.of] ?? 0;
    return { ...proof, part: name, done, held, reached: held && done >= proof.atLeast };
  });
}

export function formatTorture({ ok, invariants, parts: reports, ...total }: TortureReport): string {
  const head = ['', 'rounds', 'killed', 'lost', 'duplicated', 'altered', 'unexplained', 'seconds'];
  const cells = (
    row: Omit<PartReport, 'findings' | 'finished' | 'skipped' | 'figures' | 'proves'>,
  ): string[] =>
    [
      row.name,
      row.rounds,
      row.killed,
      row.lost,
      row.duplicated,
      row.altered,
      row.unexplained,
      row.seconds,
    ].map(String);
  const rows = [head, ...reports.map(cells), cells({ ...total, name: 'all' })];
  const widths = head.map((_, c) => Math.max(...rows.map((row) => row[c]?.length ?? 0)));
  const lines = rows.map((row) =>
    row.map((cell, c) => (c === 0 ? cell.padEnd(widths[c] ?? 0) : cell.padStart(widths[c] ?? 0))).join('  '),
  );
  const skipped = reports.flatMap(({ name, skipped: why }) =>
    why === undefined ? [] : [`${name} skipped: ${why}`],
  );
  const promises = invariants
    .sort((one, other) => one.invariant - other.invariant)
    .map(({ invariant, promise, of, atLeast, done, held, reached }) => {
      const how = reached ? 'reached' : held ? 'held, shorter than full' : 'BROKEN';
      return `${String(invariant).padStart(2)}. ${promise}: ${done} of ${atLeast} ${of}, ${how}`;
    });
  const verdict = ok ? 'ok: nothing was lost, duplicated, altered or unexplained' : 'NOT OK';
  const end = `${verdict} (seed ${total.seed}, commit ${total.commit ?? 'unknown'})`;
  return [...lines, '', ...promises, '', ...skipped, end, ''].join('\n');
}

function headCommit(): string | null {
  try {
    const git = ['-C', import.meta.dirname, 'rev-parse', '--short=12', 'HEAD'];
    return execFileSync('git', git, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim();
  } catch {
    return null;
  }
}
