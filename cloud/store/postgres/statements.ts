/** Statements as they were signed, in the order of their chain, and what tenants say of them. */
import { formatMinor } from '../../../protocols/units.ts';
import type { Confirmation, StatementDocument, StatementRow } from '../port/billing.ts';
import type { Database } from './open-database.ts';
import type { Row, Session } from './session.ts';

const COLUMNS = `s.id, s.lease, s.tenant, s.period, s.revision, s.from_date AS "from", s.to_date AS "to", s.gross_minor AS gross,
  s.digest, s.token_hash AS "tokenHash", s.corrects, c.at AS "confirmedAt", n.id AS "correctedBy"`;
const SOURCE = `FROM statement s LEFT JOIN confirmation c ON c.statement = s.id LEFT JOIN statement n ON n.corrects = s.id`;
const LIST = `SELECT ${COLUMNS} ${SOURCE} WHERE ($1::text IS NULL OR s.period = $1) AND ($2::text IS NULL OR s.lease = $2)
  ORDER BY s.position`;
const BY_ID = `SELECT ${COLUMNS}, s.json ${SOURCE} WHERE s.id = $1`;
const BY_TOKEN = `SELECT ${COLUMNS}, s.json ${SOURCE} WHERE s.token_hash = $1`;
const CHAIN = 'SELECT id, lease, digest FROM statement ORDER BY position';
const NEWEST = 'SELECT digest FROM statement ORDER BY position DESC LIMIT 1';
const CONFIRM =
  'INSERT INTO confirmation (statement, digest, at) VALUES ($1, $2, $3) ON CONFLICT (statement) DO NOTHING';
const CONFIRMED = 'SELECT at FROM confirmation WHERE statement = $1';

const statementRow = <T extends StatementRow>(row: Row): T => ({
  ...(row as unknown as T),
  gross: formatMinor(row.gross as bigint),
});

/** Of the statement issued last; null before the first. */
export const lastDigest = async (session: Session): Promise<string | null> =>
  ((await session.rows(NEWEST))[0]?.digest as string | undefined) ?? null;

export function operations(db: Database) {
  const document = async (sql: string, key: string): Promise<StatementDocument | null> => {
    const [row] = await db.rows(sql, [key]);
    return row === undefined ? null : statementRow(row);
  };
  return {
    statements: async ({
      period = null,
      lease = null,
    }: {
      period?: string | null;
      lease?: string | null;
    } = {}): Promise<StatementRow[]> =>
      (await db.rows(LIST, [period, lease])).map(statementRow<StatementRow>),
    statement: (id: string): Promise<StatementDocument | null> => document(BY_ID, id),
    statementByTokenHash: (tokenHash: string): Promise<StatementDocument | null> =>
      document(BY_TOKEN, tokenHash),
    statementChain: async (): Promise<{ id: string; lease: string; digest: string }[]> =>
      (await db.rows(CHAIN)) as unknown as { id: string; lease: string; digest: string }[],
    lastStatementDigest: (): Promise<string | null> => lastDigest(db),
    confirmStatement: ({
      id,
      digest,
      at,
    }: {
      id: string;
      digest: string;
      at: string;
    }): Promise<Confirmation> =>
      db.transaction(async (tx) => {
        const [row] = await tx.rows('SELECT digest FROM statement WHERE id = $1', [id]);
        if (row === undefined) return { ok: false, code: 'unknown_statement', detail: `no statement ${id}` };
        if (row.digest !== digest)
          return { ok: false, code: 'digest_mismatch', detail: `statement ${id} has digest ${row.digest}` };
        await tx.run(CONFIRM, [id, digest, at]);
        const [confirmed] = await tx.rows(CONFIRMED, [id]);
        return { ok: true, confirmedAt: confirmed?.at as string };
      }),
  };
}
