/** The time that the cloud stamps on what it stores and issues: the machine's, or driven by the parent process. */
import assert from 'node:assert/strict';
import { ClockMessage } from '../protocols/clock.ts';

export interface Clock {
  nowMs(): number;
}

export const systemClock = (): Clock => ({ nowMs: () => Date.now() });

/** Stands still at the instant of the last clock message; asking before the first one is a defect. */
export function drivenClock(channel: Pick<NodeJS.Process, 'on'>): Clock & { started: Promise<void> } {
  let nowMs: number | null = null;
  const { promise: started, resolve } = Promise.withResolvers<void>();
  channel.on('message', (message: unknown) => {
    const parsed = ClockMessage.safeParse(message);
    if (!parsed.success) return;
    nowMs = Temporal.Instant.from(parsed.data.now).epochMilliseconds;
    resolve();
  });
  return {
    started,
    nowMs() {
      assert(nowMs !== null, 'driven time has not started');
      return nowMs;
    },
  };
}
