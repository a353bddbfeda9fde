/** What could not be stored as it came, kept with its reason. The same message for the same reason is one row, however often it is sent. */
import { createHash } from 'node:crypto';
import type { DatabaseSync } from 'node:sqlite';

export const schema = `
CREATE TABLE IF NOT EXISTS quarantine (
  id INTEGER PRIMARY KEY,
  digest TEXT NOT NULL UNIQUE,
  gateway TEXT,
  epoch TEXT,
  sequence INTEGER,
  topic TEXT NOT NULL,
  code TEXT NOT NULL,
  detail TEXT NOT NULL,
  payload TEXT NOT NULL,
  at TEXT NOT NULL
) STRICT;
CREATE INDEX IF NOT EXISTS quarantine_item ON quarantine (gateway, epoch, sequence) WHERE epoch IS NOT NULL;
`;

export interface Quarantined {
  id: number;
  /** Null where the sender could not be told. */
  gateway: string | null;
  topic: string;
  /** Reason: `conflict`, `out_of_scale`, `future_timestamp`, ..., or the code of whoever refused the message. */
  code: string;
  detail: string;
  /** The message as text; bytes that are no text come in hex. */
  payload: string;
  /** RFC 3339: when it was first put here. */
  at: string;
}

/** An item of a batch, as against a whole message. */
export interface ItemKey {
  epoch: string;
  sequence: number;
}

/** Inserts into the quarantine, inside the caller's transaction if there is one. */
export function quarantineInserter(
  db: DatabaseSync,
): (entry: Omit<Quarantined, 'id'>, item?: ItemKey) => void {
  const insert = db.prepare(
    `INSERT INTO quarantine (digest, gateway, epoch, sequence, topic, code, detail, payload, at)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (digest) DO NOTHING`,
  );
  return ({ gateway, topic, code, detail, payload, at }, item) => {
    const identity = JSON.stringify([gateway, item?.epoch ?? null, topic, code, payload]);
    const digest = createHash('sha256').update(identity).digest('hex');
    insert.run(
      digest,
      gateway,
      item?.epoch ?? null,
      item?.sequence ?? null,
      topic,
      code,
      detail,
      payload,
      at,
    );
  };
}

export function operations(db: DatabaseSync) {
  const insert = quarantineInserter(db);
  const newest = db.prepare(
    'SELECT id, gateway, topic, code, detail, payload, at FROM quarantine ORDER BY id DESC LIMIT ?',
  );
  const count = db.prepare('SELECT count(*) AS n FROM quarantine');
  return {
    quarantine(entry: Omit<Quarantined, 'id'>): void {
      insert(entry);
    },
    /** The newest `limit` entries, newest first. */
    quarantined(limit: number): Quarantined[] {
      return newest.all(limit) as unknown as Quarantined[];
    },
    quarantineCount(): number {
      return count.get()?.n as number;
    },
  };
}
