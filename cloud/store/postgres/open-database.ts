/** Opens the database: a bounded pool whose every connection is known to commit to the disk, and the newest tables. */
import pg from 'pg';
import { StoreError } from '../store-error.ts';
import { migrate } from './migrations.ts';
import { type Session, session } from './session.ts';
import { acquire, lend, transaction } from './transaction.ts';

/** Where the database is. */
export interface PostgresPlace {
  /** A name, an address, or the folder of a socket. */
  host: string;
  port: number;
  database: string;
  user: string;
  password: string | null;
  /** PEM texts. With it the server has to prove its name. */
  tls?: { ca: string; cert?: string | undefined; key?: string | undefined } | undefined;
}

export interface Database extends Session {
  /** All of it is committed, or nothing is. It may be run more than once, and must not change anything but the database. */
  transaction<T>(work: (session: Session) => Promise<T>): Promise<T>;
  /** Work that only one process at a time does, of all that share the database. @returns null where another is at it */
  alone<T>(scope: string, work: () => Promise<T>): Promise<{ result: T } | null>;
  close(): Promise<void>;
}

/** Older ones are not tested. */
const OLDEST_VERSION = 150_000;
/** Connections of one process: the service has pages, jobs and ingest side by side, a worker has ingest. */
const MOST_CONNECTIONS = 8;
const CONNECT_MS = 10_000;
const STATEMENT_MS = 60_000;
const LOCK_MS = 20_000;
/** At start, the server may be starting as well. */
const START_PATIENCE_MS = 30_000;

/** Integers of eight bytes and exact numerics are never floats. */
const INT8 = 20;
const NUMERIC = 1700;
const exact = (text: string): bigint => BigInt(text);
const types: pg.CustomTypesConfig = {
  getTypeParser: ((oid: number, format?: 'text' | 'binary') =>
    oid === INT8 || oid === NUMERIC
      ? exact
      : pg.types.getTypeParser(oid, format as 'text')) as typeof pg.types.getTypeParser,
};

export function poolOf(place: PostgresPlace): pg.Pool {
  const { host, port, database, user, password, tls } = place;
  return new pg.Pool({
    ...{ host, port, database, user, types },
    ...(password === null ? {} : { password }),
    ...(tls && {
      ssl: { ca: tls.ca, ...(tls.cert && { cert: tls.cert }), ...(tls.key && { key: tls.key }) },
    }),
    application_name: 'meterline',
    max: MOST_CONNECTIONS,
    connectionTimeoutMillis: CONNECT_MS,
    statement_timeout: STATEMENT_MS,
    lock_timeout: LOCK_MS,
    idle_in_transaction_session_timeout: STATEMENT_MS,
    // The server ends a statement in time; when no word of that comes, the connection is dead.
    query_timeout: 2 * STATEMENT_MS,
    keepAlive: true,
    // What is sent in a row is not waited for one by one.
    pipeline: true,
    onConnect: insistOnDisk,
  });
}

/** What the server says of itself that an acknowledged commit depends on. */
export interface Durability {
  version: number;
  synchronousCommit: string;
  fsync: string;
  fullPageWrites: string;
  readOnly: string;
}

export async function durability(session: Session): Promise<Durability> {
  const [row] = await session.rows(
    `SELECT current_setting('server_version_num')::integer AS version, current_setting('synchronous_commit') AS "synchronousCommit",
       current_setting('fsync') AS fsync, current_setting('full_page_writes') AS "fullPageWrites",
       current_setting('transaction_read_only') AS "readOnly"`,
  );
  return row as unknown as Durability;
}

/** A commit that was acknowledged must outlive a power cut: it is set and asserted in each connection, whatever role and database say. */
async function insistOnDisk(client: pg.ClientBase): Promise<void> {
  await client.query(`SELECT set_config('synchronous_commit', 'on', false)
    WHERE current_setting('synchronous_commit') NOT IN ('on', 'remote_apply')`);
  const { version, synchronousCommit, fsync, readOnly } = await durability(session(client));
  const refuse = (code: string, detail: string): never => {
    throw new StoreError('open', detail, code);
  };
  if (version < OLDEST_VERSION) refuse('store_too_old', `PostgreSQL ${version}: 15 or newer is needed`);
  if (readOnly !== 'off')
    refuse('store_read_only', 'the server is a standby, or read-only: name the primary');
  if (fsync !== 'on' || !['on', 'remote_apply'].includes(synchronousCommit))
    refuse(
      'store_not_durable',
      `fsync is ${fsync}, synchronous_commit is ${synchronousCommit}: what is acknowledged would be lost in a power cut`,
    );
}

/** @throws StoreError where the server is not fit; Error of the network or the server where there is no connection */
export async function openDatabase(place: PostgresPlace): Promise<Database> {
  const pool = poolOf(place);
  // An idle connection that ended: the pool has let it go, and the next use opens another.
  pool.on('error', () => undefined);
  const held = new Set<string>();
  try {
    (await acquire(pool, START_PATIENCE_MS)).release();
    await transaction(pool, migrate);
  } catch (error) {
    await pool.end();
    throw error;
  }
  return {
    rows: (text, values) => lend(pool, (client) => session(client).rows(text, values)),
    run: (text, values) => lend(pool, (client) => session(client).run(text, values)),
    script: (text) => lend(pool, (client) => session(client).script(text)),
    transaction: (work) => transaction(pool, work),
    alone: (scope, work) => alone(pool, held, scope, work),
    close: () => pool.end(),
  };
}

const TAKE = "SELECT pg_try_advisory_lock(hashtextextended('meterline: ' || $1::text, 0)) AS taken";
const GIVE = "SELECT pg_advisory_unlock(hashtextextended('meterline: ' || $1::text, 0))";

/** The lock is the connection's: it ends with the process, however that ends. */
async function alone<T>(
  pool: pg.Pool,
  held: Set<string>,
  scope: string,
  work: () => Promise<T>,
): Promise<{ result: T } | null> {
  // A second lock of the same connection would be granted.
  if (held.has(scope)) return null;
  held.add(scope);
  try {
    return await lend(pool, async (client) => {
      const { rows } = await client.query<{ taken: boolean }>(TAKE, [scope]);
      if (rows[0]?.taken !== true) return null;
      try {
        return { result: await work() };
      } finally {
        // Where the connection is gone, so is the lock.
        await client.query(GIVE, [scope]).catch(() => undefined);
      }
    });
  } finally {
    held.delete(scope);
  }
}
