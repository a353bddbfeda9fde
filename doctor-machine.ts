/** What every process of an installation needs of its machine: Node, a clock, a folder for its data. */
import { randomUUID } from 'node:crypto';
import {
  closeSync,
  existsSync,
  fsyncSync,
  openSync,
  readdirSync,
  rmSync,
  statfsSync,
  statSync,
  writeSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import type { Finding } from './protocols/finding.ts';

/** The first with exact integers from SQLite, Temporal, and TypeScript run as it is. */
const LEAST_NODE = 26;

export function examineNode(version = process.versions.node): Finding {
  const check = 'Node';
  if (Number.parseInt(version, 10) >= LEAST_NODE) return { check, state: 'ok', detail: version };
  const next = `start it by npx meterline or npm start: these take the Node ${LEAST_NODE} that npm ci has installed`;
  return { check, state: 'wrong', detail: `${version} is too old`, next };
}

const MB = 1_000_000n;
const LEAST_FREE = 100n * MB;
const COMFORTABLE_FREE = 1_000n * MB;

/** Whether the folder (or the one that it will be made in) can be written, flushed, and has room. */
export function examineDataDir(dataDir: string): Finding {
  const check = 'data folder';
  const folder = nearestFolder(dataDir);
  const probe = join(folder, `.meterline-doctor-${randomUUID()}`);
  try {
    const file = openSync(probe, 'wx', 0o600);
    writeSync(file, 'x');
    fsyncSync(file);
    closeSync(file);
  } catch (error) {
    const next = `let the user who runs Meterline write to ${folder}, or name another dataDir`;
    return {
      check,
      state: 'wrong',
      detail: `${folder} cannot be written: ${(error as Error).message}`,
      next,
    };
  } finally {
    rmSync(probe, { force: true });
  }
  const { bavail, bsize } = statfsSync(folder, { bigint: true });
  const free = bavail * bsize;
  const detail = `${dataDir}${folder === dataDir ? '' : ' (will be made)'}, ${free / MB} MB free`;
  if (free >= COMFORTABLE_FREE) return { check, state: 'ok', detail };
  const next = 'make room: a full disk stops what is read from being kept';
  return { check, state: free < LEAST_FREE ? 'wrong' : 'warning', detail, next };
}

function nearestFolder(path: string): string {
  return existsSync(path) || dirname(path) === path ? path : nearestFolder(dirname(path));
}

/** Files are as new as the clock was when they were written; a small step back is a correction. */
const TOLERATED_MS = 5_000;
/** Where the usual services say that they keep the clock. */
const synchronised = ['/run/systemd/timesync/synchronized', '/run/chrony/chronyd.pid', '/run/ntpd.pid'];

/**
 * A clock that stands before the newest file of the installation is wrong for sure. One that runs ahead cannot be told
 * from here; a service that keeps it is the best sign.
 */
export function examineClock(dataDir: string, nowMs: number): Finding {
  const check = 'clock';
  const now = Temporal.Instant.fromEpochMilliseconds(nowMs).toString();
  const newestMs = Math.max(newestFileMs(import.meta.dirname), newestFileMs(dataDir));
  if (newestMs > nowMs + TOLERATED_MS) {
    const newest = Temporal.Instant.fromEpochMilliseconds(Math.floor(newestMs)).toString();
    const detail = `${now}, but a file of this installation is of ${newest}`;
    return {
      check,
      state: 'wrong',
      detail,
      next: 'set the clock, and let NTP keep it (timedatectl set-ntp true)',
    };
  }
  const keeper = synchronised.find((path) => existsSync(path));
  const detail = `${now}${keeper === undefined ? '' : ', kept by NTP'}`;
  return { check, state: 'ok', detail };
}

/** The newest change of a file that stands in the folder itself; 0 when there is none. */
function newestFileMs(folder: string): number {
  if (!existsSync(folder)) return 0;
  const files = readdirSync(folder, { withFileTypes: true }).filter((entry) => entry.isFile());
  return Math.max(
    0,
    ...files.map(({ name }) => statSync(join(folder, name), { throwIfNoEntry: false })?.mtimeMs ?? 0),
  );
}
