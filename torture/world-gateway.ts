/** A gateway of a simulated world: the real outbox and the real sender, on a disk that loses power, killed now and then. */

import { OutboxError } from '../edge/buffer/outbox-folder.ts';
import { Sender } from '../edge/delivery/sender.ts';
import { type Outbox, openOutboxOn } from '../edge/outbox.ts';
import type { Receipt } from '../protocols/uplink.ts';
import type { Random } from '../simulators/random.ts';
import type { Agenda } from './agenda.ts';
import { MemoryDisk } from './memory-disk.ts';
import type { Sent } from './world-cloud.ts';
import type { WorldNetwork } from './world-network.ts';
import type { WorldPlan } from './world-plan.ts';
import { ENERGY, type Given, WorldWork } from './world-work.ts';

const timing = { receiptMs: 2_000, backlogStartMs: 1_000, backlogPerSecond: 2_000 };
const RECONNECT_MS = 300;
/** What waits while time passes twice is too old. */
const MAX_AGE_MS = 10_000;
const EXPIRY_RAN_MS = 6_000;

/** What the outbox said of a reading. */
export type Fate = 'accepted' | 'refused' | 'unknown';

export interface GatewayOptions {
  name: string;
  agenda: Agenda;
  random: Random;
  plan: Pick<WorldPlan, 'maxBytes' | 'diskBytes'>;
  /** By way of the broker that it is connected to. */
  send(broker: number, sent: Sent): void;
  network: Pick<WorldNetwork, 'isUp' | 'brokers'>;
}

export class WorldGateway {
  /** All that was ever handed in, and what became of it there. */
  readonly fates = new Map<Given, Fate>();
  readonly work: WorldWork;
  readonly disk: MemoryDisk;
  restarts = 0;
  setAside = 0;
  readonly #options: GatewayOptions;
  #outbox: Outbox | null = null;
  #sender: Sender | null = null;
  /** The broker that it is connected to, or tries next. */
  #broker = 0;
  #isConnected = false;
  #takeBackWake = (): void => undefined;
  #takeBackConnect = (): void => undefined;

  constructor(options: GatewayOptions) {
    this.#options = options;
    this.disk = new MemoryDisk(options.random, options.plan.diskBytes);
    this.work = new WorldWork(options.name);
    this.#start();
  }

  get isDrained(): boolean {
    return this.#outbox !== null && this.#outbox.acknowledgedTo === this.#outbox.nextSequence - 1;
  }

  /** Takes some readings, in one commit. */
  take(count: number): void {
    const minted = Array.from({ length: count }, () => this.work.reading());
    for (const { given } of minted) this.fates.set(given, 'unknown');
    this.#guarded((outbox) => {
      const refused = new Set(outbox.append(minted.map(({ reading }) => reading)).refused);
      for (const { reading, given } of minted)
        this.fates.set(given, refused.has(reading) ? 'refused' : 'accepted');
      this.#sender?.wake();
    });
  }

  takeEvidence(): void {
    const { item, given } = this.work.evidence();
    this.fates.set(given, 'unknown');
    this.#guarded((outbox) => {
      this.fates.set(given, outbox.appendEvidence(item) ? 'accepted' : 'refused');
      this.#sender?.wake();
    });
  }

  receive(receipt: Receipt): void {
    this.#guarded(() => void this.#sender?.receipt(receipt));
  }

  /** Tries its brokers in turn until one is up. */
  connect(): void {
    if (this.#isConnected) return;
    const { network, agenda } = this.#options;
    if (network.isUp(this.#broker)) {
      this.#isConnected = true;
      this.#guarded(() => this.#sender?.connected());
      return;
    }
    this.#broker = (this.#broker + 1) % network.brokers;
    this.#takeBackConnect();
    this.#takeBackConnect = agenda.after(RECONNECT_MS, () => this.connect());
  }

  /** @param broker only when connected to this one */
  disconnect(broker = this.#broker): void {
    if (broker !== this.#broker || !this.#isConnected) return;
    this.#isConnected = false;
    this.#sender?.disconnected();
    this.#takeBackConnect();
    this.#takeBackConnect = this.#options.agenda.after(RECONNECT_MS, () => this.connect());
  }

  expire(): void {
    this.#guarded((outbox) => void outbox.expire(EXPIRY_RAN_MS, MAX_AGE_MS));
  }

  /** Ends the process at once, with the machine or alone, and starts it again. */
  crash(isPowerCut: boolean): void {
    this.#takeBackWake();
    this.#takeBackConnect();
    this.#isConnected = false;
    if (isPowerCut) this.disk.powerCut();
    else this.disk.kill();
    this.#start();
  }

  #start(): void {
    this.restarts += 1;
    const { name: gateway, agenda, random, plan, send } = this.#options;
    const isBilling = (_: string, register: string): boolean => register === ENERGY;
    let outbox: Outbox;
    try {
      outbox = openOutboxOn(this.disk, { folder: '/outbox', gateway, maxBytes: plan.maxBytes, isBilling });
    } catch (error) {
      if (!(error instanceof OutboxError)) throw error;
      // The disk has no room even to start: a supervisor tries again.
      this.#outbox = null;
      this.#sender = null;
      this.#takeBackConnect = agenda.after(500, () => this.crash(false));
      return;
    }
    this.#outbox = outbox;
    this.#sender = new Sender({
      outbox,
      timing,
      nowMs: () => agenda.nowMs,
      random: () => random.between(0, 999) / 1000,
      send: (items) => send(this.#broker, { gateway, epoch: outbox.epoch, items }),
      wakeAt: (ms) => {
        this.#takeBackWake();
        if (ms === null) return;
        this.#takeBackWake = agenda.after(Math.max(0, ms - agenda.nowMs), () =>
          this.#guarded(() => this.#sender?.tick()),
        );
      },
      onStalled: () => this.disconnect(),
      onSetAside: () => {
        this.setAside += 1;
      },
    });
    this.#takeBackConnect = agenda.after(50, () => this.connect());
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
}
