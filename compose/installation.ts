/** The files of an installation of the demo park: one folder a service, each with what that service alone may know. */
import { randomBytes } from 'node:crypto';
import { stringify } from 'yaml';
import { mosquittoFiles } from '../cloud/mosquitto-config.ts';
import type { Park } from '../protocols/park.ts';
import type { Wiring } from '../simulators/park/wiring.ts';
import type { Certificates } from './certificates.ts';

export interface Address {
  host: string;
  port: number;
}

/** Where everything is, as the services see each other. */
export interface Places {
  /** Absolute folder that has the services' folders in it. */
  folder: string;
  /** What the servers listen on. */
  listen: string;
  httpPort: number;
  /** The gateway's own broker, for meters that push. */
  pushPort: number;
  /** Where gateways come in; the cloud does at the port behind it. */
  broker: Address;
  /** The first bus; the others follow port by port. */
  meters: Address;
  /** Of an InfluxDB 2 to export to. */
  influxUrl: string | null;
  /** The server that the cloud keeps everything in; null: a file of its own. */
  postgres: Address | null;
  /** Who Mosquitto becomes when root starts it; null where it is never root. */
  brokerUser: string | null;
}

/** Minted once: what the services know of each other must go on fitting. */
export interface Secrets {
  ingest: string;
  influxPassword: string;
  influxToken: string;
  postgres: string;
}

const mint = (): string => randomBytes(24).toString('hex');

export const mintSecrets = (): Secrets => ({
  ingest: mint(),
  influxPassword: mint(),
  influxToken: mint(),
  postgres: mint(),
});

/** Organisation and bucket in InfluxDB, as in docker-compose.yml. */
const influxNames = { org: 'meterline', bucket: 'meterline' };
/** The service and those beside it: each has an account of its own. */
const MOST_WORKERS = 4;
/** Simulated meters share the machine with everything else: late is not yet silent. */
const timeoutMilliseconds = 5_000;

/** Texts by path below the folder. */
export function installationFiles(
  { park, wiring }: { park: Park; wiring: Wiring },
  places: Places,
  secrets: Secrets,
  certificates: Certificates,
): Record<string, string> {
  return {
    'cloud/park.json': `${JSON.stringify(park, null, 2)}\n`,
    'cloud/cloud.yaml': stringify(cloudConfig(places, secrets)),
    'cloud/broker-ca.pem': certificates.authority,
    'edge/edge.yaml': stringify(edgeConfig(wiring, park.timeZone, places)),
    'edge/ca.pem': certificates.authority,
    'edge/cert.pem': certificates.gateway,
    'edge/key.pem': certificates.gatewayKey,
    'broker/ca.pem': certificates.authority,
    'broker/cert.pem': certificates.broker,
    'broker/key.pem': certificates.brokerKey,
    ...below('broker', brokerFiles(places, secrets)),
    ...(places.influxUrl === null
      ? {}
      : below('influxdb', { password: secrets.influxPassword, token: secrets.influxToken })),
    ...(places.postgres === null
      ? {}
      : { 'postgres/password': secrets.postgres, [`cloud/${passwordFile}`]: secrets.postgres }),
  };
}

const below = (folder: string, files: Record<string, string>): Record<string, string> =>
  Object.fromEntries(Object.entries(files).map(([name, text]) => [`${folder}/${name}`, text]));

const ingestUser = 'ingest';
/** Of the cloud at its store, beside its configuration. */
const passwordFile = 'postgres-password';
/** Between the containers there is no other machine; elsewhere, give the server TLS. */
const inTheClear = ({ host }: Address) => (/^(127\.|localhost$)/.test(host) ? {} : { insecure: true });
const mqttUrl = ({ host, port }: Address): string => `mqtts://${host}:${port}`;
const workersAt = ({ host, port }: Address): Address => ({ host, port: port + 1 });

function cloudConfig({ listen, httpPort, broker, influxUrl, postgres }: Places, secrets: Secrets): object {
  return {
    dataDir: './data',
    park: 'park.json',
    ...(postgres && { store: { postgres: { ...postgres, passwordFile, ...inTheClear(postgres) } } }),
    http: { host: listen, port: httpPort },
    broker: {
      url: mqttUrl(workersAt(broker)),
      username: ingestUser,
      password: secrets.ingest,
      tls: { ca: 'broker-ca.pem' },
    },
    ...(influxUrl === null ? {} : { influx: { url: influxUrl, ...influxNames, token: secrets.influxToken } }),
  };
}

function edgeConfig({ gateway, buses, push }: Wiring, timeZone: string, places: Places): object {
  const { listen, pushPort, broker, meters: first } = places;
  return {
    gateway,
    dataDir: './data',
    timeZone,
    broker: mqttUrl(broker),
    tls: { ca: 'ca.pem', cert: 'cert.pem', key: 'key.pem' },
    pushBroker: { host: listen, port: pushPort },
    buses: buses.map(({ id, meters }, index) => ({
      id,
      tcp: `${first.host}:${first.port + index}`,
      timeoutMilliseconds,
      meters,
    })),
    pushMeters: push,
  };
}

function brokerFiles(places: Places, secrets: Secrets): Record<string, string> {
  const folder = `${places.folder}/broker`;
  return mosquittoFiles({
    host: places.listen,
    port: places.broker.port,
    folder,
    gateways: [],
    tls: {
      cert: `${folder}/cert.pem`,
      key: `${folder}/key.pem`,
      clientCa: `${folder}/ca.pem`,
      workers: workersAt({ host: places.listen, port: places.broker.port }),
    },
    // Workers share a server; a file they would share on one machine only, which compose does not promise.
    ingest: {
      ...{ username: ingestUser, password: secrets.ingest },
      workers: places.postgres === null ? 1 : MOST_WORKERS,
    },
    ...(places.brokerUser === null ? {} : { user: places.brokerUser }),
  });
}
