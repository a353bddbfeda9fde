import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import type { MeterRegister, RegisterValue } from '../drivers/meter-driver.ts';
import { gapBefore, heal } from './heal.ts';
import { type Gap, OpenGaps } from './open-gaps.ts';

const total: MeterRegister = { obis: '1-0:1.8.0', name: 'import', unit: 'kWh', billing: true };
const power: MeterRegister = { obis: '1-0:16.7.0', name: 'power', unit: 'W', billing: false };
const value = (readAtMs: number, text: string | null, register = total): RegisterValue => ({
  register,
  value: text,
  raw: '00',
  readAtMs,
});
const HOUR_MS = 3_600_000;
const gap: Gap = {
  meter: 'M-1',
  fromMs: 10 * HOUR_MS,
  toMs: 90 * HOUR_MS,
  registers: [{ obis: '1-0:1.8.0', before: '100', after: '200' }],
  tries: 0,
};

describe('a gap', () => {
  const minutes = (n: number) => n * 60_000;
  test.each<[string, number | null, number, RegisterValue['register'], string | null, boolean]>([
    ['begins with the last reading when boundaries went by', 0, 60, total, '5', true],
    ['is none when the last boundary was read', 45, 60, total, '5', false],
    ['is none when the last boundary was read late', 59, 60, total, '5', false],
    ['is none when one is read late', 45, 74, total, '5', false],
    ['of one boundary is one', 44, 60, total, '5', true],
    ['is none for a meter that was never read', null, 60, total, '5', false],
    ['is none for what bills nothing', 0, 60, power, '5', false],
    ['is not over before there is a value', 0, 60, total, null, false],
  ])('%s', (_title, last, now, register, text, isGap) => {
    const before = last === null ? null : { atMs: minutes(last), value: '4' };
    const found = gapBefore('M-1', [value(minutes(now), text, register)], minutes(15), () => before);
    expect(found).toEqual(
      isGap
        ? {
            meter: 'M-1',
            fromMs: minutes(last ?? 0),
            toMs: minutes(now),
            registers: [{ obis: register.obis, before: '4', after: '5' }],
            tries: 0,
          }
        : null,
    );
  });
});

test('a gap behind a reading without a value stays one: nothing says what can be', () => {
  const before = () => ({ atMs: 0, value: null });
  expect(gapBefore('M-1', [value(60 * 60_000, '5')], 15 * 60_000, before)).toBeNull();
});

describe('healing', () => {
  const at = (hours: number, text: string | null, register = total) => value(hours * HOUR_MS, text, register);
  const healed = (around: Partial<Gap['registers'][number]>, ...values: RegisterValue[]) => {
    const registers = gap.registers.map((register) => ({ ...register, ...around }));
    const { readings, refused } = heal({ ...gap, registers }, values);
    return [readings.map((one) => one.value), refused.map((one) => one.value)];
  };
  test('gives what was frozen its instant, its bytes and its source', () => {
    expect(heal(gap, [at(24, '150')]).readings).toEqual([
      {
        meter: 'M-1',
        register: '1-0:1.8.0',
        readAt: '1970-01-02T00:00:00Z',
        value: '150',
        unit: 'kWh',
        raw: '00',
        source: 'frozen',
      },
    ]);
  });
  test.each<[string, Partial<Gap['registers'][number]>, RegisterValue[], string[][]]>([
    ['in order', {}, [at(48, '160'), at(24, '150')], [['150', '160'], []]],
    ['none of a series that falls', {}, [at(24, '190'), at(48, '110')], [[], ['190', '110']]],
    [
      'a series that falls once where the counter wrapped',
      { before: '999900', after: '50' },
      [at(24, '999950'), at(48, '20'), at(72, '30')],
      [['999950', '20', '30'], []],
    ],
    [
      'none that falls twice where the counter wrapped',
      { before: '999900', after: '50' },
      [at(24, '999950'), at(48, '20'), at(72, '10')],
      [[], ['999950', '20', '10']],
    ],
    ['once an instant', {}, [at(24, '150'), at(24, '150')], [['150'], []]],
    [
      'nothing at or outside the readings around it',
      {},
      [at(10, '150'), at(90, '150'), at(5, '150')],
      [[], []],
    ],
    ['nothing without a value', {}, [at(24, null)], [[], []]],
    ['nothing of other registers', {}, [at(24, '150', power)], [[], []]],
    ['what equals the readings around it', {}, [at(24, '100'), at(48, '200')], [['100', '200'], []]],
    ['nothing below or above them', {}, [at(24, '99.99'), at(48, '200.01')], [[], ['99.99', '200.01']]],
    [
      'what the one side allows that is known',
      { before: null },
      [at(24, '1'), at(48, '201')],
      [['1'], ['201']],
    ],
    [
      'a counter that wrapped',
      { after: '3' },
      [at(24, '150'), at(48, '2'), at(72, '50')],
      [['150', '2'], ['50']],
    ],
  ])('takes %s', (_title, around, values, expected) => {
    expect(healed(around, ...values)).toEqual(expected);
  });
});

describe('open gaps', () => {
  const folder = mkdtempSync(join(tmpdir(), 'meterline-gaps-'));
  afterAll(() => rmSync(folder, { recursive: true }));
  const file = join(folder, 'gaps.json');
  test('outlive the process, are counted, and are closed once', () => {
    const first = new OpenGaps(file);
    first.add(gap);
    first.add({ ...gap, toMs: gap.toMs + HOUR_MS });
    first.add({ ...gap, meter: 'M-2' });
    const second = new OpenGaps(file);
    expect(second.of('M-1')).toEqual([gap]);
    for (const one of second.of('M-1')) second.tried(one);
    const third = new OpenGaps(file);
    expect(third.of('M-1')).toEqual([{ ...gap, tries: 1 }]);
    for (const one of third.of('M-1')) third.close(one);
    expect(new OpenGaps(file).of('M-1')).toEqual([]);
    expect(new OpenGaps(file).of('M-2')).toHaveLength(1);
  });
  test('of a damaged file are none', () => {
    for (const text of ['', '{}', '[{"meter":1}]']) {
      writeFileSync(file, text);
      expect(new OpenGaps(file).of('M-1')).toEqual([]);
    }
  });
});
