import { describe, expect, test } from 'vitest';
import { outboxTorture } from './outbox.ts';
import { repliesTorture } from './replies.ts';
import { formatTorture, run, tortureReport } from './torture.ts';

const part = {
  name: 'outbox',
  rounds: 60,
  killed: 60,
  lost: 0,
  duplicated: 0,
  altered: 0,
  unexplained: 0,
  findings: [],
  seconds: 12.5,
  finished: true,
  figures: { kills: 60 },
  proves: [{ invariant: 2, promise: 'nothing is lost', of: 'kills', atLeast: 60 }],
};

const head = { seed: 1, commit: 'abc', startedAt: '2026-11-22T00:00:00Z', full: false };

describe('the report', () => {
  test('sums its parts, and is ok when nothing was lost, duplicated or altered', () => {
    const report = tortureReport({ ...head, seed: 7 }, [part, { ...part, name: 'line', killed: 5 }]);
    expect(report).toMatchObject({ seed: 7, commit: 'abc', rounds: 120, killed: 65, lost: 0, ok: true });
    expect(formatTorture(report).split('\n')).toEqual([
      '        rounds  killed  lost  duplicated  altered  unexplained  seconds',
      'outbox      60      60     0           0        0            0     12.5',
      'line        60       5     0           0        0            0     12.5',
      'all        120      65     0           0        0            0       25',
      '',
      ' 2. nothing is lost: 60 of 60 kills, reached',
      ' 2. nothing is lost: 60 of 60 kills, reached',
      '',
      'ok: nothing was lost, duplicated, altered or unexplained (seed 7, commit abc)',
      '',
    ]);
  });

  test.each([
    ['a loss', { lost: 1 }],
    ['a duplicate', { duplicated: 1 }],
    ['an altered row', { altered: 1 }],
    ['a row that nobody gave', { unexplained: 1 }],
    ['a part that did nothing', { killed: 0, figures: {} }],
    ['a part that could not go on', { finished: false }],
  ])('%s is not ok', (_, fault) => {
    expect(tortureReport(head, [part, { ...part, ...fault }]).ok).toBe(false);
  });

  test('a full run is ok only when every figure was reached; a short one says that it is short', () => {
    const short = { ...part, figures: { kills: 59 } };
    expect(tortureReport({ ...head, full: true }, [part]).ok).toBe(true);
    expect(tortureReport({ ...head, full: true }, [short]).ok).toBe(false);
    expect(tortureReport(head, [short]).ok).toBe(true);
    expect(formatTorture(tortureReport(head, [short]))).toContain('59 of 60 kills, held, shorter than full');
    expect(formatTorture(tortureReport(head, [{ ...part, lost: 1 }]))).toContain('60 of 60 kills, BROKEN');
  });

  test.each([[['--seed', 'x']], [['no_such_part']], [['--fll']], [['--rounds', '0']]])(
    '%j is refused as usage',
    async (args) => {
      expect(await run(args)).toBe(2);
    },
  );
});

test('a writer that is killed twice loses nothing that it called accepted', async () => {
  const tally = await outboxTorture.run({ seed: 3, rounds: 2, onRound: () => undefined });
  expect(tally).toMatchObject({
    killed: 2,
    lost: 0,
    duplicated: 0,
    altered: 0,
    unexplained: 0,
    findings: [],
  });
});

test('of 300 late, foreign and doubled replies over Modbus TCP and RTU none is taken for another', async () => {
  const tally = await repliesTorture.run({ seed: 5, rounds: 3, onRound: () => undefined });
  expect(tally.killed).toBeGreaterThanOrEqual(150);
  expect(tally).toMatchObject({ lost: 0, duplicated: 0, altered: 0, findings: [] });
});
