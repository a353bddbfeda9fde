/** A person's way to a bus that is polled: goes before the polls that wait, and knows how long it waited for its turns. */
import type { Exchange, MeterUnit } from './exchange.ts';
import type { Answer, AskOptions, Line, LineUse, UnitRequest } from './line.ts';

/** How long to wait for an answer, where that is not as for a poll: a scan asks many who are not there. */
export type Patience = Pick<AskOptions, 'timeoutMilliseconds' | 'worstReplyMilliseconds'>;

export interface LiveLineOptions {
  patience?: (unit: MeterUnit) => Patience;
  /** Nothing more is asked once nobody waits for it: its reason is thrown. */
  signal?: AbortSignal;
}

export class LiveLine implements LineUse {
  readonly #line: Line;
  readonly #patience: (unit: MeterUnit) => Patience;
  readonly #signal: AbortSignal | undefined;
  #waitedMs = 0;

  constructor(line: Line, { patience = () => ({}), signal }: LiveLineOptions = {}) {
    this.#line = line;
    this.#patience = patience;
    this.#signal = signal;
  }

  /** How long all requests together waited for their turns. */
  get waitedMilliseconds(): number {
    return Math.round(this.#waitedMs);
  }

  turnaroundMilliseconds(unit: MeterUnit): number | null {
    return this.#line.turnaroundMilliseconds(unit);
  }

  ask<T>(exchange: Exchange<T>, options?: AskOptions): Promise<T> {
    return this.#line.ask(exchange, this.#live(exchange.unit, options));
  }

  read(request: UnitRequest, options?: AskOptions): Promise<Answer> {
    return this.#line.read(request, this.#live(request.unit, options));
  }

  #live(unit: MeterUnit, options: AskOptions = {}): AskOptions {
    this.#signal?.throwIfAborted();
    const askedAt = performance.now();
    const onTurn = (now: number): void => {
      this.#waitedMs += now - askedAt;
    };
    return { ...options, ...this.#patience(unit), priority: 'live', onTurn };
  }
}
