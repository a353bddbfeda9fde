/** What people contest and grant: disputes of a statement's line, credits that two people stand for, the alarms of the nightly reconciliation. */

import type { DatabaseSync } from 'node:sqlite';
import type {
  CasesOperations,
  CreditRow,
  CreditState,
  DisputeRow,
  LedgerAlarm,
  NewCredit,
  NewDispute,
} from '../port/cases.ts';
import { appendOnly } from './append-only.ts';
import { transaction } from './transaction.ts';

export const schema = `
CREATE TABLE IF NOT EXISTS dispute (
  id TEXT PRIMARY KEY,
  statement TEXT NOT NULL REFERENCES statement (id),
  line TEXT NOT NULL,
  reason TEXT NOT NULL,
  opened_at TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS dispute_decision (
  dispute TEXT PRIMARY KEY REFERENCES dispute (id),
  state TEXT NOT NULL CHECK (state IN ('credited', 'rejected')),
  reason TEXT NOT NULL,
  actor TEXT NOT NULL,
  at TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS credit (
  id TEXT PRIMARY KEY,
  charge TEXT NOT NULL REFERENCES charge (key),
  dispute TEXT REFERENCES dispute (id),
  gross_minor INTEGER NOT NULL CHECK (gross_minor > 0),
  reason TEXT NOT NULL,
  requested_by TEXT NOT NULL,
  requested_at TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS credit_decision (
  credit TEXT PRIMARY KEY REFERENCES credit (id),
  approved INTEGER NOT NULL CHECK (approved IN (0, 1)),
  actor TEXT NOT NULL,
  at TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TRIGGER IF NOT EXISTS credit_by_two BEFORE INSERT ON credit_decision
WHEN NEW.approved = 1 AND NEW.actor = (SELECT requested_by FROM credit WHERE id = NEW.credit)
BEGIN SELECT RAISE(ABORT, 'nobody approves a credit of their own'); END;
CREATE TABLE IF NOT EXISTS ledger_alarm (
  number INTEGER PRIMARY KEY AUTOINCREMENT,
  at TEXT NOT NULL,
  kind TEXT NOT NULL,
  detail TEXT NOT NULL
) STRICT;
${['dispute', 'dispute_decision', 'credit', 'credit_decision', 'ledger_alarm'].map(appendOnly).join('')}`;

function disputeOperations(db: DatabaseSync) {
  const select = `SELECT d.id, d.statement, d.line, d.reason, d.opened_at AS openedAt, s.lease, s.tenant, s.period,
    coalesce(x.state, 'open') AS state, x.reason AS why, x.actor, x.at
    FROM dispute d JOIN statement s ON s.id = d.statement LEFT JOIN dispute_decision x ON x.dispute = d.id`;
  const all = db.prepare(
    `${select} WHERE :statement IS NULL OR d.statement = :statement ORDER BY d.opened_at DESC, d.id`,
  );
  const one = db.prepare(`${select} WHERE d.id = ?`);
  const open = db.prepare(
    `INSERT INTO dispute (id, statement, line, reason, opened_at) SELECT :id, :statement, :line, :reason, :openedAt
     WHERE NOT EXISTS (SELECT 1 FROM dispute d LEFT JOIN dispute_decision x ON x.dispute = d.id
       WHERE d.statement = :statement AND d.line = :line AND x.dispute IS NULL)`,
  );
  const decide = db.prepare(
    'INSERT INTO dispute_decision (dispute, state, reason, actor, at) VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING',
  );
  const row = ({ why, actor, at, ...rest }: Record<string, unknown>): DisputeRow =>
    ({ ...rest, decision: at === null ? null : { reason: why, actor, at } }) as unknown as DisputeRow;
  return {
    disputes({ statement = null }: { statement?: string | null } = {}): DisputeRow[] {
      return all.all({ statement }).map(row);
    },
    dispute(id: string): DisputeRow | null {
      const found = one.get(id);
      return found === undefined ? null : row(found);
    },
    openDispute(dispute: NewDispute): boolean {
      return Number(open.run({ ...dispute }).changes) > 0;
    },
    decideDispute(decision: {
      dispute: string;
      state: 'credited' | 'rejected';
      reason: string;
      actor: string;
      at: string;
    }): boolean {
      const { dispute, state, reason, actor, at } = decision;
      return Number(decide.run(dispute, state, reason, actor, at).changes) > 0;
    },
  };
}

function creditOperations(db: DatabaseSync) {
  const select = db.prepare(
    `SELECT c.id, c.charge, c.dispute, c.gross_minor AS grossMinor, c.reason, c.requested_by AS requestedBy,
     c.requested_at AS requestedAt, x.approved, x.actor AS decidedBy, x.at AS decidedAt,
     (SELECT p.key FROM charge p WHERE p.corrects = c.charge AND p.kind = 'credit' AND p.lease IS NOT NULL
       AND p.key LIKE '%|credit ' || c.id) AS posted
     FROM credit c LEFT JOIN credit_decision x ON x.credit = c.id ORDER BY c.requested_at DESC, c.id`,
  );
  select.setReadBigInts(true);
  const request = db.prepare(
    'INSERT INTO credit (id, charge, dispute, gross_minor, reason, requested_by, requested_at) VALUES (?, ?, ?, ?, ?, ?, ?)',
  );
  const decide = db.prepare(
    'INSERT INTO credit_decision (credit, approved, actor, at) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING',
  );
  const stateOf = (approved: unknown): CreditState => {
    if (approved === null) return 'requested';
    return approved === 1n ? 'approved' : 'refused';
  };
  return {
    credits(): CreditRow[] {
      return select
        .all()
        .map(({ approved, ...rest }) => ({ ...rest, state: stateOf(approved) }) as unknown as CreditRow);
    },
    requestCredit(credit: NewCredit): void {
      const { id, charge, dispute, grossMinor, reason, requestedBy, requestedAt } = credit;
      request.run(id, charge, dispute, grossMinor, reason, requestedBy, requestedAt);
    },
    decideCredit({
      credit,
      approved,
      actor,
      at,
    }: {
      credit: string;
      approved: boolean;
      actor: string;
      at: string;
    }): boolean {
      return Number(decide.run(credit, approved ? 1 : 0, actor, at).changes) > 0;
    },
  };
}

export function operations(db: DatabaseSync): CasesOperations {
  const raise = db.prepare('INSERT INTO ledger_alarm (at, kind, detail) VALUES (?, ?, ?)');
  const alarms = db.prepare('SELECT number, at, kind, detail FROM ledger_alarm ORDER BY number DESC LIMIT ?');
  return {
    ...disputeOperations(db),
    ...creditOperations(db),
    raiseLedgerAlarms(found: Omit<LedgerAlarm, 'number'>[]): void {
      transaction(db, () => {
        for (const { at, kind, detail } of found) raise.run(at, kind, detail);
      });
    },
    ledgerAlarms(limit: number): LedgerAlarm[] {
      return alarms.all(limit) as unknown as LedgerAlarm[];
    },
  };
}
