/** What could not be stored as it came, kept with its reason and bounded by gateway. */

export type QuarantineState = 'held' | 'released' | 'dismissed';

export interface Quarantined {
  id: number;
  /** Null where the sender could not be told. */
  gateway: string | null;
  topic: string;
  /** Reason: `conflict`, `out_of_scale`, `future_timestamp`, ..., or the code of whoever refused the message. */
  code: string;
  detail: string;
  /** The message as text; bytes that are no text come in hex. */
  payload: string;
  /** RFC 3339: when it was first put here. */
  at: string;
}

/** An item of a batch, as against a whole message. */
export interface ItemKey {
  epoch: string;
  sequence: number;
}

/** What is here, with what became of it. */
export interface QuarantineEntry extends Quarantined {
  /** Null for a whole message. */
  item: ItemKey | null;
  state: QuarantineState;
  /** Null while it is held. */
  closed: { at: string; by: string; reason: string | null } | null;
}

/** Rows of one reason and sender that are no longer here. */
export interface DroppedCount {
  gateway: string | null;
  code: string;
  state: QuarantineState;
  count: number;
  lastAt: string;
}

/** The most that is kept of one gateway: none can fill it for the others. Closed rows go after `closedDays` anyway. */
export interface QuarantineLimits {
  rows: number;
  bytes: number;
  closedDays: number;
}

export const LIMITS: QuarantineLimits = { rows: 100_000, bytes: 128 * 1024 * 1024, closedDays: 400 };

/** Nothing may go to make room: what is here was acknowledged and is still to be looked at. The gateway has to keep the rest. */
export class QuarantineFullError extends Error {
  override readonly name = 'QuarantineFullError';
  readonly code = 'quarantine_full';
  constructor(gateway: string) {
    super(`the quarantine of "${gateway}" is full: release or dismiss what is in it`);
  }
}

export interface Closing {
  state: 'released' | 'dismissed';
  at: string;
  by: string;
  reason: string | null;
}

export interface QuarantineFilter {
  gateway?: string | undefined;
  code?: string | undefined;
  state?: QuarantineState | undefined;
  /** Only older ones than this id. */
  before?: number | undefined;
  limit: number;
}

export interface QuarantineOperations {
  /** The newest first. */
  quarantineEntries(asked: QuarantineFilter): QuarantineEntry[];
  /** The newest `limit` entries, newest first. */
  quarantined(limit: number): Quarantined[];
  /** How many are held: neither released nor dismissed. */
  quarantineCount(): number;
  /** What the limits took away. */
  quarantineDropped(): DroppedCount[];
  quarantine(entry: Omit<Quarantined, 'id'>, item?: ItemKey): void;
  /** The operator has seen it and it is not wanted. @returns false when it is not there, or closed already */
  dismissQuarantined(asked: { id: number; at: string; by: string; reason: string }): boolean;
  /** Takes away what was closed long ago. @returns how many; there may be more */
  forgetClosed(nowMs: number): number;
}
