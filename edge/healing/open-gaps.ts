/** The gaps that are still to be healed, in a small file: an outage of the gateway itself must not lose them. */
import { z } from 'zod';
import { Decimal } from '../../protocols/decimal.ts';
import { Obis } from '../../protocols/obis.ts';
import { Id } from '../../protocols/reading.ts';
import { readDurable, writeDurably } from '../buffer/durable-file.ts';

/** A time in which nobody read a meter, between two readings of its registers. */
const Gap = z.strictObject({
  meter: Id,
  /** Unix milliseconds of the readings around it. */
  fromMs: z.int(),
  toMs: z.int(),
  registers: z.array(z.strictObject({ obis: Obis, before: Decimal.nullable(), after: Decimal.nullable() })),
  /** How often it was tried to heal it. */
  tries: z.int().nonnegative(),
});
export type Gap = z.infer<typeof Gap>;

export class OpenGaps {
  readonly #file: string | null;
  #gaps: Gap[];

  /** @param file null keeps them in memory only; a file that cannot be read counts as empty */
  constructor(file: string | null) {
    this.#file = file;
    this.#gaps = (file === null ? null : readDurable(file, z.array(Gap))) ?? [];
  }

  of(meter: string): Gap[] {
    return this.#gaps.filter((gap) => gap.meter === meter);
  }

  /** One that begins where another one of the meter does is that one: its other end is not read yet. */
  add(gap: Gap): void {
    if (this.#gaps.some(({ meter, fromMs }) => meter === gap.meter && fromMs === gap.fromMs)) return;
    this.#store([...this.#gaps, gap]);
  }

  tried(gap: Gap): void {
    this.#store(this.#gaps.map((one) => (one === gap ? { ...gap, tries: gap.tries + 1 } : one)));
  }

  close(gap: Gap): void {
    this.#store(this.#gaps.filter((one) => one !== gap));
  }

  #store(gaps: Gap[]): void {
    this.#gaps = gaps;
    if (this.#file !== null) writeDurably(this.#file, gaps);
  }
}
