/**
 * Readings from the broker into the store. A batch is decoded, committed, and only then receipted; what cannot be stored
 * goes to quarantine with its reason. It keeps no state: any number of these may run beside each other.
 */
import { randomBytes } from 'node:crypto';
import { setTimeout } from 'node:timers/promises';
import mqtt, { type MqttClient } from 'mqtt';
import type { Logger } from 'pino';
import {
  ALL_QUARANTINE,
  ALL_READINGS,
  ALL_STATUS,
  configTopic,
  gatewayOf,
  readingsTopic,
  receiptsTopic,
  statusTopic,
} from '../protocols/topics.ts';
import { type GatewayConfig, GatewayStatus, type Receipt } from '../protocols/uplink.ts';
import type { Clock } from './clock.ts';
import { decodeBatch } from './decode-batch.ts';
import type { Store } from './store/store.ts';
import { createIntake, type Intake, type IntakeOptions } from './take-batch.ts';

export interface Ingest {
  /** The way in, for those who come by another road. */
  intake: Intake;
  /** Milliseconds since the gateway told its status, or since this worker began to listen. */
  silentMs(gateway: string): number;
  /** Retained: the gateway gets it when it is next connected. */
  sendConfig(config: GatewayConfig): void;
  stop(): Promise<void>;
}

export interface IngestOptions {
  brokerUrl: string;
  username?: string | undefined;
  password?: string | undefined;
  /** PEM texts for an `mqtts://` broker. */
  tls?: { ca: string; cert?: string; key?: string };
  /** In front of broker clusters: this is one of many workers that share the readings among them (MQTT 5). */
  shared?: boolean;
  /** A worker beside a service leaves status and foreign publishes to it. */
  readingsOnly?: boolean;
  store: IntakeOptions['store'] & Pick<Store, 'putGatewayStatus'>;
  clock: Clock;
  log: Logger;
}

type Context = Pick<IngestOptions, 'store' | 'log'> & {
  intake: Intake;
  now: () => string;
  /** When each gateway told its status last, by no clock that somebody sets. */
  heard: Map<string, number>;
  sendReceipt: (receipt: Receipt) => void;
  /** Resolves after a while, or when it is all over. */
  rest: () => Promise<unknown>;
};

const RECONNECT_MS = 500;
/** Messages: one that is committed, and one that is decoded meanwhile. */
const MOST_AT_WORK = 2;
/** After a fault of the store: the broker's messages wait so long. */
const REST_MS = 1_000;
/** So many messages are on their way to one worker: what it dies with goes to the others. */
const MOST_IN_FLIGHT = 16;
/** Every worker is of this group: each message goes to one of them (MQTT 5, 4.8.2). */
const SHARED = '$share/ingest/';
/** What is kept of a message that is nobody's: enough to see what it is. */
const MOST_KEPT = 64 * 1024;

/** Resolves when it is subscribed, however long the broker is away. @throws Error when the broker refuses the credential */
export async function startIngest(options: IngestOptions): Promise<Ingest> {
  const { store, clock, log } = options;
  const intake = createIntake(options);
  const client = connect(options);
  const stopping = new AbortController();
  const context: Context = {
    ...{ store, intake, log },
    heard: new Map(),
    now: () => Temporal.Instant.fromEpochMilliseconds(clock.nowMs()).toString(),
    sendReceipt: (receipt) =>
      void client.publish(receiptsTopic(receipt.gateway), JSON.stringify(receipt), { qos: 1 }),
    rest: () => setTimeout(REST_MS, null, { signal: stopping.signal }).catch(() => null),
  };
  // In order, and the next is decoded while one is committed; then no more are read, and the broker's window to us is small. The broker's
  // copy is let go even when nothing was stored: a receipt is what counts, and without one the gateway sends it again.
  let atWork = 0;
  let goOn: (() => void) | null = null;
  client.handleMessage = ({ topic, payload }, done) => {
    atWork += 1;
    void handle(context, topic, Buffer.from(payload))
      .catch((error: unknown) => log.error({ topic, err: error }, 'a message could not be handled'))
      .finally(() => {
        atWork -= 1;
        const next = goOn;
        goOn = null;
        next?.();
      });
    if (atWork < MOST_AT_WORK) done();
    else goOn = done;
  };
  const refused = new Promise<never>((_, reject) => {
    client.on('error', (error) => {
      log.warn({ error: error.message }, 'ingest has no broker');
      // A broker that is away may come back; one that knows us and says no will say it again.
      if ('code' in error && typeof error.code === 'number') reject(error);
    });
  });
  refused.catch(() => undefined);
  try {
    await Promise.race([client.subscribeAsync(topicsOf(options), { qos: 1 }), refused]);
  } catch (error) {
    await client.endAsync(true);
    throw error;
  }
  const startedMs = performance.now();
  return {
    intake,
    silentMs: (gateway) => performance.now() - (context.heard.get(gateway) ?? startedMs),
    sendConfig: (config) =>
      void client.publish(configTopic(config.gateway), JSON.stringify(config), { qos: 1, retain: true }),
    async stop() {
      stopping.abort();
      await client.endAsync(true);
    },
  };
}

function connect({ brokerUrl, username, password, tls, shared = false }: IngestOptions): MqttClient {
  return mqtt.connect(brokerUrl, {
    clientId: `ingest-${randomBytes(6).toString('hex')}`,
    ...(username === undefined ? {} : { username }),
    ...(password === undefined ? {} : { password }),
    ...tls,
    ...(brokerUrl.startsWith('mqtts:') ? { minVersion: 'TLSv1.2' as const } : {}),
    ...(shared ? { protocolVersion: 5, properties: { receiveMaximum: MOST_IN_FLIGHT } } : {}),
    reconnectPeriod: RECONNECT_MS,
    reconnectOnConnackError: true,
    keepalive: 30,
  });
}

/** Retained messages do not come through a shared subscription: one of us has the status of all gateways. */
const topicsOf = ({ shared = false, readingsOnly = false }: IngestOptions): string[] => [
  shared ? `${SHARED}${ALL_READINGS}` : ALL_READINGS,
  ...(readingsOnly ? [] : [ALL_STATUS, ALL_QUARANTINE]),
];

async function handle(context: Context, topic: string, payload: Buffer): Promise<void> {
  const gateway = gatewayOf(topic);
  if (gateway !== null && topic === readingsTopic(gateway)) await ingest(context, gateway, payload);
  else if (gateway !== null && topic === statusTopic(gateway)) await keepStatus(context, gateway, payload);
  else
    await deadLetter(
      context,
      null,
      topic,
      'foreign_topic',
      'published outside its own topics',
      payload.toString(),
    );
}

async function ingest(context: Context, gateway: string, payload: Buffer): Promise<void> {
  const { intake, sendReceipt, rest } = context;
  const batch = decodeBatch(payload, gateway);
  if (!batch.ok)
    return deadLetter(context, gateway, readingsTopic(gateway), batch.code, batch.detail, batch.text);
  try {
    sendReceipt(await intake.take(gateway, batch));
  } catch {
    // It is counted and logged. What comes next would fail as well: the broker waits, and behind it the gateways.
    if (intake.alarm() !== null) await rest();
  }
}

async function keepStatus(context: Context, gateway: string, payload: Buffer): Promise<void> {
  // An empty retained message takes the retained one away.
  if (payload.length === 0) return;
  const text = payload.toString();
  const parsed = GatewayStatus.safeParse(parseJson(text));
  if (parsed.success && parsed.data.gateway === gateway) {
    context.heard.set(gateway, performance.now());
    return context.store.putGatewayStatus(parsed.data);
  }
  return deadLetter(
    context,
    gateway,
    statusTopic(gateway),
    'not_a_status',
    'not the status of its sender',
    text,
  );
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

async function deadLetter(
  { store, log, intake, now }: Context,
  gateway: string | null,
  topic: string,
  code: string,
  detail: string,
  text: string,
): Promise<void> {
  intake.counters.malformed += 1;
  log.warn({ gateway, topic, code }, 'message put in quarantine');
  await store.quarantine({ gateway, topic, code, detail, payload: text.slice(0, MOST_KEPT), at: now() });
}
