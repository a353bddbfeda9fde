/**
 * One batch into the store, however it came: committed, then accounted for by a receipt. A batch that the store cannot take for a
 * reason of the batch's own is taken apart after a few tries, and only what is really at fault goes to quarantine. A fault of the
 * store is nobody's batch's: it is thrown, nothing is acknowledged, and the alarm stands until something is stored again.
 */
import type { BaseLogger } from 'pino';
import { readingsTopic } from '../protocols/topics.ts';
import type { Batch, Receipt } from '../protocols/uplink.ts';
import type { Clock } from './clock.ts';
import type { DecodedBatch } from './decode-batch.ts';
import type { Store } from './store/store.ts';
import { StoreError } from './store/store-error.ts';

export interface IngestCounters {
  batches: number;
  stored: number;
  duplicates: number;
  quarantined: number;
  /** Messages of which nothing could be acknowledged. */
  malformed: number;
  /** Times that the store failed; nothing was acknowledged. */
  storeFailures: number;
  /** Times that a batch could not be stored for a reason of its own. */
  batchFailures: number;
  /** Items that only quarantine could take. */
  poison: number;
}

/** The store does not take anything: a full disk, a locked database, a full quarantine. */
export interface StoreAlarm {
  since: string;
  code: string;
  detail: string;
}

export interface IntakeOptions {
  store: Pick<Store, 'ingestBatch' | 'quarantine' | 'batchFailed' | 'batchSettled'>;
  clock: Clock;
  log: Pick<BaseLogger, 'info' | 'warn' | 'error'>;
}

export interface Intake {
  counters: IngestCounters;
  /** Null while the store works. */
  alarm(): StoreAlarm | null;
  /**
   * The receipt, after the commit.
   * @throws StoreError when nothing may be acknowledged: `ofMessage` says whether it is the batch that fails
   */
  take(gateway: string, batch: DecodedBatch & { ok: true }): Promise<Receipt>;
}

/** After so many failures a batch is taken apart. */
const TRIES = 5;

type Counts = Pick<Receipt, 'stored' | 'duplicates' | 'quarantined'>;
const add = (sum: Counts, more: Counts): void => {
  sum.stored += more.stored;
  sum.duplicates += more.duplicates;
  sum.quarantined += more.quarantined;
};

type Isolation = Pick<IntakeOptions, 'store' | 'log'> & { now: () => string; counters: IngestCounters };

/** Halves what fails until each item that nobody can take stands alone. */
function isolator({ store, log, now, counters }: Isolation): (batch: Batch) => Promise<Counts> {
  const takeApart = async (batch: Batch): Promise<Counts> => {
    try {
      return await store.ingestBatch(batch, now());
    } catch (error) {
      if (!isOfMessage(error)) throw error;
      const [item] = batch.items;
      if (batch.items.length > 1 || item === undefined) return takeHalves(batch);
      const { gateway, epoch, from: sequence } = batch;
      const topic = readingsTopic(gateway);
      const entry = { gateway, topic, code: 'poison', detail: error.message, payload: JSON.stringify(item) };
      await store.quarantine({ ...entry, at: now() }, { epoch, sequence });
      counters.poison += 1;
      log.error(
        { gateway, epoch, sequence, error: error.message },
        'an item that cannot be stored was set aside',
      );
      return { stored: 0, duplicates: 0, quarantined: 1 };
    }
  };
  const takeHalves = async (batch: Batch): Promise<Counts> => {
    const middle = batch.items.length >> 1;
    const last = batch.from + middle - 1;
    const sum = await takeApart({ ...batch, to: last, items: batch.items.slice(0, middle) });
    add(sum, await takeApart({ ...batch, from: last + 1, items: batch.items.slice(middle) }));
    return sum;
  };
  return takeApart;
}

export function createIntake({ store, clock, log }: IntakeOptions): Intake {
  const counters: IngestCounters = {
    ...{ batches: 0, stored: 0, duplicates: 0, quarantined: 0, malformed: 0 },
    ...{ storeFailures: 0, batchFailures: 0, poison: 0 },
  };
  let alarm: StoreAlarm | null = null;
  const now = (): string => Temporal.Instant.fromEpochMilliseconds(clock.nowMs()).toString();

  const takeApart = isolator({ store, log, now, counters });
  const takeParts = async (
    gateway: string,
    { epoch, from, parts }: DecodedBatch & { ok: true },
  ): Promise<Counts> => {
    const sum = { stored: 0, duplicates: 0, quarantined: 0 };
    try {
      for (const part of parts) add(sum, await store.ingestBatch(part, now()));
      return sum;
    } catch (error) {
      if (!isOfMessage(error)) throw error;
      counters.batchFailures += 1;
      const key = `${gateway}/${epoch}/${from}`;
      const tries = await store.batchFailed({ key, at: now() });
      log.warn({ gateway, epoch, from, tries, error: error.message }, 'a batch cannot be stored');
      if (tries < TRIES) throw error;
      const apart = { stored: 0, duplicates: 0, quarantined: 0 };
      for (const part of parts) add(apart, await takeApart(part));
      await store.batchSettled(key);
      return apart;
    }
  };

  const take: Intake['take'] = async (gateway, batch) => {
    const { epoch, from, to, bad } = batch;
    const sum = await takeParts(gateway, batch);
    for (const { sequence, payload, detail } of bad) {
      const entry = {
        gateway,
        topic: readingsTopic(gateway),
        code: 'malformed_item',
        detail,
        payload,
        at: now(),
      };
      await store.quarantine(entry, { epoch, sequence });
    }
    add(sum, { stored: 0, duplicates: 0, quarantined: bad.length });
    counters.batches += 1;
    add(counters, sum);
    return { gateway, epoch, from, to, ...sum, at: now() };
  };

  return {
    counters,
    alarm: () => alarm,
    async take(gateway, batch) {
      try {
        const receipt = await take(gateway, batch);
        if (alarm !== null) log.info({ since: alarm.since }, 'the store takes readings again');
        alarm = null;
        return receipt;
      } catch (error) {
        if (isOfMessage(error)) throw error;
        counters.storeFailures += 1;
        const { code, message } = error as { code?: string; message: string };
        alarm = { since: alarm?.since ?? now(), code: code ?? 'store_failed', detail: message };
        log.error({ gateway, alarm }, 'not stored: the gateway keeps it and will send it again');
        throw error;
      }
    },
  };
}

const isOfMessage = (error: unknown): error is StoreError => error instanceof StoreError && error.ofMessage;
