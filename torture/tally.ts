/** What a part of the torture counts, and how it starts the processes that it kills. */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { type CheckResult, FAULTS, type FaultKind, noteFault } from '../simulators/compare-readings.ts';

export interface Tally extends Pick<CheckResult, FaultKind | 'findings'> {
  /** Processes; where none is killed, whatever was done to harm. */
  killed: number;
  /** What else was counted or measured, by its name. */
  figures: Record<string, number>;
  /** Why the part could not be run here; not there when it was. */
  skipped?: string;
}

/** What a part shows of an invariant (1 to 23) when nothing went wrong in it. */
export interface Proof {
  invariant: number;
  promise: string;
  /** What of the tally has to reach the figure in the full run: rounds, `killed`, or one of its figures. */
  of: string;
  atLeast: number;
}

export interface TortureOptions {
  /** Decides whom, when and how often; the machine's scheduling does the rest. */
  seed: number;
  rounds: number;
  onRound: (tally: Tally) => void;
}

export interface TorturePart {
  name: string;
  /** What is killed, and what must hold afterwards. */
  about: string;
  rounds: { usual: number; full: number };
  proves: readonly Proof[];
  run(options: TortureOptions): Promise<Tally>;
}

const LISTED = 10;

export const newTally = (): Tally => ({
  killed: 0,
  lost: 0,
  duplicated: 0,
  altered: 0,
  unexplained: 0,
  findings: [],
  figures: {},
});

export const count = (tally: Tally, kind: FaultKind, times: number, why: string): void =>
  noteFault(tally, kind, why, times);

/** Counts what was done, for the report. */
export function tell(tally: Tally, figure: string, times = 1): void {
  tally.figures[figure] = (tally.figures[figure] ?? 0) + times;
}

/** Takes over what a comparison found. */
export function countAll(
  tally: Tally,
  result: Pick<CheckResult, FaultKind | 'findings'>,
  where: string,
): void {
  for (const kind of FAULTS) tally[kind] += result[kind];
  const findings = result.findings.map((finding) => `${where}: ${finding}`);
  tally.findings.push(...findings.slice(0, Math.max(0, LISTED - tally.findings.length)));
}

export interface Victim {
  process: ChildProcess;
  /** Resolves with the signal that ended it, or null, after its last whole line was heard. */
  ended: Promise<NodeJS.Signals | null>;
}

/**
 * Starts a child that says line by line on standard output what it has done.
 * @param through a program and its arguments, which become the child
 */
export function startVictim(
  script: string,
  args: string[],
  onLine: (line: string) => void,
  through: readonly string[] = [],
): Victim {
  const [execPath = process.execPath, ...execArgv] = [...through, process.execPath];
  const child = fork(script, args, { stdio: ['ignore', 'pipe', 'inherit', 'ipc'], execPath, execArgv });
  const exited = once(child, 'exit') as Promise<[number | null, NodeJS.Signals | null]>;
  const heard = listen(child, onLine);
  const ended = Promise.all([exited, heard]).then(([[code, signal]]) => {
    if (signal === null && code !== 0) throw new Error(`${script} ended by itself with code ${code}`);
    return signal;
  });
  // Whoever waits for it hears of it; until then it is no unhandled rejection.
  ended.catch(() => undefined);
  return { process: child, ended };
}

async function listen({ stdout }: ChildProcess, onLine: (line: string) => void): Promise<void> {
  if (stdout === null) return;
  for await (const line of createInterface({ input: stdout })) onLine(line);
}
