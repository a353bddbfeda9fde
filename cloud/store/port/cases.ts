/** What people contest and grant: disputes, credits, the alarms of the nightly reconciliation. */

export interface NewDispute {
  id: string;
  statement: string;
  line: string;
  reason: string;
  openedAt: string;
}

export type DisputeState = 'open' | 'credited' | 'rejected';

export type DisputeRow = NewDispute & {
  lease: string;
  tenant: string;
  period: string;
  state: DisputeState;
  decision: { reason: string; actor: string; at: string } | null;
};

export interface NewCredit {
  id: string;
  /** Key of the charge that it takes back in part or whole. */
  charge: string;
  dispute: string | null;
  /** Positive, in minor units: what the lease owes less. */
  grossMinor: bigint;
  reason: string;
  requestedBy: string;
  requestedAt: string;
}

export type CreditState = 'requested' | 'approved' | 'refused';

export type CreditRow = NewCredit & {
  state: CreditState;
  decidedBy: string | null;
  decidedAt: string | null;
  /** Key of the charge by which it was posted; null until then. */
  posted: string | null;
};

export interface LedgerAlarm {
  number: number;
  at: string;
  kind: string;
  detail: string;
}

export interface CasesOperations {
  /** The newest first. */
  disputes(asked?: { statement?: string | null }): DisputeRow[];
  dispute(id: string): DisputeRow | null;
  /** @returns false where the line is disputed already */
  openDispute(dispute: NewDispute): boolean;
  /** @returns false where it was decided before */
  decideDispute(decision: {
    dispute: string;
    state: 'credited' | 'rejected';
    reason: string;
    actor: string;
    at: string;
  }): boolean;
  /** The newest first. */
  credits(): CreditRow[];
  requestCredit(credit: NewCredit): void;
  /**
   * @returns false where it was decided before
   * @throws Error where whoever requested it would approve it too
   */
  decideCredit(asked: { credit: string; approved: boolean; actor: string; at: string }): boolean;
  raiseLedgerAlarms(found: Omit<LedgerAlarm, 'number'>[]): void;
  /** The newest first. */
  ledgerAlarms(limit: number): LedgerAlarm[];
}
