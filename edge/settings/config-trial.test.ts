import { describe, expect, test } from 'vitest';
import { mustPush, type TrialEvidence, trialFailure } from './config-trial.ts';

const uplink = { connected: true, waitingRows: 0, receiptSince: false };
const meter = (id: string, bus: string, before: boolean, since: boolean, isNew = false) => ({
  meter: id,
  bus,
  before,
  since,
  isNew,
});

describe('what undoes settings', () => {
  test.each<[string, TrialEvidence['meters'], string | null]>([
    ['all are heard as before', [meter('E-3', 'f1', true, true), meter('W-301', '', true, true)], null],
    [
      'one that nobody expected is not heard',
      [meter('E-3', 'f1', true, true), meter('W-301', '', false, false)],
      null,
    ],
    [
      'a bus falls silent: its own meters are named, and no others',
      [meter('E-3', 'f1', true, false), meter('W-301', '', true, false), meter('E-4', 'f2', true, true)],
      'bus f1 fell silent: E-3',
    ],
    [
      'those that push',
      [meter('E-3', 'f1', true, true), meter('W-301', '', true, false)],
      'the meters that push fell silent: W-301',
    ],
    [
      'too many on buses that go on',
      [meter('E-1', 'f1', true, false), meter('E-2', 'f1', true, true)],
      '1 of 2 meters fell silent: E-1',
    ],
    [
      'a new bus answers in part',
      [meter('N-1', 'f9', false, true, true), meter('N-2', 'f9', false, false, true)],
      null,
    ],
    [
      'a new bus on which nobody answers',
      [
        meter('E-3', 'f1', true, true),
        meter('N-1', 'f9', false, false, true),
        meter('N-2', 'f9', false, false, true),
      ],
      'nobody was heard on bus f9',
    ],
    [
      'a bus that was silent before',
      [meter('E-3', 'f1', true, true), meter('E-9', 'f9', false, false)],
      null,
    ],
  ])('%s', (_, meters, expected) => {
    expect(trialFailure({ meters, gone: [], uplink })).toBe(expected);
  });

  test('meters that were heard, and that the settings do not list', () => {
    const meters = [meter('E-3', 'f1', true, true)];
    expect(trialFailure({ meters, gone: ['E-4', 'E-5'], uplink })).toBe(
      'heard before, and listed no more: E-4, E-5',
    );
  });
});

const MINUTE_MS = 60_000;
const NOW = 1000 * MINUTE_MS;
const pushes = (firstMinutesAgo: number, lastMinutesAgo: number, longestMinutes: number) => ({
  firstAcceptedMs: NOW - firstMinutesAgo * MINUTE_MS,
  lastAcceptedMs: NOW - lastMinutesAgo * MINUTE_MS,
  longestSilenceMs: longestMinutes * MINUTE_MS,
});

describe('a meter that pushes has to be heard in a trial of three minutes', () => {
  test.each<[string, Parameters<typeof mustPush>[0], boolean]>([
    ['when it pushes each minute', pushes(60, 0.5, 1), true],
    ['not when it pushes once an hour, though it just did', pushes(600, 1, 60), false],
    ['not when it came twice at once, and is known for no longer', pushes(0.1, 0.1, 0.01), false],
    ['not when it is silent already', pushes(60, 2, 1), false],
    [
      'not when it was never heard',
      { firstAcceptedMs: null, lastAcceptedMs: null, longestSilenceMs: 0 },
      false,
    ],
  ])('%s', (_, heard, expected) => {
    expect(mustPush(heard, NOW, 3 * MINUTE_MS)).toBe(expected);
  });
});
