/**
 * The embedded MQTT broker for gateways: deny by default, a gateway sees and speaks below its own name only, and no peer
 * can make it hold more than its limits. Its acknowledgement is no proof of storage: that is the receipt's.
 */
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { Aedes, type AedesOptions, type AedesPublishPacket, type Client } from 'aedes';
import type { Logger } from 'pino';
import { GuardedStream } from '../guarded-stream.ts';
import {
  ALL_QUARANTINE,
  ALL_READINGS,
  ALL_STATUS,
  configTopic,
  gatewayOf,
  quarantineTopic,
  readingsTopic,
  receiptsTopic,
  statusTopic,
} from '../protocols/topics.ts';

export interface Credential {
  username: string;
  password: string;
}

export interface BrokerOptions {
  host: string;
  /** 0 picks a free one. */
  port: number;
  gateways: readonly { gateway: string; password: string }[];
  log: Logger;
}

export interface Broker {
  /** Where ingest on this machine connects. */
  url: string;
  port: number;
  /** The ingest worker's own, new in every process. */
  ingestCredential: Credential;
  counters(): Readonly<BrokerCounters>;
  close(): Promise<void>;
}

export interface BrokerCounters {
  refusedConnections: number;
  /** Publishes to a topic that is not the sender's, moved to its quarantine topic. */
  foreignPublishes: number;
  refusedSubscriptions: number;
  lengthViolations: number;
}

const limits = { connectBytes: 64 * 1024, packetBytes: 1024 * 1024 };
const MOST_CONNECTIONS = 2000;
const CONNECT_TIMEOUT_MS = 5_000;
const LONGEST_KEEPALIVE_SECONDS = 300;
/** One frozen subscriber holds the others up no longer than this. */
const DRAIN_TIMEOUT_MS = 3_000;
const INGEST = 'ingest';
const ingestSubscriptions = new Set([ALL_READINGS, ALL_STATUS, ALL_QUARANTINE]);

export async function startBroker({ host, port, gateways, log }: BrokerOptions): Promise<Broker> {
  const counters: BrokerCounters = {
    refusedConnections: 0,
    foreignPublishes: 0,
    refusedSubscriptions: 0,
    lengthViolations: 0,
  };
  const ingestCredential = { username: INGEST, password: randomBytes(24).toString('base64url') };
  const passwords = new Map(gateways.map(({ gateway, password }) => [gateway, digest(password)]));
  passwords.set(INGEST, digest(ingestCredential.password));

  const aedes = await Aedes.createBroker({
    connectTimeout: CONNECT_TIMEOUT_MS,
    keepaliveLimit: LONGEST_KEEPALIVE_SECONDS,
    drainTimeout: DRAIN_TIMEOUT_MS,
    ...rules(passwords, counters, log),
  });
  aedes.on('connectionError', (_, error) => refusedPeer(error));
  aedes.on('clientError', (client, error) => refusedPeer(error, client.id));
  const refusedPeer = (error: Error, client?: string): void => {
    if (error.name === 'LengthViolationError') counters.lengthViolations += 1;
    log.info({ client, error: error.message }, 'broker closed a connection');
  };

  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    socket.setNoDelay(true);
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    aedes.handle(new GuardedStream(socket, limits));
  });
  server.maxConnections = MOST_CONNECTIONS;
  server.listen(port, host);
  await once(server, 'listening');
  const { port: listening } = server.address() as AddressInfo;
  const local = host === '0.0.0.0' ? '127.0.0.1' : host === '::' ? '[::1]' : host;
  return {
    url: `mqtt://${local}:${listening}`,
    port: listening,
    ingestCredential,
    counters: () => counters,
    async close() {
      server.close();
      await new Promise<void>((resolve) => aedes.close(resolve));
      for (const socket of sockets) socket.destroy();
    },
  };
}

const digest = (password: string | Buffer): Buffer => createHash('sha256').update(password).digest();

/** Who may connect, publish and subscribe. The client id is the name, so that nobody takes over another's session. */
function rules(passwords: Map<string, Buffer>, counters: BrokerCounters, log: Logger): AedesOptions {
  const names = new WeakMap<Client, string>();
  return {
    preConnect(_client, packet, done) {
      // Every session is clean: a gateway keeps its own line, and no queue grows here for one that is away.
      packet.clean = true;
      done(null, true);
    },
    authenticate(client, username, password, done) {
      const known = passwords.get(username ?? '');
      const ownId = username === INGEST ? client.id.startsWith(`${INGEST}-`) : client.id === username;
      const accepted =
        username !== undefined &&
        known !== undefined &&
        password !== undefined &&
        timingSafeEqual(known, digest(password)) &&
        ownId;
      if (accepted) names.set(client, username);
      else {
        counters.refusedConnections += 1;
        log.warn({ client: client.id, username }, 'connection refused');
      }
      done(null, accepted);
    },
    authorizePublish(client, packet, done) {
      const name = client === null ? undefined : names.get(client);
      if (name === undefined) return done(new Error('not authenticated'));
      if (name === INGEST) return done(isDownTopic(packet.topic) ? null : new Error('not for ingest'));
      if (packet.topic === statusTopic(name)) return done(null);
      packet.retain = false;
      if (packet.topic !== readingsTopic(name)) {
        counters.foreignPublishes += 1;
        log.warn({ client: name, topic: packet.topic }, 'publish moved to quarantine');
        moveToQuarantine(packet as AedesPublishPacket, name);
      }
      done(null);
    },
    authorizeSubscribe(client, subscription, done) {
      const name = names.get(client);
      const { topic } = subscription;
      const own = name === INGEST ? ingestSubscriptions.has(topic) : isOwnDownTopic(name, topic);
      if (own) return done(null, subscription);
      counters.refusedSubscriptions += 1;
      log.warn({ client: client.id, topic }, 'subscription refused');
      done(null, null);
    },
  };
}

const isOwnDownTopic = (name: string | null | undefined, topic: string): boolean =>
  typeof name === 'string' && (topic === receiptsTopic(name) || topic === configTopic(name));
const isDownTopic = (topic: string): boolean => isOwnDownTopic(gatewayOf(topic), topic);

/** A denied QoS 1 publish would make the sender's library reconnect and send it again for ever. */
function moveToQuarantine(packet: AedesPublishPacket, name: string): void {
  const payload = Buffer.from(packet.payload).toString('base64');
  packet.payload = Buffer.from(JSON.stringify({ topic: packet.topic, payload }));
  packet.topic = quarantineTopic(name);
}
