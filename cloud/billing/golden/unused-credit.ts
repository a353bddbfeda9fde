import { z } from 'zod';
import { multiply, rational } from '../rational.ts';
import { roundWhole } from '../rounding.ts';
import { Figure, FractionFigure, goldenKind, Whole } from './golden-kind.ts';

/** What is given back of a fee that was paid ahead: net and tax are each rounded once, and their sum is the total. */
export const unusedCreditKind = goldenKind(
  z.strictObject({ feeMinor: Whole, taxRate: Figure, unused: FractionFigure }),
  ({ feeMinor, taxRate, unused }) => {
    const exact = multiply(rational(feeMinor), unused);
    const net = roundWhole(exact, 'half_up');
    const tax = roundWhole(multiply(exact, taxRate), 'half_up');
    return { netMinor: `${net}`, taxMinor: `${tax}`, totalMinor: `${net + tax}` };
  },
);
