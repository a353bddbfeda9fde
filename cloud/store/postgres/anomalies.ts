/** What the detectors raised. An anomaly's id names its cause, so that detecting it again updates one row. */
import type { Anomaly } from '../../../protocols/api.ts';
import type { Database } from './open-database.ts';
import type { Row } from './session.ts';

const PUT = `INSERT INTO anomaly (id, meter, kind, start, "end", raised_at, severity, evidence)
  SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[])
    AS i (id, meter, kind, start, "end", raised_at, severity, evidence) ORDER BY id
  ON CONFLICT (id) DO UPDATE SET "end" = excluded."end", severity = excluded.severity, evidence = excluded.evidence`;
const list = (where: string): string =>
  `SELECT id, meter, kind, start, "end", raised_at AS "raisedAt", severity, evidence FROM anomaly ${where} ORDER BY raised_at DESC, id`;
const ALL = list('');
const OPEN = list('WHERE "end" IS NULL');

const anomalyRow = (row: Row): Anomaly => ({
  ...(row as unknown as Anomaly),
  evidence: JSON.parse(row.evidence as string),
});

export function operations(db: Database) {
  return {
    async putAnomalies(anomalies: Anomaly[]): Promise<void> {
      // One statement cannot change a row twice: of two of one id the last counts.
      const byId = [...new Map(anomalies.map((anomaly) => [anomaly.id, anomaly])).values()];
      if (byId.length === 0) return;
      const column = <T>(of: (anomaly: Anomaly) => T): T[] => byId.map(of);
      await db.run(PUT, [
        column(({ id }) => id),
        column(({ meter }) => meter),
        column(({ kind }) => kind),
        column(({ start }) => start),
        column(({ end }) => end),
        column(({ raisedAt }) => raisedAt),
        column(({ severity }) => severity),
        column(({ evidence }) => JSON.stringify(evidence)),
      ]);
    },
    anomalies: async ({ openOnly = false }: { openOnly?: boolean } = {}): Promise<Anomaly[]> =>
      (await db.rows(openOnly ? OPEN : ALL)).map(anomalyRow),
  };
}
