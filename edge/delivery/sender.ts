/**
 * What of the outbox is sent when, without a wire or a clock of its own. It is told of the connection, of receipts and of the
 * time; it hands out batches.
 *
 * What is read while a backlog waits goes up at once, in a lane of its own; the backlog follows behind it, at most so many
 * readings a second, and begins a random while after the connection, so that a park of gateways does not come back in step.
 *
 * A batch without a receipt is sent again, then in halves: so an item that the cloud cannot take is found, and set aside when
 * it was tried alone often enough while others were receipted.
 */
import type { Receipt } from '../../protocols/uplink.ts';
import type { OutboxItem } from '../buffer/outbox-items.ts';
import type { Outbox } from '../outbox.ts';

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
    'epoch' | 'nextSequence' | 'firstUnreceipted' | 'anyReceipted' | 'after' | 'acknowledge' | 'setAside'
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

interface Span {
  from: number;
  to: number;
}

interface SentBatch extends Span {
  sentMs: number;
  dueMs: number;
}

/** What brought no receipt in time. */
interface Suspect extends Span {
  tries: number;
  /** When it was sent first. */
  sinceMs: number;
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
/** Of the window, so many may be sent again before what is new, which is so not kept out by what nobody takes. */
const AGAIN_BATCHES = 2;
const STALLED_AFTER = 3;
const TRIES_BEFORE_HALVES = 3;
const TRIES_WITHOUT_OTHERS = 6;
const TRIES_BEFORE_SET_ASIDE = 5;

export class Sender {
  readonly #options: SenderOptions;
  #connection: Connection | null = null;
  #underWay: SentBatch[] = [];
  #liveAt = 1;
  #backlogAt = 1;
  /** How many of the backlog may be sent now. */
  #tokens = 0;
  #tokensAtMs = 0;
  /** Of one batch: less on a link that brings no receipts. */
  #batchItems = BATCH_ITEMS;
  #silentTries = 0;
  /** Apart from each other. They outlive connections. */
  #suspects: Suspect[] = [];
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
    this.#options.wakeAt(null);
  }

  /** There is something new in the outbox, or room in the window. */
  wake(): void {
    if (this.#connection === null) return;
    while (this.#underWay.length < WINDOW_BATCHES) {
      const batch =
        this.#nextAgain(AGAIN_BATCHES) ??
        this.#nextLive() ??
        this.#nextBacklog() ??
        this.#nextAgain(WINDOW_BATCHES);
      if (batch === null || !this.#send(batch)) break;
    }
    this.#sleep();
  }

  /** @returns whether it took effect on what is kept */
  receipt(receipt: Pick<Receipt, 'epoch' | 'from' | 'to'>): boolean {
    const { outbox, nowMs } = this.#options;
    const before = outbox.firstUnreceipted(receipt.from);
    outbox.acknowledge(receipt);
    if (receipt.epoch === outbox.epoch) this.#lastReceiptMs = nowMs();
    if (outbox.firstUnreceipted(receipt.from) === before) return false;
    this.#silentTries = 0;
    this.#batchItems = Math.min(BATCH_ITEMS, this.#batchItems * 2);
    this.#underWay = this.#underWay.filter(this.#isOpen);
    this.#suspects = this.#suspects.filter(this.#isOpen);
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

  /** What brings no receipt is sent again; when others are receipted meanwhile, in halves, and at last not at all. */
  #retry({ from, to, sentMs }: SentBatch): void {
    const known = this.#suspects.find((one) => one.from === from && one.to === to);
    const suspect = known ?? { from, to, tries: 0, sinceMs: sentMs };
    suspect.tries += 1;
    this.#suspects = [...withoutSpan(this.#suspects, from, to), suspect].filter(this.#isOpen);
    // That others were receipted since then tells that it is not the link.
    const isItsOwn = this.#lastReceiptMs >= suspect.sinceMs;
    if (!isItsOwn) this.#askAgain();
    // Where nothing was receipted yet, the oldest is halved all the same: one of the halves may tell.
    const mayTell =
      from === this.#options.outbox.firstUnreceipted(0) && suspect.tries >= TRIES_WITHOUT_OTHERS;
    if (from < to && (mayTell || (isItsOwn && suspect.tries >= TRIES_BEFORE_HALVES))) {
      const middle = (from + to) >> 1;
      const half = { tries: 0, sinceMs: suspect.sinceMs };
      this.#suspects.push({ ...half, from, to: middle }, { ...half, from: middle + 1, to });
      this.#suspects = this.#suspects.filter((one) => one !== suspect);
    } else if (from === to && isItsOwn && suspect.tries >= TRIES_BEFORE_SET_ASIDE) {
      if (this.#options.outbox.setAside(from)) this.#options.onSetAside(from);
      // Its marker goes up in its place.
      suspect.tries = 0;
    }
  }

  /** Sends what was receipted before: whether that is receipted once more tells the link from the item. */
  #askAgain(): void {
    const { outbox, send } = this.#options;
    const receipted = outbox.anyReceipted();
    if (receipted !== null) send(outbox.after(receipted - 1, 1));
  }

  /** The end of a batch that begins at `from`: a suspect goes alone. */
  #cut({ from, to }: Span): number {
    const next = this.#suspects.filter((one) => one.from > from && one.from <= to);
    return Math.min(to, ...next.map((one) => one.from - 1));
  }

  /** A suspect that is not under way; null when so many are. */
  #nextAgain(most: number): Span | null {
    const isUnderWay = ({ from, to }: Span): boolean =>
      this.#underWay.some((batch) => batch.from <= to && from <= batch.to);
    if (this.#suspects.filter(isUnderWay).length >= most) return null;
    const isWaiting = (one: Suspect): boolean => !isUnderWay(one) && this.#isOpen(one);
    const waiting = this.#suspects.filter(isWaiting).sort((a, b) => a.tries - b.tries);
    const [first] = waiting;
    if (first === undefined) return null;
    const from = this.#options.outbox.firstUnreceipted(first.from);
    return { from, to: Math.min(first.to, from + this.#batchItems - 1) };
  }

  #nextLive(): Span | null {
    const { outbox } = this.#options;
    const from = this.#firstFresh(this.#liveAt);
    const waiting = outbox.nextSequence - from;
    // One that is not full goes only when none is under way: so a slow link gathers larger ones by itself.
    const liveFrom = this.#connection?.liveFrom ?? 0;
    const isLiveUnderWay = this.#underWay.some(({ to }) => to >= liveFrom && !this.#isSuspect(to));
    if (waiting <= 0 || (waiting < this.#batchItems && isLiveUnderWay)) return null;
    return { from, to: from + Math.min(waiting, this.#batchItems) - 1 };
  }

  #nextBacklog(): Span | null {
    const { nowMs } = this.#options;
    if (this.#connection === null || nowMs() < this.#connection.backlogFromMs) return null;
    const { liveFrom } = this.#connection;
    const from = this.#firstFresh(this.#backlogAt);
    const items = Math.min(liveFrom - from, this.#batchItems);
    const underWay = this.#underWay.filter(({ to }) => to < liveFrom).length;
    if (items <= 0 || underWay >= BACKLOG_BATCHES) return null;
    this.#fillTokens();
    if (this.#tokens < items) return null;
    this.#tokens -= items;
    return { from, to: from + items - 1 };
  }

  #fillTokens(): void {
    const { nowMs, timing } = this.#options;
    const now = nowMs();
    const earned = ((now - this.#tokensAtMs) * timing.backlogPerSecond) / 1000;
    // A second's worth at most, so that a pause is not followed by a flood.
    this.#tokens = Math.min(Math.max(BATCH_ITEMS, timing.backlogPerSecond), this.#tokens + earned);
    this.#tokensAtMs = now;
  }

  /** As much of the batch as its bytes and the suspects allow; the rest is taken up behind it. @returns false when nothing was sent */
  #send(span: Span): boolean {
    const { outbox, nowMs, send, timing } = this.#options;
    const items = outbox.after(span.from - 1, this.#cut(span) - span.from + 1);
    const [first, last] = [items[0], items.at(-1)];
    if (first === undefined || last === undefined) return false;
    // The lane that it is the next of goes on behind it.
    if (first.sequence === this.#firstFresh(this.#liveAt)) this.#liveAt = last.sequence + 1;
    else if (first.sequence === this.#firstFresh(this.#backlogAt)) this.#backlogAt = last.sequence + 1;
    const sentMs = nowMs();
    const dueMs = sentMs + timing.receiptMs * 2 ** this.#silentTries;
    this.#underWay.push({ from: first.sequence, to: last.sequence, sentMs, dueMs });
    send(items);
    return true;
  }

  /** The first from `sequence` on that is neither receipted nor a suspect. */
  #firstFresh(sequence: number): number {
    const next = this.#options.outbox.firstUnreceipted(sequence);
    const suspect = this.#suspects.find(({ from, to }) => from <= next && next <= to);
    return suspect === undefined ? next : this.#firstFresh(suspect.to + 1);
  }

  /** Whether something of it is not receipted yet. */
  readonly #isOpen = ({ from, to }: Span): boolean => this.#options.outbox.firstUnreceipted(from) <= to;

  #isSuspect(sequence: number): boolean {
    return this.#suspects.some(({ from, to }) => from <= sequence && sequence <= to);
  }

  #sleep(): void {
    const { nowMs, timing, wakeAt } = this.#options;
    const dues = this.#underWay.map(({ dueMs }) => dueMs);
    const { backlogFromMs, liveFrom } = this.#connection ?? { backlogFromMs: 0, liveFrom: 0 };
    const isBacklogLeft = this.#firstFresh(this.#backlogAt) < liveFrom;
    if (isBacklogLeft && this.#underWay.length < WINDOW_BATCHES) {
      const missing = Math.max(0, this.#batchItems - this.#tokens);
      dues.push(Math.max(backlogFromMs, nowMs() + 1 + (missing * 1000) / timing.backlogPerSecond));
    }
    wakeAt(dues.length === 0 ? null : Math.min(...dues));
  }
}

/** The suspects, less what of them lies in `from..to`. */
function withoutSpan(suspects: readonly Suspect[], from: number, to: number): Suspect[] {
  return suspects.flatMap((one) =>
    [
      { ...one, to: Math.min(one.to, from - 1) },
      { ...one, from: Math.max(one.from, to + 1) },
    ].filter((rest) => rest.from <= rest.to),
  );
}
