/**
 * What of the outbox is sent when, without a wire or a clock of its own. It is told of the connection, of receipts and of the
 * time; it hands out batches.
 *
 * What is read while a backlog waits goes up at once, in a lane of its own; the backlog follows behind it, at most so many
 * readings a second, and begins a random while after the connection, so that a park of gateways does not come back in step.
 *
 * A batch without a receipt is sent again, and in halves when others are receipted meanwhile: so an item that the cloud
 * cannot take is found, and is set aside when it was tried alone often enough.
 */
import type { Receipt } from '../protocols/uplink.ts';
import type { Outbox, OutboxItem } from './outbox.ts';

export interface SenderTiming {
  /** How long to wait for a receipt before sending again; doubled with each that did not come. */
  receiptMs: number;
  /** The longest random wait before a backlog is begun. */
  backlogStartMs: number;
  /** Of a backlog, readings a second at most. */
  backlogPerSecond: number;
}

export interface SenderOptions {
  outbox: Pick<
    Outbox,
    'epoch' | 'acknowledgedTo' | 'nextSequence' | 'firstUnreceipted' | 'after' | 'acknowledge' | 'setAside'
  >;
  timing: SenderTiming;
  /** Never goes back. */
  nowMs: () => number;
  /** From 0 to below 1. */
  random: () => number;
  send: (items: readonly OutboxItem[]) => void;
  /** `tick` is to be called then; a later call replaces an earlier one; null: not at all. */
  wakeAt: (ms: number | null) => void;
  /** No receipt comes any more: the link is taken for half-open. */
  onStalled: () => void;
  onSetAside: (sequence: number) => void;
}

interface SentBatch {
  from: number;
  to: number;
  /** How often it was sent as it is. */
  tries: number;
  sentMs: number;
  dueMs: number;
}

interface Connection {
  sinceMs: number;
  /** What is read from here on is not kept waiting by the backlog before it. */
  liveFrom: number;
  backlogFromMs: number;
}

const BATCH_ITEMS = 1_000;
const WINDOW_BATCHES = 4;
/** Of the window, so many batches may be of the backlog: a live one always finds room. */
const BACKLOG_BATCHES = 3;
const STALLED_AFTER = 3;
const TRIES_BEFORE_HALVES = 2;
const TRIES_BEFORE_SET_ASIDE = 5;
/** A batch that was not sent yet. */
const UNSENT = { tries: 0, sentMs: 0, dueMs: 0 };

export class Sender {
  readonly #options: SenderOptions;
  #connection: Connection | null = null;
  #underWay: SentBatch[] = [];
  /** To be sent again, before anything new. */
  #again: SentBatch[] = [];
  #liveAt = 1;
  #backlogAt = 1;
  /** How many of the backlog may be sent now. */
  #tokens = 0;
  #tokensAtMs = 0;
  /** Of one batch: less on a link that brings no receipts. */
  #batchItems = BATCH_ITEMS;
  #silentTries = 0;
  #lastReceiptMs = Number.NEGATIVE_INFINITY;

  constructor(options: SenderOptions) {
    this.#options = options;
  }

  connected(): void {
    const { outbox, nowMs, random, timing } = this.#options;
    const now = nowMs();
    const oldest = outbox.firstUnreceipted(0);
    const isBacklog = outbox.nextSequence - oldest > BATCH_ITEMS;
    this.#connection = {
      sinceMs: now,
      liveFrom: isBacklog ? outbox.nextSequence : oldest,
      backlogFromMs: now + (isBacklog ? random() * timing.backlogStartMs : 0),
    };
    this.#liveAt = this.#connection.liveFrom;
    this.#backlogAt = oldest;
    this.#tokens = BATCH_ITEMS;
    this.#tokensAtMs = now;
    this.#silentTries = 0;
    this.wake();
  }

  /** What was under way is sent again with the next connection. */
  disconnected(): void {
    if (this.#connection !== null && this.#lastReceiptMs < this.#connection.sinceMs)
      this.#batchItems = Math.max(1, this.#batchItems >> 2);
    this.#connection = null;
    this.#underWay = [];
    this.#again = [];
    this.#options.wakeAt(null);
  }

  /** There is something new in the outbox, or room in the window. */
  wake(): void {
    if (this.#connection === null) return;
    while (this.#underWay.length < WINDOW_BATCHES) {
      const batch = this.#again.shift() ?? this.#nextLive() ?? this.#nextBacklog();
      if (batch === null) break;
      this.#send(batch);
    }
    this.#sleep();
  }

  /** @returns whether it took effect on what is kept */
  receipt(receipt: Pick<Receipt, 'epoch' | 'from' | 'to'>): boolean {
    const { outbox, nowMs } = this.#options;
    const before = outbox.firstUnreceipted(receipt.from);
    outbox.acknowledge(receipt);
    if (outbox.firstUnreceipted(receipt.from) === before) return false;
    this.#lastReceiptMs = nowMs();
    this.#silentTries = 0;
    this.#batchItems = Math.min(BATCH_ITEMS, this.#batchItems * 2);
    const isOpen = ({ from, to }: SentBatch): boolean => outbox.firstUnreceipted(from) <= to;
    this.#underWay = this.#underWay.filter(isOpen);
    this.#again = this.#again.filter(isOpen);
    this.wake();
    return true;
  }

  tick(): void {
    const now = this.#options.nowMs();
    const late = this.#underWay.filter(({ dueMs }) => dueMs <= now);
    this.#underWay = this.#underWay.filter(({ dueMs }) => dueMs > now);
    for (const batch of late) this.#retry(batch);
    if (late.length > 0) this.#silentTries += 1;
    if (this.#silentTries >= STALLED_AFTER) this.#options.onStalled();
    else this.wake();
  }

  #retry(batch: SentBatch): void {
    const { outbox, onSetAside } = this.#options;
    const { from, to, tries, sentMs } = batch;
    // That others were receipted since it was sent tells that it is not the link.
    const isItsOwnFault = this.#lastReceiptMs >= sentMs;
    if (from < to && isItsOwnFault && tries >= TRIES_BEFORE_HALVES) {
      const middle = (from + to) >> 1;
      this.#again.push({ ...batch, to: middle, tries: 0 }, { ...batch, from: middle + 1, tries: 0 });
      return;
    }
    const isHopeless = from === to && isItsOwnFault && tries >= TRIES_BEFORE_SET_ASIDE;
    if (isHopeless) {
      outbox.setAside(from);
      onSetAside(from);
    }
    this.#again.push({ ...batch, tries: isHopeless ? 0 : tries });
  }

  #nextLive(): SentBatch | null {
    const { outbox } = this.#options;
    const from = outbox.firstUnreceipted(this.#liveAt);
    const waiting = outbox.nextSequence - from;
    // One that is not full goes only when none is under way: so a slow link gathers larger ones by itself.
    const isLiveUnderWay = this.#underWay.some((batch) => batch.to >= (this.#connection?.liveFrom ?? 0));
    if (waiting <= 0 || (waiting < this.#batchItems && isLiveUnderWay)) return null;
    return { from, to: from + Math.min(waiting, this.#batchItems) - 1, ...UNSENT };
  }

  #nextBacklog(): SentBatch | null {
    const { outbox, nowMs } = this.#options;
    if (this.#connection === null || nowMs() < this.#connection.backlogFromMs) return null;
    const { liveFrom } = this.#connection;
    const from = outbox.firstUnreceipted(this.#backlogAt);
    const items = Math.min(liveFrom - from, this.#batchItems);
    const underWay = this.#underWay.filter(({ to }) => to < liveFrom).length;
    if (items <= 0 || underWay >= BACKLOG_BATCHES) return null;
    this.#fillTokens();
    if (this.#tokens < items) return null;
    this.#tokens -= items;
    return { from, to: from + items - 1, ...UNSENT };
  }

  #fillTokens(): void {
    const { nowMs, timing } = this.#options;
    const now = nowMs();
    const earned = ((now - this.#tokensAtMs) * timing.backlogPerSecond) / 1000;
    // A second's worth at most, so that a pause is not followed by a flood.
    this.#tokens = Math.min(Math.max(BATCH_ITEMS, timing.backlogPerSecond), this.#tokens + earned);
    this.#tokensAtMs = now;
  }

  /** As much of the batch as its bytes allow; the rest is taken up behind it. */
  #send({ from, to, tries }: SentBatch): void {
    const { outbox, nowMs, send, timing } = this.#options;
    const items = outbox.after(from - 1, to - from + 1);
    const [first, last] = [items[0], items.at(-1)];
    if (first === undefined || last === undefined) return;
    if (last.sequence < to && tries > 0)
      this.#again.unshift({ ...UNSENT, from: last.sequence + 1, to, tries });
    if (this.#connection !== null && first.sequence >= this.#connection.liveFrom)
      this.#liveAt = Math.max(this.#liveAt, last.sequence + 1);
    else this.#backlogAt = Math.max(this.#backlogAt, last.sequence + 1);
    const sentMs = nowMs();
    const dueMs = sentMs + timing.receiptMs * 2 ** this.#silentTries;
    this.#underWay.push({ from: first.sequence, to: last.sequence, tries: tries + 1, sentMs, dueMs });
    send(items);
  }

  #sleep(): void {
    const { nowMs, timing, wakeAt, outbox } = this.#options;
    const dues = this.#underWay.map(({ dueMs }) => dueMs);
    const { backlogFromMs, liveFrom } = this.#connection ?? { backlogFromMs: 0, liveFrom: 0 };
    const isBacklogLeft = outbox.firstUnreceipted(this.#backlogAt) < liveFrom;
    if (isBacklogLeft && this.#underWay.length < WINDOW_BATCHES) {
      const missing = Math.max(0, this.#batchItems - this.#tokens);
      dues.push(Math.max(backlogFromMs, nowMs() + 1 + (missing * 1000) / timing.backlogPerSecond));
    }
    wakeAt(dues.length === 0 ? null : Math.min(...dues));
  }
}
