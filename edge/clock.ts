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
  const unsignalled = new Map<number, Promise<void>>();
  const waits = new WeakMap<AbortSignal, Map<number, Promise<void>>>();
  const waitsOf = (signal: AbortSignal | undefined): Map<number, Promise<void>> => {
    if (signal === undefined) return unsignalled;
    const known = waits.get(signal) ?? new Map();
    waits.set(signal, known);
    return known;
  };
  return {
    nowMs,
    until(ms, signal) {
      if (signal?.aborted !== true && nowMs() >= ms) return Promise.resolve();
      // All who wait for one instant, as all buses of a gateway do, wait as one.
      const waiting = waitsOf(signal);
      const known = waiting.get(ms);
      if (known !== undefined) return known;
      const wait = sleepUntil(ms, nowMs, signal).finally(() => waiting.delete(ms));
      waiting.set(ms, wait);
      return wait;
    },
    heardCloud: (cloudMs) => time.heardCloud(cloudMs, performance.now()),
  };
}

async function sleepUntil(ms: number, nowMs: () => number, signal: AbortSignal | undefined): Promise<void> {
  signal?.throwIfAborted();
  for (let now = nowMs(); now < ms; ) {
    await sleepUnlessAborted(Math.min(ms - now, LONGEST_SLEEP_MS), signal);
    signal?.throwIfAborted();
    const before = now;
    now = nowMs();
    if (now < before) return;
  }
}

/** Who sleeps until a signal. Each has one listener: listeners are looked through one by one whenever one is added. */
const sleepers = new WeakMap<AbortSignal, Set<() => void>>();

function sleepUnlessAborted(milliseconds: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve) => {
    const sleeping = signal === undefined ? undefined : sleepersOf(signal);
    const wake = (): void => {
      clearTimeout(timer);
      sleeping?.delete(wake);
      resolve();
    };
    const timer = setTimeout(wake, milliseconds);
    sleeping?.add(wake);
  });
}

function sleepersOf(signal: AbortSignal): Set<() => void> {
  let sleeping = sleepers.get(signal);
  if (sleeping === undefined) {
    const woken = new Set<() => void>();
    sleepers.set(signal, woken);
    signal.addEventListener('abort', () => [...woken].forEach((wake) => void wake()), { once: true });
    sleeping = woken;
  }
  return sleeping;
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
