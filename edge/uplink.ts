/**
 * The outbox to the cloud, in order. A window of batches is under way at a time; a batch is done only when the cloud's
 * receipt says that it is stored. The broker's own acknowledgement means nothing here.
 *
 * All patience is at one place: when no receipt arrives in time, everything from the first unacknowledged item on is
 * sent again, and if that does not help either the link is taken for half-open and built anew.
 */
import { randomInt } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { zstdCompressSync } from 'node:zlib';
import mqtt, { type MqttClient } from 'mqtt';
import type { Logger } from 'pino';
import { readingsTopic, receiptsTopic, statusTopic } from '../protocols/topics.ts';
import { type GatewayStatus, Receipt } from '../protocols/uplink.ts';
import type { Clock } from './clock.ts';
import type { Outbox } from './outbox.ts';

export interface UplinkOptions {
  gateway: string;
  broker: string;
  username?: string | undefined;
  password?: string | undefined;
  outbox: Outbox;
  clock: Clock;
  log: Logger;
  /** The part of the status that the uplink does not know. */
  buses: () => GatewayStatus['buses'];
  push?: () => GatewayStatus['push'];
  /** The outbox failed: the process cannot go on. */
  onFault: (error: unknown) => void;
  /** Only tests shorten these. */
  timing?: Partial<UplinkTiming>;
}

export interface UplinkTiming {
  /** How long to wait for a receipt before sending again. */
  receiptMs: number;
  /** Pause before a new connection: doubled with each that brought no receipt, up to the longest, half of it by chance. */
  firstPauseMs: number;
  longestPauseMs: number;
  statusMs: number;
}

export interface Uplink {
  /** There is something new in the outbox. */
  wake(): void;
  connected(): boolean;
  status(online: boolean): GatewayStatus;
  /** Says goodbye; what is under way stays in the outbox. */
  stop(): Promise<void>;
}

const defaults: UplinkTiming = {
  receiptMs: 5_000,
  firstPauseMs: 500,
  longestPauseMs: 60_000,
  statusMs: 30_000,
};
const BATCH_ITEMS = 1_000;
const WINDOW = 4;
const RESENDS_BEFORE_NEW_LINK = 2;
const KEEPALIVE_SECONDS = 20;
const CONNECT_TIMEOUT_MS = 10_000;
const GOODBYE_MS = 1_000;
const VERSION = '0.1.0';

export function startUplink(options: UplinkOptions): Uplink {
  const timing = { ...defaults, ...options.timing };
  const stopping = new AbortController();
  const lastReceipt: { atMs: number | null } = { atMs: null };
  let session: Session | null = null;

  const status = (online: boolean): GatewayStatus => {
    const { gateway, outbox, clock, buses } = options;
    const { rows, oldestMs } = outbox.stats();
    const push = options.push?.();
    return {
      gateway,
      online,
      at: instantText(clock.nowMs()),
      version: VERSION,
      bufferedRows: rows,
      oldestBufferedAt: oldestMs === null ? null : instantText(oldestMs),
      lastReceiptAt: lastReceipt.atMs === null ? null : instantText(lastReceipt.atMs),
      buses: buses(),
      ...(push === undefined ? {} : { push }),
    };
  };

  async function keepConnected(): Promise<void> {
    for (let failures = 0; !stopping.signal.aborted; failures += 1) {
      session = new Session(options, timing, status, () => {
        failures = 0;
        lastReceipt.atMs = options.clock.nowMs();
      });
      const reason = await session.ended;
      if (stopping.signal.aborted) return;
      const pauseMs = pause(timing, failures);
      options.log.warn({ reason, pauseMs, buffered: options.outbox.stats().rows }, 'uplink lost');
      await sleep(pauseMs, undefined, { signal: stopping.signal }).catch(() => undefined);
    }
  }

  const running = keepConnected();
  return {
    wake: () => session?.pump(),
    connected: () => session?.ready ?? false,
    status,
    async stop() {
      stopping.abort();
      await session?.goodbye(status(false));
      await running;
    },
  };
}

const instantText = (ms: number): string => Temporal.Instant.fromEpochMilliseconds(ms).toString();

/** Half of it is fixed and half by chance, so that a park of gateways does not come back in step. */
function pause({ firstPauseMs, longestPauseMs }: UplinkTiming, failures: number): number {
  const full = Math.min(firstPauseMs * 2 ** failures, longestPauseMs);
  return Math.ceil(full / 2) + randomInt(Math.ceil(full / 2) + 1);
}

/** One connection, from its CONNECT until it is lost or given up. It is never mended: the next one is a new client. */
class Session {
  /** Why it ended. */
  readonly ended: Promise<string>;
  ready = false;
  readonly #options: UplinkOptions;
  readonly #timing: UplinkTiming;
  readonly #status: (online: boolean) => GatewayStatus;
  readonly #onReceipt: () => void;
  readonly #client: MqttClient;
  readonly #end: (reason: string) => void;
  readonly #statusTimer: NodeJS.Timeout;
  #deadline: NodeJS.Timeout | undefined;
  #resends = 0;
  /** The newest sequence that was sent. */
  #sentTo: number;
  /** Ends of the batches under way, ascending. */
  #underWay: number[] = [];

  constructor(
    options: UplinkOptions,
    timing: UplinkTiming,
    status: (online: boolean) => GatewayStatus,
    onReceipt: () => void,
  ) {
    this.#options = options;
    this.#timing = timing;
    this.#status = status;
    this.#onReceipt = onReceipt;
    this.#sentTo = options.outbox.acknowledgedTo;
    const { promise, resolve } = Promise.withResolvers<string>();
    this.ended = promise;
    this.#client = this.#connect();
    this.#end = (reason) => {
      this.ready = false;
      clearTimeout(this.#deadline);
      clearInterval(this.#statusTimer);
      this.#client.end(true);
      resolve(reason);
    };
    this.#client.on('connect', () => void this.#greet().catch((error) => this.#end(`greeting: ${error}`)));
    this.#client.on('message', (_, payload) => this.#receive(payload));
    this.#client.on('error', (error) => this.#end(error.message));
    this.#client.on('close', () => this.#end('closed'));
    this.#statusTimer = setInterval(() => this.#sendStatus(this.#status(true)), timing.statusMs);
  }

  #connect(): MqttClient {
    const { gateway, broker, username, password } = this.#options;
    const will = JSON.stringify(this.#status(false));
    return mqtt.connect(broker, {
      clientId: gateway,
      ...(username === undefined ? {} : { username }),
      ...(password === undefined ? {} : { password }),
      keepalive: KEEPALIVE_SECONDS,
      connectTimeout: CONNECT_TIMEOUT_MS,
      reconnectPeriod: 0,
      will: { topic: statusTopic(gateway), payload: Buffer.from(will), qos: 1, retain: true },
    });
  }

  /** Receipts must be heard before the first batch is sent. */
  async #greet(): Promise<void> {
    const { gateway, log, outbox } = this.#options;
    await this.#client.subscribeAsync(receiptsTopic(gateway), { qos: 1 });
    this.#sendStatus(this.#status(true));
    this.ready = true;
    log.info({ buffered: outbox.stats().rows }, 'uplink connected');
    this.pump();
  }

  #sendStatus(status: GatewayStatus): void {
    if (!this.#client.connected) return;
    this.#client.publish(statusTopic(status.gateway), JSON.stringify(status), { qos: 1, retain: true });
  }

  /**
   * Fills the window. A batch that is not full is sent only when nothing is under way: so a slow link gathers larger
   * batches by itself, and a quiet one does not wait.
   */
  pump(): void {
    try {
      this.#fillWindow();
    } catch (error) {
      this.#options.onFault(error);
    }
  }

  #fillWindow(): void {
    const { outbox, gateway } = this.#options;
    while (this.ready && this.#underWay.length < WINDOW) {
      const waiting = outbox.countAfter(this.#sentTo);
      if (waiting <= 0 || (waiting < BATCH_ITEMS && this.#underWay.length > 0)) return;
      const items = outbox.after(this.#sentTo, BATCH_ITEMS);
      const from = items[0]?.sequence;
      const to = items.at(-1)?.sequence;
      if (from === undefined || to === undefined) return;
      const head = `{"gateway":"${gateway}","epoch":"${outbox.epoch}","from":${from},"to":${to},"items":[`;
      const text = `${head}${items.map(({ json }) => json).join(',')}]}`;
      this.#client.publish(readingsTopic(gateway), zstdCompressSync(text), { qos: 1 });
      this.#sentTo = to;
      this.#underWay.push(to);
      this.#deadline ??= this.#newDeadline();
    }
  }

  #newDeadline(): NodeJS.Timeout {
    return setTimeout(() => this.#late(), this.#timing.receiptMs * 2 ** this.#resends);
  }

  #late(): void {
    const { outbox, log } = this.#options;
    this.#deadline = undefined;
    this.#resends += 1;
    if (this.#resends > RESENDS_BEFORE_NEW_LINK) {
      this.#end('no receipts');
      return;
    }
    this.#sentTo = outbox.acknowledgedTo;
    this.#underWay = [];
    log.warn({ from: this.#sentTo + 1, resend: this.#resends }, 'no receipt in time: sending again');
    this.pump();
  }

  #receive(payload: Buffer): void {
    const { outbox, log, gateway } = this.#options;
    const receipt = Receipt.safeParse(parseJson(payload.toString()));
    if (!receipt.success || receipt.data.gateway !== gateway) {
      log.warn('a receipt that is none was ignored');
      return;
    }
    const before = outbox.acknowledgedTo;
    try {
      outbox.acknowledge(receipt.data);
    } catch (error) {
      this.#options.onFault(error);
    }
    const { acknowledgedTo } = outbox;
    if (acknowledgedTo === before) return;
    this.#resends = 0;
    this.#onReceipt();
    this.#underWay = this.#underWay.filter((to) => to > acknowledgedTo);
    clearTimeout(this.#deadline);
    this.#deadline = this.#underWay.length === 0 ? undefined : this.#newDeadline();
    if (receipt.data.quarantined > 0)
      log.warn({ receipt: receipt.data }, 'the cloud put items in quarantine');
    this.pump();
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
    this.#end('stopped');
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
