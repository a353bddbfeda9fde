/** What the outbox had no room for: one span per register, kept until a gap marker tells of it. */
import { z } from 'zod';
import type { GapMarker, Reading } from '../../protocols/reading.ts';
import type { Disk } from './disk.ts';
import { readDurable, writeDurably } from './durable-file.ts';

/** Readings of one register that were never accepted. */
const Refusal = z.strictObject({
  meter: z.string(),
  register: z.string(),
  fromMs: z.number(),
  toMs: z.number(),
  count: z.int().positive(),
});
type Refusal = z.infer<typeof Refusal>;

const instantText = (ms: number): string => Temporal.Instant.fromEpochMilliseconds(ms).toString();
const keyOf = ({ meter, register }: { meter: string; register: string }): string => `${meter} ${register}`;

export class Refusals {
  readonly #disk: Disk;
  readonly #file: string;
  readonly #spans: Map<string, Refusal>;

  constructor(disk: Disk, file: string) {
    this.#disk = disk;
    this.#file = file;
    this.#spans = new Map(
      (readDurable(file, z.array(Refusal), disk) ?? []).map((span) => [keyOf(span), span]),
    );
  }

  add({ meter, register, readAt }: Pick<Reading, 'meter' | 'register' | 'readAt'>): void {
    const atMs = Temporal.Instant.from(readAt).epochMilliseconds;
    const key = keyOf({ meter, register });
    const { fromMs, toMs, count } = this.#spans.get(key) ?? { fromMs: atMs, toMs: atMs, count: 0 };
    this.#spans.set(key, {
      meter,
      register,
      fromMs: Math.min(fromMs, atMs),
      toMs: Math.max(toMs, atMs),
      count: count + 1,
    });
  }

  /** The markers that are still to be told, and the instant of each. */
  untold(): { marker: Omit<GapMarker, 'sequence'>; fromMs: number }[] {
    return [...this.#spans.values()].map(({ meter, register, fromMs, toMs, count }) => ({
      marker: {
        kind: 'gap',
        meter,
        register,
        from: instantText(fromMs),
        to: instantText(toMs),
        count,
        reason: 'buffer_full',
      },
      fromMs,
    }));
  }

  told({ meter, register }: { meter: string; register: string }): void {
    this.#spans.delete(keyOf({ meter, register }));
  }

  /** Makes the file what the memory is. @throws Error of the system */
  save(): void {
    writeDurably(this.#file, [...this.#spans.values()], this.#disk);
  }
}
