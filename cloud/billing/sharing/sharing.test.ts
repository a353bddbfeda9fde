/** Sharing rules by example, from the park document to the statement. */
import { describe, expect, test } from 'vitest';
import type { Park, Pool } from '../../../protocols/park.ts';
import { checkPark } from '../../check-park.ts';
import { type BillingOutcome, billPeriod } from '../bill-period.ts';
import { traceOf } from '../replay-basis.ts';
import { replayStatement } from '../replay-statement.ts';
import { sampleInput, samplePark } from '../sample-park.ts';
import { bill, counting, hot, lineOf, lobby, parkWith, rule } from './lobby-park.ts';

/** kWh by `holder|pool`, of what is shared. */
const shared = (park: Park): Record<string, number> =>
  Object.fromEntries(
    bill(park)
      .charges.filter(({ pool }) => pool !== 'own')
      .map(({ holder, pool, quantity }) => [`${holder ?? 'landlord'}|${pool}`, Number(quantity) / 1e6]),
  );

describe('who bears what of 480 kWh', () => {
  test.each<[string, Park, Record<string, number>]>([
    ['area x days', parkWith([rule()]), { 'L1|lobby': 360, 'L2|lobby': 120 }],
    [
      'own consumption, weighted by time of use',
      parkWith([
        rule({ method: { kind: 'weights', weight: '分时加权用量' }, touWeights: { valley: '0.5' } }),
      ]),
      { 'L1|lobby': 240, 'L2|lobby': 240 },
    ],
    [
      'a blend of consumption and area',
      parkWith([
        rule({
          method: { kind: 'weights', weight: '0.5 * 本户用量 / 总用量 + 0.5 * 面积 / 总面积' },
        }),
      ]),
      { 'L1|lobby': 300, 'L2|lobby': 180 },
    ],
    [
      'a factor: the rest is a line of the landlord',
      parkWith(
        [
          rule({
            method: { kind: 'weights', weight: '面积', factor: '(最高温 - 26) / 10' },
          }),
        ],
        { temperatures: hot },
      ),
      { 'L1|lobby': 270, 'L2|lobby': 90, 'landlord|lobby.unrecovered': 120 },
    ],
    [
      'the operator’s words as they stand',
      parkWith(
        [rule({ method: { kind: 'quantity', quantity: '总表差值 * 面积 / 总面积 * (最高温 - 26) / 10' } })],
        { temperatures: hot },
      ),
      { 'L1|lobby': 270, 'L2|lobby': 90, 'landlord|lobby.unrecovered': 120 },
    ],
    [
      'negotiated: who did not sign pays nothing, and the others no more',
      parkWith(
        [rule()],
        {
          leases: [
            { id: 'L1', tenant: 'One', units: ['A-101'], from: '2026-01-01', to: null },
            {
              id: 'L2',
              tenant: 'Two',
              units: ['A-102'],
              from: '2026-01-01',
              to: null,
              signed: [{ rule: 'R-lobby', version: 1, on: '2026-01-01' }],
            },
          ],
        },
        [{ ...lobby, sharing: 'negotiated' }],
      ),
      { 'L2|lobby': 120, 'landlord|lobby.unassigned': 360 },
    ],
    [
      'a cap: what lies above is the landlord’s',
      parkWith([rule({ leaseCap: '面积 * 1 kWh / 1 m2' })]),
      { 'L1|lobby': 300, 'L2|lobby': 100, 'landlord|lobby.unassigned': 80 },
    ],
    [
      'vacancy is the landlord’s',
      parkWith([rule()], {
        leases: [{ id: 'L1', tenant: 'One', units: ['A-101'], from: '2026-01-01', to: '2026-09-16' }],
      }),
      { 'L1|lobby': 180, 'landlord|lobby': 300, 'landlord|vacancy': 360 },
    ],
    [
      'an area that changed in mid-month counts by its days',
      parkWith([rule()], {
        units: samplePark.units.map((unit) => ({
          ...unit,
          areaM2: unit.id === 'A-101' ? '300' : '100',
          ...(unit.id === 'A-101' ? { formerAreas: [{ to: '2026-09-16', areaM2: '100' }] } : {}),
        })),
      }),
      { 'L1|lobby': 120 + 180, 'L2|lobby': 120 + 60 },
    ],
    [
      'a rule that changed in mid-month counts by its days',
      parkWith([
        rule({ to: '2026-09-16' }),
        rule({ version: 2, from: '2026-09-16', method: { kind: 'weights', weight: '本户用量' } }),
      ]),
      { 'L1|lobby': 180 + 120, 'L2|lobby': 60 + 120 },
    ],
    [
      'nobody weighs anything: the landlord',
      parkWith([rule({ method: { kind: 'weights', weight: '0 * 面积' } })]),
      { 'landlord|lobby': 480 },
    ],
  ])('%s', (_, park, expected) => expect(shared(park)).toEqual(expected));

  test('head count is what the lease has on record, by its dates', () => {
    const persons = (value: string, from = '2026-01-01', to: string | null = null) => ({
      name: '人数',
      value,
      from,
      to,
    });
    const park = parkWith([rule({ method: { kind: 'weights', weight: 'persons * days' } })], {
      leases: [
        {
          id: 'L1',
          tenant: 'One',
          units: ['A-101'],
          from: '2026-01-01',
          to: null,
          values: [persons('10', '2026-01-01', '2026-09-16'), persons('30', '2026-09-16')],
        },
        { id: 'L2', tenant: 'Two', units: ['A-102'], from: '2026-01-01', to: null, values: [persons('10')] },
      ],
    });
    expect(shared(park)).toEqual({ 'L1|lobby': 120 + 180, 'L2|lobby': 120 + 60 });
  });

  test('a kWh for each degree above 26, day by day', () => {
    const temperatures = hot.map((day, i) => ({ ...day, maximum: i < 10 ? '31' : '25' }));
    const quantity = 'sum_by_day(当日公摊量 * max(日最高温 - 26, 0) / 10 °C) * 面积 / 总面积';
    const park = parkWith([rule({ method: { kind: 'quantity', quantity } })], { temperatures });
    expect(shared(park)).toEqual({ 'L1|lobby': 60, 'L2|lobby': 20, 'landlord|lobby.unrecovered': 400 });
  });
});

describe('pools that pass on', () => {
  const chiller: Pool = {
    ...lobby,
    id: 'chiller',
    scope: { kind: 'park' },
    rule: { ...lobby.rule, id: 'R-chiller' },
  };
  const floorB: Pool = { ...lobby, id: 'floor-b', scope: { kind: 'building', building: 'B' } };
  const passOn = rule({
    id: 'R-chiller',
    method: { kind: 'weights', weight: '0 * 面积' },
    pools: [
      { pool: 'lobby', weight: '面积' },
      { pool: 'floor-b', weight: '面积' },
    ],
  });
  const nested = parkWith([rule(), passOn], {}, [chiller, lobby, floorB]);

  test('each is given its part, and shares it by its own rule', () => {
    // 400 of 600 m2 lie in building A: 320 of the chiller's 480 kWh go to the lobby; building B stands empty.
    expect(shared(nested)).toEqual({
      'L1|lobby': (480 + 320) * 0.75,
      'L2|lobby': (480 + 320) * 0.25,
      'landlord|floor-b': 480 + 160,
    });
  });
  test('the statement shows the way: pools, rules, weights, and every step', () => {
    const { basis } = lineOf(nested, 'L1', 'lobby');
    if (basis.kind !== 'rule') throw new Error(basis.kind);
    expect(basis.streams.map(({ path }) => path.map(({ pool, share }) => `${pool} ${share}`))).toEqual([
      ['lobby 3/4'],
      ['chiller 2/3', 'lobby 3/4'],
    ]);
    const [hop] = basis.streams[0]?.path ?? [];
    if (hop === undefined) throw new Error('no hop');
    expect(traceOf(hop.weight).steps.map(({ text, value }) => `${text} = ${value.n}`)).toEqual([
      '面积 = 300',
      '天数 = 30',
      '面积 * 天数 = 9000',
    ]);
  });
  test('pools that serve one another follow the declared order, and nothing flows back', () => {
    const back = rule({ pools: [{ pool: 'chiller', weight: '100 m2 * 天数' }] });
    const both = parkWith([back, { ...passOn, pools: [{ pool: 'lobby', weight: '面积' }] }], {}, [
      chiller,
      lobby,
    ]);
    expect(checkPark(both)).toEqual([
      'pools chiller -> lobby -> chiller serve one another: declare their order in stepDown',
    ]);
    expect(shared({ ...both, stepDown: ['chiller', 'lobby'] })).toEqual({ 'L1|lobby': 720, 'L2|lobby': 240 });
    // The other way round the lobby gives a fifth of its own to the chiller, which serves nobody but it.
    expect(shared({ ...both, stepDown: ['lobby', 'chiller'] })).toEqual({
      'L1|lobby': 288,
      'L2|lobby': 96,
      'landlord|chiller': 576,
    });
  });
});

describe('meter differences', () => {
  const pool: Pool = { ...lobby, difference: { meter: 'E-0', negative: 'block' } };
  const park = parkWith([rule()], {}, [pool]);
  const withoutMeter = { ...park, meters: park.meters.filter(({ id }) => id !== 'E-lobby') };
  const input = (lossPercent: bigint, of: Park) =>
    billPeriod(sampleInput(counting, { park: of, lossPercent }));
  const kwh = (outcome: BillingOutcome): Record<string, number> | string =>
    outcome.ok
      ? Object.fromEntries(
          outcome.charges
            .filter((one) => one.pool !== 'own')
            .map((one) => [`${one.holder ?? 'landlord'}|${one.pool}`, Number(one.quantity) / 1e6]),
        )
      : outcome.code;

  test('what the main meter counts beyond the others is shared, all of it', () => {
    const outcome = input(25n, withoutMeter);
    expect(kwh(outcome)).toEqual({ 'L1|lobby': 90, 'L2|lobby': 30 });
    if (outcome.ok) for (const draft of outcome.statementDrafts) expect(replayStatement(draft)).toEqual([]);
  });
  test('a negative one stops the run, or leaves the pool empty where that is declared', () => {
    expect(kwh(input(-25n, withoutMeter))).toBe('negative_residual');
    const declared = {
      ...withoutMeter,
      pools: [{ ...pool, difference: { meter: 'E-0', negative: 'landlord' as const } }],
    };
    const outcome = input(-25n, declared);
    expect(kwh(outcome)).toEqual({});
    expect(outcome.ok && outcome.warnings.join()).toContain('its pool is empty');
  });
});

test('too much of what a rule rests on is estimated: the fixed key', () => {
  const park = parkWith([
    rule({
      method: { kind: 'weights', weight: '本户用量' },
      fallback: { basis: 'area', above: '0.25', weight: '面积 * 天数' },
    }),
  ]);
  const input = sampleInput(counting, { park, lossPercent: 0n });
  const usage = input.usage.map((row) =>
    row.meter === 'E-A-101' && row.date === '2026-09-09'
      ? { ...row, estimated: row.quantity, estimatedIntervals: 1 }
      : row,
  );
  const outcome = billPeriod({ ...input, usage, acceptEstimates: { by: 'a', reason: 'b' } });
  const line = outcome.ok && outcome.charges.find(({ holder, pool }) => holder === 'L1' && pool === 'lobby');
  expect(line).toMatchObject({ quantity: 360_000_000n });
});

describe('several owners', () => {
  const owner = (id: string, share: string) => ({ owner: id, name: id, share });
  const vacant = parkWith([rule()], {
    leases: [{ id: 'L1', tenant: 'One', units: ['A-101'], from: '2026-01-01', to: null }],
  });
  const parts = (owners: Park['owners']) =>
    Object.fromEntries(
      bill({ ...vacant, ...(owners === undefined ? {} : { owners }) }).owners.map((part) => [
        `${part.owner}|${part.pool}`,
        part.net,
      ]),
    );

  test('bear the landlord’s part of a building by their shares, to the minor unit', () => {
    // The vacant unit's 240 kWh and its quarter of the lobby's 480 are the landlord's, at 1 yuan each.
    const spans = { from: '2026-01-01', to: null };
    expect(parts([{ building: 'A', ...spans, shares: [owner('x', '2/3'), owner('y', '1/3')] }])).toEqual({
      'x|vacancy': 16_000n,
      'y|vacancy': 8_000n,
      'x|lobby': 8_000n,
      'y|lobby': 4_000n,
    });
  });
  test('for the days on which they are declared; the rest is undivided', () => {
    const spans = { from: '2026-09-16', to: null };
    expect(parts([{ building: 'A', ...spans, shares: [owner('x', '1')] }])).toEqual({
      'x|vacancy': 12_000n,
      'null|vacancy': 12_000n,
      'x|lobby': 6_000n,
      'null|lobby': 6_000n,
    });
  });
  test('are nobody where none is declared', () => expect(parts(undefined)).toEqual({}));
});

test('a hop that was changed is found by working it out again', () => {
  const park = parkWith([rule({ method: { kind: 'weights', weight: '面积', factor: '0.5' } })]);
  const [draft] = bill(park).statementDrafts;
  if (draft === undefined) throw new Error('no statement');
  const edits: [RegExp, string, RegExp][] = [
    [/"value":"300"/, '"value":"299"', /weight is stated/],
    [/"share":"3\/8"/, '"share":"1/8"', /share is stated/],
    [/"value":"1\/2"/, '"value":"1/3"', /factor is stated/],
    [/"totalWeight":"400"/, '"totalWeight":"500"', /share is stated/],
    [/"text":"面积"/, '"text":"面积 * 2"', /weight is stated/],
    [/"text":"0.5"/, '"text":"1 /"', /no formula/],
  ];
  for (const [from, to, message] of edits) {
    const edited = JSON.parse(JSON.stringify(draft).replace(from, to));
    expect(
      replayStatement(edited)
        .map((finding) => finding.message)
        .join(),
      `${from}`,
    ).toMatch(message);
  }
});
