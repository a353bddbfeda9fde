/** `meterline reconcile`: the supplier's bills against meters and charges. Exit codes: 0 they agree, 1 they do not, 2 usage, 3 fault. */
import { refuseWords, takeWords } from '../../process/command-line.ts';
import type { Charge } from '../../protocols/api.ts';
import { Park } from '../../protocols/park.ts';
import { micro, minor } from '../../protocols/units.ts';
import { billingPeriod } from '../billing/billing-period.ts';
import { type ChargedComponent, type ComponentComparison, reconcileBill } from '../billing/reconcile-bill.ts';
import { recordedInput } from '../jobs/billing-input.ts';
import { openStore, type Store } from '../store/store.ts';
import { findInstallation } from './installation.ts';

const USAGE = `Usage: meterline reconcile --period 2026-09 (--data DIR | --config cloud.yaml) [--json]

  --period MONTH   a period that was issued
  --data DIR       the service's data directory, whose file is the store
  --config FILE    the service's configuration, where the store is a server
  --json           one JSON document on stdout

Each component of the supplier's bill, as it stands in the park document in force, against what was metered and what was charged.
Differences are classed: price (money), loss, timing, ct_ratio, unexplained (quantity).`;

const options = {
  period: { type: 'string' },
  data: { type: 'string' },
  config: { type: 'string' },
  json: { type: 'boolean' },
} as const;
const form = { name: 'reconcile', usage: USAGE };

interface UtilityReconciliation {
  utility: string;
  bill: string;
  supplier: string;
  components: ComponentComparison[];
}
type Reconciled =
  | { ok: boolean; period: string; utilities: UtilityReconciliation[] }
  | { ok: false; code: string; detail: string };

export async function run(args: string[]): Promise<number> {
  const taken = takeWords(args, { ...form, options });
  if ('exitCode' in taken) return taken.exitCode;
  const { period, data, config, json = false } = taken.values;
  if (period === undefined || (data === undefined) === (config === undefined))
    return refuseWords(form, '--period and either --data or --config are needed');
  const found = findInstallation({ data, config });
  if (!found.ok) {
    for (const problem of found.problems) console.error(problem);
    return 2;
  }
  try {
    const store = await openStore(found.place);
    try {
      const result = await reconcile(store, period);
      if (json) console.log(JSON.stringify(result));
      else for (const line of describe(result)) console.log(line);
      return result.ok ? 0 : 1;
    } finally {
      await store.close();
    }
  } catch (error) {
    console.error(`meterline reconcile: ${(error as Error).message}`);
    return 3;
  }
}

async function reconcile(store: Store, id: string): Promise<Reconciled> {
  const version = await store.currentPark();
  const run = await store.billingRun(id);
  if (version === null || run === null)
    return { ok: false, code: 'unknown_run', detail: `${id} was never issued` };
  const park = Park.parse(JSON.parse(version.document));
  const period = billingPeriod(id, park.timeZone);
  if (period === null) return { ok: false, code: 'unknown_period', detail: `${id} is no month` };
  const charges = (await store.chargesForService(id)).filter(({ kind }) => kind !== 'credit');
  const { usage } = recordedInput(await store.runInputs(run));
  const utilities = park.sourceBills
    .filter((bill) => bill.period === id)
    .map((bill) => {
      const metered = new Map<string | null, bigint>();
      for (const { meter, touPeriod, quantity } of usage) {
        if (meter !== bill.meter) continue;
        metered.set(touPeriod, (metered.get(touPeriod) ?? 0n) + quantity);
        if (touPeriod !== null) metered.set(null, (metered.get(null) ?? 0n) + quantity);
      }
      const own = charges.filter(({ utility }) => utility === bill.utility);
      const components = reconcileBill(bill, chargedOf(own), metered, period.days);
      return { utility: bill.utility, bill: bill.id, supplier: bill.supplier, components };
    });
  const wrong = ({ difference, quantityDifference }: ComponentComparison): boolean =>
    difference !== '0.00' || quantityDifference === 'unexplained' || quantityDifference === 'ct_ratio';
  return { ok: !utilities.some(({ components }) => components.some(wrong)), period: id, utilities };
}

function chargedOf(charges: readonly Charge[]): ChargedComponent[] {
  return [...Map.groupBy(charges, ({ component }) => component)].map(([component, own]) => {
    const gross = (mine: (charge: Charge) => boolean): bigint =>
      own.filter(mine).reduce((sum, charge) => sum + minor(charge.gross), 0n);
    return {
      component,
      tenants: gross(({ lease }) => lease !== null),
      landlord: gross(({ lease }) => lease === null),
      quantity: own.reduce((sum, charge) => sum + micro(charge.quantity), 0n),
    };
  });
}

function describe(result: Reconciled): string[] {
  if ('code' in result) return [`not reconciled: ${result.code}: ${result.detail}`];
  return result.utilities.flatMap(({ utility, bill, supplier, components }) => [
    `${result.period} ${utility}: ${bill} of ${supplier}`,
    ...components.map(
      ({
        name,
        billed,
        tenants,
        landlord,
        difference,
        billedQuantity,
        meteredQuantity,
        chargedQuantity,
        classes,
      }) =>
        `  ${name}: billed ${billed} = tenants ${tenants} + landlord ${landlord}${difference === '0.00' ? '' : `, DIFFERENCE ${difference}`}` +
        (billedQuantity === null
          ? ''
          : `; quantity: supplier ${billedQuantity}, our meter ${meteredQuantity ?? 'unknown'}, charged ${chargedQuantity}`) +
        (classes.length === 0 ? '' : ` (${classes.join(', ')})`),
    ),
  ]);
}
