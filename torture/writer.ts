/** The writer that is tormented, what it said until its end, and the comparison of that with what is there when it is opened again. */
import { once } from 'node:events';
import { join } from 'node:path';
import { benchReading } from '../bench/bench-readings.ts';
import { openOutbox } from '../edge/outbox.ts';
import { UplinkItem } from '../protocols/uplink.ts';
import {
  type CheckResult,
  compareReadings,
  type GivenReading,
  noteFault,
  type StoredRow,
} from '../simulators/compare-readings.ts';
import { startVictim, type Victim } from './tally.ts';

const GATEWAY = 'gw-torture';
const script = join(import.meta.dirname, 'writer-child.ts');

export class Writer {
  readonly victim: Victim;
  /** So many commits were accepted. */
  commits = 0;
  /** What the disk's failing was called; null while it has not failed. */
  fault: string | null = null;
  readonly #given = new Map<string, GivenReading>();
  readonly #delivered = new Map<string, StoredRow>();
  readonly #folder: string;
  #onCommit = (_commits: number): void => undefined;

  private constructor(folder: string, commits: number, mutant: string) {
    this.#folder = folder;
    this.victim = startVictim(script, [folder, GATEWAY, `${commits}`, mutant], (line) => this.#hear(line));
  }

  /** Resolves when it is loaded; it has not opened its folder yet. */
  static async start(
    folder: string,
    { commits, mutant = '' }: { commits: number; mutant?: string },
  ): Promise<Writer> {
    const writer = new Writer(folder, commits, mutant);
    await once(writer.victim.process, 'message');
    return writer;
  }

  /** @param onCommit told how many there were so far */
  go(onCommit: (commits: number) => void = () => undefined): void {
    this.#onCommit = onCommit;
    this.victim.process.send('go');
  }

  /** Opens what it has left, and goes on with it. */
  check(): CheckResult {
    const outbox = openOutbox({ folder: this.#folder, gateway: GATEWAY, maxBytes: 1 << 30 });
    try {
      for (const { json } of outbox.after(0, Number.MAX_SAFE_INTEGER, Number.MAX_SAFE_INTEGER))
        this.#deliver(outbox.epoch, json);
      const result = compareReadings(this.#given, this.#delivered.values());
      const { refused } = outbox.append(
        [{ ...benchReading(0), meter: 'E-Z' }].map(({ kind: _, sequence: __, ...one }) => one),
      );
      if (refused.length > 0) noteFault(result, 'lost', 'it does not go on');
      return result;
    } finally {
      outbox.close();
    }
  }

  #hear(line: string): void {
    const [word, first = '', ...rest] = line.split(' ');
    if (word === 'fault') this.fault = first;
    else if (word === 'item') this.#deliver(first, rest.join(' '));
    else {
      const [count, refused = ''] = rest;
      const isRefused = new Set(
        refused
          .split(',')
          .filter((text) => text !== '')
          .map(Number),
      );
      for (let n = Number(first); n < Number(first) + Number(count); n += 1) {
        const { at, shows } = rowOf(benchReading(n), '');
        this.#given.set(at, { shows, isDue: word === 'accepted' && !isRefused.has(n) });
      }
      if (word !== 'accepted') return;
      this.commits += 1;
      this.#onCommit(this.commits);
    }
  }

  /** As a cloud takes it: the same key again is nothing new, unless it says something else. */
  #deliver(epoch: string, json: string): void {
    const item = UplinkItem.parse(JSON.parse(json));
    if (item.kind !== 'reading') return;
    const row = rowOf(item, epoch);
    const known = this.#delivered.get(row.key);
    if (known === undefined || known.shows !== row.shows || known.at !== row.at)
      this.#delivered.set(known === undefined ? row.key : `${row.key} again`, row);
  }
}

const rowOf = (
  { meter, register, readAt, value, unit, sequence }: ReturnType<typeof benchReading>,
  epoch: string,
): StoredRow => ({
  at: `${meter} ${register} ${readAt}`,
  key: `${epoch} ${sequence}`,
  shows: `${value} ${unit}`,
});
