/** The writer of the buffer whose system calls fail, one after the other: nothing that it called accepted may be missing then. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { countAll, newTally, type Tally, type TortureOptions, type TorturePart, tell } from './tally.ts';
import { Writer } from './writer.ts';

export const STRACE = '/usr/bin/strace';
const CALLS = ['fdatasync', 'pwrite64', 'write', 'fsync', 'rename', 'openat'] as const;
const HARMS = ['error=EIO', 'error=ENOSPC', 'signal=KILL'] as const;
/** Of each call and harm, so many points. */
const POINTS = 50;
const COMBINATIONS = CALLS.length * HARMS.length;
const COMMITS = 60;

export const syscallsTorture: TorturePart = {
  name: 'syscalls',
  about: `each of the first ${POINTS} ${CALLS.join('/')} of the buffer's writer fails, or kills it: no false acceptance`,
  rounds: { usual: 28, full: COMBINATIONS * POINTS },
  proves: [
    { invariant: 8, promise: 'a failing write or flush acknowledges nothing', of: 'points', atLeast: 900 },
  ],
  run: tortureSyscalls,
};

async function tortureSyscalls({ rounds, onRound }: TortureOptions): Promise<Tally> {
  const tally = newTally();
  if (!existsSync(STRACE)) return { ...tally, skipped: `${STRACE} is not installed` };
  for (let round = 0; round < rounds; round += 1) {
    const call = CALLS[round % CALLS.length] ?? CALLS[0];
    const harm = HARMS[Math.floor(round / CALLS.length) % HARMS.length] ?? HARMS[0];
    // Each combination meets each point once in the full run; a short one spreads over them.
    const point = 1 + ((7 * Math.floor(round / COMBINATIONS) + 3 * (round % COMBINATIONS)) % POINTS);
    await failOnce({ call, harm, point }, tally);
    tell(tally, 'points');
    onRound(tally);
  }
  return tally;
}

interface Failure {
  call: string;
  harm: string;
  /** The how manieth call. */
  point: number;
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
