/** Bills, outbox and ledger side by side, for the reconciliation. */

import type { DatabaseSync } from 'node:sqlite';
import type { BooksOperations, BooksRow } from '../port/books.ts';

export const schema = '';

export function operations(db: DatabaseSync): BooksOperations {
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
    booksRows({ since, limit }: { since: number; limit: number }): BooksRow[] {
      return rows
        .all(since, limit)
        .map((row) => ({ ...row, position: Number(row.position) }) as unknown as BooksRow);
    },
    unbilledEvents(): string[] {
      return orphans.all().map(({ subject }) => String(subject));
    },
  };
}
