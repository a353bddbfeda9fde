/** Seeded chance for the injectors: the same seed and name give the same faults on every machine. */
import { randomStream } from '../../simulators/random.ts';

export interface Chance {
  /** In [0, 1). */
  unit(): number;
  /** In [from, to). */
  between(from: number, to: number): number;
  /** An integer in [from, to]. */
  whole(from: number, to: number): number;
  /** Normal, with a standard deviation of 1. */
  normal(): number;
  of<T>(values: readonly T[]): T;
}

export function chance(seed: number, name: string): Chance {
  const random = randomStream(seed, name);
  const unit = (): number => random.between(0, 0xffff_ffff) / 0x1_0000_0000;
  return {
    unit,
    between: (from, to) => from + unit() * (to - from),
    whole: (from, to) => random.between(from, to),
    normal: () => Math.sqrt(-2 * Math.log(1 - unit())) * Math.cos(2 * Math.PI * unit()),
    of: (values) => {
      const value = values[random.between(0, values.length - 1)];
      if (value === undefined) throw new RangeError('nothing to choose from');
      return value;
    },
  };
}
