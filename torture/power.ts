/** Power cuts: the writer is stopped, its file system shut down without a flush, and mounted again. */
import { execFileSync } from 'node:child_process';
import { closeSync, existsSync, ftruncateSync, mkdirSync, mkdtempSync, openSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { randomStream } from '../simulators/random.ts';
import { countAll, newTally, type Tally, type TortureOptions, type TorturePart } from './tally.ts';
import { Writer } from './writer.ts';

const XFS_IO = '/usr/sbin/xfs_io';
const DISK_BYTES = 64 * 1024 * 1024;
const ENDLESS = 1_000_000;

export const powerTorture: TorturePart = {
  name: 'power',
  about: 'power cuts of a file system under the writer: all that it called accepted is there',
  rounds: { usual: 5, full: 100 },
  proves: [
    { invariant: 1, promise: 'what was accepted is there after a power cut', of: 'killed', atLeast: 100 },
  ],
  run: (options) => torturePower(options),
};

/** @param mutant what is wrong with the writer; nothing when not given */
export async function torturePower(
  { seed, rounds, onRound }: TortureOptions,
  mutant?: string,
): Promise<Tally> {
  const random = randomStream(seed, 'torture/power');
  const tally = newTally();
  const folder = mkdtempSync(join(tmpdir(), 'meterline-power-'));
  const disk = new LoopDisk(folder);
  try {
    const reason = disk.make();
    if (reason !== null) return { ...tally, skipped: reason };
    for (let round = 0; round < rounds; round += 1) {
      const writer = await Writer.start(join(disk.mounted, `outbox-${round}`), {
        commits: ENDLESS,
        ...(mutant === undefined ? {} : { mutant }),
      });
      const after = random.between(3, 60);
      await new Promise<void>((stopped) => {
        writer.go((commits) => {
          if (commits !== after) return;
          writer.victim.process.kill('SIGSTOP');
          stopped();
        });
      });
      disk.shutDown();
      writer.victim.process.kill('SIGKILL');
      await writer.victim.ended;
      disk.powerUp();
      tally.killed += 1;
      countAll(tally, writer.check(), `cut ${round + 1}`);
      rmSync(join(disk.mounted, `outbox-${round}`), { recursive: true });
      onRound(tally);
    }
    return tally;
  } finally {
    disk.remove();
    rmSync(folder, { recursive: true });
  }
}

/** A file system in a file. */
class LoopDisk {
  readonly mounted: string;
  readonly #image: string;

  constructor(folder: string) {
    this.mounted = join(folder, 'mounted');
    this.#image = join(folder, 'image');
  }

  /** @returns why it cannot be had here; null: it is mounted */
  make(): string | null {
    if (!existsSync(XFS_IO)) return `${XFS_IO} is not installed`;
    mkdirSync(this.mounted);
    const fd = openSync(this.#image, 'w');
    ftruncateSync(fd, DISK_BYTES);
    closeSync(fd);
    try {
      run('mkfs.ext4', ['-q', '-F', this.#image]);
      this.powerUp();
      return null;
    } catch (error) {
      return `no file system can be mounted from a file here: ${error instanceof Error ? error.message : error}`;
    }
  }

  /** Nothing that was not flushed reaches the image any more. */
  shutDown(): void {
    run(XFS_IO, ['-x', '-c', 'shutdown', this.mounted]);
  }

  powerUp(): void {
    this.remove();
    run('mount', ['-o', 'loop', this.#image, this.mounted]);
  }

  remove(): void {
    try {
      run('umount', [this.mounted]);
    } catch {
      // It was not mounted.
    }
  }
}

const run = (program: string, args: string[]): void =>
  void execFileSync(program, args, { stdio: ['ignore', 'ignore', 'ignore'] });
