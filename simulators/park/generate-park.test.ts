import { describe, expect, test } from 'vitest';
import { parseDecimal } from '../../protocols/decimal.ts';
import { Park } from '../../protocols/park.ts';
import { micro } from '../../protocols/units.ts';
import { readProfiles } from '../profiles.ts';
import { generatePark } from './generate-park.ts';
import { meterPlans } from './meter-plans.ts';

const profiles = readProfiles();
const period = '2026-09';
const generated = generatePark({ seed: 7, period, profiles });
const { park, truth, planted } = generated;
const { fromMs, toMs } = truth.grid;
const monthOf = (meter: string): number => truth.consumedMicro(truth.of(meter), fromMs, toMs);

describe('the demo park', () => {
  test('is a valid park document of 62 electricity and 22 water meters and 12 leases', () => {
    expect(Park.safeParse(park).error).toBeUndefined();
    expect(park.meters.filter(({ utility }) => utility === 'electricity')).toHaveLength(62);
    expect(park.meters.filter(({ utility }) => utility === 'water')).toHaveLength(22);
    expect(park.leases).toHaveLength(12);
  });
  test('covers a site-local month at 15 minutes', () => {
    expect(Temporal.Instant.fromEpochMilliseconds(fromMs).toString()).toBe('2026-08-31T16:00:00Z');
    expect(truth.boundaries()).toHaveLength(30 * 96 + 1);
  });
  test('is the same to the byte for the same seed, and another for another', () => {
    const bytes = (seed: number): string => JSON.stringify(generatePark({ seed, period, profiles }).park);
    expect(bytes(7)).toBe(JSON.stringify(park));
    expect(bytes(8)).not.toBe(JSON.stringify(park));
  });
  test('one room changes hands within the month, with vacant days between', () => {
    const [before, after] = park.leases.filter(({ units }) => units.includes('A-302'));
    expect(before?.to?.slice(0, 7)).toBe(period);
    expect(after?.from.slice(0, 7)).toBe(period);
    expect(before?.to && after && before.to < after.from).toBe(true);
  });
});

describe('what the meters count', () => {
  test.each(meterPlans.filter(({ load }) => load === null))(
    '$id counts its children and its known loss, to its own step',
    ({ id, lossPerMillion }) => {
      const step = truth.of(id).stepMicro * truth.of(id).multiplier;
      for (const atMs of truth.boundaries()) {
        const below = meterPlans
          .filter(({ parent }) => parent === id)
          .reduce((sum, child) => sum + truth.consumedMicro(truth.of(child.id), fromMs, atMs), 0);
        const expected = below + Math.floor((below * lossPerMillion) / 1_000_000);
        const counted = truth.consumedMicro(truth.of(id), fromMs, atMs);
        expect(counted).toBe(Math.floor(expected / step) * step);
      }
    },
  );
  test.each(park.meters)('$id never runs backward, and never faster than it can count', (meter) => {
    const { counts, stepMicro } = truth.of(meter.id);
    const steps = Array.from(counts.subarray(1), (count, i) => count - (counts[i] ?? 0));
    expect(Math.min(...steps)).toBeGreaterThanOrEqual(0);
    expect(Math.max(...steps) * stepMicro * 4).toBeLessThanOrEqual(Number(parseDecimal(meter.maxPerHour, 6)));
  });
  test('one face rolls over within the month', () => {
    const meter = truth.of(planted.rollover.meter);
    expect(truth.faceMicro(meter, toMs)).toBeLessThan(truth.faceMicro(meter, fromMs));
  });
  test('a meter exchange loses nothing: the two faces add up to what was counted', () => {
    const { exchange } = planted;
    const meter = truth.of(exchange.meter);
    const old = micro(exchange.finalOld) - BigInt(truth.faceMicro(meter, fromMs));
    const young = BigInt(truth.faceMicro(meter, toMs)) - micro(exchange.initialNew);
    expect((old + young) * BigInt(meter.multiplier)).toBe(BigInt(monthOf(exchange.meter)));
  });
  test('after the month the last four weeks repeat, without a jump', () => {
    const meter = truth.of('E-A-201-P');
    const beforeMs = toMs - 28 * 86_400_000;
    for (const intoMs of [0, 450_000, 900_000, 5 * 86_400_000]) {
      const known = truth.consumedMicro(meter, beforeMs, beforeMs + intoMs);
      expect(truth.consumedMicro(meter, toMs, toMs + intoMs)).toBe(known);
    }
  });
  test('the leak starts in the middle of the month and shows in the nights after it', () => {
    const { leak } = planted;
    const meter = truth.of(leak.meter);
    const night = (atMs: number): number => truth.consumedMicro(meter, atMs, atMs + 3_600_000);
    const nightBefore = night(leak.fromMs - 86_400_000);
    expect(night(leak.fromMs + 86_400_000)).toBeGreaterThan(nightBefore + (leak.perHour - 30) * 1000);
  });
});

describe('the suppliers bill what their inlet meters counted', () => {
  test.each([
    ['electricity', 'E-0'],
    ['water', 'W-0'],
  ])('%s', (utility, inlet) => {
    const bill = park.sourceBills.find((one) => one.utility === utility);
    expect(micro(bill?.quantity ?? '0')).toBe(BigInt(monthOf(inlet)));
    const energy = bill?.lines.filter(({ touPeriod }) => touPeriod !== null) ?? [];
    const sum = energy.reduce((all, { quantity }) => all + micro(quantity ?? '0'), 0n);
    if (utility === 'electricity') expect(sum).toBe(BigInt(monthOf(inlet)));
    for (const { net, tax } of bill?.lines ?? []) {
      expect(parseDecimal(net, 2) > 0n && parseDecimal(tax, 2) > 0n).toBe(true);
    }
  });
  test('no tier of a tenant tariff is dearer than the supplier, so recovery cannot exceed the bill', () => {
    const bill = park.sourceBills.find(({ utility }) => utility === 'water');
    for (const tariff of park.tariffs) {
      if (tariff.kind !== 'tiered') continue;
      const line = bill?.lines.find(({ component }) => component === tariff.component);
      const billed = parseDecimal(line?.net ?? '0', 2) * 10n ** 10n;
      for (const { unit, flat } of tariff.tiers) {
        // Half a fen of rounding is far below what the landlord's own meters use.
        expect(parseDecimal(unit, 6) * (micro(bill?.quantity ?? '0') - 1_000_000n) < billed).toBe(true);
        expect(flat).toBe('0');
      }
    }
  });
});

describe('the wiring', () => {
  test('reaches every meter once, by a unit id of its own on its bus', () => {
    const { buses, push } = generated.wiring;
    const reached = [...buses.flatMap(({ meters }) => meters), ...push].map(({ meter }) => meter);
    expect(reached.sort()).toEqual(park.meters.map(({ id }) => id).sort());
    for (const { meters } of buses) expect(new Set(meters.map(({ unit }) => unit)).size).toBe(meters.length);
  });
});
