/** Groups what polls and pushes hand in at the same time into one commit: a flush of the disk costs more than the rows. */

import type { Outbox } from '../outbox.ts';
import type { NewReading } from './outbox-items.ts';

export interface Committer {
  /** Resolves after the commit with how many of the readings found no room; rejects when nothing was accepted. */
  accept(readings: readonly NewReading[]): Promise<number>;
  /** Resolves when nothing waits any more. */
  idle(): Promise<void>;
}

interface Waiting {
  readings: readonly NewReading[];
  resolve: (refused: number) => void;
  reject: (error: unknown) => void;
}

/** @param onCommit called after each commit; @param onFault called when the outbox failed */
export function createCommitter(
  outbox: Pick<Outbox, 'append'>,
  { onCommit, onFault }: { onCommit: () => void; onFault: (error: unknown) => void },
): Committer {
  let waiting: Waiting[] = [];
  let flushed: Promise<void> = Promise.resolve();

  const flush = (): void => {
    const group = waiting;
    waiting = [];
    try {
      const refused = new Set(outbox.append(group.flatMap(({ readings }) => readings)).refused);
      for (const { readings, resolve } of group) resolve(readings.filter((r) => refused.has(r)).length);
    } catch (error) {
      for (const { reject } of group) reject(error);
      onFault(error);
      return;
    }
    onCommit();
  };

  return {
    accept: (readings) =>
      new Promise((resolve, reject) => {
        waiting.push({ readings, resolve, reject });
        if (waiting.length > 1) return;
        flushed = new Promise((done) => {
          setImmediate(() => {
            flush();
            done();
          });
        });
      }),
    idle: () => flushed,
  };
}
