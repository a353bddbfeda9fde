/** `/api/v1/tree`: the balanced meter tree of one utility over a span: own = children + residual, signed. */
import { z } from 'zod';
import { Balance, type BalanceNode } from '../../protocols/api.ts';
import { formatMicro, Utility } from '../../protocols/units.ts';
import { type BalancedNode, balanceTree } from '../metering/balance-tree.ts';
import type { Api, ApiContext } from './context.ts';
import { billingUnit } from './meter-summaries.ts';
import { instantText, spanOf, spanText } from './query.ts';

const balanceNode = ({ meter, parent, verdict, ...node }: BalancedNode, name: string): BalanceNode => ({
  meter,
  name,
  parent,
  quantity: formatMicro(node.quantity),
  children: formatMicro(node.children),
  residual: formatMicro(node.residual),
  tolerance: formatMicro(node.tolerance),
  verdict,
  estimated: formatMicro(node.estimated),
});

export function treeRoutes(api: Api, { store, park }: ApiContext): void {
  api.get(
    '/api/v1/tree',
    {
      config: { access: 'meters:read', weakEtag: true },
      schema: { querystring: z.strictObject({ utility: Utility, ...spanText }), response: { 200: Balance } },
    },
    async ({ query }): Promise<Balance> => {
      const { fromMs, toMs } = spanOf(query);
      const meters = park.meters.filter(({ utility }) => utility === query.utility);
      const totals = await store.intervalTotals({ meters: meters.map(({ id }) => id), fromMs, toMs });
      const quantities = new Map(totals.map((total) => [total.meter, total]));
      const { nodes, complete } = balanceTree(meters, quantities);
      const names = new Map(meters.map(({ id, name }) => [id, name]));
      return {
        utility: query.utility,
        unit: billingUnit(query),
        from: instantText(fromMs),
        to: instantText(toMs),
        nodes: nodes.map((node) => balanceNode(node, names.get(node.meter) ?? node.meter)),
        conserved: complete && nodes.every(({ verdict }) => verdict !== 'over_count'),
      };
    },
  );
}
