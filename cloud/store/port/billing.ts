/** Issued billing runs: charges, ledger entries and statements, each written once, together, and never changed. */
import type { BillingRun, Charge } from '../../../protocols/api.ts';
import type { OutboxEvent } from './outbox.ts';
import type { RunRecord } from './run-records.ts';

export interface RunRow {
  period: string;
  revision: number;
  /** Digest of `manifestJson`. */
  manifest: string;
  manifestJson: string;
  result: BillingRun;
  issuedAt: string;
}

/** Positive amounts are debits, negative ones credits; those of an entry sum to zero. */
export interface EntryRow {
  id: string;
  chargeKey: string;
  description: string;
  postings: { account: string; amountMinor: bigint }[];
}

export interface NewStatement {
  id: string;
  lease: string;
  tenant: string;
  period: string;
  /** Site-local dates, `[from, to)`. */
  from: string;
  to: string;
  gross: string;
  json: string;
  digest: string;
  tokenHash: string;
  /** The statement that it takes the place of: its charges are the difference. */
  corrects: string | null;
}

export interface IssuedRun extends RunRecord {
  run: RunRow;
  charges: Charge[];
  entries: EntryRow[];
  /** In the order of their chain: each names the digest of the one before. */
  statements: NewStatement[];
  /** Digest of the statement that the first of them names: another one must not have been issued meanwhile. */
  follows: string | null;
  /** What external ledgers are told, in the same transaction. */
  events: OutboxEvent[];
}

export type StatementRow = Omit<NewStatement, 'json'> & {
  revision: number;
  confirmedAt: string | null;
  /** The statement that has taken its place. */
  correctedBy: string | null;
};

/** With its file, as it was signed. */
export type StatementDocument = StatementRow & { json: string };

/** `position` is the cursor of the pull API: it grows, and no later charge gets a smaller one. */
export type ChargeRow = Charge & { position: number };

export type Confirmation =
  | { ok: true; confirmedAt: string }
  | { ok: false; code: 'unknown_statement' | 'digest_mismatch'; detail: string };

/** A period and revision is issued from one manifest; from another one it takes a further revision. */
export class PeriodClosedError extends Error {
  override readonly name = 'PeriodClosedError';
  readonly code = 'period_closed';
  constructor({ period, revision }: RunRow) {
    super(`${period} revision ${revision} is issued from another manifest`);
  }
}

/** Another run was issued since the chain was looked at: what was signed would branch off. */
export class ChainMovedError extends Error {
  override readonly name = 'ChainMovedError';
  readonly code = 'chain_moved';
}

export interface BillingOperations {
  /** In the order of issue; of one period or lease where given. */
  statements(asked?: { period?: string | null; lease?: string | null }): StatementRow[];
  statement(id: string): StatementDocument | null;
  statementByTokenHash(tokenHash: string): StatementDocument | null;
  /** Every statement that was ever issued, in the order of issue. */
  statementChain(): {
    id: string;
    lease: string;
    digest: string;
  }[];
  /** Of the statement issued last; null before the first. */
  lastStatementDigest(): string | null;
  /** The tenant has seen and confirmed exactly this file. The first confirmation stands. */
  confirmStatement(asked: { id: string; digest: string; at: string }): Confirmation;
  /**
   * Issues a run with all that belongs to it, or nothing of it. Issuing the same manifest again changes nothing.
   * @throws PeriodClosedError (`period_closed`) where the period and revision is issued from another manifest
   */
  issueRun(input: IssuedRun): 'issued' | 'already_issued';
  /** The newest revision of the period. */
  billingRun(period: string): RunRow | null;
  /** Every run, the newest period and revision first. */
  billingRuns(): RunRow[];
  /** Charges after the position `since` (0 from the first), in the order they were posted. */
  charges(asked: { since: number; limit: number }): ChargeRow[];
  charge(key: string): ChargeRow | null;
  /** All that was ever charged for what was consumed in the period, corrections and adjustments included. */
  chargesForService(period: string): ChargeRow[];
  chargesOfRun(asked: { period: string; revision: number }): ChargeRow[];
  /** In the order of their charges. */
  entriesOfRun(asked: { period: string; revision: number }): EntryRow[];
  /** The balance of every account; they sum to zero. */
  ledgerTotals(): {
    account: string;
    amountMinor: bigint;
  }[];
}
