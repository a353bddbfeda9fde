import type { Exchange, Taken } from './exchange.ts';
import type { Priority } from './line-queue.ts';

/** How a request is to be sent. */
export interface AskOptions {
  /** The rest that the meter needs before the request. */
  pauseMilliseconds?: number | undefined;
  /** `poll` if not given. */
  priority?: Priority | undefined;
  /** Of this request, in the place of the line's own. */
  timeoutMilliseconds?: number | undefined;
  worstReplyMilliseconds?: number | undefined;
  /** The request is given up when nothing has come so long after it was sent; not before its deadline if not given. */
  firstByteMilliseconds?: number | undefined;
  /** Called when the request has its turn, with `performance.now()`. */
  onTurn?: (now: number) => void;
  /** Called when it is answered, likewise. */
  onAnswer?: (now: number) => void;
}

/** One request from when it was asked for until it is answered. */
export interface Turn {
  readonly exchange: Exchange<unknown>;
  readonly options: AskOptions;
  readonly priority: Priority;
  readonly resolve: (answer: unknown) => void;
  readonly reject: (error: unknown) => void;
  /** `performance.now()`; null: not yet. */
  sentAt: number | null;
  /** How long the request is on the wire. */
  requestMs: number;
  /** Whether its first byte is waited for: not for ever, and at last only for what has come and was not heard. */
  firstByte: 'awaited' | 'overdue' | null;
  /** The answer, while the line is heard for more. */
  held: WholeAnswer | null;
}

export function newTurn(
  exchange: Exchange<unknown>,
  options: AskOptions,
  { resolve, reject }: Pick<Turn, 'resolve' | 'reject'>,
): Turn {
  const priority = options.priority ?? 'poll';
  return {
    exchange,
    options,
    priority,
    resolve,
    reject,
    sentAt: null,
    requestMs: 0,
    firstByte: 'awaited',
    held: null,
  };
}

export type WholeAnswer = Taken<unknown> & { state: 'answer' };
