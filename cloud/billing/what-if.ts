/**
 * What a period would have cost otherwise: under another rule, tariff, area or reading, lease by lease, before anyone agrees to
 * it. What one bears less, others bear more: the differences add up to the difference of the bills, mostly zero, and that is
 * proved here.
 */
import { billCharges } from './bill-charges.ts';
import type { BillingInput, Refusal } from './bill-period.ts';
import type { BilledUtility } from './bill-utility.ts';
import { grossOf } from './charge.ts';

export type WhatIfInput = Pick<BillingInput, 'park' | 'period' | 'usage' | 'acceptEstimates'>;

/** Minor units, tax included. */
export interface LeaseDifference {
  readonly lease: string;
  readonly tenant: string;
  readonly before: bigint;
  readonly after: bigint;
  readonly difference: bigint;
  /** By utility, component and pool; those that stay are left out. */
  readonly lines: readonly {
    readonly utility: string;
    readonly component: string;
    readonly pool: string;
    readonly before: bigint;
    readonly after: bigint;
  }[];
}
export type WhatIf =
  | { ok: false; of: 'before' | 'after'; code: Refusal; detail: string }
  | {
      ok: true;
      /** Every lease of either, by id, also those for whom nothing changes. */
      leases: LeaseDifference[];
      landlord: LeaseDifference;
      /** By how much the bills themselves differ: what the differences add up to. */
      bills: bigint;
      warnings: string[];
    };

/** @param after the same period of another park document, with its usage classified by its own calendar */
export function whatIf(before: WhatIfInput, after: WhatIfInput): WhatIf {
  const first = billCharges(before);
  if (!first.ok) return { ...first, of: 'before' };
  const second = billCharges(after);
  if (!second.ok) return { ...second, of: 'after' };
  const lines = [linesOf(first.utilities), linesOf(second.utilities)] as const;
  const tenants = new Map(
    [...before.park.leases, ...after.park.leases].map(({ id, tenant }) => [id, tenant]),
  );
  const named = (holder: string): LeaseDifference => differenceOf(holder, tenants.get(holder) ?? '', lines);
  const holders = new Set(lines.flatMap((side) => [...side.keys()]));
  holders.delete(LANDLORD);
  const leases = [...holders].sort().map(named);
  const landlord = named(LANDLORD);
  const bills = billsOf(second.utilities) - billsOf(first.utilities);
  const sum = [landlord, ...leases].reduce((total, { difference }) => total + difference, 0n);
  if (sum !== bills) throw new Error(`the differences add up to ${sum}, the bills differ by ${bills}`);
  return {
    ok: true,
    leases,
    landlord,
    bills,
    warnings: second.utilities.flatMap(({ warnings }) => warnings),
  };
}

/** A reading that might be another: what a meter counted in one TOU period of one date. */
export interface EditedUsage {
  readonly meter: string;
  readonly date: string;
  readonly touPeriod: string | null;
  /** Millionths of kWh or m3. */
  readonly quantity: bigint;
}

/** Whose charges change if a meter counted something else. */
export function blastRadius(input: WhatIfInput, edit: EditedUsage): WhatIf {
  const usage = input.usage.map((row) =>
    row.meter === edit.meter && row.date === edit.date && row.touPeriod === edit.touPeriod
      ? { ...row, quantity: edit.quantity }
      : row,
  );
  return whatIf(input, { ...input, usage });
}

const LANDLORD = '';
type Lines = ReadonlyMap<string, ReadonlyMap<string, bigint>>;

/** Gross amounts by holder and line. */
function linesOf(utilities: readonly BilledUtility[]): Lines {
  const holders = new Map<string, Map<string, bigint>>();
  for (const { charges, terms } of utilities)
    for (const charge of charges) {
      const holder = charge.holder ?? LANDLORD;
      const lines = holders.get(holder) ?? new Map<string, bigint>();
      lines.set(`${terms.utility}|${charge.component}|${charge.pool}`, grossOf(charge));
      holders.set(holder, lines);
    }
  return holders;
}

function differenceOf(
  holder: string,
  tenant: string,
  [first, second]: readonly [Lines, Lines],
): LeaseDifference {
  const [was, is] = [first.get(holder) ?? new Map(), second.get(holder) ?? new Map<string, bigint>()];
  const total = (lines: ReadonlyMap<string, bigint>): bigint =>
    [...lines.values()].reduce((sum, amount) => sum + amount, 0n);
  const changed = [...new Set([...was.keys(), ...is.keys()])].sort().flatMap((key) => {
    const [utility = '', component = '', pool = ''] = key.split('|');
    const [before, after] = [was.get(key) ?? 0n, is.get(key) ?? 0n];
    return before === after ? [] : [{ utility, component, pool, before, after }];
  });
  const [before, after] = [total(was), total(is)];
  return { lease: holder, tenant, before, after, difference: after - before, lines: changed };
}

const billsOf = (utilities: readonly BilledUtility[]): bigint =>
  utilities.flatMap(({ money }) => money).reduce((sum, { source }) => sum + source, 0n);
