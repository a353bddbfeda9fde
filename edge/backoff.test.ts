import { describe, expect, test } from 'vitest';
import { backOff, NO_BACKOFF, nextAttempt } from './backoff.ts';

describe('backoff of a unit that does not answer', () => {
  test('steps double from 2 s and end at 300 s', () => {
    const steps: number[] = [];
    let state = NO_BACKOFF;
    for (let i = 0; i < 12; i++) {
      state = backOff(state, 1000);
      steps.push((state.untilMs - 1000) / 1000);
    }
    expect(steps).toEqual([2, 4, 8, 16, 32, 64, 128, 256, 300, 300, 300, 300]);
  });
  test('a unit that answers is polled, one that does not is probed once its step is over', () => {
    expect(nextAttempt(NO_BACKOFF, 0)).toBe('poll');
    const failed = backOff(NO_BACKOFF, 10_000);
    expect(nextAttempt(failed, 11_999)).toBe('wait');
    expect(nextAttempt(failed, 12_000)).toBe('probe');
  });
});
