/** A gateway of a simulated world: the real outbox and the real sender, on a disk that loses power, killed now and then. */
import { type NewReading, type Outbox, type OutboxItem, openOutboxOn } from '../edge/outbox.ts';
import { OutboxError } from '../edge/outbox-folder.ts';
import { Sender } from '../edge/sender.ts';
import type { Receipt } from '../protocols/uplink.ts';
import type { Random } from '../simulators/random.ts';
import type { Agenda } from './agenda.ts';
import { MemoryDisk } from './memory-disk.ts';

export const ENERGY = '1-0:1.8.0';
const POWER = '1-0:16.7.0';
const START_MS = Date.UTC(2026, 8, 1);
const DISK_BYTES = 512 * 1024;
const timing = { receiptMs: 2_000, backlogStartMs: 1_000, backlogPerSecond: 2_000 };

/** What the outbox said of a reading. */
export type Fate = 'accepted' | 'refused' | 'unknown';

export interface GatewayOptions {
  name: string;
  agenda: Agenda;
  random: Random;
  /** Of the outbox. */
  maxBytes: number;
  send(batch: { gateway: string; epoch: string; items: readonly OutboxItem[] }): void;
  isLinkUp(): boolean;
}

export class WorldGateway {
  /** Every reading that was ever handed in, and what became of it there. */
  readonly fates = new Map<NewReading, Fate>();
  readonly disk: MemoryDisk;
  restarts = 0;
  setAside = 0;
  readonly #options: GatewayOptions;
  #outbox: Outbox | null = null;
  #sender: Sender | null = null;
  #minted = 0;
  #takeBackWake = (): void => undefined;

  constructor(options: GatewayOptions) {
    this.#options = options;
    this.disk = new MemoryDisk(options.random, DISK_BYTES);
    this.#start();
  }

  get isDrained(): boolean {
    return this.#outbox !== null && this.#outbox.acknowledgedTo === this.#outbox.nextSequence - 1;
  }

  /** Takes some readings: of two registers, at instants that never repeat. */
  take(count: number): void {
    const readings = Array.from({ length: count }, () => this.#mint());
    for (const reading of readings) this.fates.set(reading, 'unknown');
    this.#guarded((outbox) => {
      const refused = new Set(outbox.append(readings).refused);
      for (const reading of readings) this.fates.set(reading, refused.has(reading) ? 'refused' : 'accepted');
      this.#sender?.wake();
    });
  }

  receive(receipt: Receipt): void {
    this.#guarded(() => void this.#sender?.receipt(receipt));
  }

  connect(): void {
    this.#guarded(() => this.#sender?.connected());
  }

  disconnect(): void {
    this.#sender?.disconnected();
  }

  expire(): void {
    this.#guarded((outbox) => void outbox.expire(START_MS - 1));
  }

  /** Ends the process at once, with the machine or alone, and starts it again. */
  crash(isPowerCut: boolean): void {
    this.#takeBackWake();
    if (isPowerCut) this.disk.powerCut();
    else this.disk.kill();
    this.#start();
  }

  #start(): void {
    this.restarts += 1;
    const { name: gateway, agenda, random, maxBytes, send, isLinkUp } = this.#options;
    const isBilling = (_: string, register: string): boolean => register === ENERGY;
    let outbox: Outbox;
    try {
      outbox = openOutboxOn(this.disk, { folder: '/outbox', gateway, maxBytes, isBilling });
    } catch (error) {
      if (!(error instanceof OutboxError)) throw error;
      // The disk has no room even to start: a supervisor tries again.
      this.#outbox = null;
      this.#sender = null;
      agenda.after(500, () => this.crash(false));
      return;
    }
    this.#outbox = outbox;
    this.#sender = new Sender({
      outbox,
      timing,
      nowMs: () => agenda.nowMs,
      random: () => random.between(0, 999) / 1000,
      send: (items) => send({ gateway, epoch: outbox.epoch, items }),
      wakeAt: (ms) => {
        this.#takeBackWake();
        if (ms === null) return;
        this.#takeBackWake = agenda.after(Math.max(0, ms - agenda.nowMs), () =>
          this.#guarded(() => this.#sender?.tick()),
        );
      },
      onStalled: () => {
        this.disconnect();
        agenda.after(300, () => this.#reconnect());
      },
      onSetAside: () => {
        this.setAside += 1;
      },
    });
    if (isLinkUp()) agenda.after(50, () => this.#reconnect());
  }

  #reconnect(): void {
    if (this.#options.isLinkUp()) this.connect();
  }

  /** A fault of the outbox ends the process. */
  #guarded(work: (outbox: Outbox) => void): void {
    if (this.#outbox === null) return;
    try {
      work(this.#outbox);
    } catch (error) {
      if (!(error instanceof OutboxError)) throw error;
      this.crash(false);
    }
  }

  #mint(): NewReading {
    const n = this.#minted++;
    return {
      meter: `${this.#options.name}-${n % 5}`,
      register: n % 3 === 0 ? POWER : ENERGY,
      readAt: Temporal.Instant.fromEpochMilliseconds(START_MS + n * 1000).toString(),
      value: String(n),
      unit: n % 3 === 0 ? 'W' : 'kWh',
      source: 'poll',
    };
  }
}
