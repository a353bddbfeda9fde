import { expect, test } from 'vitest';
import { ZoneClock } from '../metering/zone-clock.ts';
import { parseInstant } from './parse-instant.ts';
import { parseValue } from './parse-value.ts';

const madrid = new ZoneClock('Europe/Madrid');
const told = (text: string) => {
  const parsed = parseInstant(text, madrid);
  if (!parsed.ok) return parsed.detail;
  const instant = Temporal.Instant.fromEpochMilliseconds(parsed.ms).toString();
  return parsed.repeated ? `${instant} twice` : instant;
};

test.each([
  ['2016-03-01T01:19:43', '2016-03-01T00:19:43Z'],
  ['2021-07-01 00:00', '2021-06-30T22:00:00Z'],
  ['2021-07-01T00:00:00+08:00', '2021-06-30T16:00:00Z'],
  ['2021-07-01T00:00:00.250Z', '2021-07-01T00:00:00.25Z'],
  ['2021-07-01 00:00:00-0530', '2021-07-01T05:30:00Z'],
  ['2016-10-30T02:08:53', '2016-10-30T00:08:53Z twice'],
  ['2016-10-30T02:08:53+01:00', '2016-10-30T01:08:53Z'],
  ['2016-10-30T03:00:00', '2016-10-30T02:00:00Z'],
])('%s is %s', (text, expected) => {
  expect(told(text)).toBe(expected);
});

test.each([
  ['2016-03-27T02:30:00', /turned forward/],
  ['2026-02-30T00:00:00', /does not exist/],
  ['2026-02-28T24:00:00', /does not exist/],
  ['1970-01-01T00:00:00Z', /before 2000/],
  ['2026-09-01', /no time/],
  ['1788220800', /no time/],
  ['2026-09-01T00:00:00+8', /no time/],
  ['2026-09-01T00:00:00 CET', /no time/],
])('%s is refused', (text, detail) => {
  expect(told(text)).toMatch(detail);
});

test.each([
  ['68321.0', 68321n, 0],
  ['3.5625000000000004', 35625000000000004n, 16],
  ['1e-05', 1n, 5],
  ['1.5E3', 1500n, 0],
  ['-0.5', -5n, 1],
  ['007', 7n, 0],
])('value %s is %i / 10^%i', (text, units, scale) => {
  expect(parseValue(text)).toEqual({ units, scale });
});

test.each(['12,5', '', 'NaN', '1e400', '0x10', '1 000', '∞'])('value "%s" is refused', (text) => {
  expect(parseValue(text)).toEqual(expect.any(String));
});
