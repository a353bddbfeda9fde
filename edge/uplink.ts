/**
 * The outbox to the cloud. A batch is done only when the cloud's receipt says that it is stored; the broker's own
 * acknowledgement means nothing here. What is sent when is for `sender.ts` to say.
 *
 * All patience is at one place: a link that is lost, or brings no receipts, is built anew after a pause, at the next of the
 * broker's addresses.
 */
import { randomInt } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from 'pino';
import type { UplinkFault } from '../protocols/edge-api.ts';
import { type GatewayStatus, Receipt } from '../protocols/uplink.ts';
import type { OutboxItem } from './buffer/outbox-items.ts';
import type { Clock } from './clock.ts';
import { Sender, type SenderTiming } from './delivery/sender.ts';
import type { UplinkEnd } from './delivery/uplink-fault.ts';
import { UplinkSession } from './delivery/uplink-session.ts';
import type { UplinkTls } from './delivery/uplink-tls.ts';
import { CloudClock } from './healing/cloud-clock.ts';
import type { Outbox } from './outbox.ts';

export interface UplinkOptions {
  gateway: string;
  broker: string;
  /** Where it is reached too: tried in turn. */
  alternativeBrokers?: readonly string[] | undefined;
  username?: string | undefined;
  password?: string | undefined;
  tls?: UplinkTls | undefined;
  outbox: Outbox;
  clock: Clock;
  log: Logger;
  /** The part of the status that the uplink does not know. */
  buses: () => GatewayStatus['buses'];
  push?: () => GatewayStatus['push'];
  clockOffsets?: () => GatewayStatus['clockOffsets'];
  /** Of the key that signs evidence, for the status. */
  keyId?: string | undefined;
  configStatus?: (() => Pick<GatewayStatus, 'configVersion' | 'configState' | 'configReason'>) | undefined;
  /** Told each message of the config topic; without it none is asked for. */
  onConfig?: ((payload: Buffer) => void) | undefined;
  /** The outbox failed: the process cannot go on. */
  onFault: (error: unknown) => void;
  /** Only tests shorten these. */
  timing?: Partial<UplinkTiming>;
}

export interface UplinkTiming extends SenderTiming {
  /** Pause before a new connection: doubled with each that brought no receipt, up to the longest, half of it by chance. */
  firstPauseMs: number;
  longestPauseMs: number;
  statusMs: number;
}

export interface Uplink {
  /** There is something new in the outbox. */
  wake(): void;
  connected(): boolean;
  /** Why the last connection ended; null while there is one, unless it is waited for receipts in vain. */
  fault(): UplinkFault | null;
  status(online: boolean): GatewayStatus;
  /** Sends the status now. */
  tell(): void;
  /** Says goodbye; what is under way stays in the outbox. */
  stop(): Promise<void>;
}

const defaults: UplinkTiming = {
  receiptMs: 5_000,
  backlogStartMs: 2_000,
  backlogPerSecond: 20_000,
  firstPauseMs: 500,
  longestPauseMs: 60_000,
  statusMs: 30_000,
};
const VERSION = '0.1.0';
/** A receipt that took longer there and back tells too little of the time. */
const WITNESS_MS = 1_000;
const LONGEST_TIMER_MS = 2 ** 31 - 1;

export function startUplink(options: UplinkOptions): Uplink {
  const uplink = new RunningUplink(options);
  const running = uplink.keepConnected();
  return {
    wake: () => uplink.guarded((sender) => sender.wake()),
    connected: () => uplink.session?.ready ?? false,
    fault: () => uplink.fault(),
    status: (online) => uplink.status(online),
    tell: () => uplink.session?.sendStatus(uplink.status(true)),
    async stop() {
      await uplink.stop();
      await running;
    },
  };
}

class RunningUplink {
  session: UplinkSession | null = null;
  readonly #options: UplinkOptions;
  readonly #timing: UplinkTiming;
  readonly #stopping = new AbortController();
  readonly #sender: Sender;
  #timer: NodeJS.Timeout | undefined;
  #lastReceiptMs: number | null = null;
  readonly #cloudClock = new CloudClock();
  /** Connections since the last receipt. */
  #failures = 0;
  /** Of the last connection; null again with a receipt. */
  #lastEnd: UplinkFault | null = null;

  constructor(options: UplinkOptions) {
    const { outbox, log } = options;
    this.#options = options;
    this.#timing = { ...defaults, ...options.timing };
    this.#sender = new Sender({
      outbox,
      timing: this.#timing,
      nowMs: () => performance.now(),
      random: () => randomInt(2 ** 32) / 2 ** 32,
      send: (items) => this.#send(items),
      wakeAt: (ms) => this.#setTimer(ms),
      onStalled: () => this.session?.end({ code: 'no_receipts', detail: 'no receipts' }),
      onSetAside: (sequence) => log.error({ sequence }, 'the cloud receipts all but this: set aside'),
    });
  }

  async keepConnected(): Promise<void> {
    const { broker: first, alternativeBrokers = [], log, outbox } = this.#options;
    const brokers = [first, ...alternativeBrokers];
    const { signal } = this.#stopping;
    for (let attempt = 0; !signal.aborted; attempt += 1) {
      const broker = brokers[attempt % brokers.length] ?? first;
      // Files of its certificate that are not there may come back, as a broker may.
      const end = await this.#connect(broker).catch(
        (error: Error): UplinkEnd => ({ code: 'certificate_files', detail: error.message }),
      );
      if (signal.aborted) return;
      this.#lastEnd = { ...end, broker, at: instantText(this.#options.clock.nowMs()) };
      const pauseMs = pause(this.#timing, this.#failures);
      this.#failures += 1;
      log.warn(
        { broker, code: end.code, reason: end.detail, pauseMs, buffered: outbox.stats().rows },
        'uplink lost',
      );
      await sleep(pauseMs, undefined, { signal }).catch(() => undefined);
    }
  }

  /** @returns why the connection ended */
  async #connect(broker: string): Promise<UplinkEnd> {
    const { gateway, username, password, tls, log, outbox } = this.#options;
    const will = this.status(false);
    const session = new UplinkSession({
      gateway,
      broker,
      username,
      password,
      tls,
      will,
      onReady: () => {
        log.info({ broker, buffered: outbox.stats().rows }, 'uplink connected');
        session.sendStatus(this.status(true));
        this.guarded((sender) => sender.connected());
      },
      onReceipt: (payload) => this.#receive(payload),
      onConfig: this.#options.onConfig,
    });
    this.session = session;
    const statusTimer = setInterval(() => session.sendStatus(this.status(true)), this.#timing.statusMs);
    const end = await session.ended;
    clearInterval(statusTimer);
    this.#sender.disconnected();
    return end;
  }

  /** Whatever fails in here is the outbox. */
  guarded(work: (sender: Sender) => void): void {
    try {
      work(this.#sender);
    } catch (error) {
      this.#options.onFault(error);
    }
  }

  /** A broker that takes batches of which nobody sends a receipt is connected in vain. */
  fault(): UplinkFault | null {
    const isConnected = this.session?.ready ?? false;
    return isConnected && this.#lastEnd?.code !== 'no_receipts' ? null : this.#lastEnd;
  }

  status(online: boolean): GatewayStatus {
    const { gateway, outbox, clock, buses } = this.#options;
    const { rows, oldestMs } = outbox.stats();
    const push = this.#options.push?.();
    const clockOffsets = this.#options.clockOffsets?.() ?? [];
    const cloud = this.#cloudClock.offset;
    return {
      gateway,
      online,
      at: instantText(clock.nowMs()),
      version: VERSION,
      bufferedRows: rows,
      oldestBufferedAt: oldestMs === null ? null : instantText(oldestMs),
      lastReceiptAt: this.#lastReceiptMs === null ? null : instantText(this.#lastReceiptMs),
      buses: buses(),
      ...(push === undefined ? {} : { push }),
      ...(cloud === null
        ? {}
        : {
            cloudOffset: {
              offsetSeconds: cloud.offsetMs / 1000,
              uncertaintySeconds: cloud.uncertaintyMs / 1000,
              at: instantText(cloud.atMs),
            },
          }),
      ...(clockOffsets.length === 0 ? {} : { clockOffsets }),
      ...this.#options.configStatus?.(),
      ...(this.#options.keyId === undefined ? {} : { keyId: this.#options.keyId }),
    };
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    clearTimeout(this.#timer);
    await this.session?.goodbye(this.status(false));
  }

  #send(items: readonly OutboxItem[]): void {
    const [from, to] = [items[0]?.sequence, items.at(-1)?.sequence];
    if (from !== undefined && to !== undefined) this.#cloudClock.sent(from, to, performance.now());
    this.session?.sendBatch(this.#options.outbox.epoch, items);
  }

  #receive(payload: Buffer): void {
    const { log, gateway, clock } = this.#options;
    const receipt = Receipt.safeParse(parseJson(payload.toString()));
    if (!receipt.success || receipt.data.gateway !== gateway) {
      log.warn('a receipt that is none was ignored');
      return;
    }
    const { at } = receipt.data;
    if (at !== undefined) {
      const now = { atMs: performance.now(), nowMs: clock.nowMs() };
      const cloudMs = Temporal.Instant.from(at).epochMilliseconds;
      const found = this.#cloudClock.received(receipt.data, cloudMs, now);
      if (found !== null && found.uncertaintyMs <= WITNESS_MS) clock.heardCloud?.(now.nowMs - found.offsetMs);
    }
    this.guarded((sender) => {
      if (!sender.receipt(receipt.data)) return;
      this.#failures = 0;
      this.#lastEnd = null;
      this.#lastReceiptMs = clock.nowMs();
      if (receipt.data.quarantined > 0)
        log.warn({ receipt: receipt.data }, 'the cloud put items in quarantine');
    });
  }

  #setTimer(ms: number | null): void {
    clearTimeout(this.#timer);
    if (ms === null) return;
    const waitMs = Math.min(Math.max(0, ms - performance.now()), LONGEST_TIMER_MS);
    this.#timer = setTimeout(() => this.guarded((sender) => sender.tick()), waitMs);
  }
}

const instantText = (ms: number): string => Temporal.Instant.fromEpochMilliseconds(ms).toString();

/** Half of it is fixed and half by chance, so that a park of gateways does not come back in step. */
function pause({ firstPauseMs, longestPauseMs }: UplinkTiming, failures: number): number {
  const full = Math.min(firstPauseMs * 2 ** failures, longestPauseMs);
  return Math.ceil(full / 2) + randomInt(Math.ceil(full / 2) + 1);
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
