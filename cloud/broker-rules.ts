/**
 * Who may connect, publish and subscribe. Deny by default: a gateway is the client id that its certificate or password names,
 * sends on two topics and hears two. What it publishes elsewhere is put in quarantine; who goes on with it is disconnected.
 */
import type { X509Certificate } from 'node:crypto';
import type { AedesOptions, AedesPublishPacket, Client } from 'aedes';
import type { Logger } from 'pino';
import type { GuardedStream } from '../process/guarded-stream.ts';
import { digestOf, sameSecret } from '../process/secrets.ts';
import { Id } from '../protocols/reading.ts';
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
import { type BrokerCertificates, commonName } from './broker-certificates.ts';
import type { BrokerCounters } from './broker-counters.ts';
import { isReserved } from './certificates/authority.ts';
import { type AllowanceLimits, ClientAllowance } from './client-allowance.ts';

/** Where a connection came in, and what it brought along. */
export interface Entrance {
  stream: GuardedStream;
  /** Of a gateway, from the handshake. Null at entrances that ask for a password. */
  certificate: X509Certificate | null;
}

export interface RulesOptions {
  /** Digests by name, `ingest` among them. */
  passwords: ReadonlyMap<string, string>;
  certificates: BrokerCertificates | null;
  allowance: AllowanceLimits;
  entranceOf: (client: Client) => Entrance | undefined;
  counters: BrokerCounters;
  log: Logger;
}

export const INGEST = 'ingest';
const ingestSubscriptions = new Set([ALL_READINGS, ALL_STATUS, ALL_QUARANTINE]);
/** What is kept of a foreign publish: enough to see what it is. */
const MOST_QUARANTINED = 48 * 1024;

export class BrokerRules {
  readonly #options: RulesOptions;
  readonly #names = new WeakMap<Client, string>();
  /** By names that were let in once: no more than there are gateways. */
  readonly #allowances = new Map<string, ClientAllowance>();

  constructor(options: RulesOptions) {
    this.#options = options;
  }

  hooks(): AedesOptions {
    return {
      preConnect(_client, packet, done) {
        // Every session is clean: a gateway keeps its own line, and no queue grows here for one that is away.
        packet.clean = true;
        done(null, true);
      },
      authenticate: (client, username, password, done) => done(null, this.#admit(client, username, password)),
      authorizePublish: (client, packet, done) => done(this.#publish(client, packet as AedesPublishPacket)),
      authorizeSubscribe: (client, subscription, done) =>
        done(null, this.#maySubscribe(client, subscription.topic) ? subscription : null),
    };
  }

  nameOf(client: Client): string | undefined {
    return this.#names.get(client);
  }

  #admit(client: Client, username: string | undefined, password: Buffer | undefined): boolean {
    const { counters, log, entranceOf } = this.#options;
    const entrance = entranceOf(client);
    const found = entrance === undefined ? 'closed' : this.#identify(client.id, entrance, username, password);
    if (entrance === undefined || typeof found === 'string') {
      counters.refusedConnections += 1;
      log.warn({ client: client.id, username, reason: found }, 'connection refused');
      return false;
    }
    this.#names.set(client, found.name);
    const { name } = found;
    if (name === INGEST) entrance.stream.admit(() => 0);
    else
      entrance.stream.admit((bytes, packets) =>
        this.#allowance(name).take(bytes, packets, performance.now()),
      );
    return true;
  }

  /** @returns the name, or why there is none */
  #identify(
    clientId: string,
    { certificate }: Entrance,
    username: string | undefined,
    password: Buffer | undefined,
  ): { name: string } | string {
    if (certificate !== null) {
      const refusal = this.#options.certificates?.refusal(certificate, Date.now()) ?? null;
      if (refusal !== null) return refusal;
      const name = commonName(certificate);
      if (name === null || isReserved(name) || !Id.safeParse(name).success) return 'no_name';
      if (name !== clientId) return `client id of another: the certificate is ${name}'s`;
      return this.#allowance(name).open(performance.now()) ? { name } : 'quota_used_up';
    }
    const known = username === undefined ? undefined : this.#options.passwords.get(username);
    if (username === undefined || known === undefined || password === undefined) return 'unknown';
    if (!sameSecret(known, digestOf(password.toString()))) return 'wrong_password';
    if (username === INGEST)
      return clientId.startsWith(`${INGEST}-`) ? { name: INGEST } : 'client id of another';
    if (clientId !== username) return 'client id of another';
    return this.#allowance(username).open(performance.now()) ? { name: username } : 'quota_used_up';
  }

  /** @returns null, or why the connection has to end */
  #publish(client: Client | null, packet: AedesPublishPacket): Error | null {
    const { counters, log } = this.#options;
    const name = client === null ? undefined : this.#names.get(client);
    if (client === null || name === undefined) return new Error('not authenticated');
    if (name === INGEST) return isDownTopic(packet.topic) ? null : new Error('not for ingest');
    if (packet.topic === statusTopic(name)) return null;
    packet.retain = false;
    if (packet.topic === readingsTopic(name)) return null;
    counters.foreignPublishes += 1;
    if (!this.#strike(client, name)) return new Error('publishes where it must not, again and again');
    log.warn({ client: name, topic: packet.topic }, 'publish moved to quarantine');
    moveToQuarantine(packet, name);
    return null;
  }

  #maySubscribe(client: Client, topic: string): boolean {
    const { counters, log } = this.#options;
    const name = this.#names.get(client);
    if (name === undefined) return false;
    if (name === INGEST ? ingestSubscriptions.has(topic) : isOwnDownTopic(name, topic)) return true;
    counters.refusedSubscriptions += 1;
    if (name !== INGEST && this.#strike(client, name))
      log.warn({ client: name, topic }, 'subscription refused');
    return false;
  }

  /** @returns whether it may stay */
  #strike(client: Client, name: string): boolean {
    if (this.#allowance(name).strike(performance.now()) >= 0) return true;
    if (!client.closed) {
      this.#options.counters.disconnectedIntruders += 1;
      // Its acknowledgements under way get their turn first.
      setImmediate(() => client.close());
    }
    return false;
  }

  #allowance(name: string): ClientAllowance {
    const known = this.#allowances.get(name);
    if (known !== undefined) return known;
    const fresh = new ClientAllowance(this.#options.allowance, performance.now());
    this.#allowances.set(name, fresh);
    return fresh;
  }
}

const isOwnDownTopic = (name: string, topic: string): boolean =>
  topic === receiptsTopic(name) || topic === configTopic(name);

function isDownTopic(topic: string): boolean {
  const gateway = gatewayOf(topic);
  return gateway !== null && isOwnDownTopic(gateway, topic);
}

/** A denied QoS 1 publish would make the sender's library reconnect and send it again for ever. */
function moveToQuarantine(packet: AedesPublishPacket, name: string): void {
  const payload = Buffer.from(packet.payload).subarray(0, MOST_QUARANTINED).toString('base64');
  packet.payload = Buffer.from(JSON.stringify({ topic: packet.topic, payload }));
  packet.topic = quarantineTopic(name);
}
