/**
 * Validation of a register series: which values cannot be the meter's own count. History is judged with all that came
 * after it: a dip is known by its recovery. Nothing is changed; bad values stay raw and are never used.
 */
import { type RegisterLimits, type RegisterPoint, registerStep } from './register-step.ts';

/**
 * - `out_of_range`: below zero, or more than the face can show
 * - `dip`: below the value before, and a later value takes up the old count again
 * - `spike`: a jump up that later values do not follow
 * - `backward`: below the value before for good: only a stated meter exchange explains that
 * - `implausible`: a jump up beyond what the meter can count, for good
 */
export type BadRegister = 'out_of_range' | 'dip' | 'spike' | 'backward' | 'implausible';

/** A rollover is doubted if one of so many following values takes up the old count. */
const ROLLOVER_WITNESSES = 4;
/** A hump of more values than this is no spike. */
const LONGEST_SPIKE = 96;
/** For so long a jump may turn out to have been a burst that evens out; later a level that holds is another count. */
const BURST_MS = 24 * 3_600_000;

/**
 * @param points ascending in time, of one device
 * @param limits null where neither digits nor rating are known: then nothing above is implausible and nothing wraps
 * @returns one entry per point: null for a good one
 */
export function validateRegisters(
  points: readonly RegisterPoint[],
  limits: RegisterLimits | null = null,
): (BadRegister | null)[] {
  const scan = new RegisterScan(points, limits);
  return scan.run();
}

/** One pass over a series, remembering the good values so far. */
class RegisterScan {
  private readonly points: readonly RegisterPoint[];
  private readonly limits: RegisterLimits | null;
  private readonly codes: (BadRegister | null)[];
  private readonly good: number[] = [];

  constructor(points: readonly RegisterPoint[], limits: RegisterLimits | null) {
    this.points = points;
    this.limits = limits;
    this.codes = points.map(({ value }) =>
      limits !== null && (value < 0n || value >= limits.modulus) ? 'out_of_range' : null,
    );
  }

  run(): (BadRegister | null)[] {
    for (let i = 0; i < this.points.length; i += 1) if (this.codes[i] === null) this.judge(i);
    return this.codes;
  }

  private judge(i: number): void {
    const last = this.good.at(-1);
    if (last === undefined) {
      this.good.push(i);
      return;
    }
    const step = this.step(last, i);
    if (step?.rollover === true && this.takenUpAgain(last, i)) this.fall(last, i);
    else if (step !== null && !this.heldElsewhere(last, i)) this.accept(last, i);
    else if (step === null && this.value(i) < this.value(last)) this.fall(last, i);
    else this.codes[i] = 'implausible';
  }

  /** What lay between two good values and jumped up has not lasted. */
  private accept(last: number, i: number): void {
    for (let k = last + 1; k < i; k += 1) if (this.codes[k] === 'implausible') this.codes[k] = 'spike';
    this.good.push(i);
  }

  /** The value falls below the last good one: a dip up to a recovery, the end of a spike, or backward for good. */
  private fall(last: number, i: number): void {
    const recovery = this.findRecovery(last, i);
    const hump = this.humpBefore(last, i);
    if (hump > 0 && (recovery === null || hump < recovery - i)) {
      for (const k of this.good.splice(-hump)) this.codes[k] = 'spike';
      this.judge(i);
      return;
    }
    for (let k = i; k < (recovery ?? this.points.length); k += 1) {
      const below = this.value(k) < this.value(last);
      this.codes[k] ??= !below ? 'implausible' : recovery === null ? 'backward' : 'dip';
    }
  }

  /** The first later value that the meter can have reached from the last good one. */
  private findRecovery(last: number, i: number): number | null {
    for (let j = i + 1; j < this.points.length; j += 1)
      if (this.codes[j] === null && this.step(last, j) !== null) return j;
    return null;
  }

  /** How many good values up to the last one jump up from, and fall back to, a count that goes on with `i`; 0 for none. */
  private humpBefore(last: number, i: number): number {
    for (let size = 1; size <= LONGEST_SPIKE; size += 1) {
      const base = this.good.at(-1 - size);
      const first = this.good.at(-size);
      if (base === undefined || first === undefined) return 0;
      if (this.value(base) > this.value(i)) continue;
      const up = this.value(first) - this.value(base);
      const down = this.value(last) - this.value(i);
      const returns = up <= 2n * down && down <= 2n * up;
      return returns && this.step(base, i) !== null ? size : 0;
    }
    return 0;
  }

  private takenUpAgain(last: number, i: number): boolean {
    for (let j = i + 1; j <= i + ROLLOVER_WITNESSES && j < this.points.length; j += 1) {
      const step = this.step(last, j);
      if (step !== null && !step.rollover) return true;
    }
    return false;
  }

  /** The value goes on with a level that was found implausible too long ago to have been a burst. */
  private heldElsewhere(last: number, i: number): boolean {
    if (this.codes[i - 1] !== 'implausible') return false;
    if (this.at(i).atMs - this.at(last).atMs <= BURST_MS) return false;
    return this.step(i - 1, i) !== null;
  }

  private step(from: number, to: number) {
    return registerStep(this.at(from), this.at(to), this.limits);
  }

  private value(index: number): bigint {
    return this.at(index).value;
  }

  private at(index: number): RegisterPoint {
    const point = this.points[index];
    if (point === undefined) throw new RangeError(`no register value ${index}`);
    return point;
  }
}
