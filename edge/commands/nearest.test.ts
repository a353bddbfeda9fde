import { expect, test } from 'vitest';
import { nearest } from './nearest.ts';

const names = ['inepro-pro380', 'eastron-sdm120', 'eastron-sdm630', 'abb-b23'];

test.each([
  ['inepro-pro38', 'inepro-pro380'],
  ['pro380', 'inepro-pro380'],
  ['Eastron-SDM63', 'eastron-sdm630'],
  ['abb-b32', 'abb-b23'],
  ['nothing-like-it', null],
  ['', null],
])('%j may have meant %s', (typed, name) => {
  expect(nearest(typed, names)).toBe(name);
});
