import { expect, test } from 'vitest';
import { ScanEta } from './scan-eta.ts';

const units = [3, 9, 10, 11, 12];
const scan = () => new ScanEta(units, (unit) => unit < 10, 300);

test('before anybody was asked, each is taken to be silent', () => {
  expect(scan().seconds()).toBe(3);
});

test('a listed meter that is waited for long says nothing of the addresses that nobody lists', () => {
  const eta = scan();
  eta.asked(3, 5000);
  expect(eta.seconds()).toBe(Math.ceil(5 + 3 * 0.6));
});

test('what the others took is what the others will take', () => {
  const eta = scan();
  for (const unit of [3, 9]) eta.asked(unit, 100);
  eta.asked(10, 2000);
  expect(eta.seconds()).toBe(4);
});
