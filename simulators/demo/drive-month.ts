/** Drives a month through the line: meters, gateway and cloud share one clock, which moves on when the gateway has done its work. */
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Supervisor } from '../../process/supervisor.ts';
import { type ClockMessage, WaitingMessage } from '../../protocols/clock.ts';
import type { Fleet } from '../meters/fleet.ts';
import type { PushMeters } from '../meters/push-meters.ts';
import type { Planted } from '../park/generate-park.ts';
import type { Truth } from '../park/truth.ts';

/** Fault injection: the child is ended with SIGKILL when `at` (0 to 1) of the month has passed. */
export interface Kill {
  child: 'edge' | 'cloud';
  at: number;
}

/** The time that simulated meters and children live in. */
export class DrivenTime {
  private readonly supervisor: Supervisor;
  private currentMs: number;
  private waitingForMs = Number.NEGATIVE_INFINITY;
  private readonly waiting = new EventTarget();

  constructor(supervisor: Supervisor, startMs: number) {
    this.supervisor = supervisor;
    this.currentMs = startMs;
  }

  nowMs = (): number => this.currentMs;

  /** Tells a child that has just started what time it is. */
  tell(child: string): void {
    this.supervisor.send(child, this.message());
  }

  /** Hears the gateway say that it waits for a later time. */
  hear = (message: unknown): void => {
    const parsed = WaitingMessage.safeParse(message);
    if (!parsed.success) return;
    this.waitingForMs = Temporal.Instant.from(parsed.data.until).epochMilliseconds;
    this.waiting.dispatchEvent(new Event('waiting'));
  };

  /** Lets time go on to `ms`, without waiting for anybody. */
  pass(ms: number): void {
    this.currentMs = ms;
    for (const child of ['cloud', 'edge']) this.tell(child);
  }

  /** Moves time to `ms` and resolves when the gateway has nothing left to do before a later instant. */
  async moveTo(ms: number): Promise<void> {
    this.pass(ms);
    const signal = AbortSignal.timeout(STEP_LIMIT_MS);
    while (this.waitingForMs <= ms) await once(this.waiting, 'waiting', { signal });
  }

  private message(): ClockMessage {
    return { type: 'clock', now: Temporal.Instant.fromEpochMilliseconds(this.currentMs).toString() };
  }
}

/** A restart of the gateway fits into it many times. */
const STEP_LIMIT_MS = 60_000;
/** A kill in the middle of the work of a step. */
const KILL_AFTER_MS = 3;

export interface DriveOptions {
  truth: Truth;
  time: DrivenTime;
  fleet: Fleet;
  push: PushMeters;
  outage: Planted['outage'];
  supervisor: Supervisor;
  kills: readonly Kill[];
  onProgress: (atMs: number, done: number) => void;
}

/** Every boundary of the month, first and last included. */
export async function driveMonth(options: DriveOptions): Promise<void> {
  const { truth, time, fleet, push, outage, supervisor, kills, onProgress } = options;
  const converter = fleet.buses.find(({ wiring }) => wiring.id === outage.bus)?.converter;
  const boundaries = truth.boundaries();
  const killsAt = Map.groupBy(kills, ({ at }) => Math.floor(at * (boundaries.length - 1)));
  let pushed: Promise<void> = Promise.resolve();
  for (const [index, atMs] of boundaries.entries()) {
    const reachable = atMs < outage.fromMs || atMs >= outage.toMs;
    await (reachable ? converter?.on() : converter?.off());
    const moved = time.moveTo(atMs);
    for (const { child } of killsAt.get(index) ?? []) {
      await sleep(KILL_AFTER_MS);
      supervisor.kill(child, 'SIGKILL');
    }
    await Promise.all([moved, pushed]);
    // Only now the gateway surely knows the time: it refuses readings from the future.
    pushed = push.publish(atMs);
    // Awaited a step later: until then a rejection is not unhandled.
    pushed.catch(() => undefined);
    onProgress(atMs, (index + 1) / boundaries.length);
  }
  await pushed;
}
