/**
 * Settings for Mosquitto 2.0 in the place of the embedded broker: the same credentials and topic rules, and none of its
 * defaults that lose messages.
 */
import { pbkdf2Sync, randomBytes } from 'node:crypto';
import {
  ALL_QUARANTINE,
  ALL_READINGS,
  ALL_STATUS,
  configTopic,
  readingsTopic,
  receiptsTopic,
  statusTopic,
} from '../protocols/topics.ts';

export interface MosquittoOptions {
  host: string;
  port: number;
  /** Absolute folder of Mosquitto's own: persistence, password file and access list. */
  folder: string;
  gateways: readonly { gateway: string; password: string }[];
  /** Workers beside the first have accounts of their own, with the same password: see `workerAccount`. */
  ingest: { username: string; password: string; workers?: number };
  /** Absolute paths. Gateways come with certificates then, in the place of passwords, and workers by an entrance of their own. */
  tls?: MosquittoTls;
  /** The account that it changes to when started by root; Debian's `mosquitto` when not told. */
  user?: string;
}

export interface MosquittoTls {
  cert: string;
  key: string;
  clientCa: string;
  /** Revocation lists of `clientCa`; SIGHUP reads them anew, and one that has run out lets nobody in. None when not there. */
  revoked?: string;
  /** Where ingest workers connect: with TLS, and their passwords. */
  workers: { host: string; port: number };
}

/** Mosquitto verifies on its one thread: the passwords are long and random, so a few rounds do. */
const ITERATIONS = 101;

/** Files of the folder, by name: `mosquitto.conf`, `passwords`, `access`. The last two are secret. */
export function mosquittoFiles(options: MosquittoOptions): Record<string, string> {
  const { folder, gateways, ingest, tls, user } = options;
  const workers = Array.from({ length: ingest.workers ?? 1 }, (_, i) =>
    workerAccount(ingest.username, i + 1),
  );
  const accounts = [
    ...(tls === undefined ? gateways : []).map(({ gateway, password }) => ({ username: gateway, password })),
    ...workers.map((username) => ({ username, password: ingest.password })),
  ];
  return {
    'mosquitto.conf': `${[
      ...(user === undefined ? [] : [`user ${user}`]),
      ...(tls === undefined
        ? listener(options, `password_file ${folder}/passwords`)
        : tlsListeners(options, tls)),
      'set_tcp_nodelay true',
      '# Messages that it acknowledged outlive it by a second, and a queue is bounded by what we say.',
      'persistence true',
      `persistence_location ${folder}/`,
      'autosave_interval 1',
      'max_queued_messages 100000',
      'max_queued_bytes 268435456',
      'max_inflight_messages 100',
      'max_packet_size 1048576',
      'max_keepalive 300',
      'persistent_client_expiration 7d',
      'log_dest stderr',
      'log_type error',
      'log_type warning',
    ].join('\n')}\n`,
    passwords: accounts.map(({ username, password }) => `${username}:${hashed(password)}\n`).join(''),
    access: `${[
      `pattern write ${readingsTopic('%u')}`,
      `pattern write ${statusTopic('%u')}`,
      `pattern read ${receiptsTopic('%u')}`,
      `pattern read ${configTopic('%u')}`,
      ...workers.flatMap((worker) => [
        `user ${worker}`,
        ...[ALL_READINGS, ALL_STATUS, ALL_QUARANTINE].map((topic) => `topic read ${topic}`),
        `topic write ${receiptsTopic('+')}`,
        `topic write ${configTopic('+')}`,
      ]),
    ].join('\n')}\n`,
  };
}

const listener = (
  { host, port, folder }: Pick<MosquittoOptions, 'host' | 'port' | 'folder'>,
  ...more: string[]
) => [
  `listener ${port} ${host}`,
  'allow_anonymous false',
  `acl_file ${folder}/access`,
  '# The name is the client id: nobody takes over another gateway.',
  'use_username_as_clientid true',
  ...more,
];

function tlsListeners(
  options: MosquittoOptions,
  { cert, key, clientCa, revoked, workers }: MosquittoTls,
): string[] {
  const { folder } = options;
  const own = [`certfile ${cert}`, `keyfile ${key}`, 'tls_version tlsv1.2'];
  return [
    'per_listener_settings true',
    ...listener(
      options,
      ...own,
      `cafile ${clientCa}`,
      ...(revoked === undefined ? [] : [`crlfile ${revoked}`]),
      'require_certificate true',
      '# The name is the one in the certificate.',
      'use_identity_as_username true',
    ),
    ...listener({ ...workers, folder }, ...own, `password_file ${folder}/passwords`),
  ];
}

/** The account of the n-th ingest worker; a broker that takes names for client ids has one connection of each. */
export const workerAccount = (username: string, worker: number): string =>
  worker === 1 ? username : `${username}-${worker}`;

/** Mosquitto's own form: PBKDF2 with SHA-512 to 64 bytes; it refuses a salt that is not 12 bytes long. */
function hashed(password: string): string {
  const salt = randomBytes(12);
  const hash = pbkdf2Sync(password, salt, ITERATIONS, 64, 'sha512');
  return `$7$${ITERATIONS}$${salt.toString('base64')}$${hash.toString('base64')}`;
}
