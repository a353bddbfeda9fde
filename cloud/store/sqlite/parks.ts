/** Park documents: every version that was ever in force, by digest; the newest is in force now. */

import type { DatabaseSync } from 'node:sqlite';
import type { ParksOperations, ParkVersion } from '../port/parks.ts';

export const schema = `
CREATE TABLE IF NOT EXISTS park (
  version INTEGER PRIMARY KEY,
  digest TEXT NOT NULL,
  imported_at TEXT NOT NULL,
  document TEXT NOT NULL
) STRICT;
CREATE TRIGGER IF NOT EXISTS park_no_update BEFORE UPDATE ON park BEGIN SELECT RAISE(ABORT, 'park documents are never edited'); END;
CREATE TRIGGER IF NOT EXISTS park_no_delete BEFORE DELETE ON park BEGIN SELECT RAISE(ABORT, 'park documents are never deleted'); END;
`;

export function operations(db: DatabaseSync): ParksOperations {
  const insert = db.prepare(
    `INSERT INTO park (digest, imported_at, document) SELECT $digest, $importedAt, $document
     WHERE (SELECT digest FROM park ORDER BY version DESC LIMIT 1) IS NOT $digest`,
  );
  const newest = db.prepare(
    'SELECT version, digest, imported_at AS importedAt, document FROM park ORDER BY version DESC LIMIT 1',
  );
  const byDigest = db.prepare(
    `SELECT version, digest, imported_at AS importedAt, document FROM park WHERE digest = ? ORDER BY version DESC LIMIT 1`,
  );
  return {
    putPark({ digest, importedAt, document }: Omit<ParkVersion, 'version'>): { added: boolean } {
      return {
        added: insert.run({ $digest: digest, $importedAt: importedAt, $document: document }).changes > 0,
      };
    },
    parkByDigest(digest: string): ParkVersion | null {
      return (byDigest.get(digest) as ParkVersion | undefined) ?? null;
    },
    currentPark(): ParkVersion | null {
      return (newest.get() as ParkVersion | undefined) ?? null;
    },
  };
}
