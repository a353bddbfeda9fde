/**
 * What a run charges beside its own period: late data of periods that were issued before, as the difference to what was charged, and
 * credits that two people have granted. Neither edits what was issued.
 */
import type { Charge } from '../../protocols/api.ts';
import { Park } from '../../protocols/park.ts';
import type { CarriedCharge } from '../../protocols/statement.ts';
import { formatMicro, formatMinor, micro, minor } from '../../protocols/units.ts';
import { billPeriod, type PeriodCharge } from '../billing/bill-period.ts';
import { type BillingPeriod, billingPeriod } from '../billing/billing-period.ts';
import { adjust, type Difference, differences, type PostedCharge } from '../ledger/correct-charges.ts';
import { creditCharges } from '../ledger/credit-charges.ts';
import { chargeKey } from '../ledger/post-charges.ts';
import type { ChargeRow, RunRow } from '../store/port/billing.ts';
import { type InputSource, loadMetered } from './billing-input.ts';

/** A charge to post, and what the lease's statement says of it; null for the landlord, who gets none. */
export interface CarriedOne {
  charge: Charge;
  note: CarriedCharge | null;
}
export interface CarriedOver {
  charges: CarriedOne[];
  /** Names of the tenants of the leases above. */
  tenants: Map<string, string>;
  /** Periods whose late data is charged here. */
  settles: string[];
  warnings: string[];
}
type Source = InputSource & { issuedAt: string; acceptEstimates: { by: string; reason: string } | null };

export async function carriedOver(source: Source, period: BillingPeriod): Promise<CarriedOver> {
  const carried: CarriedOver = { charges: [], tenants: new Map(), settles: [], warnings: [] };
  const late = await source.store.lateChanges();
  for (const earlier of [...new Set(late.map((change) => change.period))].filter((id) => id < period.id)) {
    const found = await lateData(source, earlier);
    if (!found.ok) {
      carried.warnings.push(`late data of ${earlier} is not charged: ${found.code}: ${found.detail}`);
      continue;
    }
    carried.settles.push(earlier);
    for (const { id, tenant } of found.park.leases) carried.tenants.set(id, tenant);
    carried.charges.push(...adjustments(found, { period, source }));
  }
  carried.charges.push(...(await grantedCredits(source, period.id, 0)));
  return carried;
}

export type LateData =
  | { ok: true; period: string; park: Park; due: PeriodCharge[]; changes: Difference[] }
  | { ok: false; code: string; detail: string };

/**
 * What an issued period costs by the readings that there are now, against what was charged for it.
 * @param park to bill by; null: the document that the run was computed from
 */
export async function lateData(source: Source, id: string, park: Park | null = null): Promise<LateData> {
  const run = await source.store.billingRun(id);
  const period = billingPeriod(id, source.park.timeZone);
  if (run === null || period === null)
    return { ok: false, code: 'unknown_run', detail: `${id} was never issued` };
  const document = park ?? (await parkOf(source, run));
  const metered = await loadMetered({ ...source, park: document }, period);
  const { acceptEstimates = null } = JSON.parse(run.manifestJson) as Partial<Source>;
  const billed = billPeriod({
    ...{ park: document, period: id, ...metered },
    acceptEstimates: acceptEstimates ?? source.acceptEstimates,
  });
  if (!billed.ok) return billed;
  const posted = (await source.store.chargesForService(id)).map(postedCharge);
  const due = billed.charges.map(({ holder, ...charge }) => ({ ...charge, lease: holder }));
  return { ok: true, period: id, park: document, due: billed.charges, changes: differences(posted, due) };
}

/** The document that a run was computed from; where it is not kept, the one in force. */
export async function parkOf({ store, park }: Pick<Source, 'store' | 'park'>, run: RunRow): Promise<Park> {
  const { park: named } = JSON.parse(run.manifestJson) as { park?: string | { digest: string } };
  const digest = typeof named === 'string' ? named : named?.digest;
  const version = digest === undefined ? null : await store.parkByDigest(digest);
  return version === null ? park : Park.parse(JSON.parse(version.document));
}

export const postedCharge = ({ net, tax, gross, quantity, ...rest }: ChargeRow): PostedCharge => ({
  ...rest,
  quantity: micro(quantity),
  net: minor(net),
  tax: minor(tax),
  gross: minor(gross),
});

/** Names of a component and a pool, as charged or as they would be. */
export type Naming = (of: { utility: string; component: string; pool: string }) => {
  name: string;
  poolName: string;
  unit: Charge['unit'];
};

export function namesAmong(charges: readonly (PeriodCharge | Charge)[]): Naming {
  const known = new Map(charges.map((one) => [`${one.utility}|${one.component}|${one.pool}`, one]));
  return ({ utility, component, pool }) => {
    const found = known.get(`${utility}|${component}|${pool}`);
    const unit = utility === 'water' ? 'm3' : 'kWh';
    return { name: found?.name ?? component, poolName: found?.poolName ?? pool, unit };
  };
}

export const amountsText = ({ quantity, net, tax }: { quantity: bigint; net: bigint; tax: bigint }) => ({
  quantity: formatMicro(quantity),
  net: formatMinor(net),
  tax: formatMinor(tax),
});

function adjustments(
  { period: servicePeriod, changes, due }: Extract<LateData, { ok: true }>,
  { period, source }: { period: BillingPeriod; source: Source },
): CarriedOne[] {
  const naming = namesAmong(due);
  return adjust(changes, { period: period.id, servicePeriod }).map((one, index) => {
    const change = changes[index];
    const statement = one.lease === null ? null : `${period.id}.${one.lease}`;
    const charge = chargeOf(one, { naming, statement, source });
    if (one.lease === null || change === undefined) return { charge, note: null };
    const note = noteOf(
      charge,
      'adjustment',
      `${servicePeriod} 结算后到达的数据 / readings that came after ${servicePeriod} was issued`,
    );
    return {
      charge,
      note: { ...note, before: amountsText(change.before), after: amountsText(change.after) },
    };
  });
}

export type Unnamed = Omit<PostedCharge, 'key'>;

/** A correcting charge as it is posted. */
export function chargeOf(
  one: Unnamed,
  {
    naming,
    statement,
    source,
  }: { naming: Naming; statement: string | null; source: Pick<Source, 'park' | 'issuedAt'> },
): Charge {
  const { lease, component, pool, period, revision, kind, corrects, servicePeriod } = one;
  const utility = one.utility as Charge['utility'];
  return {
    ...{
      key: chargeKey(one),
      kind,
      corrects,
      servicePeriod,
      lease,
      utility,
      component,
      pool,
      period,
      revision,
    },
    ...naming(one),
    quantity: formatMicro(one.quantity),
    net: formatMinor(one.net),
    tax: formatMinor(one.tax),
    gross: formatMinor(one.gross),
    currency: source.park.currency,
    statement,
    postedAt: source.issuedAt,
  };
}

const noteOf = (charge: Charge, kind: CarriedCharge['kind'], reason: string): CarriedCharge => {
  const { key, corrects, utility, component, name, pool, poolName, unit, servicePeriod, net, tax, gross } =
    charge;
  return {
    ...{ kind, key, corrects, utility, component, name, pool, poolName, unit, servicePeriod },
    ...{ before: null, after: null, reason, net, tax, gross },
  };
};

/** Credits that were approved and not posted yet, as charges of this run. */
export async function grantedCredits(
  source: Source,
  period: string,
  revision: number,
  among: (charge: ChargeRow) => boolean = () => true,
): Promise<CarriedOne[]> {
  const carried: CarriedOne[] = [];
  for (const credit of await source.store.credits()) {
    if (credit.state !== 'approved' || credit.posted !== null) continue;
    const of = await source.store.charge(credit.charge);
    if (of === null || !among(of)) continue;
    const parts = creditCharges({ id: credit.id, gross: credit.grossMinor }, postedCharge(of));
    for (const part of parts) {
      const statement = part.lease === null ? null : `${period}.${part.lease}`;
      const charge = chargeOf({ ...part, period, revision }, { naming: namesAmong([of]), statement, source });
      carried.push({ charge, note: part.lease === null ? null : noteOf(charge, 'credit', credit.reason) });
    }
  }
  return carried;
}
