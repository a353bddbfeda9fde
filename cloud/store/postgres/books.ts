/** Bills, outbox and ledger side by side, for the reconciliation. */
import type { BooksRow } from '../port/books.ts';
import type { Database } from './open-database.ts';

const ROWS = `SELECT c.position, c.key, c.gross_minor AS bill,
    (SELECT data::json ->> 'gross' FROM outbox_event
      WHERE subject = c.key AND type = 'meterline.charge.posted') AS outbox,
    (SELECT sum(p.amount_minor) FROM ledger_entry e JOIN posting p ON p.entry = e.id
      WHERE e.charge_key = c.key AND (p.account = 'landlord' OR starts_with(p.account, 'lease:'))) AS ledger
  FROM charge c JOIN run_seal s ON s.period = c.period AND s.revision = c.revision
  WHERE c.position > $1 ORDER BY c.position LIMIT $2`;
const ORPHANS = `SELECT e.subject FROM outbox_event e LEFT JOIN charge c ON c.key = e.subject
  WHERE e.type = 'meterline.charge.posted' AND c.key IS NULL ORDER BY e.position LIMIT 100`;

export function operations(db: Database) {
  return {
    booksRows: async ({ since, limit }: { since: number; limit: number }): Promise<BooksRow[]> =>
      (await db.rows(ROWS, [since, limit])).map((row) => ({
        ...(row as unknown as BooksRow),
        position: Number(row.position),
      })),
    unbilledEvents: async (): Promise<string[]> =>
      (await db.rows(ORPHANS)).map(({ subject }) => subject as string),
  };
}
