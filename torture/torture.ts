/** `meterline torture`: processes killed again and again, and one count of what was lost, doubled or altered by it. */
import { execFileSync } from 'node:child_process';
import { parseArgs } from 'node:util';
import { closeTorture } from './close.ts';
import { demoTorture } from './demo.ts';
import { lineTorture } from './line.ts';
import { outboxTorture } from './outbox.ts';
import { repliesTorture } from './replies.ts';
import { newTally, type Tally, type TorturePart } from './tally.ts';
import { worldsTorture } from './worlds.ts';

const parts: TorturePart[] = [
  worldsTorture,
  repliesTorture,
  outboxTorture,
  lineTorture,
  closeTorture,
  demoTorture,
];

const USAGE = `Usage: meterline torture [PART...] [--json] [--full] [--seed N]

  --full      the full count of kills, within an hour; without it, some minutes
  --seed N    another choice of whom to kill when (default 1)
  --json      the report as one JSON document on standard output

Parts, all of them when none is named:
${parts.map(({ name, about }) => `  ${name.padEnd(10)}${about}`).join('\n')}`;

interface PartReport extends Tally {
  name: string;
  rounds: number;
  seconds: number;
  /** All rounds were run. */
  finished: boolean;
}

/** What `--json` prints. */
export interface TortureReport {
  seed: number;
  /** Of the repository; null where there is none. */
  commit: string | null;
  rounds: number;
  killed: number;
  lost: number;
  duplicated: number;
  altered: number;
  /** Nothing was lost, duplicated or altered, every part ran to its end, and killed. */
  ok: boolean;
  parts: PartReport[];
}

/** Exit codes: 0 all held, 1 something was lost, duplicated or altered, 2 usage refused. */
export async function run(args: string[]): Promise<number> {
  const options = {
    json: { type: 'boolean' },
    full: { type: 'boolean' },
    seed: { type: 'string', default: '1' },
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
  const seed = Number(values.seed);
  const reports: PartReport[] = [];
  for (const part of parts) {
    if (positionals.length > 0 && !positionals.includes(part.name)) continue;
    const rounds = values.full ? part.rounds.full : part.rounds.usual;
    const report = await runPart(part, seed, rounds);
    reports.push(report);
    for (const finding of report.findings) process.stderr.write(`  ${finding}\n`);
  }
  const report = tortureReport(seed, headCommit(), reports);
  process.stdout.write(values.json ? `${JSON.stringify(report, null, 2)}\n` : formatTorture(report));
  return report.ok ? 0 : 1;
}

function refuse(reason: string): number {
  process.stderr.write(`meterline torture: ${reason}\n\n${USAGE}\n`);
  return 2;
}

/** A part that cannot go on is not finished; its findings say why. */
async function runPart(
  { name, run: torture }: TorturePart,
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
        const { killed, lost, duplicated, altered } = sofar;
        const faults = `lost ${lost}, duplicated ${duplicated}, altered ${altered}`;
        show(`${name} ${done}/${rounds}: ${killed} killed, ${faults}`);
      },
    });
  } catch (error) {
    tally.findings.push(`round ${done + 1}: ${error instanceof Error ? error.stack : error}`);
  }
  const seconds = Math.round((performance.now() - started) / 100) / 10;
  return { name, rounds: done, ...tally, seconds, finished: done === rounds };
}

/** Sums the parts. */
export function tortureReport(seed: number, commit: string | null, reports: PartReport[]): TortureReport {
  const sum = (key: 'rounds' | 'killed' | 'lost' | 'duplicated' | 'altered'): number =>
    reports.reduce((total, report) => total + report[key], 0);
  const faults = { lost: sum('lost'), duplicated: sum('duplicated'), altered: sum('altered') };
  const ok =
    faults.lost + faults.duplicated + faults.altered === 0 &&
    reports.every(({ killed, finished }) => killed > 0 && finished);
  return { seed, commit, rounds: sum('rounds'), killed: sum('killed'), ...faults, ok, parts: reports };
}

export function formatTorture({ ok, parts: reports, ...total }: TortureReport): string {
  const head = ['', 'rounds', 'killed', 'lost', 'duplicated', 'altered', 'seconds'];
  const cells = ({
    name,
    rounds,
    killed,
    lost,
    duplicated,
    altered,
    seconds,
  }: Omit<PartReport, 'findings' | 'finished'>): string[] =>
    [name, rounds, killed, lost, duplicated, altered, seconds].map(String);
  const seconds = reports.reduce((all, report) => all + report.seconds, 0);
  const all = cells({ ...total, name: 'all', seconds: Math.round(seconds * 10) / 10 });
  const rows = [head, ...reports.map(cells), all];
  const widths = head.map((_, c) => Math.max(...rows.map((row) => row[c]?.length ?? 0)));
  const lines = rows.map((row) =>
    row.map((cell, c) => (c === 0 ? cell.padEnd(widths[c] ?? 0) : cell.padStart(widths[c] ?? 0))).join('  '),
  );
  const verdict = ok ? 'ok: nothing was lost, duplicated or altered' : 'NOT OK';
  return [...lines, '', `${verdict} (seed ${total.seed}, commit ${total.commit ?? 'unknown'})`, ''].join(
    '\n',
  );
}

function headCommit(): string | null {
  try {
    const git = ['-C', import.meta.dirname, 'rev-parse', '--short=12', 'HEAD'];
    return execFileSync('git', git, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim();
  } catch {
    return null;
  }
}
