import { describe, expect, test } from 'vitest';
import { WitnessedTime } from './witnessed-time.ts';

const START = Date.UTC(2026, 8, 1);
const YEAR_MS = 365 * 86_400_000;
const JUMPS = [1_000, 3_600_000, 86_400_000, YEAR_MS, 10 * YEAR_MS].flatMap((ms) => [ms, -ms]);

/** A machine that has run for a minute, and heard the cloud, whose clock is 40 ms behind, or not. */
function machine({ heard }: { heard: boolean }) {
  const time = new WitnessedTime({ wallMs: START, steadyMs: 0 });
  if (heard) time.heardCloud(START - 40 + 30_000, 30_000);
  const look = (steadyMs: number, aheadMs = 0): number =>
    time.nowMs({ wallMs: START + steadyMs + aheadMs, steadyMs });
  expect(look(60_000)).toBe(START + 60_000);
  return { time, look };
}

describe('a clock that jumps', () => {
  test.each(JUMPS)('by %i ms is not followed when the cloud was heard before', (jumpMs) => {
    const { time, look } = machine({ heard: true });
    expect(look(61_000, jumpMs)).toBe(START + 61_000);
    expect(time.jumpMs).toBe(jumpMs);
    expect(look(3_600_000, jumpMs)).toBe(START + 3_600_000);
    expect(look(3_601_000)).toBe(START + 3_601_000);
    expect(time.jumpMs).toBe(0);
  });

  test.each(JUMPS)('by %i ms is followed when nobody says otherwise', (jumpMs) => {
    const { look } = machine({ heard: false });
    expect(look(61_000, jumpMs)).toBe(START + 61_000 + jumpMs);
    expect(look(62_000)).toBe(START + 62_000);
  });

  test.each(JUMPS)('back by %i ms to where the cloud is, is followed', (jumpMs) => {
    const { time, look } = machine({ heard: false });
    look(61_000, jumpMs);
    time.heardCloud(START + 62_000, 62_000);
    expect(look(63_000, jumpMs)).toBe(START + 63_000 + jumpMs);
    expect(look(64_000)).toBe(START + 64_000);
  });

  test('after a sleep of the machine, in which no time passed for it, is followed once the cloud is heard', () => {
    const { time, look } = machine({ heard: true });
    expect(look(61_000, 7_200_000)).toBe(START + 61_000);
    time.heardCloud(START + 62_000 + 7_200_000, 62_000);
    expect(look(63_000, 7_200_000)).toBe(START + 63_000 + 7_200_000);
  });
});

test('a cloud whose own clock is wrong confirms nothing', () => {
  const { time, look } = machine({ heard: false });
  time.heardCloud(START + YEAR_MS, 60_000);
  expect(look(61_000)).toBe(START + 61_000);
  expect(look(62_000, 2_000)).toBe(START + 64_000);
});

test('a clock that is slewed is followed', () => {
  const { look } = machine({ heard: true });
  for (let n = 1; n < 100; n += 1) expect(look(60_000 + n * 1_000, n * 20)).toBe(START + 60_000 + n * 1_020);
});
