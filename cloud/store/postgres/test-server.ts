/** A PostgreSQL server for tests and benchmarks: Debian's program on a fresh cluster, an ephemeral port of 127.0.0.1, and one process to end. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  chownSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  statfsSync,
  writeFileSync,
} from 'node:fs';
import type { AddressInfo } from 'node:net';
import { createServer } from 'node:net';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import type { PostgresPlace } from './open-database.ts';

/** Where Debian puts the versions of the server. */
const VERSIONS = '/usr/lib/postgresql';
const PASSWORD = 'a-password-of-tests';

const EMPTY = `DO $$
DECLARE
  tables text;
BEGIN
  SET LOCAL session_replication_role = replica;
  SELECT string_agg(format('%I', relname), ', ') INTO tables FROM pg_class
  WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p') AND NOT relispartition AND relname <> 'migration';
  EXECUTE 'TRUNCATE ' || tables || ' RESTART IDENTITY';
END $$`;

/** The newest server that is installed; where there is none, the path that it would have. */
export function postgresProgram(): string {
  let newest = '15';
  try {
    newest =
      readdirSync(VERSIONS)
        .sort((a, b) => Number(a) - Number(b))
        .at(-1) ?? newest;
  } catch {
    // There is none.
  }
  return join(VERSIONS, newest, 'bin', 'postgres');
}

export interface TestServer {
  /** A new, empty database. */
  createDatabase(): Promise<PostgresPlace>;
  /** Takes every row away, past the triggers: what a test may have that nobody else has. */
  empty(place: PostgresPlace): Promise<void>;
  /** SQL past the store, as the owner of the database. */
  query(place: PostgresPlace, text: string, values?: unknown[]): Promise<Record<string, unknown>[]>;
  /** The process that all others of the server are children of. */
  pid: number;
  /** Ends it without a chance to write anything: SIGQUIT with all its backends, SIGKILL itself alone, and they see that it is gone. */
  kill(signal: 'SIGQUIT' | 'SIGKILL'): Promise<void>;
  /** On the same port and data. */
  start(): Promise<void>;
  close(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

/** The server refuses root: then it runs as Debian's user. */
function serverUser(): { uid: number; gid: number } | null {
  if (userInfo().uid !== 0) return null;
  const number = (flag: string): number =>
    Number(execFileSync('id', [flag, 'postgres'], { encoding: 'utf8' }).trim());
  return { uid: number('-u'), gid: number('-g') };
}

interface Cluster {
  user: { uid: number; gid: number } | null;
  /** Of the socket; the data beneath it. */
  folder: string;
  data: string;
  program: string;
}

/** A disk in memory, on which a flush costs nothing: what a test says does not depend on the disk, and its length would. */
const MEMORY = '/dev/shm';
const ROOM_BYTES = 1024 ** 3;

function roomIn(folder: string): boolean {
  try {
    const { bavail, bsize } = statfsSync(folder);
    return bavail * bsize > ROOM_BYTES;
  } catch {
    return false;
  }
}

/** Everybody has to bring a password over the network; over the socket nobody has. */
function createCluster(isOnDisk: boolean): Cluster {
  const user = serverUser();
  const folder = mkdtempSync(join(!isOnDisk && roomIn(MEMORY) ? MEMORY : tmpdir(), 'meterline-postgres-'));
  const data = join(folder, 'data');
  mkdirSync(data);
  for (const path of [folder, data]) {
    chmodSync(path, 0o700);
    if (user !== null) chownSync(path, user.uid, user.gid);
  }
  const program = postgresProgram();
  const access = ['--auth-local=trust', '--auth-host=scram-sha-256'];
  execFileSync(
    join(program, '../initdb'),
    ['-D', data, '-U', 'postgres', '-E', 'UTF8', '--locale=C.UTF-8', '--no-sync', ...access],
    { ...user, cwd: '/', stdio: 'ignore' },
  );
  return { user, folder, data, program };
}

/** The server reads a key only that is its own. @returns the settings that name the files */
function writeTls(
  folder: string,
  user: Cluster['user'],
  files: NonNullable<TestServerOptions['tls']>,
): Record<string, string> {
  const settings: Record<string, string> = { ssl: 'on' };
  for (const [name, pem] of Object.entries(files)) {
    const file = join(folder, `${name}.pem`);
    writeFileSync(file, pem, { mode: 0o600 });
    if (user !== null) chownSync(file, user.uid, user.gid);
    settings[`ssl_${name}_file`] = file;
  }
  return settings;
}

export interface TestServerOptions {
  /** Of the server, beside those that tests need. */
  settings?: Record<string, string>;
  /** Its data lies on a disk: for benchmarks. */
  isOnDisk?: boolean;
  /** PEM texts: it speaks TLS too. */
  tls?: { cert: string; key: string };
}

export async function startTestServer({
  settings = {},
  isOnDisk = false,
  tls,
}: TestServerOptions = {}): Promise<TestServer> {
  const { user, folder, data, program } = createCluster(isOnDisk);
  const asUser = { ...user, cwd: '/', stdio: 'ignore' as const };
  const port = await freePort();
  const options = Object.entries({
    listen_addresses: '127.0.0.1',
    port: `${port}`,
    unix_socket_directories: folder,
    max_connections: '60',
    shared_buffers: '64MB',
    ...(tls && writeTls(folder, user, tls)),
    ...settings,
  }).flatMap(([name, value]) => ['-c', `${name}=${value}`]);

  let server: ChildProcess;
  const admin = (database: string): pg.ClientConfig => ({ host: folder, port, user: 'postgres', database });
  const query = async (config: pg.ClientConfig, text: string, values: unknown[] = []) => {
    const client = new pg.Client(config);
    await client.connect();
    try {
      const result = values.length === 0 ? await client.query(text) : await client.query(text, values);
      return result.rows as Record<string, unknown>[];
    } finally {
      await client.end();
    }
  };
  const start = async (): Promise<void> => {
    server = spawn(program, ['-D', data, ...options], asUser);
    for (let attempts = 0; ; ) {
      if (server.exitCode !== null) {
        // Backends of the one that was killed may still hold the data.
        attempts += 1;
        if (attempts > 100) throw new Error(`postgres ended with ${server.exitCode}`);
        server = spawn(program, ['-D', data, ...options], asUser);
      }
      try {
        await query(admin('postgres'), 'SELECT 1');
        return;
      } catch (error) {
        if (
          !/ENOENT|ECONNREFUSED|ECONNRESET|starting up|recovery|accepting connections|Connection terminated/.test(
            String(error),
          )
        )
          throw error;
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
    }
  };
  const end = async (signal: NodeJS.Signals): Promise<void> => {
    if (server.exitCode !== null || server.signalCode !== null) return;
    const exited = once(server, 'exit');
    server.kill(signal);
    await exited;
  };
  const close = async (): Promise<void> => {
    await end('SIGINT');
    rmSync(folder, { recursive: true });
  };
  await start();
  await query(admin('postgres'), `CREATE ROLE meterline LOGIN PASSWORD '${PASSWORD}'`);
  let databases = 0;
  return {
    async createDatabase() {
      databases += 1;
      const database = `park_${databases}`;
      await query(admin('postgres'), `CREATE DATABASE ${database} OWNER meterline`);
      return { host: '127.0.0.1', port, database, user: 'meterline', password: PASSWORD };
    },
    async empty({ database }) {
      await query(admin(database), EMPTY);
    },
    query: ({ database }, text, values) => query({ ...admin(database), user: 'meterline' }, text, values),
    get pid() {
      return server.pid as number;
    },
    kill: end,
    start,
    close,
    [Symbol.asyncDispose]: close,
  };
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}
