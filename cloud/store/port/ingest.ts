/** The way in: a batch is stored as a whole, and what cannot be stored is put aside. */
import type { Batch } from '../../../protocols/uplink.ts';
import type { Refusal } from '../admit.ts';

/** Every item of the batch is counted once. */
export interface IngestResult {
  stored: number;
  /** Stored before, under the same key or as the same register at the same instant with the same value. */
  duplicates: number;
  /** In quarantine, now or since before. */
  quarantined: number;
}

/** What releasing came to. */
export type Release =
  | { ok: true; outcome: 'stored' | 'duplicate' }
  | { ok: false; code: 'unknown_entry' | 'already_closed' | 'not_an_item' | Refusal['code']; detail: string };

export interface Assignment {
  moved: string[];
  released: number;
}

/** No reading is taken whose stamp is further ahead of the cloud's clock. */
export const AHEAD_MS = 10 * 60_000;

/** Failures are remembered for so many batches. */
export const MOST_FAILED = 1000;

export interface IngestOperations {
  /** An operator wants it after all: it goes through the same checks again, and is stored at most once. */
  releaseQuarantined: (request: { id: number; at: string; by: string }) => Release;
  /**
   * The cloud's clock was behind by `stepMs` since `since` and has been put right: readings that seemed to come from the
   * future, and would not have by the right clock, are released. A gateway whose clock is ahead gains nothing by waiting.
   * @returns how many were stored
   */
  releaseAfterClockStep(asked: { since: string; stepMs: number; at: string }): number;
  /**
   * From `at` on the gateway writes these meters, and what it sent of them before comes out of quarantine. Another that
   * wrote them may still send what it read before `at`.
   * @returns which of them were another's, and how many readings were released
   */
  assignMeters(request: { meters: string[]; gateway: string; at: string; by: string }): Assignment;
  metersOfGateway: (gateway: string) => string[];
  /**
   * Stores what is new of the batch and accounts for the rest. Meters that no park knows are stored as well.
   * @param ingestedAt RFC 3339; a reading stamped more than 10 minutes later is quarantined
   */
  ingestBatch(batch: Batch, ingestedAt: string): IngestResult;
  /** Counts a try to store the batch that failed for a reason of the batch itself. @returns how often it has failed */
  batchFailed(asked: { key: string; at: string }): number;
  /** It is stored, or taken apart: the next failure is the first again. */
  batchSettled(key: string): void;
}
