import fc from 'fast-check';
import { expect, test } from 'vitest';
import { formatMicro, micro } from '../../protocols/units.ts';
import { balanceTree, spanQuantity } from './balance-tree.ts';

const meter = (id: string, parent: string | null, accuracyPercent = '1') => ({ id, parent, accuracyPercent });
const counted = (quantities: Record<string, string>) =>
  new Map(
    Object.entries(quantities).map(([id, text]) => [
      id,
      { quantity: micro(text), estimated: 0n, missing: 0 },
    ]),
  );
const tree = [meter('root', null, '0.5'), meter('a', 'root'), meter('b', 'root'), meter('a1', 'a')];

test.each([
  [
    'a loss within the accuracy classes',
    { root: '1000', a: '600', b: '390', a1: '598' },
    'root 10 14.9 within',
  ],
  ['a loss beyond them', { root: '1000', a: '600', b: '300', a1: '598' }, 'root 100 14 loss'],
  [
    'children that count more than they can',
    { root: '1000', a: '800', b: '300', a1: '798' },
    'root -100 16 over_count',
  ],
])('%s: residual, tolerance, verdict', (_, quantities, expected) => {
  const [root] = balanceTree(tree, counted(quantities)).nodes;
  const { meter: id, residual = 0n, tolerance = 0n, verdict } = root ?? {};
  expect(`${id} ${formatMicro(residual)} ${formatMicro(tolerance)} ${verdict}`).toBe(expected);
});

test('a leaf has neither residual nor tolerance', () => {
  const leaf = balanceTree(tree, counted({ root: '2', a: '1', b: '1', a1: '1' })).nodes.at(-1);
  expect(leaf).toMatchObject({ verdict: 'leaf', residual: 0n, tolerance: 0n, quantity: micro('1') });
});

test('a quantity that is not known in full makes the balance incomplete', () => {
  const quantities = counted({ root: '2', a: '1', b: '1', a1: '1' });
  expect(balanceTree(tree, quantities).complete).toBe(true);
  quantities.set('b', { quantity: micro('0.5'), estimated: 0n, missing: 3 });
  expect(balanceTree(tree, quantities).complete).toBe(false);
  quantities.delete('b');
  expect(balanceTree(tree, quantities).complete).toBe(false);
});

test('the root is the sum of the leaves and all residuals, whatever was counted', () => {
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.nat(1000), fc.bigInt(-(10n ** 12n), 10n ** 12n)), { minLength: 1 }),
      (rows) => {
        const meters = rows.map(([up], i) => meter(`m${i}`, i === 0 ? null : `m${up % i}`));
        const quantities = new Map(
          rows.map(([, quantity], i) => [`m${i}`, { quantity, estimated: 0n, missing: 0 }]),
        );
        const { nodes } = balanceTree(meters, quantities);
        const leaves = nodes.filter(({ verdict }) => verdict === 'leaf');
        const sum = [...leaves.map(({ quantity }) => quantity), ...nodes.map(({ residual }) => residual)];
        expect(sum.reduce((a, b) => a + b, 0n)).toBe(rows[0]?.[1]);
      },
    ),
    { seed: 20260901 },
  );
});

test('the quantity of a span counts what is known and how much of it is estimated', () => {
  expect(
    spanQuantity([
      { quantity: 5n, quality: 'actual' },
      { quantity: 3n, quality: 'estimated' },
      { quantity: null, quality: 'missing' },
    ]),
  ).toEqual({ quantity: 8n, estimated: 3n, missing: 1 });
});
