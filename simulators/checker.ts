/**
 * The one checker of every run: compares what the meters truly showed with what the cloud has stored, reading by reading.
 */
import type { StoredReading } from '../protocols/api.ts';
import { formatMicro } from '../protocols/units.ts';
import type { MeterTruth, Truth } from './park/truth.ts';

export interface CheckResult {
  /** Readings that meters gave, and readings that are stored. */
  expected: number;
  stored: number;
  /** Given and not stored. */
  lost: number;
  /** Stored again under an instant or an idempotency key that was taken. */
  duplicated: number;
  /** Stored with another value or unit than the meter showed. */
  altered: number;
  /** Stored, but no meter gave it: off the grid, or while it could not be reached. */
  unexplained: number;
  /** The first few of each, in words. */
  findings: string[];
}

/** A time in which meters could not be reached, `[fromMs, toMs)`. */
export interface Silence {
  meters: readonly string[];
  fromMs: number;
  toMs: number;
}

const LISTED = 10;

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
    const truth = this.truth.of(meter);
    const result: CheckResult = { ...nothing(), stored: stored.length };
    const awaited = this.awaited(truth);
    result.expected = awaited.size;
    const seen = new Set<string>();
    const keys = new Set<string>();
    const note = (kind: 'duplicated' | 'altered' | 'unexplained', one: StoredReading, why: string): void => {
      result[kind] += 1;
      if (result.findings.length < LISTED)
        result.findings.push(`${kind}: ${meter} at ${one.readAt}, ${one.value} ${one.unit}: ${why}`);
    };
    for (const one of stored) {
      const key = `${one.gateway} ${one.epoch} ${one.sequence}`;
      const shown = awaited.get(one.readAt);
      if (seen.has(one.readAt)) note('duplicated', one, 'the instant is taken');
      else if (keys.has(key)) note('duplicated', one, `the key ${key} is taken`);
      else if (shown === undefined) note('unexplained', one, 'no meter gave it');
      else if (shown !== one.value || truth.unit !== one.unit || truth.register !== one.register)
        note('altered', one, `the meter showed ${shown} ${truth.unit}`);
      seen.add(one.readAt);
      keys.add(key);
    }
    for (const [readAt, shown] of awaited) {
      if (seen.has(readAt)) continue;
      result.lost += 1;
      if (result.findings.length < LISTED)
        result.findings.push(`lost: ${meter} at ${readAt}, ${shown} ${truth.unit}`);
    }
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
    const sum = nothing();
    for (const one of this.results.values()) {
      for (const kind of ['expected', 'stored', 'lost', 'duplicated', 'altered', 'unexplained'] as const)
        sum[kind] += one[kind];
      sum.findings.push(...one.findings);
    }
    const all = new Set<string>();
    for (const keys of this.keys.values())
      for (const key of keys) {
        if (all.has(key)) sum.duplicated += 1;
        all.add(key);
      }
    return { ...sum, findings: sum.findings.slice(0, LISTED) };
  }

  /** What the meter showed at each instant at which it could be read. */
  private awaited(meter: MeterTruth): Map<string, string> {
    const silences = this.silences.filter(({ meters }) => meters.includes(meter.meter));
    const awaited = new Map<string, string>();
    for (const { atMs, text } of this.instants) {
      if (silences.some(({ fromMs, toMs }) => fromMs <= atMs && atMs < toMs)) continue;
      awaited.set(text, formatMicro(BigInt(this.truth.faceMicro(meter, atMs))));
    }
    return awaited;
  }
}

const nothing = (): CheckResult => ({
  expected: 0,
  stored: 0,
  lost: 0,
  duplicated: 0,
  altered: 0,
  unexplained: 0,
  findings: [],
});
