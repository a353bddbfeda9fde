import { expect, test } from 'vitest';
import { micro } from '../../protocols/units.ts';
import { registerStep } from './register-step.ts';

const limits = { modulus: micro('10000'), maxPerHour: micro('40') };
test.each([
  ['forward within the rating', '100', '139', 1, '39'],
  ['forward by a tick of a face that shows whole units', '100', '101', 0, '1'],
  ['forward beyond the rating', '100', '150', 1, null],
  ['over the top within the rating', '9990', '25', 1, '35 rollover'],
  ['over the top beyond the rating', '9990', '40', 1, null],
  ['down from the middle, though the hours would allow a turn', '8000', '500', 600, null],
  ['down by a little near the top', '9999', '9998', 600, null],
])('a step %s: %s to %s in %i h', (_, from, to, hours, expected) => {
  const step = registerStep(
    { atMs: 0, value: micro(from) },
    { atMs: hours * 3_600_000, value: micro(to) },
    limits,
  );
  const told = step && `${step.delta / 1_000_000n}${step.rollover ? ' rollover' : ''}`;
  expect(told).toBe(expected);
});
