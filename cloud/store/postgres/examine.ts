/** What is wrong with the server that the configuration names, and the next step. */
import type { Finding } from '../../../protocols/finding.ts';
import { migrations } from './migrations.ts';
import { durability, type PostgresPlace, poolOf } from './open-database.ts';
import { session } from './session.ts';
import { lend } from './transaction.ts';

const check = 'database';

/** By SQLSTATE or the system's code. */
const nextSteps: Record<string, string> = {
  '28P01': 'correct METERLINE_POSTGRES_PASSWORD, or what `passwordFile` holds',
  '28000': "let the user in by the server's pg_hba.conf",
  '3D000': 'make it: `createdb -O USER DATABASE`',
  ECONNREFUSED: 'start the server, or correct `host` and `port`',
  ENOENT: 'start the server, or correct the folder of its socket',
  store_not_durable: 'set fsync to on, and restart the server',
  store_read_only: 'name the primary',
  store_too_old: 'use PostgreSQL 15 or newer',
};

/** Changes nothing. */
export async function examineServer(place: PostgresPlace): Promise<Finding> {
  const { host, port, database, user } = place;
  const name = `${user}@${host}:${port}/${database}`;
  const pool = poolOf(place);
  pool.on('error', () => undefined);
  try {
    return await lend(pool, async (client) => {
      const { version, fullPageWrites } = await durability(session(client));
      const { rows } = await client.query<{ made: boolean; connections: number; most: number }>(
        `SELECT to_regclass('migration') IS NOT NULL AS made, current_setting('max_connections')::integer AS most,
           (SELECT count(*)::integer FROM pg_stat_activity) AS connections`,
      );
      const { made = false, connections = 0, most = 0 } = rows[0] ?? {};
      const server = `${name}, PostgreSQL ${Math.floor(version / 10_000)}.${version % 10_000}`;
      const number = made
        ? (await client.query<{ n: number }>('SELECT max(number) AS n FROM migration')).rows[0]?.n
        : undefined;
      const newest = migrations().at(-1)?.number ?? 0;
      if (number !== undefined && number > newest)
        return {
          check,
          state: 'wrong',
          detail: `${server}: its tables are of a newer version (${number})`,
          next: 'run the newer version',
        };
      const tables = number === newest ? 'is ready' : 'its tables will be made at the next start';
      const detail = `${server}: ${tables}; commits are flushed; ${connections} of ${most} connections in use`;
      if (fullPageWrites === 'on') return { check, state: 'ok', detail };
      return {
        check,
        state: 'warning',
        detail: `${detail}; full_page_writes is off`,
        next: 'set it to on, unless the file system writes whole pages (ZFS does)',
      };
    });
  } catch (error) {
    const { message, code } = error as { message: string; code?: string };
    const next = nextSteps[code ?? ''] ?? 'see the log of the server, and `store` in the configuration';
    return { check, state: 'wrong', detail: `${name}: ${message}`, next };
  } finally {
    await pool.end();
  }
}
