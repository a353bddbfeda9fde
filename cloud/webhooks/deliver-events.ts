/**
 * Hands the outbox to its webhooks. Any number of workers may run over one store: a delivery is claimed, sent, and settled; one whose
 * worker died, or whose answer was lost, is sent again under the same id. So a receiver hears everything at least once, and knows what
 * it has heard.
 */
import { randomUUID } from 'node:crypto';
import type { FastifyBaseLogger } from 'fastify';
import type { Clock } from '../clock.ts';
import type { ClaimedDelivery, DeliveryState } from '../store/port/outbox.ts';
import type { Store } from '../store/store.ts';
import { type Answer, postEvent } from './post-event.ts';
import { cloudEvent, eventHeaders } from './sign-event.ts';
import { targetAddress } from './target-address.ts';

export interface DeliverOptions {
  store: Store;
  /** Real time. */
  clock: Clock;
  /** Of the events: `urn:meterline:park-1`. */
  source: string;
  allowPrivate: boolean;
  log: Pick<FastifyBaseLogger, 'warn' | 'error'>;
  /** Between 0 and 1. */
  random?: () => number;
  timeoutMs?: number;
  idleMs?: number;
}
export interface Deliverer {
  /** Ends after the deliveries under way. */
  stop(): Promise<void>;
}

const ABREAST = 4;
const BATCH = 32;
const ATTEMPTS = 12;
const FIRST_PAUSE_MS = 5_000;
const LONGEST_PAUSE_MS = 6 * 3_600_000;
/** A receiver that never answers holds a claim so long. */
const TIMEOUT_MS = 15_000;
const IDLE_MS = 1_000;

/** Three times as long each time, up to six hours, a fifth more or less: twelve attempts are about a day. */
export const pauseMs = (attempt: number, random: number): number =>
  Math.round(Math.min(FIRST_PAUSE_MS * 3 ** (attempt - 1), LONGEST_PAUSE_MS) * (0.8 + 0.4 * random));

export interface Verdict {
  state: DeliveryState;
  /** From now. */
  pauseMs: number;
}

/** @param attempt the one that was answered, from 1 on */
export function judge({ status, retryAfterSeconds }: Answer, attempt: number, random: number): Verdict {
  if (status !== null && status >= 200 && status < 300) return { state: 'delivered', pauseMs: 0 };
  // 410: the receiver says that there is nothing any more, and will be nothing.
  if (status === 410 || attempt >= ATTEMPTS) return { state: 'dead', pauseMs: 0 };
  const asked = Math.min((retryAfterSeconds ?? 0) * 1_000, LONGEST_PAUSE_MS);
  return { state: 'pending', pauseMs: Math.max(asked, pauseMs(attempt, random)) };
}

export function startDeliveries(options: DeliverOptions): Deliverer {
  const { store, clock, log, idleMs = IDLE_MS } = options;
  const owner = randomUUID();
  const lifeMs = 2 * (options.timeoutMs ?? TIMEOUT_MS) * Math.ceil(BATCH / ABREAST);
  const stopping = new AbortController();
  const rest = (): Promise<void> =>
    new Promise((resolve) => {
      const timer = setTimeout(resolve, idleMs);
      stopping.signal.addEventListener('abort', () => {
        clearTimeout(timer);
        resolve();
      });
    });
  const run = async (): Promise<void> => {
    while (!stopping.signal.aborted) {
      const nowMs = clock.nowMs();
      try {
        const due = await store.claimDeliveries({ owner, nowMs, untilMs: nowMs + lifeMs, limit: BATCH });
        const work = async (): Promise<void> => {
          for (let one = due.shift(); one !== undefined; one = due.shift())
            await deliver(options, owner, one);
        };
        if (due.length === 0) await rest();
        else await Promise.all(Array.from({ length: ABREAST }, work));
      } catch (error) {
        log.error({ error }, 'the outbox cannot be delivered');
        await rest();
      }
    }
  };
  const running = run();
  return {
    stop: () => {
      stopping.abort();
      return running;
    },
  };
}

async function deliver(options: DeliverOptions, owner: string, claimed: ClaimedDelivery): Promise<void> {
  const { store, clock, source, allowPrivate, log, random = Math.random } = options;
  const { webhook, url, secret, event, attempts } = claimed;
  const startedMs = clock.nowMs();
  const target = await targetAddress(url, { allowPrivate });
  const body = cloudEvent(event, source);
  const answer: Answer = target.ok
    ? await postEvent(target.target, {
        body,
        headers: eventHeaders(event.id, body, secret, startedMs),
        timeoutMs: options.timeoutMs ?? TIMEOUT_MS,
      })
    : { status: null, detail: target.detail, retryAfterSeconds: null };
  const { state, pauseMs: pause } = judge(answer, attempts + 1, random());
  const endedMs = clock.nowMs();
  if (state === 'dead') log.warn({ webhook, event: event.id, answer }, 'a webhook has not taken an event');
  await store.settleDelivery({
    ...{ webhook, position: event.position, owner, state, nextAtMs: endedMs + pause },
    at: Temporal.Instant.fromEpochMilliseconds(startedMs).toString(),
    ...{ status: answer.status, detail: answer.detail, milliseconds: endedMs - startedMs },
  });
}
