/** The writer of the buffer whose system calls fail, one after the other: nothing that it called accepted may be missing then. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { countAll, newTally, type Tally, type TortureOptions, type TorturePart, tell } from './tally.ts';
import { Writer } from './writer.ts';

export const STRACE = '/usr/bin/strace';
/** Each error at each of so many points of these calls; the other calls, and deaths in all of them, at fewer. */
const FLUSHES_AND_WRITES = ['fdatasync', 'fsync', 'write', 'pwrite64'] as const;
const POINTS = 50;
const OTHERS = ['rename', 'openat'] as const;
const OTHER_POINTS = 10;
const ERRORS = ['error=EIO', 'error=ENOSPC'] as const;
const DEATH = 'signal=KILL';
const COMMITS = 60;

/** The how manieth call fails how. */
interface Failure {
  call: string;
  harm: string;
  point: number;
}

/** Neighbours are unlike each other, so that a short run meets every call. */
const failures: Failure[] = Array.from({ length: POINTS }, (_, n) => n + 1).flatMap((point) => [
  ...ERRORS.flatMap((harm) => FLUSHES_AND_WRITES.map((call) => ({ call, harm, point }))),
  ...(point > OTHER_POINTS
    ? []
    : [
        ...ERRORS.flatMap((harm) => OTHERS.map((call) => ({ call, harm, point }))),
        ...[...FLUSHES_AND_WRITES, ...OTHERS].map((call) => ({ call, harm: DEATH, point })),
      ]),
]);

export const syscallsTorture: TorturePart = {
  name: 'syscalls',
  about: `each of the first ${POINTS} ${FLUSHES_AND_WRITES.join('/')} of the buffer's writer fails: no false acceptance`,
  rounds: { usual: 28, full: failures.length },
  proves: [
    { invariant: 8, promise: 'a failing write or flush acknowledges nothing', of: 'points', atLeast: 500 },
  ],
  run: tortureSyscalls,
};

async function tortureSyscalls({ rounds, onRound }: TortureOptions): Promise<Tally> {
  const tally = newTally();
  if (!existsSync(STRACE)) return { ...tally, skipped: `${STRACE} is not installed` };
  for (let round = 0; round < rounds; round += 1) {
    // A short run spreads over all of them.
    const failure = failures[Math.floor((round * failures.length) / rounds) % failures.length];
    if (failure === undefined) break;
    await failOnce(failure, tally);
    tell(tally, 'points');
    onRound(tally);
  }
  return tally;
}

async function failOnce({ call, harm, point }: Failure, tally: Tally): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'meterline-syscalls-'));
  try {
    const writer = await Writer.start(join(folder, 'outbox'), { commits: COMMITS });
    const pid = writer.victim.process.pid ?? 0;
    const inject = `inject=${call}:${harm}:when=${point}`;
    const strace = spawn(
      STRACE,
      ['-f', '-p', `${pid}`, '-e', `trace=${call}`, '-e', inject, '-o', '/dev/null'],
      {
        stdio: ['ignore', 'ignore', 'pipe'],
      },
    );
    const left = once(strace, 'exit');
    await attached(strace);
    writer.go();
    const signal = await writer.victim.ended.catch(() => null);
    await left;
    if (writer.fault !== null || signal === 'SIGKILL') tally.killed += 1;
    countAll(tally, writer.check(), `${call} ${harm} ${point}`);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** It says so on standard error, before it lets the process go on. */
async function attached({ stderr, exitCode }: ChildProcess): Promise<void> {
  if (stderr === null || exitCode !== null) throw new Error('strace did not start');
  for await (const chunk of stderr) {
    if (String(chunk).includes('attached')) {
      stderr.resume();
      return;
    }
  }
  throw new Error('strace could not attach');
}
