/** Bills, outbox and ledger side by side, for the reconciliation. */
import type { DatabaseSync } from 'node:sqlite';

export const schema = '';

/** What each of the three says of one charge, in minor units; null where it says nothing. */
export interface BooksRow {
  position: number;
  key: string;
  bill: bigint | null;
  /** As the event has it: decimal. */
  outbox: string | null;
  ledger: bigint | null;
}

export function operations(db: DatabaseSync) {
  const rows = db.prepare(
    `SELECT c.position, c.key, c.gross_minor AS bill,
       (SELECT json_extract(data, '$.gross') FROM outbox_event
         WHERE subject = c.key AND type = 'meterline.charge.posted') AS outbox,
       (SELECT sum(p.amount_minor) FROM ledger_entry e JOIN posting p ON p.entry = e.id
         WHERE e.charge_key = c.key AND (p.account = 'landlord' OR p.account LIKE 'lease:%')) AS ledger
     FROM charge c JOIN run_seal s ON s.period = c.period AND s.revision = c.revision
     WHERE c.position > ? ORDER BY c.position LIMIT ?`,
  );
  rows.setReadBigInts(true);
  const orphans = db.prepare(
    `SELECT e.subject FROM outbox_event e LEFT JOIN charge c ON c.key = e.subject
     WHERE e.type = 'meterline.charge.posted' AND c.key IS NULL ORDER BY e.position LIMIT 100`,
  );
  return {
    /** Of charges after the position `since`. Runs of builds that told no events are left out. */
    booksRows({ since, limit }: { since: number; limit: number }): BooksRow[] {
      return rows
        .all(since, limit)
        .map((row) => ({ ...row, position: Number(row.position) }) as unknown as BooksRow);
    },
    /** Keys that events tell of and that no charge has. */
    unbilledEvents(): string[] {
      return orphans.all().map(({ subject }) => String(subject));
    },
  };
}
