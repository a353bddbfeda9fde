/** The gateway's clock: the system's, or one that a parent process drives over IPC so that a month passes in a minute. */
import assert from 'node:assert/strict';
import { ClockMessage, type WaitingMessage } from '../protocols/clock.ts';
import { type Ticks, WitnessedTime } from './witnessed-time.ts';

export interface Clock {
  /** Unix milliseconds. */
  nowMs(): number;
  /**
   * Resolves when `nowMs() >= ms`, at once if it is already; and when the clock is set back meanwhile, since what was
   * reckoned by it no longer holds. Rejects with the signal's reason when aborted.
   */
  until(ms: number, signal?: AbortSignal): Promise<void>;
  /** Told what the cloud's clock shows now: a machine's clock that jumps away from it is not followed. Driven time needs no witness. */
  heardCloud?(cloudMs: number): void;
}

const machineTicks = (): Ticks => ({ wallMs: Date.now(), steadyMs: performance.now() });

/** The longest single sleep: after it the wall clock is looked at again, since it may have been set meanwhile. */
const LONGEST_SLEEP_MS = 10_000;

/** @param onJump told how far the machine's clock is ahead of the time that is kept instead; 0 when it is followed again */
export function systemClock(onJump: (jumpMs: number) => void = () => undefined): Clock {
  const time = new WitnessedTime(machineTicks());
  const nowMs = (): number => {
    const before = time.jumpMs;
    const now = time.nowMs(machineTicks());
    if ((time.jumpMs === 0) !== (before === 0)) onJump(time.jumpMs);
    return now;
  };
  const alarms = new Alarms(nowMs);
  return {
    nowMs,
    until(ms, signal) {
      if (signal?.aborted === true) return Promise.reject(signal.reason);
      return nowMs() >= ms ? Promise.resolve() : alarms.wait(ms, signal);
    },
    heardCloud: (cloudMs) => time.heardCloud(cloudMs, performance.now()),
  };
}

/** Who waits for an instant. */
interface Sleeper {
  signal: AbortSignal | undefined;
  resolve(): void;
  reject(reason: unknown): void;
}

/** One timer for all who wait for one instant, as all buses of a gateway do. */
class Alarms {
  readonly #nowMs: () => number;
  readonly #alarms = new Map<number, { timer: NodeJS.Timeout; sleepers: Sleeper[] }>();
  /** Each has one listener: listeners are looked through one by one whenever one is added. */
  readonly #signals = new WeakSet<AbortSignal>();

  constructor(nowMs: () => number) {
    this.#nowMs = nowMs;
  }

  wait(ms: number, signal: AbortSignal | undefined): Promise<void> {
    if (signal !== undefined) this.#listen(signal);
    return new Promise((resolve, reject) => {
      const known = this.#alarms.get(ms);
      if (known !== undefined) known.sleepers.push({ signal, resolve, reject });
      else this.#set(ms, [{ signal, resolve, reject }]);
    });
  }

  #set(ms: number, sleepers: Sleeper[]): void {
    const setMs = this.#nowMs();
    const timer = setTimeout(
      () => {
        const nowMs = this.#nowMs();
        if (nowMs >= setMs && nowMs < ms) return this.#set(ms, sleepers);
        this.#alarms.delete(ms);
        for (const { resolve } of sleepers) resolve();
      },
      Math.max(0, Math.min(ms - setMs, LONGEST_SLEEP_MS)),
    );
    this.#alarms.set(ms, { timer, sleepers });
  }

  #listen(signal: AbortSignal): void {
    if (this.#signals.has(signal)) return;
    this.#signals.add(signal);
    signal.addEventListener('abort', () => this.#abort(signal), { once: true });
  }

  #abort(signal: AbortSignal): void {
    for (const [ms, alarm] of this.#alarms) {
      const ended = alarm.sleepers.filter((one) => one.signal === signal);
      if (ended.length === 0) continue;
      const left = alarm.sleepers.filter((one) => one.signal !== signal);
      alarm.sleepers.splice(0, alarm.sleepers.length, ...left);
      for (const { reject } of ended) reject(signal.reason);
      if (left.length > 0) continue;
      clearTimeout(alarm.timer);
      this.#alarms.delete(ms);
    }
  }
}

/** The IPC end of a child process: `process` itself. */
export interface ClockChannel {
  on(event: 'message', listener: (message: unknown) => void): unknown;
  send?(message: WaitingMessage): unknown;
}

/**
 * Time stands still until the parent moves it. Before the parent's first message there is no time: `await until(0)`
 * waits for it. Only one task of the process may wait at a time, since a wait tells the parent that all work is done.
 */
export function drivenClock(channel: ClockChannel): Clock {
  let now: number | null = null;
  const wakers = new Set<() => void>();
  channel.on('message', (message) => {
    const parsed = ClockMessage.safeParse(message);
    if (!parsed.success) return;
    const told = Temporal.Instant.from(parsed.data.now).epochMilliseconds;
    assert(now === null || told >= now, 'driven time never goes back');
    now = told;
    for (const wake of [...wakers]) wake();
  });

  const nextMessage = (signal: AbortSignal | undefined): Promise<void> =>
    new Promise((resolve, reject) => {
      const settle = (): void => {
        wakers.delete(settle);
        signal?.removeEventListener('abort', settle);
        if (signal?.aborted) reject(signal.reason);
        else resolve();
      };
      wakers.add(settle);
      signal?.addEventListener('abort', settle);
    });

  return {
    nowMs() {
      assert(now !== null, 'driven time has not begun');
      return now;
    },
    async until(ms, signal) {
      signal?.throwIfAborted();
      while (now === null) await nextMessage(signal);
      if (now >= ms) return;
      channel.send?.({ type: 'waiting', until: Temporal.Instant.fromEpochMilliseconds(ms).toString() });
      while (now < ms) await nextMessage(signal);
    },
  };
}
