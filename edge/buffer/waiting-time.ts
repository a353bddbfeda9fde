/**
 * How long what is buffered has waited, in time that this gateway ran: by no clock, since the instants of readings are those of
 * one that may be set by years. While the gateway is off nothing grows older, and what an unclean end forgets only makes it
 * younger.
 */
import { z } from 'zod';
import type { Disk } from './disk.ts';
import { readDurable, writeDurably } from './durable-file.ts';

const WaitingFile = z.strictObject({
  /** How long the gateway has run. */
  ranMs: z.number(),
  /** What the next sequence was when it had run so long, ascending. */
  marks: z.array(z.strictObject({ ranMs: z.number(), nextSequence: z.int().positive() })),
});

/** So many marks at most are kept: an age is exact to such a part of it. */
const MARKS = 100;

export class WaitingTime {
  readonly #disk: Disk;
  readonly #file: string;
  #ranMs = 0;
  #marks: { ranMs: number; nextSequence: number }[] = [];

  /** @param nextSequence none from here on has waited yet, whatever the file says */
  constructor(disk: Disk, file: string, nextSequence: number) {
    this.#disk = disk;
    this.#file = file;
    const saved = readDurable(file, WaitingFile, disk);
    if (saved === null) return;
    this.#ranMs = saved.ranMs;
    this.#marks = saved.marks.map((mark) => ({
      ...mark,
      nextSequence: Math.min(mark.nextSequence, nextSequence),
    }));
  }

  /** Lets time pass. @returns the newest sequence that has waited for `maxAgeMs`; 0: none has */
  pass(
    { ranMs, maxAgeMs }: { ranMs: number; maxAgeMs: number },
    { nextSequence, acknowledgedTo }: { nextSequence: number; acknowledgedTo: number },
  ): number {
    this.#ranMs += ranMs;
    const isWaited = this.#marks.filter((mark) => this.#ranMs - mark.ranMs >= maxAgeMs);
    const waitedTo = Math.max(0, ...isWaited.map((mark) => mark.nextSequence - 1));
    const done = Math.max(acknowledgedTo, waitedTo);
    this.#marks = this.#marks.filter((mark) => mark.nextSequence - 1 > done);
    const newest = this.#marks.at(-1);
    const isDue = newest === undefined || this.#ranMs - newest.ranMs >= maxAgeMs / MARKS;
    if (isDue && nextSequence - 1 > Math.max(done, (newest?.nextSequence ?? 0) - 1))
      this.#marks.push({ ranMs: this.#ranMs, nextSequence });
    return waitedTo;
  }

  /** Makes the file what the memory is; with nothing that waits there is nothing to keep. @throws Error of the system */
  save(): void {
    if (this.#marks.length === 0 && this.#disk.size(this.#file) === null) return;
    writeDurably(this.#file, { ranMs: this.#ranMs, marks: this.#marks }, this.#disk);
  }
}
