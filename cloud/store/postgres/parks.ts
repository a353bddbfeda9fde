/** Park documents: every version that was ever in force, by digest; the newest is in force now. */
import type { ParkVersion } from '../port/parks.ts';
import type { Database } from './open-database.ts';

const ONE_AT_A_TIME = "SELECT pg_advisory_xact_lock(hashtextextended('meterline: park', 0))";
const PUT = `INSERT INTO park (digest, imported_at, document) SELECT $1::text, $2::text, $3::text
  WHERE (SELECT digest FROM park ORDER BY version DESC LIMIT 1) IS DISTINCT FROM $1`;
const VERSION = 'SELECT version, digest, imported_at AS "importedAt", document FROM park';
const BY_DIGEST = `${VERSION} WHERE digest = $1 ORDER BY version DESC LIMIT 1`;
const NEWEST = `${VERSION} ORDER BY version DESC LIMIT 1`;

export function operations(db: Database) {
  const one = async (sql: string, values: string[] = []): Promise<ParkVersion | null> =>
    ((await db.rows(sql, values))[0] as unknown as ParkVersion | undefined) ?? null;
  return {
    putPark: ({ digest, importedAt, document }: Omit<ParkVersion, 'version'>): Promise<{ added: boolean }> =>
      db.transaction(async (tx) => {
        await tx.rows(ONE_AT_A_TIME);
        return { added: (await tx.run(PUT, [digest, importedAt, document])) > 0 };
      }),
    parkByDigest: (digest: string): Promise<ParkVersion | null> => one(BY_DIGEST, [digest]),
    currentPark: (): Promise<ParkVersion | null> => one(NEWEST),
  };
}
