import { describe, expect, test } from 'vitest';
import { CloudClock } from './cloud-clock.ts';

const START = Date.UTC(2026, 8, 1);
/** A batch that takes `there` and its receipt `back` milliseconds, of a gateway that is `ahead`. */
function exchange(
  clock: CloudClock,
  {
    ahead,
    there,
    back,
    from = 1,
    since = 0,
  }: { ahead: number; there: number; back: number; from?: number; since?: number },
): void {
  clock.sent(from, from + 9, since);
  const cloudMs = START + since + there;
  clock.received({ from, to: from + 9 }, cloudMs, {
    atMs: since + there + back,
    nowMs: cloudMs + back + ahead,
  });
}

describe("the gateway's clock against the cloud's", () => {
  test.each([
    ['as fast there as back', 5_000, 40, 40],
    ['slow there', 0, 4_000, 10],
    ['slow back', -90_000, 10, 4_000],
    ['at once', 250, 0, 0],
  ])('%s: the truth lies within the bounds', (_title, ahead, there, back) => {
    const clock = new CloudClock();
    exchange(clock, { ahead, there, back });
    const { offsetMs = NaN, uncertaintyMs = NaN } = clock.offset ?? {};
    expect(uncertaintyMs).toBe((there + back) / 2);
    expect(Math.abs(offsetMs - ahead)).toBeLessThanOrEqual(uncertaintyMs);
  });
  test('a worse measurement does not take the place of a better one, for an hour', () => {
    const clock = new CloudClock();
    exchange(clock, { ahead: 100, there: 20, back: 20 });
    exchange(clock, { ahead: 100, there: 900, back: 100, from: 11, since: 60_000 });
    expect(clock.offset).toMatchObject({ offsetMs: 100, uncertaintyMs: 20 });
    exchange(clock, { ahead: 100, there: 900, back: 100, from: 21, since: 3_700_000 });
    expect(clock.offset).toMatchObject({ uncertaintyMs: 500 });
  });
  test('a clock that was set is seen at once', () => {
    const clock = new CloudClock();
    exchange(clock, { ahead: 60_000, there: 20, back: 20 });
    exchange(clock, { ahead: 0, there: 200, back: 200, from: 11, since: 60_000 });
    expect(clock.offset).toMatchObject({ offsetMs: 0 });
  });
  test('what was sent twice, or never, measures nothing', () => {
    const clock = new CloudClock();
    clock.sent(1, 10, 0);
    exchange(clock, { ahead: 0, there: 10, back: 10, since: 5_000 });
    clock.received({ from: 11, to: 20 }, START, { atMs: 0, nowMs: START });
    clock.sent(21, 30, 0);
    clock.received({ from: 21, to: 25 }, START, { atMs: 0, nowMs: START });
    expect(clock.offset).toBeNull();
  });
  test('forgets batches that are never receipted', () => {
    const clock = new CloudClock();
    for (let from = 1; from < 2_000; from += 10) clock.sent(from, from + 9, 0);
    clock.received({ from: 1, to: 10 }, START, { atMs: 10, nowMs: START });
    expect(clock.offset).toBeNull();
  });
});
