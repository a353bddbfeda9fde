import { expect, test } from 'vitest';
import { InstantText } from './reading.ts';

test.each([
  '2026-09-01T00:00:00Z',
  '2026-09-01T08:00:00+08:00',
  '2026-09-01T00:00:00.5Z',
  '2026-09-01T08:00:00.123456789+08:00',
])('%s is an instant, for Temporal too', (text) => {
  expect(InstantText.safeParse(text).success).toBe(true);
  expect(() => Temporal.Instant.from(text)).not.toThrow();
});

test.each([
  '2026-09-01T00:00:00.1234567890Z',
  '2026-09-01T08:00:00.0000000000+08:00',
  '2026-09-01T00:00:00',
  '2026-02-30T00:00:00Z',
])('%s is none', (text) => {
  expect(InstantText.safeParse(text).success).toBe(false);
});
