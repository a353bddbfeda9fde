/** What the detectors raised. An anomaly's id names its cause, so that detecting it again updates one row. */

import type { DatabaseSync, SQLOutputValue } from 'node:sqlite';
import type { Anomaly } from '../../../protocols/api.ts';
import type { AnomaliesOperations } from '../port/anomalies.ts';
import { transaction } from './transaction.ts';

export const schema = `
CREATE TABLE IF NOT EXISTS anomaly (
  id TEXT PRIMARY KEY,
  meter TEXT NOT NULL,
  kind TEXT NOT NULL,
  start TEXT NOT NULL,
  "end" TEXT,
  raised_at TEXT NOT NULL,
  severity TEXT NOT NULL,
  evidence TEXT NOT NULL      -- JSON, protocols/api.ts Wording
) STRICT, WITHOUT ROWID;
`;

const anomalyRow = (row: Record<string, SQLOutputValue>): Anomaly => ({
  ...(row as unknown as Anomaly),
  evidence: JSON.parse(row.evidence as string),
});

export function operations(db: DatabaseSync): AnomaliesOperations {
  const put = db.prepare(
    `INSERT INTO anomaly (id, meter, kind, start, "end", raised_at, severity, evidence) VALUES (?, ?, ?, ?, ?, ?, ?, ?)
     ON CONFLICT DO UPDATE SET "end" = excluded."end", severity = excluded.severity, evidence = excluded.evidence`,
  );
  const columns = 'id, meter, kind, start, "end", raised_at AS raisedAt, severity, evidence';
  const order = 'ORDER BY raised_at DESC, id';
  const all = db.prepare(`SELECT ${columns} FROM anomaly ${order}`);
  const open = db.prepare(`SELECT ${columns} FROM anomaly WHERE "end" IS NULL ${order}`);
  return {
    putAnomalies(list: Anomaly[]): void {
      transaction(db, () => {
        for (const a of list)
          put.run(a.id, a.meter, a.kind, a.start, a.end, a.raisedAt, a.severity, JSON.stringify(a.evidence));
      });
    },
    anomalies({ openOnly = false }: { openOnly?: boolean } = {}): Anomaly[] {
      return (openOnly ? open : all).all().map(anomalyRow);
    },
  };
}
