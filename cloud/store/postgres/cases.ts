/** What people contest and grant: disputes of a statement's line, credits that two people stand for, the alarms of the nightly reconciliation. */
import type {
  CreditRow,
  CreditState,
  DisputeRow,
  LedgerAlarm,
  NewCredit,
  NewDispute,
} from '../port/cases.ts';
import type { Database } from './open-database.ts';
import type { Row } from './session.ts';

const DISPUTES = `SELECT d.id, d.statement, d.line, d.reason, d.opened_at AS "openedAt", s.lease, s.tenant, s.period,
  coalesce(x.state, 'open') AS state, x.reason AS why, x.actor, x.at
  FROM dispute d JOIN statement s ON s.id = d.statement LEFT JOIN dispute_decision x ON x.dispute = d.id`;
const LIST = `${DISPUTES} WHERE $1::text IS NULL OR d.statement = $1 ORDER BY d.opened_at DESC, d.id`;
const ONE = `${DISPUTES} WHERE d.id = $1`;
const LOCK_LINE =
  "SELECT pg_advisory_xact_lock(hashtextextended('meterline: dispute ' || $1::text || ' ' || $2::text, 0))";
const OPEN = `INSERT INTO dispute (id, statement, line, reason, opened_at) SELECT $1::text, $2::text, $3::text, $4::text, $5::text
  WHERE NOT EXISTS (SELECT 1 FROM dispute d LEFT JOIN dispute_decision x ON x.dispute = d.id
    WHERE d.statement = $2 AND d.line = $3 AND x.dispute IS NULL)`;
const DECIDE =
  'INSERT INTO dispute_decision (dispute, state, reason, actor, at) VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING';

const disputeRow = ({ why = null, actor = null, at = null, ...rest }: Row): DisputeRow =>
  ({ ...rest, decision: at === null ? null : { reason: why, actor, at } }) as unknown as DisputeRow;

function disputeOperations(db: Database) {
  return {
    disputes: async ({ statement = null }: { statement?: string | null } = {}): Promise<DisputeRow[]> =>
      (await db.rows(LIST, [statement])).map(disputeRow),
    async dispute(id: string): Promise<DisputeRow | null> {
      const [row] = await db.rows(ONE, [id]);
      return row === undefined ? null : disputeRow(row);
    },
    openDispute: ({ id, statement, line, reason, openedAt }: NewDispute): Promise<boolean> =>
      db.transaction(async (tx) => {
        await tx.rows(LOCK_LINE, [statement, line]);
        return (await tx.run(OPEN, [id, statement, line, reason, openedAt])) > 0;
      }),
    decideDispute: async (decision: {
      dispute: string;
      state: 'credited' | 'rejected';
      reason: string;
      actor: string;
      at: string;
    }): Promise<boolean> => {
      const { dispute, state, reason, actor, at } = decision;
      return (await db.run(DECIDE, [dispute, state, reason, actor, at])) > 0;
    },
  };
}

const CREDITS = `SELECT c.id, c.charge, c.dispute, c.gross_minor AS "grossMinor", c.reason, c.requested_by AS "requestedBy",
  c.requested_at AS "requestedAt", x.approved, x.actor AS "decidedBy", x.at AS "decidedAt",
  (SELECT p.key FROM charge p WHERE p.corrects = c.charge AND p.kind = 'credit' AND p.lease IS NOT NULL
    AND right(p.key, length('|credit ' || c.id)) = '|credit ' || c.id) AS posted
  FROM credit c LEFT JOIN credit_decision x ON x.credit = c.id ORDER BY c.requested_at DESC, c.id`;
const REQUEST = `INSERT INTO credit (id, charge, dispute, gross_minor, reason, requested_by, requested_at)
  VALUES ($1, $2, $3, $4, $5, $6, $7)`;
const DECIDE_CREDIT =
  'INSERT INTO credit_decision (credit, approved, actor, at) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING';

function stateOf(approved: unknown): CreditState {
  if (approved === null) return 'requested';
  return approved === true ? 'approved' : 'refused';
}

function creditOperations(db: Database) {
  return {
    credits: async (): Promise<CreditRow[]> =>
      (await db.rows(CREDITS)).map(
        ({ approved, ...rest }) => ({ ...rest, state: stateOf(approved) }) as unknown as CreditRow,
      ),
    async requestCredit(credit: NewCredit): Promise<void> {
      const { id, charge, dispute, grossMinor, reason, requestedBy, requestedAt } = credit;
      await db.run(REQUEST, [id, charge, dispute, grossMinor, reason, requestedBy, requestedAt]);
    },
    decideCredit: async (decision: {
      credit: string;
      approved: boolean;
      actor: string;
      at: string;
    }): Promise<boolean> => {
      const { credit, approved, actor, at } = decision;
      return (await db.run(DECIDE_CREDIT, [credit, approved, actor, at])) > 0;
    },
  };
}

const RAISE = `INSERT INTO ledger_alarm (at, kind, detail)
  SELECT at, kind, detail FROM unnest($1::text[], $2::text[], $3::text[]) WITH ORDINALITY AS i (at, kind, detail, n) ORDER BY n`;

export function operations(db: Database) {
  return {
    ...disputeOperations(db),
    ...creditOperations(db),
    async raiseLedgerAlarms(found: Omit<LedgerAlarm, 'number'>[]): Promise<void> {
      const column = (of: (alarm: Omit<LedgerAlarm, 'number'>) => string): string[] => found.map(of);
      await db.run(RAISE, [
        column(({ at }) => at),
        column(({ kind }) => kind),
        column(({ detail }) => detail),
      ]);
    },
    ledgerAlarms: async (limit: number): Promise<LedgerAlarm[]> => {
      const sql = 'SELECT number, at, kind, detail FROM ledger_alarm ORDER BY number DESC LIMIT $1';
      const rows = await db.rows(sql, [limit]);
      return rows.map((row) => ({ ...(row as unknown as LedgerAlarm), number: Number(row.number) }));
    },
  };
}
