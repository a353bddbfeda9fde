/** Benchmarks as ratios: what is measured stands beside a limit or a peer that was measured in the same rounds. */

/** One figure of `meterline bench`. A rate is best at ratio 1 or above, a cost at 1 or below: the unit tells which it is. */
export interface BenchRow {
  name: string;
  value: number;
  unit: string;
  /** The same figure of the stated limit or peer, in the same unit. */
  limit: number;
  /** `value / limit`. */
  ratio: number;
  /** The other program, when the limit is one. */
  peer?: string;
  /** What exactly was measured, and what the limit is. */
  note: string;
}

/** Rows that are measured together. */
export interface Measurement {
  name: string;
  measure(): Promise<BenchRow[]>;
}

/** Rounds that enter the median; one more is run first to warm up. */
export const ROUNDS = 5;
const SIGNIFICANT_DIGITS = 4;

/**
 * Runs each contender once a round, each round beginning with another one, so that a slow moment of the machine meets
 * all of them. The warm-up round is not among the samples.
 */
export async function interleave<C extends Record<string, () => unknown>>(
  rounds: number,
  contenders: C,
): Promise<{ [K in keyof C]: Awaited<ReturnType<C[K]>>[] }> {
  const names = Object.keys(contenders);
  const samples = Object.fromEntries(names.map((name): [string, unknown[]] => [name, []]));
  for (let round = -1; round < rounds; round += 1) {
    for (let turn = 0; turn < names.length; turn += 1) {
      const name = names[(round + 1 + turn) % names.length] ?? '';
      const sample = await contenders[name]?.();
      if (round >= 0) samples[name]?.push(sample);
    }
  }
  return samples as { [K in keyof C]: Awaited<ReturnType<C[K]>>[] };
}

/** The middle value; of an even number the lower of the two middle ones. */
export function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor((values.length - 1) / 2)] ?? Number.NaN;
}

/** A row of the medians of the samples. */
export function benchRow(
  words: Pick<BenchRow, 'name' | 'unit' | 'peer' | 'note'>,
  samples: { value: readonly number[]; limit: readonly number[] },
): BenchRow {
  const { name, unit, peer, note } = words;
  const value = significant(median(samples.value));
  const limit = significant(median(samples.limit));
  const ratio = significant(value / limit);
  return { name, value, unit, limit, ratio, ...(peer === undefined ? {} : { peer }), note };
}

const significant = (value: number): number => Number(value.toPrecision(SIGNIFICANT_DIGITS));

/** What a piece of work cost: wall clock, and CPU of this process with all its threads. */
export interface Cost {
  seconds: number;
  cpuSeconds: number;
}

export async function costOf(work: () => unknown): Promise<Cost> {
  const cpuBefore = process.cpuUsage();
  const before = performance.now();
  await work();
  const seconds = (performance.now() - before) / 1000;
  const { user, system } = process.cpuUsage(cpuBefore);
  return { seconds, cpuSeconds: (user + system) / 1e6 };
}
