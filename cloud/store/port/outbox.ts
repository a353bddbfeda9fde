/** Events for external ledgers, and what became of each at each webhook. */

export interface OutboxEvent {
  /** Minted from what the event tells, so that telling it again is the same event. */
  id: string;
  type: string;
  subject: string;
  time: string;
  /** JSON */
  data: string;
}

export type EventRow = OutboxEvent & { position: number };

export interface Webhook {
  id: string;
  url: string;
  description: string;
  secret: string;
  createdAt: string;
  endedAt: string | null;
}

export type DeliveryState = 'pending' | 'delivered' | 'dead';

/** One event on its way to one webhook. */
export interface ClaimedDelivery {
  webhook: string;
  url: string;
  secret: string;
  /** Before this one. */
  attempts: number;
  event: EventRow;
}

export interface AttemptOutcome {
  webhook: string;
  position: number;
  owner: string;
  state: DeliveryState;
  nextAtMs: number;
  at: string;
  status: number | null;
  detail: string;
  milliseconds: number;
}

export interface AttemptRow {
  number: number;
  event: string;
  type: string;
  subject: string;
  attempt: number;
  at: string;
  status: number | null;
  detail: string;
  milliseconds: number;
}

export interface DeliveryCounts {
  webhook: string;
  pending: number;
  delivered: number;
  dead: number;
}

export interface OutboxOperations {
  webhooks(): Webhook[];
  webhook(id: string): Webhook | null;
  addWebhook(asked: Omit<Webhook, 'endedAt'>): void;
  /** @returns whether it was there and had not ended */
  endWebhook(id: string, at: string): boolean;
  /** Hands the events after `since` up to `through` to the webhook, whether it had them or not. @returns how many */
  replayEvents(asked: { webhook: string; since: number; through: number }): number;
  /** Up to `limit` deliveries that are due, for `owner` alone until `untilMs`; a worker that died leaves them to others then. */
  claimDeliveries(asked: { owner: string; nowMs: number; untilMs: number; limit: number }): ClaimedDelivery[];
  /** Logs the attempt; it decides only while the delivery is still the owner's. @returns whether it was */
  settleDelivery(outcome: AttemptOutcome): boolean;
  /** The newest first; `before` is the number of the last one seen. */
  deliveryAttempts(asked: { webhook: string; before: number; limit: number }): AttemptRow[];
  /** Of webhooks that were handed anything. */
  deliveryCounts(): DeliveryCounts[];
  deadEvents(webhook: string, limit: number): EventRow[];
  /** @returns how many dead deliveries are tried again */
  reviveDeliveries(webhook: string): number;
  /** Events after the position `since` (0 from the first), in the order they were told. */
  outboxEvents(asked: { since: number; limit: number }): EventRow[];
  tellEvents(events: OutboxEvent[]): void;
}
