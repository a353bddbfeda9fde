import { describe, expect, test } from 'vitest';
import type { Anomaly } from '../../../protocols/api.ts';
import { micro } from '../../../protocols/units.ts';
import type { DerivedInterval } from '../derive-intervals.ts';
import { type SiteGrid, siteDays, siteGrid } from '../site-grid.ts';
import { checkDay } from './check-day.ts';
import type { WatchedMeter } from './check-input.ts';
import { type DayFacts, dayFacts } from './day-facts.ts';

const timeZone = 'Asia/Shanghai';
const at = (text: string): number => Temporal.Instant.from(`${text}+08:00`).epochMilliseconds;
const month = siteDays(at('2026-09-01T00:00'), at('2026-10-01T00:00'), timeZone);
const grids = month.map(({ startMs, endMs }) =>
  siteGrid({ timeZone, fromMs: startMs, toMs: endMs, minutes: 15 }),
);

/** A meter of the park, with its own use (of a branch: what is lost in it) in units per hour. */
interface Spec {
  meter: WatchedMeter;
  rate(now: Now): number;
  /** What its register really does with the true quantity of an interval; null = nobody read it. */
  fault?: (quantity: number, now: Now) => number | null;
}
interface Now {
  ms: number;
  day: number;
  hour: number;
  weekend: boolean;
  /** A new factor near 1 for every interval, and one for every day. */
  noise: number;
  dayNoise: number;
}
const meter = (id: string, parent: string | null, over: Partial<WatchedMeter> = {}): WatchedMeter => ({
  id,
  parent,
  utility: id.startsWith('W') ? 'water' : 'electricity',
  gateway: 'gw-a',
  accuracyPercent: '1',
  settledMs: Number.NEGATIVE_INFINITY,
  ...over,
});
const work = ({ hour, weekend }: Now): boolean => !weekend && hour >= 8 && hour < 19;
const office = (size: number) => (now: Now) => size * (work(now) ? now.noise : 0.15) * now.dayNoise;
const restaurant = (size: number) => (now: Now) =>
  size * (now.hour >= 10 && now.hour < 22 ? (now.weekend ? 1.6 : 1) * now.noise : 0.08) * now.dayNoise;
const coldStore = (size: number) => (now: Now) =>
  size * (now.ms % 5_400_000 < 2_700_000 ? 1.6 : 0.4) * (1 + 0.2 * Math.sin(now.day)) * now.noise;
const workshop = (size: number) => (now: Now) =>
  size *
  (now.hour >= 6 && now.hour < 22 && !(now.weekend && now.hour > 12) ? 1 : 0.3) *
  now.noise *
  now.dayNoise;

/** Three levels each of electricity and water, with a tenant change on the 14th: an office moves out, a cold store in. */
const movedMs = at('2026-09-14T00:00');
const park = (): Map<string, Spec> => {
  const specs: Spec[] = [
    { meter: meter('E-root', null), rate: () => 2 },
    { meter: meter('E-A', 'E-root'), rate: ({ noise }) => 1.2 * noise },
    { meter: meter('E-B', 'E-root', { gateway: 'gw-b' }), rate: () => 0.5 },
    ...[1, 2, 3, 4, 5].map((i) => ({ meter: meter(`E-A-${i}`, 'E-A'), rate: office(8 * i) })),
    { meter: meter('E-A-6', 'E-A'), rate: restaurant(25) },
    { meter: meter('E-A-7', 'E-A'), rate: ({ hour }) => (hour < 6 || hour >= 18 ? 3 : 0.4) },
    { meter: meter('E-B-1', 'E-B', { gateway: 'gw-b' }), rate: workshop(60) },
    { meter: meter('E-B-2', 'E-B', { gateway: 'gw-b' }), rate: coldStore(30) },
    {
      meter: meter('E-B-3', 'E-B', { gateway: 'gw-b', settledMs: movedMs }),
      rate: (now) => (now.ms < movedMs ? office(10) : coldStore(40))(now),
    },
    { meter: meter('W-root', null), rate: () => 0.02 },
    { meter: meter('W-A', 'W-root'), rate: ({ noise }) => 0.01 * noise },
    { meter: meter('W-B', 'W-root'), rate: () => 0 },
    { meter: meter('W-A-1', 'W-A'), rate: (now) => (work(now) ? 0.8 * now.noise : 0) },
    { meter: meter('W-A-2', 'W-A'), rate: restaurant(1.2) },
    { meter: meter('W-A-pool', 'W-A'), rate: (now) => (work(now) ? 0.3 * now.noise : 0.01) },
    { meter: meter('W-B-1', 'W-B'), rate: coldStore(0.6) },
    {
      meter: meter('W-B-2', 'W-B', { settledMs: movedMs }),
      rate: (now) => (now.ms < movedMs ? (work(now) ? 0.5 : 0) : 0.4 * now.noise),
    },
  ];
  return new Map(specs.map((spec) => [spec.meter.id, spec]));
};

/** A seeded stream of numbers in [0, 1). */
function stream(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

/** Registers in thousandths, as faces show them; the truth of a branch is the sum of its children and its own loss. */
function playMonth(specs: Map<string, Spec>, seed: number): Map<string, DayFacts[]> {
  const random = stream(seed);
  const days = new Map<string, DayFacts[]>([...specs.keys()].map((id) => [id, []]));
  grids.forEach((grid, day) => {
    const dayNoise = new Map([...specs.keys()].map((id) => [id, 0.9 + 0.2 * random()]));
    const shown = new Map<string, (number | null)[]>([...specs.keys()].map((id) => [id, []]));
    for (let k = 0; k < grid.slots.length; k += 1) {
      const ms = grid.boundaries[k] ?? 0;
      const slot = grid.slots[k] ?? 0;
      const truth = new Map<string, number>();
      for (const [id, { meter: one, rate, fault }] of [...specs].reverse()) {
        const noise = 0.75 + 0.5 * random();
        const now = {
          ms,
          day,
          hour: slot / 4,
          weekend: grid.weekend[k] === 1,
          noise,
          dayNoise: dayNoise.get(id) ?? 1,
        };
        const quantity = (truth.get(id) ?? 0) + rate(now) / 4;
        if (one.parent !== null) truth.set(one.parent, (truth.get(one.parent) ?? 0) + quantity);
        shown.get(id)?.push(fault === undefined ? quantity : fault(quantity, now));
      }
    }
    for (const [id, quantities] of shown) days.get(id)?.push(factsOf(grid, quantities));
  });
  return days;
}

function factsOf(grid: SiteGrid, quantities: (number | null)[]): DayFacts {
  let carry = 0;
  const intervals = quantities.map((quantity, k): DerivedInterval => {
    const span = { startMs: grid.boundaries[k] ?? 0, endMs: grid.boundaries[k + 1] ?? 0 };
    if (quantity === null)
      return { ...span, quantity: null, quality: 'missing', method: 'none', reason: 'gap' };
    carry += quantity;
    const whole = Math.floor(carry * 1000);
    carry -= whole / 1000;
    return {
      ...span,
      quantity: micro('0.001') * BigInt(whole),
      quality: 'actual',
      method: 'difference',
      reason: '',
    };
  });
  return dayFacts(grid, intervals);
}

/** Checks night after night, with only what was there by then. */
function watch(specs: Map<string, Spec>, seed = 1, played = playMonth(specs, seed)): Map<string, Anomaly> {
  const known = new Map<string, Anomaly>();
  month.forEach(({ startMs, endMs }, index) => {
    const history = new Map([...played].map(([id, days]) => [id, days.slice(0, index + 1)]));
    const meters = [...specs.values()].map(({ meter: one }) => ({
      ...one,
      settledMs: one.settledMs < endMs ? one.settledMs : Number.NEGATIVE_INFINITY,
    }));
    const input = { timeZone, day: { startMs, endMs }, meters, history, known: [...known.values()] };
    for (const anomaly of checkDay(input)) {
      expect(Temporal.Instant.from(anomaly.raisedAt).epochMilliseconds).toBeLessThanOrEqual(endMs);
      for (const text of Object.values(anomaly.evidence))
        expect(text).toMatch(/^(?!.*(NaN|Infinity|m3)).+[.。]$/);
      known.set(anomaly.id, anomaly);
    }
    expect(checkDay({ ...input, known: [...known.values()] })).toEqual([]);
  });
  return known;
}
const change = (id: string, over: (spec: Spec) => Partial<Spec>): Map<string, Spec> => {
  const specs = park();
  const spec = specs.get(id);
  if (spec === undefined) throw new RangeError(id);
  return specs.set(id, { ...spec, ...over(spec) });
};
const ids = (found: Map<string, Anomaly>): string[] => [...found.keys()];
const since = (text: string) => (now: Now) => now.ms >= at(text);

describe('a month in which nothing is wrong', () => {
  test.each([1, 2, 3, 4, 5, 6, 7, 8])(
    'raises nothing over weekends, a tenant change, a cold store, a restaurant (seed %i)',
    (seed) => {
      expect(ids(watch(park(), seed))).toEqual([]);
    },
  );
});

describe('a leak from the afternoon of the 15th', () => {
  const leaking = since('2026-09-15T14:20');
  const leakOf = (id: string, flow: number) =>
    change(id, ({ rate }) => ({ rate: (now) => rate(now) + (leaking(now) ? flow : 0) }));

  test.each(['W-A-pool', 'W-A', 'W-root', 'W-B-1'])(
    'at %s is raised there after three nights, once, and not above it',
    (id) => {
      const found = watch(leakOf(id, 0.6));
      expect(ids(found)).toEqual([`night_flow-${id}-2026-09-16`]);
      const [leak] = found.values();
      expect(leak).toMatchObject({ raisedAt: '2026-09-18T16:00:00Z', end: null, severity: 'critical' });
    },
  );

  test('is explained by its figures', () => {
    const [leak] = watch(leakOf('W-A-pool', 0.4)).values();
    expect(leak?.evidence).toEqual({
      'zh-CN':
        '自 2026-09-16 起已有 3 夜，02:00–05:00 流量始终不低于 0.41 m³/h；' +
        '平时为 0.01 m³/h（此前 15 夜的中位数），限值 0.06 m³/h。每天约漏失 9.6 m³。',
      en:
        'At least 0.41 m³/h ran from 02:00 to 05:00 on each of 3 nights since 2026-09-16. ' +
        'Usual is 0.01 m³/h (median of 15 nights), the limit is 0.06 m³/h. About 9.6 m³ a day are lost.',
    });
  });

  test('that is mended has an end', () => {
    const mended = change('W-A-pool', ({ rate }) => ({
      rate: (now) => rate(now) + (leaking(now) && !since('2026-09-24T10:00')(now) ? 0.4 : 0),
    }));
    const found = watch(mended);
    expect(ids(found)).toEqual(['night_flow-W-A-pool-2026-09-16']);
    expect([...found.values()][0]?.end).toBe('2026-09-24T16:00:00Z');
  });

  test('under two meters at once is raised at both', () => {
    const specs = leakOf('W-A-pool', 0.5);
    const other = leakOf('W-root', 0.5).get('W-root');
    if (other !== undefined) specs.set('W-root', other);
    expect(ids(watch(specs)).sort()).toEqual([
      'night_flow-W-A-pool-2026-09-16',
      'night_flow-W-root-2026-09-16',
    ]);
  });
});

describe('a silence', () => {
  const silent = (now: Now, from: string, to: string) => since(from)(now) && !since(to)(now);
  const silence = (meters: string[], from: string, to: string) => {
    const specs = park();
    for (const id of meters) {
      const spec = specs.get(id);
      if (spec !== undefined)
        specs.set(id, { ...spec, fault: (quantity, now) => (silent(now, from, to) ? null : quantity) });
    }
    return specs;
  };

  test('of several meters of a gateway is one anomaly', () => {
    const found = watch(silence(['E-A-2', 'E-A-3', 'E-A-4'], '2026-09-12T08:15', '2026-09-12T14:30'));
    expect(ids(found)).toEqual(['gap-E-A-2-2026-09-12']);
    expect([...found.values()][0]).toMatchObject({
      start: '2026-09-12T00:15:00Z',
      raisedAt: '2026-09-12T16:00:00Z',
      evidence: {
        'zh-CN':
          '网关 gw-a 的 3 块仪表（E-A-2、E-A-3、E-A-4）自 2026-09-12 08:15 至 14:30 没有读数，共 6.25 小时。',
        en: '3 meters of gateway gw-a (E-A-2, E-A-3, E-A-4) gave no reading from 2026-09-12 08:15 to 14:30 (6.25 h).',
      },
    });
  });

  test('over midnight is raised while it lasts and ends later', () => {
    const found = watch(silence(['E-A-2', 'E-A-3'], '2026-09-12T20:00', '2026-09-15T09:00'));
    expect(ids(found)).toEqual(['gap-E-A-2-2026-09-12']);
    expect([...found.values()][0]).toMatchObject({
      raisedAt: '2026-09-12T16:00:00Z',
      end: '2026-09-15T01:00:00Z',
      evidence: {
        'zh-CN': '网关 gw-a 的 2 块仪表（E-A-2、E-A-3）自 2026-09-12 20:00 起没有读数，到当日结束已 4 小时。',
        en: '2 meters of gateway gw-a (E-A-2, E-A-3) gave no reading since 2026-09-12 20:00 (4 h by the end of the day).',
      },
    });
  });

  test('of registers that were read but are wrong names what is wrong with them', () => {
    const specs = silence(['E-A-2'], '2026-09-12T08:15', '2026-09-12T14:30');
    const played = playMonth(specs, 1);
    for (const hole of (played.get('E-A-2') ?? []).flatMap(({ holes }) => holes)) hole.reason = 'dip';
    const [found] = watch(specs, 1, played).values();
    expect(found?.evidence).toEqual({
      'zh-CN': '网关 gw-a 的仪表 E-A-2 自 2026-09-12 08:15 至 14:30 没有可用读数（短时回落），共 6.25 小时。',
      en: 'E-A-2 of gateway gw-a gave no usable reading (a dip) from 2026-09-12 08:15 to 14:30 (6.25 h).',
    });
  });

  test('of a poll or two is none', () => {
    expect(ids(watch(silence(['E-A-2'], '2026-09-12T08:15', '2026-09-12T08:45')))).toEqual([]);
  });

  test('on two gateways is two', () => {
    const found = watch(silence(['E-A-2', 'E-B-1'], '2026-09-12T08:15', '2026-09-12T14:30'));
    expect(ids(found)).toEqual(['gap-E-A-2-2026-09-12', 'gap-E-B-1-2026-09-12']);
  });
});

describe('a meter that counts wrongly', () => {
  test.each([
    ['E-A-3', '2026-09-17T10:00', 'stuck-E-A-3-2026-09-17', '2026-09-18T16:00:00Z'],
    ['E-root', '2026-09-17T10:00', 'stuck-E-root-2026-09-17', '2026-09-18T16:00:00Z'],
  ])('%s standing still is stuck, and no imbalance above it', (id, from, expected, raisedAt) => {
    const found = watch(change(id, () => ({ fault: (quantity, now) => (since(from)(now) ? 0 : quantity) })));
    expect(ids(found)).toEqual([expected]);
    expect([...found.values()][0]).toMatchObject({
      raisedAt,
      evidence: {
        'zh-CN': '读数自 2026-09-17 10:00 起没有变化。其间 38 小时，在以往的同类日里至少 95 % 都在走字。',
        en: 'The register has not moved since 2026-09-17 10:00. In 38 of the hours since, it moved on at least 95 % of like days before.',
      },
    });
  });

  test('passing a third of its consumption by is an imbalance of its parent', () => {
    const bypass = since('2026-09-17T00:00');
    const found = watch(
      change('E-B-1', () => ({ fault: (quantity, now) => (bypass(now) ? quantity * 0.67 : quantity) })),
    );
    expect(ids(found)).toEqual(['imbalance-E-B-2026-09-17']);
    expect([...found.values()][0]).toMatchObject({ severity: 'warning', raisedAt: '2026-09-19T16:00:00Z' });
  });

  test('counting double is an imbalance, critical', () => {
    const wrong = since('2026-09-17T00:00');
    const found = watch(
      change('E-B-2', () => ({ fault: (quantity, now) => (wrong(now) ? quantity * 2 : quantity) })),
    );
    expect([...found.values()].filter(({ kind }) => kind === 'imbalance')).toMatchObject([
      {
        id: 'imbalance-E-B-2026-09-17',
        severity: 'critical',
        evidence: {
          'zh-CN': expect.stringMatching(
            /^自 2026-09-17 起已有 3 天，下级表合计多于本表。最近一天差额 −606.27 kWh，/,
          ),
          en: expect.stringContaining(
            'the sub-meters together counted more than this meter. The last residual is −606.27 kWh of 2130.75 kWh (−28.45 %)',
          ),
        },
      },
    ]);
  });
});

test('a day that takes far more than any before is a surge', () => {
  const found = watch(
    change('E-A-2', ({ rate }) => ({ rate: (now) => rate(now) * (now.day === 21 ? 4 : 1) })),
  );
  expect(ids(found)).toEqual(['surge-E-A-2-2026-09-22']);
  expect([...found.values()][0]).toMatchObject({
    end: '2026-09-22T16:00:00Z',
    raisedAt: '2026-09-22T16:00:00Z',
    evidence: {
      'zh-CN': '2026-09-22 用了 826.96 kWh。此前 15 个同类日的中位数为 204.61 kWh，限值 409.22 kWh。',
      en: 'It took 826.96 kWh on 2026-09-22. The median of 15 like days before is 204.61 kWh, the limit is 409.22 kWh.',
    },
  });
});
