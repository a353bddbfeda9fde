/** `/api/v1/tree`: the balanced meter tree of one utility over a span: own = children + residual, signed. */
import { z } from 'zod';
import { Balance, type BalanceNode } from '../../protocols/api.ts';
import { formatMicro, Utility } from '../../protocols/units.ts';
import { type BalancedNode, balanceTree } from '../metering/balance-tree.ts';
import type { Store } from '../store/store.ts';
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

const MINUTE_MS = 60_000;
/** A meter that is so far behind is silent. */
const SILENT_MS = 24 * 60 * MINUTE_MS;

/**
 * How far a span that still runs is known: to the last boundary that all meters have. A meter that has fallen silent holds
 * the others back no longer: what it lacks is missing, as in a span that is over.
 */
async function knownThrough(
  store: Store,
  meters: string[],
  { fromMs, toMs }: ReturnType<typeof spanOf>,
): Promise<number> {
  const ends = (await store.lastKnownEnds({ meters, beforeMs: toMs })).map(({ endMs }) => endMs);
  const newestMs = Math.max(...ends);
  const recent = ends.filter((endMs) => newestMs - endMs < SILENT_MS);
  return recent.length === 0 ? fromMs : Math.max(fromMs, Math.min(toMs, ...recent));
}

export function treeRoutes(api: Api, { store, park, clock, intervalMinutes }: ApiContext): void {
  api.get(
    '/api/v1/tree',
    {
      config: { access: 'meters:read', weakEtag: true },
      schema: { querystring: z.strictObject({ utility: Utility, ...spanText }), response: { 200: Balance } },
    },
    async ({ query }): Promise<Balance> => {
      const span = spanOf(query);
      const { fromMs, toMs } = span;
      const meters = park.meters.filter(({ utility }) => utility === query.utility);
      const ids = meters.map(({ id }) => id);
      // The last readings of a span arrive after it has ended.
      const isRunning = toMs > clock.nowMs() - intervalMinutes * MINUTE_MS;
      const throughMs = isRunning ? await knownThrough(store, ids, span) : toMs;
      const totals = await store.intervalTotals({ meters: ids, fromMs, toMs: throughMs });
      const quantities = new Map(totals.map((total) => [total.meter, total]));
      const { nodes, complete } = balanceTree(meters, quantities);
      const names = new Map(meters.map(({ id, name }) => [id, name]));
      return {
        utility: query.utility,
        unit: billingUnit(query),
        from: instantText(fromMs),
        to: instantText(toMs),
        through: instantText(throughMs),
        nodes: nodes.map((node) => balanceNode(node, names.get(node.meter) ?? node.meter)),
        conserved: complete && nodes.every(({ verdict }) => verdict !== 'over_count'),
      };
    },
  );
}
