/** Writes what an operator would write: the park document and the two configurations. */
import { randomBytes } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { stringify } from 'yaml';
import type { Park } from '../../protocols/park.ts';
import type { Fleet } from '../meters/fleet.ts';
import type { Wiring } from '../park/wiring.ts';

export interface Ports {
  http: number;
  broker: number;
  push: number;
}

export interface Installation {
  folder: string;
  cloudConfig: string;
  edgeConfig: string;
  logs: { cloud: string; edge: string };
  /** Where the meters that push publish. */
  pushUrl: string;
  apiUrl: string;
  /** Minted for this installation, with every scope; the cloud finds it in its environment. */
  adminKey: string;
}

/** A server that the cloud keeps everything in; its password is in the environment. */
export interface DemoServer {
  host: string;
  port: number;
  database: string;
  user: string;
}

const host = '127.0.0.1';
/** Serial lines are pseudo terminals: their speed only sets how long a pause between two frames must be. */
const BAUD_RATE = 115_200;
/** Simulated meters share the machine with everything else: late is not yet silent. */
const TIMEOUT_MILLISECONDS = 10_000;
const WORST_REPLY_MILLISECONDS = 500;

const secret = (): string => randomBytes(24).toString('base64url');

export function writeInstallation(
  folder: string,
  {
    park,
    wiring,
    fleet,
    ports,
    clock,
    postgres,
  }: {
    park: Park;
    wiring: Wiring;
    fleet: Fleet;
    ports: Ports;
    clock: 'system' | 'driven';
    /** Without it, a file in the installation. */
    postgres?: DemoServer | undefined;
  },
): Installation {
  mkdirSync(folder, { recursive: true });
  const password = secret();
  const broker = { host, port: ports.broker };
  const cloud = {
    dataDir: './cloud-data',
    clock,
    park: 'park.json',
    ...(postgres && { store: { postgres } }),
    http: { host, port: ports.http },
    broker: { embedded: broker, gateways: [{ gateway: wiring.gateway, password }] },
  };
  const edge = {
    gateway: wiring.gateway,
    dataDir: './edge-data',
    clock,
    broker: `mqtt://${host}:${broker.port}`,
    username: wiring.gateway,
    password,
    pushBroker: { host, port: ports.push },
    buses: fleet.buses.map(({ wiring: { id, meters }, address }) => ({
      id,
      ...(address.link === 'tcp'
        ? { tcp: `${address.host}:${address.port}` }
        : { serial: { path: address.path, baudRate: BAUD_RATE, parity: 'none' } }),
      timeoutMilliseconds: TIMEOUT_MILLISECONDS,
      // The simulated meters answer at once: a gateway that starts again need not listen long for older answers.
      worstReplyMilliseconds: WORST_REPLY_MILLISECONDS,
      meters,
    })),
    pushMeters: wiring.push,
  };
  const write = (name: string, text: string): string => {
    const file = join(folder, name);
    // The configurations hold the gateway's password.
    writeFileSync(file, text, { mode: 0o600 });
    return file;
  };
  write('park.json', `${JSON.stringify(park, null, 2)}\n`);
  return {
    folder,
    cloudConfig: write('cloud.yaml', stringify(cloud)),
    edgeConfig: write('edge.yaml', stringify(edge)),
    logs: { cloud: join(folder, 'cloud.log'), edge: join(folder, 'edge.log') },
    pushUrl: `mqtt://${host}:${ports.push}`,
    apiUrl: `http://${host}:${ports.http}`,
    adminKey: secret(),
  };
}
