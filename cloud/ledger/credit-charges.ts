/** A credit as two charges: the lease owes less, and the landlord bears it, so that the supplier's bill stays covered. */
import type { PostedCharge } from './correct-charges.ts';

export interface GrantedCredit {
  readonly id: string;
  /** Positive, in minor units. */
  readonly gross: bigint;
}
export type CreditCharge = Omit<PostedCharge, 'key' | 'period' | 'revision'> & {
  readonly kind: 'credit';
  readonly suffix: string;
};

/** The tax in it is in the proportion of the charge's, rounded half up. */
export function creditCharges(credit: GrantedCredit, charge: PostedCharge): [CreditCharge, CreditCharge] {
  const tax = taxWithin(credit.gross, charge);
  const part = (lease: string | null, sign: bigint): CreditCharge => ({
    lease,
    utility: charge.utility,
    component: charge.component,
    pool: charge.pool,
    kind: 'credit',
    corrects: charge.key,
    servicePeriod: charge.servicePeriod,
    suffix: `credit ${credit.id}`,
    quantity: 0n,
    net: sign * (credit.gross - tax),
    tax: sign * tax,
    gross: sign * credit.gross,
  });
  return [part(charge.lease, -1n), part(null, 1n)];
}

/** Of a charge with a positive gross: what is below zero is never credited. */
const taxWithin = (gross: bigint, charge: PostedCharge): bigint =>
  charge.gross <= 0n ? 0n : (2n * gross * charge.tax + charge.gross) / (2n * charge.gross);
