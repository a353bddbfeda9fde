/**
 * The embedded MQTT broker for gateways: a gateway sees and speaks below its own name only, and no peer can make it hold
 * more than its limits. Its acknowledgement is no proof of storage: that is the receipt's.
 *
 * With TLS there are two entrances: gateways come in with a certificate, and ingest, on this machine, with a password.
 */
import { randomBytes, type X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { createServer as createTlsServer, type TLSSocket, type Server as TlsServer } from 'node:tls';
import { Aedes, type Client } from 'aedes';
import type { Logger } from 'pino';
import { GuardedStream } from '../process/guarded-stream.ts';
import { digestOf } from '../process/secrets.ts';
import { BrokerCertificates, type BrokerTls } from './broker-certificates.ts';
import { type BrokerCounters, noCounts } from './broker-counters.ts';
import { BrokerRules, type Entrance, INGEST } from './broker-rules.ts';
import { type AllowanceLimits, usualAllowance } from './client-allowance.ts';

export interface Credential {
  username: string;
  password: string;
}

export interface BrokerOptions {
  host: string;
  /** 0 picks a free one. */
  port: number;
  /** With TLS gateways come in by certificates alone. */
  tls?: BrokerTls | undefined;
  gateways: readonly { gateway: string; password: string }[];
  log: Logger;
  /** Only tests change what follows. */
  allowance?: Partial<AllowanceLimits>;
  rereadMs?: number;
}

export interface Broker {
  /** Where ingest on this machine connects. */
  url: string;
  /** Where gateways connect. */
  port: number;
  /** The ingest worker's own, new in every process. */
  ingestCredential: Credential;
  counters(): Readonly<BrokerCounters>;
  /** Gateways and ingest that are connected. */
  connected(): number;
  close(): Promise<void>;
}

const CONNECT_BYTES = 64 * 1024;
const limits = { connectBytes: CONNECT_BYTES, packetBytes: 1024 * 1024, unadmittedBytes: CONNECT_BYTES };
const MOST_CONNECTIONS = 4000;
/** One after the other: who says nothing is gone before ten seconds are over. */
const HANDSHAKE_TIMEOUT_MS = 4_000;
const CONNECT_TIMEOUT_MS = 4_000;
const LONGEST_KEEPALIVE_SECONDS = 300;
/** One frozen subscriber holds the others up no longer than this. */
const DRAIN_TIMEOUT_MS = 3_000;
/** A revocation is in force a minute later at the latest. */
const REREAD_MS = 10_000;

/** @throws KeyFileError; Error when the port is taken, or the certificates cannot be used */
export async function startBroker(options: BrokerOptions): Promise<Broker> {
  const { tls, gateways, allowance, log } = options;
  const certificates = tls === undefined ? null : await BrokerCertificates.open(tls);
  const ingestCredential = { username: INGEST, password: randomBytes(24).toString('base64url') };
  const passwords = new Map(gateways.map(({ gateway, password }) => [gateway, digestOf(password)]));
  passwords.set(INGEST, digestOf(ingestCredential.password));
  const entrances: Entrances = new WeakMap();
  const counters = noCounts();
  const rules = new BrokerRules({
    passwords,
    certificates,
    allowance: { ...usualAllowance, ...allowance },
    entranceOf: (client) => entrances.get(client.conn),
    counters,
    log,
  });
  const aedes = await Aedes.createBroker({
    connectTimeout: CONNECT_TIMEOUT_MS,
    keepaliveLimit: LONGEST_KEEPALIVE_SECONDS,
    drainTimeout: DRAIN_TIMEOUT_MS,
    ...rules.hooks(),
  });
  const broker = new RunningBroker({ options, certificates, aedes, entrances, counters });
  const { url, port } = await broker.listen();
  return {
    url,
    port,
    ingestCredential,
    counters: () => counters,
    connected: () => broker.clients.size,
    close: () => broker.close(),
  };
}

type Entrances = WeakMap<object, Entrance>;

interface Parts {
  options: BrokerOptions;
  certificates: BrokerCertificates | null;
  aedes: Aedes;
  entrances: Entrances;
  counters: BrokerCounters;
}

class RunningBroker {
  readonly clients = new Map<Client, X509Certificate | null>();
  readonly #parts: Parts;
  readonly #sockets = new Set<Socket>();
  readonly #servers: Server[] = [];
  #rereading: NodeJS.Timeout | undefined;

  constructor(parts: Parts) {
    this.#parts = parts;
    const { aedes, entrances } = parts;
    aedes.on('client', (client) => {
      this.clients.set(client, entrances.get(client.conn)?.certificate ?? null);
    });
    aedes.on('clientDisconnect', (client) => this.clients.delete(client));
    aedes.on('connectionError', (_, error) => this.#closed(error));
    aedes.on('clientError', (client, error) => this.#closed(error, client.id));
  }

  async listen(): Promise<{ url: string; port: number }> {
    const { options, certificates } = this.#parts;
    const { host, port, rereadMs = REREAD_MS } = options;
    const plain = createServer((socket) => this.#handle(socket, null));
    if (certificates === null) {
      const listening = await this.#open(plain, host, port);
      return { url: `mqtt://${local(host)}:${listening}`, port: listening };
    }
    const server = this.#tlsServer(certificates);
    const listening = await this.#open(server, host, port);
    this.#rereading = setInterval(() => void this.#reread(certificates, server), rereadMs);
    return { url: `mqtt://127.0.0.1:${await this.#open(plain, '127.0.0.1', 0)}`, port: listening };
  }

  async close(): Promise<void> {
    clearInterval(this.#rereading);
    for (const server of this.#servers) server.close();
    await new Promise<void>((resolve) => this.#parts.aedes.close(resolve));
    for (const socket of this.#sockets) socket.destroy();
  }

  #tlsServer(certificates: BrokerCertificates): TlsServer {
    const server = createTlsServer(
      {
        ...certificates.secureContext(),
        requestCert: true,
        rejectUnauthorized: true,
        handshakeTimeout: HANDSHAKE_TIMEOUT_MS,
      },
      (socket: TLSSocket) => {
        const certificate = socket.getPeerX509Certificate();
        if (certificate === undefined) socket.destroy();
        else this.#handle(socket, certificate);
      },
    );
    server.on('tlsClientError', (error: NodeJS.ErrnoException, socket) => {
      if (error.code === 'ERR_TLS_HANDSHAKE_TIMEOUT') this.#parts.counters.halfOpen += 1;
      else this.#parts.counters.failedHandshakes += 1;
      this.#parts.options.log.info({ error: error.message }, 'TLS handshake failed');
      socket.destroy();
    });
    return server;
  }

  async #open(server: Server, host: string, port: number): Promise<number> {
    server.on('connection', (socket: Socket) => {
      socket.setNoDelay(true);
      this.#sockets.add(socket);
      socket.on('close', () => this.#sockets.delete(socket));
    });
    server.maxConnections = MOST_CONNECTIONS;
    server.listen(port, host);
    await once(server, 'listening');
    this.#servers.push(server);
    return (server.address() as AddressInfo).port;
  }

  #handle(socket: Socket, certificate: X509Certificate | null): void {
    const stream = new GuardedStream(socket, limits);
    this.#parts.entrances.set(stream, { stream, certificate });
    this.#parts.aedes.handle(stream);
  }

  #closed(error: Error, client?: string): void {
    if (error.name === 'LengthViolationError') this.#parts.counters.lengthViolations += 1;
    else if (error.name === 'AllowanceError') this.#parts.counters.overAllowance += 1;
    else if (error.message === 'connect did not arrive in time') this.#parts.counters.halfOpen += 1;
    this.#parts.options.log.info({ client, error: error.message }, 'broker closed a connection');
  }

  async #reread(certificates: BrokerCertificates, server: TlsServer): Promise<void> {
    const { log } = this.#parts.options;
    try {
      if (await certificates.reread()) {
        server.setSecureContext(certificates.secureContext());
        log.info('certificates read anew');
      }
    } catch (error) {
      log.error({ err: error }, 'the certificates cannot be read anew: those from before stay in force');
    }
    const nowMs = Date.now();
    for (const [client, certificate] of this.clients) {
      const reason = certificate === null ? null : certificates.refusal(certificate, nowMs);
      if (reason === null) continue;
      this.#parts.counters.endedByCertificate += 1;
      log.warn({ client: client.id, reason }, 'session ended');
      client.close();
    }
  }
}

const local = (host: string): string => {
  if (host === '0.0.0.0') return '127.0.0.1';
  return host === '::' ? '[::1]' : host;
};
