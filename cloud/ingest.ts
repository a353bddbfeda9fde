/**
 * Readings from the broker into the store. A batch is decoded, committed, and only then receipted; what cannot be stored
 * goes to quarantine with its reason. It keeps no state: any number of these may run beside each other.
 */
import { randomBytes } from 'node:crypto';
import mqtt from 'mqtt';
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

export interface IngestCounters {
  batches: number;
  stored: number;
  duplicates: number;
  quarantined: number;
  /** Messages of which nothing could be acknowledged. */
  malformed: number;
  /** Times that the store failed; nothing was acknowledged. */
  storeFailures: number;
}

export interface Ingest {
  counters: Readonly<IngestCounters>;
  /** Retained: the gateway gets it when it is next connected. */
  sendConfig(config: GatewayConfig): void;
  stop(): Promise<void>;
}

export interface IngestOptions {
  brokerUrl: string;
  username?: string | undefined;
  password?: string | undefined;
  store: Pick<Store, 'ingestBatch' | 'quarantine' | 'putGatewayStatus'>;
  clock: Clock;
  log: Logger;
}

type Context = Pick<IngestOptions, 'store' | 'log'> & {
  counters: IngestCounters;
  now: () => string;
  sendReceipt: (receipt: Receipt) => void;
};

const RECONNECT_MS = 500;
/** What is kept of a message that is nobody's: enough to see what it is. */
const MOST_KEPT = 64 * 1024;

/** Resolves when it is subscribed, however long the broker is away. @throws Error when the broker refuses the credential */
export async function startIngest(options: IngestOptions): Promise<Ingest> {
  const { brokerUrl, username, password, store, clock, log } = options;
  const counters: IngestCounters = {
    batches: 0,
    stored: 0,
    duplicates: 0,
    quarantined: 0,
    malformed: 0,
    storeFailures: 0,
  };
  const client = mqtt.connect(brokerUrl, {
    clientId: `ingest-${randomBytes(6).toString('hex')}`,
    ...(username === undefined ? {} : { username }),
    ...(password === undefined ? {} : { password }),
    reconnectPeriod: RECONNECT_MS,
    reconnectOnConnackError: true,
    keepalive: 30,
  });
  const context: Context = {
    store,
    log,
    counters,
    now: () => Temporal.Instant.fromEpochMilliseconds(clock.nowMs()).toString(),
    sendReceipt: (receipt) =>
      void client.publish(receiptsTopic(receipt.gateway), JSON.stringify(receipt), { qos: 1 }),
  };
  // The broker's copy is acknowledged when the work is done: this is called for one message at a time, in order.
  client.handleMessage = ({ topic, payload }, done) => {
    handle(context, topic, Buffer.from(payload)).then(
      () => done(),
      (error: unknown) => {
        counters.storeFailures += 1;
        log.error({ topic, err: error }, 'not stored: the gateway will send it again');
        done(error instanceof Error ? error : new Error(String(error)));
      },
    );
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
    await Promise.race([
      client.subscribeAsync([ALL_READINGS, ALL_STATUS, ALL_QUARANTINE], { qos: 1 }),
      refused,
    ]);
  } catch (error) {
    await client.endAsync(true);
    throw error;
  }
  return {
    counters,
    sendConfig: (config) =>
      void client.publish(configTopic(config.gateway), JSON.stringify(config), { qos: 1, retain: true }),
    async stop() {
      await client.endAsync(true);
    },
  };
}

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
  const { store, counters, now } = context;
  const topic = readingsTopic(gateway);
  const batch = decodeBatch(payload, gateway);
  if (!batch.ok) return deadLetter(context, gateway, topic, batch.code, batch.detail, batch.text);
  const { epoch, from, to, parts, bad } = batch;
  const at = now();
  const receipt: Receipt = { gateway, epoch, from, to, stored: 0, duplicates: 0, quarantined: bad.length };
  for (const part of parts) {
    const result = await store.ingestBatch(part, at);
    receipt.stored += result.stored;
    receipt.duplicates += result.duplicates;
    receipt.quarantined += result.quarantined;
  }
  for (const { sequence, payload: item, detail } of bad)
    await store.quarantine({
      gateway,
      topic,
      code: 'malformed_item',
      detail: `${epoch}/${sequence}: ${detail}`,
      payload: item,
      at,
    });
  counters.batches += 1;
  counters.stored += receipt.stored;
  counters.duplicates += receipt.duplicates;
  counters.quarantined += receipt.quarantined;
  context.sendReceipt({ ...receipt, at: now() });
}

async function keepStatus(context: Context, gateway: string, payload: Buffer): Promise<void> {
  // An empty retained message takes the retained one away.
  if (payload.length === 0) return;
  const text = payload.toString();
  const parsed = GatewayStatus.safeParse(parseJson(text));
  if (parsed.success && parsed.data.gateway === gateway) return context.store.putGatewayStatus(parsed.data);
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
  { store, log, counters, now }: Context,
  gateway: string | null,
  topic: string,
  code: string,
  detail: string,
  text: string,
): Promise<void> {
  counters.malformed += 1;
  log.warn({ gateway, topic, code }, 'message put in quarantine');
  await store.quarantine({ gateway, topic, code, detail, payload: text.slice(0, MOST_KEPT), at: now() });
}
