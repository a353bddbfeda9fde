/**
 * The one checker of every run: compares what the meters truly showed with what the cloud has stored, reading by reading.
 */
import type { StoredReading } from '../protocols/api.ts';
import { formatMicro } from '../protocols/units.ts';
import {
  addResult,
  type CheckResult,
  compareReadings,
  type GivenReading,
  noteFault,
  nothingChecked,
} from './compare-readings.ts';
import type { MeterTruth, Truth } from './park/truth.ts';

/** A time in which meters could not be reached, `[fromMs, toMs)`. */
export interface Silence {
  meters: readonly string[];
  fromMs: number;
  toMs: number;
}

/** Takes the stored readings meter by meter; they may be taken again later when more have come in. */
export class Checker {
  private readonly truth: Truth;
  private readonly silences: readonly Silence[];
  /** The boundaries and how they are written: the same for every meter. */
  private readonly instants: readonly { atMs: number; text: string }[];
  private readonly results = new Map<string, CheckResult>();
  private readonly keys = new Map<string, Set<string>>();

  constructor(truth: Truth, silences: readonly Silence[]) {
    this.truth = truth;
    this.silences = silences;
    this.instants = truth
      .boundaries()
      .map((atMs) => ({ atMs, text: Temporal.Instant.fromEpochMilliseconds(atMs).toString() }));
  }

  /** Checks all that is stored of one meter's billing register. */
  check(meter: string, stored: readonly StoredReading[]): CheckResult {
    const keys = new Set<string>();
    const rows = stored.map((one) => ({
      at: `${meter} at ${one.readAt}`,
      key: `${one.gateway} ${one.epoch} ${one.sequence}`,
      shows: `${one.value} ${one.unit} ${one.register}`,
    }));
    const result = compareReadings(this.awaited(this.truth.of(meter)), rows, keys);
    this.results.set(meter, result);
    this.keys.set(meter, keys);
    return result;
  }

  /** Meters that were not checked yet, or of which readings were lost when they were. */
  incomplete(): string[] {
    return [...this.truth.meters.keys()].filter((meter) => this.results.get(meter)?.lost !== 0);
  }

  /** All meters together; a key that two meters share counts as duplicated. */
  total(): CheckResult {
    const sum = nothingChecked();
    for (const one of this.results.values()) addResult(sum, one);
    const all = new Map<string, string>();
    for (const [meter, keys] of this.keys)
      for (const key of keys) {
        const other = all.get(key);
        if (other !== undefined) noteFault(sum, 'duplicated', `${meter} and ${other} share the key ${key}`);
        all.set(key, meter);
      }
    return sum;
  }

  /** What the meter showed at each instant at which it could be read. */
  private awaited(meter: MeterTruth): Map<string, GivenReading> {
    const silences = this.silences.filter(({ meters }) => meters.includes(meter.meter));
    const awaited = new Map<string, GivenReading>();
    for (const { atMs, text } of this.instants) {
      if (silences.some(({ fromMs, toMs }) => fromMs <= atMs && atMs < toMs)) continue;
      const value = formatMicro(BigInt(this.truth.faceMicro(meter, atMs)));
      awaited.set(`${meter.meter} at ${text}`, {
        shows: `${value} ${meter.unit} ${meter.register}`,
        isDue: true,
      });
    }
    return awaited;
  }
}
