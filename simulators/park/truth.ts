/**
 * What every simulated meter has truly counted: whole steps of its register at each boundary of the grid. All that is
 * asked of a meter (its face, a consumption) follows from these counts in integers.
 */

/** The device on the wall from `fromMs` on: its face shows `(offset + count) mod modulus`, in steps. */
export interface Device {
  fromMs: number;
  offset: number;
  modulus: number;
}

export interface MeterTruth {
  meter: string;
  register: string;
  unit: 'kWh' | 'm3';
  /** One step of the register, in millionths of its unit. */
  stepMicro: number;
  /** PT x CT. */
  multiplier: number;
  /** Steps since the start, at each boundary; not wrapped, not interrupted by an exchange. */
  counts: Float64Array;
  devices: Device[];
}

export interface Grid {
  fromMs: number;
  toMs: number;
  intervalMs: number;
}

/** Time outside the grid repeats its last whole weeks, so that the hours of the week stay where they are. */
const REPEAT_MS = 28 * 86_400_000;

export class Truth {
  readonly grid: Grid;
  readonly meters: ReadonlyMap<string, MeterTruth>;

  constructor(grid: Grid, meters: MeterTruth[]) {
    this.grid = grid;
    this.meters = new Map(meters.map((one) => [one.meter, one]));
  }

  /** Every boundary of the grid, first and last included. */
  boundaries(): number[] {
    const { fromMs, toMs, intervalMs } = this.grid;
    return Array.from({ length: (toMs - fromMs) / intervalMs + 1 }, (_, i) => fromMs + i * intervalMs);
  }

  /** @throws Error for a meter that is not simulated */
  of(meter: string): MeterTruth {
    const found = this.meters.get(meter);
    if (found === undefined) throw new Error(`no simulated meter "${meter}"`);
    return found;
  }

  /** The register as its face shows it, in millionths of its unit. */
  faceMicro(truth: MeterTruth, atMs: number): number {
    const device = truth.devices.findLast(({ fromMs }) => fromMs <= atMs) ?? truth.devices[0];
    const steps = (device?.offset ?? 0) + this.count(truth, atMs);
    return (steps % (device?.modulus ?? Infinity)) * truth.stepMicro;
  }

  /** Consumption between two instants, in millionths of kWh or m3. */
  consumedMicro(truth: MeterTruth, fromMs: number, toMs: number): number {
    return (this.count(truth, toMs) - this.count(truth, fromMs)) * truth.stepMicro * truth.multiplier;
  }

  /** Whole steps at an instant; between two boundaries on the straight line. */
  count({ counts }: MeterTruth, atMs: number): number {
    const { fromMs, toMs, intervalMs } = this.grid;
    if (atMs < fromMs) return 0;
    const last = counts.at(-1) ?? 0;
    if (atMs > toMs) {
      const repeats = Math.ceil((atMs - toMs) / REPEAT_MS);
      const inside = atMs - repeats * REPEAT_MS;
      const perRepeat = last - (counts[(toMs - REPEAT_MS - fromMs) / intervalMs] ?? 0);
      return this.inside(counts, inside) + repeats * perRepeat;
    }
    return this.inside(counts, atMs);
  }

  private inside(counts: Float64Array, atMs: number): number {
    const { fromMs, intervalMs } = this.grid;
    const index = Math.floor((atMs - fromMs) / intervalMs);
    const before = counts[index] ?? 0;
    const intoMs = atMs - fromMs - index * intervalMs;
    if (intoMs === 0) return before;
    return before + Math.floor((((counts[index + 1] ?? before) - before) * intoMs) / intervalMs);
  }
}
