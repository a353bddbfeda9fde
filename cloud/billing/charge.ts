/** A priced quantity of one holder: the smallest thing that billing produces. */
import type { Holder } from './ownership.ts';

export interface Charge {
  readonly holder: Holder;
  readonly component: string;
  readonly pool: string;
  /** Millionths of kWh or m3, as printed. */
  readonly quantity: bigint;
  /** Minor units, without and of tax. */
  readonly net: bigint;
  readonly tax: bigint;
}

export const grossOf = ({ net, tax }: { net: bigint; tax: bigint }): bigint => net + tax;

/** Billing units. */
export const UNIT_OF = { electricity: 'kWh', water: 'm3' } as const;
