/** Ports that a process wants to listen on, and brokers that it wants to reach. */
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { createServer } from 'node:net';
import mqtt from 'mqtt';
import type { Finding } from './protocols/finding.ts';

export interface WantedPort {
  /** What it is for: `pages and API`. */
  purpose: string;
  host: string;
  port: number;
}

/** A command line of a process that listens. */
const OURS = /(^|[/ ])meterline(\.ts)? (up|demo|cloud|edge)\b/;

/** Free, or held by Meterline itself, is as it should be. */
export async function examinePort({ purpose, host, port }: WantedPort): Promise<Finding> {
  const check = `port ${port}`;
  const code = await tryToListen(host, port);
  if (code === null) return { check, state: 'ok', detail: `free, for ${purpose}` };
  if (code === 'EADDRINUSE') {
    const holder = holderOf(port);
    if (holder !== null && OURS.test(holder.command))
      return {
        check,
        state: 'ok',
        detail: `held by Meterline itself (process ${holder.pid}), for ${purpose}`,
      };
    const by = holder === null ? 'another process' : `process ${holder.pid}: ${holder.command}`;
    const next = `end that process, or name another port for ${purpose}`;
    return { check, state: 'wrong', detail: `held by ${by}`, next };
  }
  const reasons: Record<string, [string, string]> = {
    EACCES: ['needs more rights', 'take a port above 1023'],
    EADDRNOTAVAIL: [
      `${host} is no address of this machine`,
      'take 127.0.0.1, or one that `ip address` shows',
    ],
    ENOTFOUND: [`${host} is not known`, 'take an IP address'],
  };
  const [detail, next] = reasons[code] ?? [code, 'see whether the address is right'];
  return { check, state: 'wrong', detail, next };
}

/** @returns the system's error code, or null when the port could be had */
function tryToListen(host: string, port: number): Promise<string | null> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
    server.listen({ host, port, exclusive: true }, () => server.close(() => resolve(null)));
  });
}

interface Holder {
  pid: string;
  command: string;
}

const LISTENING = '0A';

/** Who listens, where the system tells (Linux, own processes); null otherwise. */
export function holderOf(port: number): Holder | null {
  const inodes = new Set(
    ['/proc/net/tcp', '/proc/net/tcp6'].flatMap((table) => listeningInodes(table, port)),
  );
  if (inodes.size === 0) return null;
  for (const pid of list('/proc').filter((name) => /^\d+$/.test(name))) {
    const holds = list(`/proc/${pid}/fd`).some((fd) => {
      const inode = /^socket:\[(\d+)\]$/.exec(link(`/proc/${pid}/fd/${fd}`))?.[1];
      return inode !== undefined && inodes.has(inode);
    });
    if (holds) return { pid, command: text(`/proc/${pid}/cmdline`).replaceAll('\0', ' ').trim() };
  }
  return null;
}

function listeningInodes(table: string, port: number): string[] {
  return text(table)
    .split('\n')
    .map((row) => row.trim().split(/\s+/))
    .filter(
      ([, local = '', , state]) => state === LISTENING && parseInt(local.split(':')[1] ?? '', 16) === port,
    )
    .flatMap((row) => row[9] ?? []);
}

/** What is gone, or another user's, is empty. */
const orEmpty = <T>(read: () => T, empty: T): T => {
  try {
    return read();
  } catch {
    return empty;
  }
};
const list = (folder: string): string[] => orEmpty(() => readdirSync(folder), []);
const link = (path: string): string => orEmpty(() => readlinkSync(path), '');
const text = (path: string): string => orEmpty(() => readFileSync(path, 'utf8'), '');

export interface WantedBroker {
  url: string;
  username?: string | undefined;
  password?: string | undefined;
  clientId: string;
}

const CONNECT_TIMEOUT_MS = 3_000;

/** Connects as the process would, and leaves again. */
export async function examineBroker({ url, ...credential }: WantedBroker): Promise<Finding> {
  const check = `broker ${new URL(url).host}`;
  const given = Object.fromEntries(Object.entries(credential).filter(([, value]) => value !== undefined));
  const options = { ...given, reconnectPeriod: 0, connectTimeout: CONNECT_TIMEOUT_MS };
  try {
    const client = await mqtt.connectAsync(url, options, false);
    await client.endAsync();
    return { check, state: 'ok', detail: `accepts ${credential.username ?? 'a client without a name'}` };
  } catch (error) {
    const [detail, next] = brokerProblem(error as Error & { code?: string | number });
    return { check, state: 'wrong', detail, next };
  }
}

/** CONNACK codes of MQTT 3.1.1: an unacceptable client id, wrong password, not authorised. */
const REFUSED = new Set<unknown>([2, 4, 5]);

function brokerProblem({ code, message }: Error & { code?: string | number }): [string, string] {
  if (REFUSED.has(code))
    return ['refuses these credentials', 'compare username and password with those that the broker knows'];
  if (code === 'ECONNREFUSED')
    return [
      'connection refused: nothing listens there',
      'start the cloud process or the broker, or correct the port',
    ];
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN')
    return ['its name is not known', 'correct the name, or the DNS'];
  if (/connack timeout|ETIMEDOUT/i.test(`${message} ${code}`))
    return ['no answer', 'see whether a firewall stands between, and whether it is an MQTT broker'];
  return [message === '' ? String(code) : message, 'see the log of the broker'];
}
