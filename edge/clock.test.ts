import { EventEmitter } from 'node:events';
import { expect, test, vi } from 'vitest';
import { drivenClock, systemClock } from './clock.ts';

const NINE = Temporal.Instant.from('2026-09-01T09:00:00Z').epochMilliseconds;

function parent() {
  const sent: unknown[] = [];
  const channel = Object.assign(new EventEmitter(), { send: (message: unknown) => sent.push(message) });
  const tell = (now: string): void => void channel.emit('message', { type: 'clock', now });
  return { channel, sent, tell };
}

test('driven time stands still until the parent moves it', async () => {
  const { channel, sent, tell } = parent();
  const clock = drivenClock(channel);
  expect(() => clock.nowMs()).toThrow('driven time has not begun');
  const begun = clock.until(0);
  tell('2026-09-01T09:00:00Z');
  await begun;
  expect(clock.nowMs()).toBe(NINE);
  expect(sent).toEqual([]);
});

test('a wait tells the parent once, and ends when its instant is reached', async () => {
  const { channel, sent, tell } = parent();
  const clock = drivenClock(channel);
  tell('2026-09-01T09:00:00Z');
  let over = false;
  const waiting = clock.until(NINE + 900_000).then(() => {
    over = true;
  });
  await Promise.resolve();
  expect(sent).toEqual([{ type: 'waiting', until: '2026-09-01T09:15:00Z' }]);
  tell('2026-09-01T09:14:59Z');
  await new Promise(setImmediate);
  expect(over).toBe(false);
  tell('2026-09-01T09:15:00Z');
  await waiting;
  expect(sent.length).toBe(1);
  await clock.until(NINE);
  expect(sent.length).toBe(1);
});

test('what is no clock message is not one', () => {
  const { channel } = parent();
  const clock = drivenClock(channel);
  for (const message of [null, 'clock', { type: 'clock' }, { type: 'clock', now: '9 am' }])
    channel.emit('message', message);
  expect(() => clock.nowMs()).toThrow('driven time has not begun');
});

test.each([['driven'], ['system']])(
  'an aborted wait of the %s clock rejects with its reason',
  async (kind) => {
    const { channel, tell } = parent();
    const clock = kind === 'driven' ? drivenClock(channel) : systemClock();
    tell('2026-09-01T09:00:00Z');
    const stopping = new AbortController();
    const waiting = clock.until(clock.nowMs() + 3_600_000, stopping.signal);
    stopping.abort(new Error('stopped'));
    await expect(waiting).rejects.toThrow();
    await expect(clock.until(0, stopping.signal)).rejects.toThrow('stopped');
  },
);

test('an instant in the past is reached already', async () => {
  await systemClock().until(Date.now() - 1);
});

test('a wait ends when the clock is set back, since its instant may then be years away', async () => {
  vi.useFakeTimers({ now: NINE + 10 * 365 * 86_400_000 });
  try {
    const clock = systemClock();
    const waiting = clock.until(clock.nowMs() + 900_000);
    vi.setSystemTime(NINE);
    await vi.advanceTimersByTimeAsync(10_000);
    await waiting;
    expect(clock.nowMs()).toBe(NINE + 10_000);
  } finally {
    vi.useRealTimers();
  }
});
