import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { formatMicro, micro } from '../../protocols/units.ts';
import { deriveIntervals } from './derive-intervals.ts';
import type { MeterFacts } from './meter-facts.ts';
import type { RegisterPoint } from './register-step.ts';
import { type SiteGrid, siteGrid } from './site-grid.ts';

const at = (text: string): number => Temporal.Instant.from(text).epochMilliseconds;
const device = {
  fromMs: Number.NEGATIVE_INFINITY,
  toMs: Number.POSITIVE_INFINITY,
  multiplier: micro('1'),
  modulus: micro('1000000'),
  initial: null,
  final: null,
};
const facts = (over: Partial<typeof device> = {}, maxPerHour = '400'): MeterFacts => ({
  maxPerHour: micro(maxPerHour),
  devices: [{ ...device, ...over }],
});
const shanghai = (fromText: string, toText: string): SiteGrid =>
  siteGrid({ timeZone: 'Asia/Shanghai', fromMs: at(fromText), toMs: at(toText), minutes: 15 });

/** `"00:00 10, 00:15 12"` on one site-local day. */
const day = '2026-09-01';
const points = (text: string): RegisterPoint[] =>
  text.split(', ').map((one) => {
    const [time = '', value = ''] = one.split(' ');
    return { atMs: at(`${day}T${time}+08:00`), value: micro(value) };
  });
const derive = (text: string, toText: string, over: Partial<typeof device> = {}) =>
  deriveIntervals({
    grid: shanghai(`${day}T00:00+08:00`, `${day}T01:00+08:00`),
    readings: points(text),
    facts: facts(over),
    fromMs: at(`${day}T00:00+08:00`),
    toMs: at(`${day}T${toText}+08:00`),
  });
const told = (text: string, toText: string, over: Partial<typeof device> = {}) =>
  derive(text, toText, over).intervals.map(
    ({ quantity, quality, method, reason }) =>
      `${quantity === null ? '-' : formatMicro(quantity)} ${quality} ${method}${reason && ` ${reason}`}`,
  );

describe('an interval', () => {
  test.each([
    [
      'is the difference of two registers',
      '00:00 10, 00:15 12.5, 00:30 12.5',
      '00:30',
      ['2.5 actual difference', '0 actual difference'],
    ],
    [
      'takes a reading up to two minutes late as its boundary',
      '00:00 10, 00:16:59 12, 00:30 13',
      '00:30',
      ['2 actual difference', '1 actual difference'],
    ],
    [
      'is estimated where nobody read its boundary',
      '00:00 10, 00:30 13',
      '00:30',
      ['1.5 estimated linear gap', '1.5 estimated linear gap'],
    ],
    [
      'is missing after the last reading, not zero',
      '00:00 10, 00:15 12',
      '00:45',
      ['2 actual difference', '- missing none gap', '- missing none gap'],
    ],
    [
      'is missing before the first reading',
      '00:15 10, 00:30 12',
      '00:30',
      ['- missing none no_reading', '2 actual difference'],
    ],
    [
      'shares a reading between boundaries by time',
      '00:00 10, 00:20 14, 00:30 14',
      '00:30',
      ['3 estimated linear gap', '1 estimated linear gap'],
    ],
    [
      'leaves bad registers out and names them',
      '00:00 10, 00:15 8, 00:30 14',
      '00:30',
      ['2 estimated linear dip', '2 estimated linear dip'],
    ],
    [
      'is measured over an instant between boundaries',
      '00:00 10, 00:07 11, 00:15 12',
      '00:15',
      ['2 actual difference'],
    ],
  ])('%s', (_, text, toText, expected) => {
    expect(told(text, toText)).toEqual(expected);
  });

  test('a decimal multiplier never loses a millionth over a span', () => {
    const text = '00:00 0.000001, 00:15 0.000002, 00:30 0.000003, 00:45 0.000004';
    const { intervals } = derive(text, '00:45', { multiplier: micro('1.5') });
    expect(intervals.map(({ quantity }) => quantity)).toEqual([2n, 1n, 2n]);
  });
});

describe('events', () => {
  test('a rollover counts over the top and is told', () => {
    const { intervals, events } = derive('00:00 999990, 00:15 5', '00:15');
    expect(intervals.map(({ quantity }) => quantity)).toEqual([micro('15')]);
    expect(events).toEqual([{ kind: 'rollover', atMs: at(`${day}T00:15+08:00`) }]);
  });

  test('an exchange between two readings: (final - r0) x old + (r1 - initial) x new', () => {
    const exchangeMs = at(`${day}T00:20+08:00`);
    const { intervals, events } = deriveIntervals({
      grid: shanghai(`${day}T00:00+08:00`, `${day}T01:00+08:00`),
      readings: points('00:00 100, 00:15 101, 00:30 7, 00:45 8'),
      facts: {
        maxPerHour: micro('400'),
        devices: [
          { ...device, toMs: exchangeMs, multiplier: micro('20'), final: micro('102') },
          { ...device, fromMs: exchangeMs, multiplier: micro('40'), initial: micro('5') },
        ],
      },
      fromMs: at(`${day}T00:00+08:00`),
      toMs: at(`${day}T00:45+08:00`),
    });
    expect(intervals.map(({ quantity, quality }) => `${quality} ${formatMicro(quantity ?? 0n)}`)).toEqual([
      'actual 20',
      'actual 100',
      'actual 40',
    ]);
    expect(events).toEqual([{ kind: 'exchange', atMs: exchangeMs }]);
  });
});

describe('a gap', () => {
  const fromMs = at('2026-09-01T00:00+08:00');
  const toMs = at('2026-09-15T00:00+08:00');
  const grid = siteGrid({ timeZone: 'Asia/Shanghai', fromMs, toMs, minutes: 15 });
  /** Days at 4 a quarter by day, 1 by night; half of it on weekends. */
  const readings: RegisterPoint[] = [];
  let value = 0n;
  grid.boundaries.forEach((atMs, k) => {
    readings.push({ atMs, value });
    const slot = grid.slots[k] ?? 0;
    value += micro(slot >= 32 && slot < 72 ? '4' : '1') / (grid.weekend[k] === 1 ? 2n : 1n);
  });
  const gapFrom = at('2026-09-09T06:00+08:00');
  const gapTo = at('2026-09-10T20:00+08:00');
  const without = readings.filter(({ atMs }) => atMs <= gapFrom || atMs >= gapTo);

  test('is shaped by like days and keeps the register difference', () => {
    const span = { grid, facts: facts(), fromMs: gapFrom, toMs: gapTo };
    const truth = deriveIntervals({ ...span, readings }).intervals;
    const filled = deriveIntervals({ ...span, readings: without }).intervals;
    expect(filled.map(({ quantity }) => quantity)).toEqual(truth.map(({ quantity }) => quantity));
    expect(new Set(filled.map(({ quality, method, reason }) => `${quality} ${method} ${reason}`))).toEqual(
      new Set(['estimated profile_scaled gap']),
    );
  });

  test('nobody has ended is missing to the end', () => {
    const { intervals } = deriveIntervals({
      grid,
      facts: facts(),
      fromMs: gapFrom,
      toMs,
      readings: readings.filter(({ atMs }) => atMs <= gapFrom),
    });
    expect(intervals.every(({ quantity, quality }) => quantity === null && quality === 'missing')).toBe(true);
  });
});

test.each([
  ['2026-03-29', 92],
  ['2026-10-25', 100],
  ['2026-06-01', 96],
])('%s in Madrid has %i quarters, contiguous and each counted', (date, number) => {
  const noon = at(`${date}T12:00Z`);
  const grid = siteGrid({ timeZone: 'Europe/Madrid', fromMs: noon, toMs: noon, minutes: 15 });
  const readings = grid.boundaries.map((atMs, k) => ({ atMs, value: micro('3') * BigInt(k) }));
  const [first = 0] = grid.boundaries;
  const last = grid.boundaries.at(-1) ?? 0;
  const { intervals } = deriveIntervals({ grid, readings, facts: facts(), fromMs: first, toMs: last });
  expect(intervals).toHaveLength(number);
  expect(intervals.every(({ quantity }) => quantity === micro('3'))).toBe(true);
  expect(intervals.slice(1).every(({ startMs }, i) => startMs === intervals[i]?.endMs)).toBe(true);
});

/** A meter that counts truly: its register over the grid, with an exchange in the middle, and what it really consumed. */
const meters = fc.record({
  steps: fc.array(fc.bigInt({ min: 0n, max: 90_000_000n }), { minLength: 30, maxLength: 120 }),
  start: fc.oneof(
    fc.bigInt({ min: 0n, max: 99_999_999_999n }),
    fc.bigInt({ min: 98_000_000_000n, max: 99_999_999_999n }),
  ),
  multiplier: fc.bigInt({ min: 1n, max: 500_000_000n }),
  nextMultiplier: fc.bigInt({ min: 1n, max: 500_000_000n }),
  exchangeAfter: fc.option(fc.nat(25), { nil: null }),
  kept: fc.array(fc.boolean(), { minLength: 121, maxLength: 121 }),
  lateMs: fc.array(fc.nat(120_000), { minLength: 121, maxLength: 121 }),
  zone: fc.constantFrom(
    ['Asia/Shanghai', '2026-09-01T16:00Z'],
    ['Europe/Madrid', '2026-03-28T18:00Z'],
    ['Europe/Madrid', '2026-10-24T18:00Z'],
  ),
  shuffle: fc.array(fc.nat(), { minLength: 121, maxLength: 121 }),
});
type Made = typeof meters extends fc.Arbitrary<infer T> ? T : never;

const MODULUS = micro('100000');
function play({ steps, start, multiplier, nextMultiplier, exchangeAfter, kept, lateMs, zone }: Made) {
  const [timeZone = '', fromText = ''] = zone;
  const fromMs = at(fromText);
  const grid = siteGrid({ timeZone, fromMs, toMs: fromMs + 121 * 900_000, minutes: 15 });
  const exchangeMs = exchangeAfter === null ? null : fromMs + exchangeAfter * 900_000 + 400_000;
  const readings: RegisterPoint[] = [];
  let value = start;
  let final: bigint | null = null;
  steps.forEach((step, i) => {
    if (i === 0 || i === steps.length - 1 || kept[i] === true)
      readings.push({ atMs: fromMs + i * 900_000 + (lateMs[i] ?? 0), value });
    if (i === exchangeAfter) {
      final = (value + step / 2n) % MODULUS;
      value = step;
    } else value = (value + step) % MODULUS;
  });
  const old = { ...device, modulus: MODULUS, multiplier };
  const devices =
    exchangeMs === null
      ? [old]
      : [
          { ...old, toMs: exchangeMs, final },
          { ...old, fromMs: exchangeMs, multiplier: nextMultiplier, initial: 0n },
        ];
  const last = steps.length - 1;
  return {
    input: {
      grid,
      readings,
      facts: { maxPerHour: micro('400'), devices } as MeterFacts,
      fromMs,
      toMs: fromMs + last * 900_000,
    },
    truth: () => {
      const floor = (v: bigint, m: bigint) => (v * m) / 1_000_000n;
      const part = (from: number, to: number) => steps.slice(from, to).reduce((a, b) => a + b, 0n);
      if (exchangeAfter === null || exchangeAfter >= last)
        return floor(start + part(0, last), multiplier) - floor(start, multiplier);
      const cut = steps[exchangeAfter] ?? 0n;
      const oldEnd = start + part(0, exchangeAfter) + cut / 2n;
      const newEnd = cut + part(exchangeAfter + 1, last);
      return floor(oldEnd, multiplier) - floor(start, multiplier) + floor(newEnd, nextMultiplier);
    },
  };
}
const seeded = { seed: 20260901, numRuns: 300 };

describe('over random registers with rollovers, exchanges, gaps, late stamps and decimal multipliers', () => {
  test('the intervals of a span add up to what its registers say, to the millionth, and none is negative', () => {
    fc.assert(
      fc.property(meters, (made) => {
        const { input, truth } = play(made);
        const { intervals } = deriveIntervals(input);
        expect(intervals).toHaveLength(made.steps.length - 1);
        expect(intervals.every(({ quantity }) => quantity !== null && quantity >= 0n)).toBe(true);
        expect(intervals.reduce((sum, { quantity }) => sum + (quantity ?? 0n), 0n)).toBe(truth());
      }),
      seeded,
    );
  });

  test('shuffled and repeated arrival gives the same intervals', () => {
    fc.assert(
      fc.property(meters, (made) => {
        const { input } = play(made);
        const shuffled = [...input.readings, ...input.readings.filter((_, i) => i % 3 === 0)]
          .map((reading, i) => ({ reading, key: (made.shuffle[i % 121] ?? 0) + i }))
          .sort((a, b) => a.key - b.key)
          .map(({ reading }) => reading);
        expect(deriveIntervals({ ...input, readings: shuffled })).toEqual(deriveIntervals(input));
      }),
      seeded,
    );
  });

  test('a part of the span between two readings comes out the same on its own', () => {
    fc.assert(
      fc.property(meters, (made) => {
        const { input } = play(made);
        const whole = deriveIntervals(input).intervals;
        for (const one of whole.filter(({ quality }) => quality === 'actual').slice(0, 5)) {
          const alone = deriveIntervals({ ...input, fromMs: one.startMs, toMs: one.endMs });
          expect(alone.intervals).toEqual([one]);
        }
      }),
      { ...seeded, numRuns: 50 },
    );
  });
});
