/**
 * What was learned of each meter, kept across restarts in one small file: which meter it is, and what it refuses. It is
 * forgotten when the meter's profile changes. A file that cannot be read is begun anew: all of it can be learned again.
 */
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { z } from 'zod';
import type { Profile } from '../../protocols/profile.ts';

const Known = z.strictObject({
  /** Digest of the profile under which it was learned. */
  profile: z.string(),
  /** What the meter says that it is, null as long as it has not been asked; and the serial configured at that time. */
  identity: z.string().nullable(),
  serial: z.string().nullable(),
  walls: z.array(z.int()),
  absent: z.array(z.int()),
});
export type KnownMeter = Omit<z.infer<typeof Known>, 'profile'>;
const File = z.record(z.string(), Known);

const NOTHING_KNOWN: KnownMeter = { identity: null, serial: null, walls: [], absent: [] };

export class MeterMemory {
  readonly #file: string | null;
  #meters: z.infer<typeof File> = {};
  /** Whether there was a file that could not be read. */
  readonly damaged: boolean;

  /** @param file null: for as long as the process runs */
  constructor(file: string | null = null) {
    this.#file = file;
    this.damaged = file !== null && existsSync(file) && !this.#load(file);
  }

  recall(meter: string, profile: Profile): KnownMeter {
    const known = this.#meters[meter];
    if (known === undefined || known.profile !== digest(profile)) return NOTHING_KNOWN;
    const { identity, serial, walls, absent } = known;
    return { identity, serial, walls, absent };
  }

  /** @throws Error of the file system */
  remember(meter: string, profile: Profile, known: KnownMeter): void {
    this.#meters[meter] = { profile: digest(profile), ...known };
    if (this.#file === null) return;
    const next = `${this.#file}.next`;
    writeFileSync(next, `${JSON.stringify(this.#meters, null, 1)}\n`, { mode: 0o600 });
    renameSync(next, this.#file);
  }

  #load(file: string): boolean {
    try {
      const read = File.safeParse(JSON.parse(readFileSync(file, 'utf8')));
      if (read.success) this.#meters = read.data;
      return read.success;
    } catch {
      return false;
    }
  }
}

const digest = (profile: Profile): string =>
  createHash('sha256').update(JSON.stringify(profile)).digest('hex').slice(0, 16);
