import { describe, expect, test } from 'vitest';
import { type Backoff, backOff, NO_BACKOFF, nextAttempt, patienceMs } from './backoff.ts';

describe('backoff of a unit that does not answer', () => {
  test('steps grow from 5 s to 300 s', () => {
    const steps: number[] = [];
    let state = NO_BACKOFF;
    for (let i = 0; i < 6; i++) {
      state = backOff(state, 1000);
      steps.push((state.untilMs - 1000) / 1000);
    }
    expect(steps).toEqual([5, 20, 80, 300, 300, 300]);
  });
  test('a unit that answers is polled, one that does not is probed once its step is over', () => {
    expect(nextAttempt(NO_BACKOFF, 0)).toBe('poll');
    const failed = backOff(NO_BACKOFF, 10_000);
    expect(nextAttempt(failed, 14_999)).toBe('wait');
    expect(nextAttempt(failed, 15_000)).toBe('probe');
  });
  test('a step that ends later than any can is over: the clock was set back', () => {
    const failed = backOff(NO_BACKOFF, Date.UTC(2036, 0));
    expect(nextAttempt(failed, Date.UTC(2026, 0))).toBe('probe');
  });
});

describe('a unit is waited for', () => {
  const failing = (failures: number): Backoff => ({ failures, untilMs: 0 });
  test.each<[string, number, number | null, number | null]>([
    ['as long as the line allows while little is known of it', 0, null, null],
    ['no shorter than 300 ms however fast it is', 0, 2, 300],
    ['at a probe no shorter than 100 ms', 1, 2, 100],
    ['half as long again as its slowest answer took, and 50 ms', 0, 200, 350],
    ['so at the first two probes too', 2, 200, 350],
    ['as long as the line allows later: it may have become slow', 3, 200, null],
  ])('%s', (_title, failures, slowestMs, milliseconds) => {
    expect(patienceMs(failing(failures), slowestMs)).toBe(milliseconds);
  });
});
