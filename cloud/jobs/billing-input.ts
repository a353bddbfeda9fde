/** What billing computes from, out of the store; and the same as it was, out of an issued run. */
import { createHash } from 'node:crypto';
import { zstdCompressSync, zstdDecompressSync } from 'node:zlib';
import { type CanonicalValue, canonicalJson } from '../../protocols/canonical-json.ts';
import type { Park, ParkMeter } from '../../protocols/park.ts';
import type { BillingInput } from '../billing/bill-period.ts';
import { type BillingPeriod, dateStartMs } from '../billing/billing-period.ts';
import { billingTerms } from '../billing/billing-terms.ts';
import { registerDates } from '../billing/register-dates.ts';
import type { RunInput } from '../store/port/run-records.ts';
import type { Store } from '../store/store.ts';
import { boundaryRegisters } from './boundary-registers.ts';
import { deriveDirtyIntervals, settleEstimates } from './derive-intervals.ts';
import { usageOfMeters } from './meter-usage.ts';

/** What the meters gave. */
export type Metered = Pick<BillingInput, 'usage' | 'registers' | 'rollovers'>;

/** How far a piece of work has come. */
export type OnProgress = (progress: {
  phase: 'derive' | 'load' | 'bill' | 'issue';
  done: number;
  total: number;
}) => void;
/** The work was called off: nothing of it was issued, and what was derived stays derived. */
export class RunCancelledError extends Error {
  override readonly name = 'RunCancelledError';
  readonly code = 'run_cancelled';
}

export interface InputSource {
  store: Store;
  park: Park;
  intervalMinutes: number;
  onProgress?: OnProgress | undefined;
  signal?: AbortSignal | undefined;
}

export const digestOf = (text: string): string => createHash('sha256').update(text).digest('hex');

export const spanOf = (
  { timeZone }: Park,
  { from, to }: BillingPeriod,
): { fromMs: number; toMs: number } => ({
  fromMs: dateStartMs(from, timeZone),
  toMs: dateStartMs(to, timeZone),
});

/** So many meters' registers are asked for at a time, so that the store is never idle. */
const METERS_ABREAST = 32;

/** @throws RunCancelledError */
export async function loadMetered(source: InputSource, period: BillingPeriod): Promise<Metered> {
  const { store, park, onProgress = () => undefined } = source;
  const { fromMs, toMs } = spanOf(park, period);
  const goOn = (phase: 'derive' | 'load', done: number, total: number): void => {
    if (source.signal?.aborted === true) throw new RunCancelledError('the run was cancelled');
    onProgress({ phase, done, total });
  };
  goOn('derive', 0, 1);
  await deriveDirtyIntervals(source, toMs);
  await settleEstimates(source, { fromMs, toMs });

  const datesOf = registerDates(park, period);
  const usage: BillingInput['usage'][number][] = [];
  const registers: BillingInput['registers'][number][] = [];
  const rollovers: BillingInput['rollovers'][number][] = [];
  const terms = billingTerms(park, period);
  const billed = terms.ok ? terms.terms : [];
  const meters = billed.flatMap((one) => one.meters);
  for (const one of billed) {
    const ids = one.meters.map(({ id }) => id);
    for await (const metered of usageOfMeters(store, ids, one.segments)) usage.push(...metered.usage);
  }
  const recordOf = async (meter: ParkMeter) => {
    const boundaries = datesOf(meter).map((date) => dateStartMs(date, park.timeZone));
    return boundaries.length === 0 ? null : boundaryRegisters(source, meter, boundaries);
  };
  for (let at = 0; at < meters.length; at += METERS_ABREAST) {
    goOn('load', at, meters.length);
    for (const record of await Promise.all(meters.slice(at, at + METERS_ABREAST).map(recordOf))) {
      registers.push(...(record?.registers ?? []));
      rollovers.push(...(record?.rollovers ?? []));
    }
  }
  goOn('load', meters.length, meters.length);
  return { usage, registers, rollovers };
}

/** Canonical JSON knows no bigint: one is written as text behind an `=`, with which no id and no register begins. */
const written = (value: unknown): CanonicalValue => {
  if (typeof value === 'bigint') return `=${value}`;
  if (Array.isArray(value)) return value.map(written);
  if (typeof value === 'object' && value !== null)
    return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, written(one)]));
  return value as CanonicalValue;
};
const readBack = (_: string, value: unknown): unknown =>
  typeof value === 'string' && /^=-?\d+$/.test(value) ? BigInt(value.slice(1)) : value;

/** By meter: the same rows give the same bytes, in whatever order they come. */
export function inputRecords({ usage, registers, rollovers }: Metered): RunInput[] {
  const byMeter = <T extends { meter: string }>(rows: readonly T[]) =>
    Map.groupBy(rows, ({ meter }) => meter);
  const [used, read, fell] = [byMeter(usage), byMeter(registers), byMeter(rollovers)];
  return [...new Set([...used.keys(), ...read.keys(), ...fell.keys()])].sort().map((meter) => {
    const json = canonicalJson({
      usage: written(used.get(meter) ?? []),
      registers: written(read.get(meter) ?? []),
      rollovers: written(fell.get(meter) ?? []),
    });
    return { meter, digest: digestOf(json), body: zstdCompressSync(json) };
  });
}

/**
 * The input of an issued run as it was.
 * @throws Error naming the meter whose record is not the one that its digest was taken of
 */
export function recordedInput(records: readonly RunInput[]): Metered {
  const parts = records.map(({ meter, digest, body }) => {
    const json = zstdDecompressSync(body).toString('utf8');
    if (digestOf(json) !== digest) throw new Error(`the recorded input of meter ${meter} was changed`);
    return JSON.parse(json, readBack) as Metered;
  });
  return {
    usage: parts.flatMap(({ usage }) => usage),
    registers: parts.flatMap(({ registers }) => registers),
    rollovers: parts.flatMap(({ rollovers }) => rollovers),
  };
}

/** Stands in the manifest for everything that the meters gave. */
export const readingsDigest = (records: readonly Pick<RunInput, 'meter' | 'digest'>[]): string =>
  digestOf(canonicalJson(records.map(({ meter, digest }) => [meter, digest])));
