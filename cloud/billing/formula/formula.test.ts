import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { formatFraction, fromDecimal, type Rational } from '../rational.ts';
import { checkFormula, type Variable } from './check-formula.ts';
import { evaluateFormula, type Values } from './evaluate-formula.ts';
import { parseFormula } from './parse.ts';
import { printFormula } from './print-formula.ts';
import type { Node } from './syntax.ts';

const variables: Variable[] = [
  { names: ['面积', 'area'], unit: 'm2', each: 'period' },
  { names: ['总面积', 'total_area'], unit: 'm2', each: 'period' },
  { names: ['人数', 'persons'], unit: 'person', each: 'period' },
  { names: ['总表差值', 'difference'], unit: 'kWh', each: 'period' },
  { names: ['本户用量', 'own'], unit: 'kWh', each: 'period' },
  { names: ['额定功率', 'rated_power'], unit: 'kW', each: 'period' },
  { names: ['小时', 'hours'], unit: 'h', each: 'period' },
  { names: ['日最高温', 'daily_maximum'], unit: '°C', each: 'day' },
  { names: ['月最高温', 'maximum'], unit: '°C', each: 'period' },
];

const parsed = (text: string): Node => {
  const found = parseFormula(text);
  if (!found.ok) throw new Error(`${text}: ${JSON.stringify(found.problem)}`);
  return found.formula;
};
const values = (period: Record<string, string>, days: Record<string, string>[] = []): Values => {
  const mapped = (given: Record<string, string>): Map<string, Rational> =>
    new Map(Object.entries(given).map(([name, text]) => [name, fromDecimal(text)]));
  return {
    period: mapped(period),
    days: days.map((day, i) => ({ date: `2026-09-0${i + 1}`, values: mapped(day) })),
  };
};
const result = (text: string, given: Values = values({})): string => {
  const found = evaluateFormula(parsed(text), given);
  return found.ok ? formatFraction(found.value) : `${found.code} ${found.detail}`;
};

describe('reading', () => {
  test.each([
    ['1 + 2 * 3', '7'],
    ['(1 + 2) * 3', '9'],
    ['10 - 4 - 3', '3'],
    ['100 / 10 / 5', '2'],
    ['-2 * 3', '-6'],
    ['2 - -3', '5'],
    ['1 / 3 + 1 / 3 + 1 / 3', '1'],
    ['0.1 + 0.2', '3/10'],
    ['（1 ＋ 2）× 3 ÷ 2', '9/2'],
    ['min(3, 1, 2) + max(3, 1, 2)', '4'],
    ['最小(3，1)', '1'],
    ['if(2 > 1, 10, 1 / 0)', '10'],
    ['如果(1 ≥ 2 或 3 <> 3, 1, 0)', '0'],
    ['if(1 < 2 and 2 = 2, 1, 0)', '1'],
    ['round(2.345, 2)', '47/20'],
    ['round(0 - 2.345, 2)', '-47/20'],
    ['round(1 / 3, 2) * 3', '99/100'],
    ['round_up(1.001, 0)', '2'],
    ['round_down(1.999, 1)', '19/10'],
    ['1 / 0', 'division_by_zero 0'],
    ['1 / (2 - 2)', 'division_by_zero 2 - 2'],
  ])('%s is %s', (text, value) => expect(result(text)).toBe(value));

  test.each([
    ['', 'unexpected', 0],
    ['1 +', 'unexpected', 3],
    ['(1', 'unexpected', 2],
    ['1 2', 'unexpected', 2],
    ['9**9**9', 'unexpected', 2],
    ['1 < 2 < 3', 'unexpected', 6],
    ['1,5 + 2', 'unexpected', 1],
    ['a.__proto__', 'unknown_character', 1],
    ["constructor.constructor('return process')()", 'unknown_character', 11],
    ['`x`', 'unknown_character', 0],
    ['1e400', 'unknown_character', 0],
    ['面积 ^ 2', 'unknown_character', 3],
    ['eval(1)', 'unknown_function', 0],
    ['constructor(1)', 'unknown_function', 0],
    ['min(1)', 'wrong_arguments', 0],
    ['if(1 > 0, 1)', 'wrong_arguments', 0],
  ])('%s is refused: %s at %i', (text, code, at) => {
    expect(parseFormula(text)).toMatchObject({ ok: false, problem: { code, at } });
  });

  test.each([
    ['10,000 parentheses', '('.repeat(10_000)],
    ['parentheses that fit into the length', `${'('.repeat(200)}1${')'.repeat(150)}`],
    ['minus after minus', `${'-'.repeat(900)}1`],
    ['a long sum', '1+'.repeat(499).concat('1')],
  ])('%s: refused, and nothing falls over', (_, text) => {
    const found = parseFormula(text);
    expect(found.ok ? 'read' : found.problem.code).toMatch(/^too_(long|deep)$/);
  });

  test('any text at all is read or refused', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 60 }), (text) => {
        parseFormula(text);
      }),
      { seed: 1, numRuns: 5_000 },
    );
  });
});

describe('units', () => {
  const check = (text: string, unit = 'kWh') => checkFormula(parsed(text), { variables, unit });

  test.each([
    ['总表差值 * 面积 / 总面积', 'kWh'],
    ['difference * area / total_area', 'kWh'],
    ['额定功率 * 小时 * 0.7', 'kWh'],
    ['max(总表差值 - 本户用量, 0)', 'kWh'],
    ['if(面积 > 100, 本户用量, 本户用量 * 0.5)', 'kWh'],
    ['sum_by_day(max(日最高温 - 26, 0)) / 10 °C * 总表差值', 'kWh'],
    ['面积 / 总面积', ''],
    ['12', 'kWh'],
    ['100 kWh + 本户用量', 'kWh'],
  ])('%s is %s', (text, unit) => expect(check(text, unit)).toEqual({ ok: true, assumptions: [] }));

  test('a number that divides degrees is taken for degrees, and told', () => {
    const text = '总表差值 * 面积 / 总面积 * (月最高温 - 26) / 10';
    expect(check(text)).toEqual({
      ok: true,
      assumptions: [{ text: '10', unit: '°C', at: text.length - 2, length: 2 }],
    });
  });

  test.each([
    ['总表差值 * 面积', 'unit_mismatch', '总表差值 * 面积', 'kWh * m2, not kWh'],
    ['总表差值 * 面积 * 0.5', 'unit_mismatch', '总表差值 * 面积 * 0.5', 'kWh * m2, not kWh'],
    ['总表差值 * 面积 / 10', 'unit_mismatch', '总表差值 * 面积 / 10', 'kWh * m2, not kWh'],
    ['总表差值 + 面积', 'unit_mismatch', '面积', 'm2, not kWh'],
    ['min(总表差值, 额定功率)', 'unit_mismatch', '额定功率', 'kWh / h, not kWh'],
    ['if(面积 > 人数, 1, 2)', 'unit_mismatch', '人数', 'person, not m2'],
    ['总表差值 * 月租', 'unknown_name', '月租', '月租'],
    ['总表差值 * (日最高温 - 26) / 10', 'only_by_day', '日最高温', '日最高温'],
    ['sum_by_day(sum_by_day(日最高温))', 'unexpected', 'sum_by_day(sum_by_day(日最高温))', 'sum_by_day'],
    ['总表差值 * (1 > 0)', 'not_a_number', '(1 > 0)', ''],
    ['if(总表差值, 1, 2)', 'not_a_condition', '总表差值', ''],
    ['round(总表差值, 面积)', 'wrong_arguments', '面积', '0-6'],
  ])('%s is refused: %s in "%s"', (text, code, term, detail) => {
    const found = check(text);
    const [problem] = found.ok ? [] : found.problems.filter((one) => one.code === code);
    expect(problem).toMatchObject({ code, detail });
    const at = problem?.at ?? 0;
    expect(text.slice(at, at + (problem?.length ?? 0))).toContain(term.replace(/^sum_by_day\((.*)\)$/, '$1'));
  });
});

describe('steps', () => {
  test('tell the way to the value, each day of a sum apart', () => {
    const text = 'difference * sum_by_day(max(daily_maximum - 26, 0)) / 10';
    const found = evaluateFormula(
      parsed(text),
      values({ difference: '480' }, [{ daily_maximum: '33.5' }, { daily_maximum: '20' }]),
    );
    if (!found.ok) throw new Error(found.code);
    expect(found.steps.map(({ text: of, value, date }) => [date ?? '', of, formatFraction(value)])).toEqual([
      ['', 'difference', '480'],
      ['2026-09-01', 'daily_maximum', '67/2'],
      ['2026-09-01', 'daily_maximum - 26', '15/2'],
      ['2026-09-01', 'max(daily_maximum - 26, 0)', '15/2'],
      ['2026-09-02', 'daily_maximum', '20'],
      ['2026-09-02', 'daily_maximum - 26', '-6'],
      ['2026-09-02', 'max(daily_maximum - 26, 0)', '0'],
      ['', 'sum_by_day(max(daily_maximum - 26, 0))', '15/2'],
      ['', 'difference * sum_by_day(max(daily_maximum - 26, 0))', '3600'],
      ['', text, '360'],
    ]);
  });

  test('a name without a value is told', () => {
    expect(result('area + 1')).toBe('no_value area');
  });

  test('numbers that grow out of all proportion are refused', () => {
    const text = Array.from({ length: 45 }, () => '9999999999.99').join(' * ');
    expect(result(text)).toContain('too_large');
  });
});

describe('writing', () => {
  const number = fc.integer({ min: 0, max: 99 }).map(
    (n): Node => ({
      kind: 'number',
      text: String(n),
      unit: null,
      span: { at: 0, length: 0 },
    }),
  );
  const name = fc.constantFrom('面积', 'own').map(
    (one): Node => ({
      kind: 'name',
      name: one,
      span: { at: 0, length: 0 },
    }),
  );
  const { tree } = fc.letrec<{ tree: Node }>((tie) => ({
    tree: fc.oneof(
      { maxDepth: 5, withCrossShrink: true },
      number,
      name,
      tie('tree').map((of): Node => ({ kind: 'negate', of, span: { at: 0, length: 0 } })),
      fc.tuple(fc.constantFrom('+', '-', '*', '/'), tie('tree'), tie('tree')).map(
        ([operator, left, right]): Node => ({
          kind: 'operation',
          operator: operator as '+',
          left,
          right,
          span: { at: 0, length: 0 },
        }),
      ),
      fc.tuple(tie('tree'), tie('tree')).map(
        (both): Node => ({
          kind: 'call',
          function: 'max',
          word: '最大',
          arguments: both,
          span: { at: 0, length: 0 },
        }),
      ),
    ),
  }));
  const withoutSpans = (node: Node): unknown =>
    JSON.parse(JSON.stringify(node, (key, value) => (key === 'span' ? undefined : value)));

  test('what is written reads as the same tree: a composer may edit either', () => {
    fc.assert(
      fc.property(tree, (node) => {
        const text = printFormula(node);
        fc.pre(text.length <= 1_000);
        const found = parseFormula(text);
        fc.pre(found.ok || !['too_long', 'too_deep'].includes(found.problem.code));
        expect(found.ok ? withoutSpans(found.formula) : found.problem).toEqual(withoutSpans(node));
      }),
      { seed: 1, numRuns: 2_000 },
    );
  });

  test.each([
    ['a-(b-c)', 'a - (b - c)'],
    ['(a*b)/c', 'a * b / c'],
    ['a/(b*c)', 'a / (b * c)'],
    ['-(a+b)', '-(a + b)'],
    ['如果(a>0 且 (b>0 或 c>0),1,2)', '如果(a > 0 且 (b > 0 或 c > 0), 1, 2)'],
    ['26℃+1', '26 ℃ + 1'],
  ])('%s is written %s', (text, written) => expect(printFormula(parsed(text))).toBe(written));
});
