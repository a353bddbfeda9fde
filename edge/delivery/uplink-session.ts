/** One connection to the broker, from its CONNECT until it is lost or given up. It is never mended: the next one is a new client. */
import { setTimeout as sleep } from 'node:timers/promises';
import mqtt, { type MqttClient } from 'mqtt';
import { configTopic, readingsTopic, receiptsTopic, statusTopic } from '../../protocols/topics.ts';
import type { GatewayStatus } from '../../protocols/uplink.ts';
import type { OutboxItem } from '../buffer/outbox-items.ts';
import { encodeBatch } from './encode-batch.ts';
import { type UplinkEnd, uplinkEnd } from './uplink-fault.ts';
import { readTls, type UplinkTls } from './uplink-tls.ts';

export interface SessionOptions {
  gateway: string;
  broker: string;
  username?: string | undefined;
  password?: string | undefined;
  tls?: UplinkTls | undefined;
  /** Goes with the connection: the broker tells of its end. */
  will: GatewayStatus;
  /** Receipts are heard from now on. */
  onReady: () => void;
  onReceipt: (payload: Buffer) => void;
  /** Without it the config topic is not asked for. */
  onConfig?: ((payload: Buffer) => void) | undefined;
}

const KEEPALIVE_SECONDS = 20;
const CONNECT_TIMEOUT_MS = 10_000;
const GOODBYE_MS = 1_000;

export class UplinkSession {
  /** Why it ended. */
  readonly ended: Promise<UplinkEnd>;
  ready = false;
  readonly #options: SessionOptions;
  readonly #client: MqttClient;
  readonly #resolve: (end: UplinkEnd) => void;

  constructor(options: SessionOptions) {
    const { gateway, broker, username, password, tls, will } = options;
    this.#options = options;
    const { promise, resolve } = Promise.withResolvers<UplinkEnd>();
    this.ended = promise;
    this.#resolve = resolve;
    this.#client = mqtt.connect(broker, {
      clientId: gateway,
      ...(username === undefined ? {} : { username }),
      ...(password === undefined ? {} : { password }),
      ...(tls === undefined ? {} : readTls(tls)),
      ...(broker.startsWith('mqtts:') ? { minVersion: 'TLSv1.2' as const } : {}),
      keepalive: KEEPALIVE_SECONDS,
      connectTimeout: CONNECT_TIMEOUT_MS,
      reconnectPeriod: 0,
      will: {
        topic: statusTopic(gateway),
        payload: Buffer.from(JSON.stringify(will)),
        qos: 1,
        retain: true,
      },
    });
    this.#client.on('connect', () => void this.#greet().catch((error) => this.end(uplinkEnd(error))));
    this.#client.on('message', (topic, payload) => {
      if (topic === configTopic(gateway)) options.onConfig?.(payload);
      else options.onReceipt(payload);
    });
    this.#client.on('error', (error) => this.end(uplinkEnd(error)));
    this.#client.on('close', () => this.end({ code: 'closed_by_broker', detail: 'closed' }));
  }

  /** Sends neighbouring items as one batch, whose epoch is the outbox's. */
  sendBatch(epoch: string, items: readonly OutboxItem[]): void {
    const { gateway } = this.#options;
    this.#client.publish(readingsTopic(gateway), encodeBatch({ gateway, epoch }, items), { qos: 1 });
  }

  sendStatus(status: GatewayStatus): void {
    if (!this.#client.connected) return;
    this.#client.publish(statusTopic(status.gateway), JSON.stringify(status), { qos: 1, retain: true });
  }

  end(end: UplinkEnd = { code: 'other', detail: 'ended here' }): void {
    this.ready = false;
    this.#client.end(true);
    this.#resolve(end);
  }

  /** Publishes the last status and leaves without the will. */
  async goodbye(status: GatewayStatus): Promise<void> {
    if (this.ready) {
      this.ready = false;
      const sent = this.#client.publishAsync(statusTopic(status.gateway), JSON.stringify(status), {
        qos: 1,
        retain: true,
      });
      await Promise.race([sent, sleep(GOODBYE_MS)]).catch(() => undefined);
      await Promise.race([this.#client.endAsync(), sleep(GOODBYE_MS)]);
    }
    this.end();
  }

  /** Receipts must be heard before the first batch is sent. */
  async #greet(): Promise<void> {
    const { gateway, onConfig } = this.#options;
    await this.#client.subscribeAsync(receiptsTopic(gateway), { qos: 1 });
    this.ready = true;
    this.#options.onReady();
    if (onConfig !== undefined) await this.#client.subscribeAsync(configTopic(gateway), { qos: 1 });
  }
}
