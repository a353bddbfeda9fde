/** Receipts that are dropped, repeated, late, swapped, or of another: no row leaves the gateway before the cloud has it. */

import { benchReadings, withoutKey } from '../bench/bench-readings.ts';
import { SequenceRanges } from '../edge/buffer/sequence-ranges.ts';
import { Sender } from '../edge/delivery/sender.ts';
import { openOutboxOn } from '../edge/outbox.ts';
import type { Receipt } from '../protocols/uplink.ts';
import { randomStream } from '../simulators/random.ts';
import { Agenda } from './agenda.ts';
import { MemoryDisk } from './memory-disk.ts';
import { count, newTally, type Tally, type TortureOptions, type TorturePart, tell } from './tally.ts';

const BATCHES_A_ROUND = 100;
const COMMIT_READINGS = 40;
const TAKE_EVERY_MS = 300;
const LATEST_MS = 9_000;
const timing = { receiptMs: 2_000, backlogStartMs: 500, backlogPerSecond: 5_000 };

export const receiptsTorture: TorturePart = {
  name: 'receipts',
  about:
    'receipts dropped, repeated, late and forged, 100 batches a round: nothing is deleted early, all is delivered',
  rounds: { usual: 10, full: 100 },
  proves: [
    {
      invariant: 3,
      promise: 'the edge deletes only on a contiguous cloud receipt',
      of: 'batches',
      atLeast: 10_000,
    },
  ],
  run: tortureReceipts,
};

async function tortureReceipts({ seed, rounds, onRound }: TortureOptions): Promise<Tally> {
  const tally = newTally();
  for (let round = 0; round < rounds; round += 1) {
    const gateway = new ReceiptedGateway(seed * 1_000 + round, tally);
    gateway.work();
    onRound(tally);
    await new Promise(setImmediate);
  }
  return tally;
}

/** The real outbox and the real sender, and a cloud that remembers which sequences it has. */
class ReceiptedGateway {
  readonly #agenda = new Agenda();
  readonly #random;
  readonly #tally: Tally;
  readonly #outbox;
  readonly #sender: Sender;
  /** Sequences that the cloud has, and those that a receipt has told of. */
  readonly #stored = new SequenceRanges();
  readonly #told = new SequenceRanges();
  #batches = 0;
  #deaf = true;
  #takeBack = (): void => undefined;

  constructor(seed: number, tally: Tally) {
    this.#random = randomStream(seed, 'torture/receipts');
    this.#tally = tally;
    const disk = new MemoryDisk(this.#random, 1 << 30);
    this.#outbox = openOutboxOn(disk, { folder: '/outbox', gateway: 'gw-torture', maxBytes: 1 << 20 });
    this.#sender = new Sender({
      outbox: this.#outbox,
      timing,
      nowMs: () => this.#agenda.nowMs,
      random: () => this.#random.between(0, 999) / 1000,
      send: (items) => this.#take(items[0]?.sequence ?? 0, items.at(-1)?.sequence ?? 0),
      wakeAt: (ms) => {
        this.#takeBack();
        if (ms === null) return;
        this.#takeBack = this.#agenda.after(Math.max(0, ms - this.#agenda.nowMs), () => this.#sender.tick());
      },
      onStalled: () => this.#reconnect(),
      onSetAside: (sequence) => count(tally, 'lost', 1, `${sequence} was set aside`),
    });
  }

  work(): void {
    this.#sender.connected();
    while (this.#batches < BATCHES_A_ROUND) {
      this.#outbox.append(benchReadings(this.#outbox.nextSequence - 1, COMMIT_READINGS).map(withoutKey));
      this.#sender.wake();
      const untilMs = this.#agenda.nowMs + TAKE_EVERY_MS;
      this.#agenda.after(TAKE_EVERY_MS, () => undefined);
      while (this.#agenda.step(untilMs)) this.#check();
    }
    this.#deaf = false;
    const until = this.#agenda.nowMs + 600_000;
    const last = this.#outbox.nextSequence - 1;
    while (this.#outbox.acknowledgedTo < last && this.#agenda.step(until)) this.#check();
    count(this.#tally, 'lost', last - this.#outbox.acknowledgedTo, 'never receipted');
  }

  #reconnect(): void {
    this.#sender.disconnected();
    this.#agenda.after(300, () => this.#sender.connected());
  }

  /** A batch arrives now and then; its receipt has a fate of its own. */
  #take(from: number, to: number): void {
    this.#batches += 1;
    tell(this.#tally, 'batches');
    if (this.#happens(200)) return;
    this.#stored.add(from, to);
    this.#reply(from, to);
    if (this.#happens(250)) this.#reply(from, to);
    if (this.#happens(100)) this.#forge(to);
  }

  #reply(from: number, to: number): void {
    if (this.#happens(300)) {
      this.#harm();
      return;
    }
    const lateMs = this.#happens(300) ? this.#random.between(200, LATEST_MS) : this.#random.between(1, 40);
    this.#agenda.after(lateMs, () => {
      this.#told.add(from, to);
      this.#sender.receipt({ epoch: this.#outbox.epoch, from, to });
    });
  }

  /** Of another epoch, for what was never sent, or the wrong way round: none of them may take effect. */
  #forge(to: number): void {
    this.#harm();
    const ahead = this.#outbox.nextSequence + this.#random.between(0, 500);
    const forged: Pick<Receipt, 'epoch' | 'from' | 'to'>[] = [
      { epoch: '00000000000000bb', from: 1, to: ahead },
      { epoch: this.#outbox.epoch, from: 1, to: ahead },
      { epoch: this.#outbox.epoch, from: to, to: 1 },
    ];
    const one = forged[this.#random.between(0, forged.length - 1)];
    if (one !== undefined) this.#agenda.after(1, () => void this.#sender.receipt(one));
  }

  #harm(): void {
    this.#tally.killed += 1;
  }

  #check(): void {
    const { acknowledgedTo } = this.#outbox;
    const early = acknowledgedTo - (this.#told.firstMissing(1) - 1);
    count(this.#tally, 'lost', early, `deleted up to ${acknowledgedTo}, ${early} before their receipt`);
    if (acknowledgedTo > 0 && !this.#stored.covers(1, acknowledgedTo))
      count(this.#tally, 'lost', 1, `${acknowledgedTo} is receipted and not stored`);
  }

  #happens(ofThousand: number): boolean {
    return this.#deaf && this.#random.between(0, 999) < ofThousand;
  }
}
