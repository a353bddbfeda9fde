/** Every kind of case that the cores answer. */
import { dayProrationKind } from './day-proration.ts';
import { demandChargeKind } from './demand-charge.ts';
import type { GoldenKind } from './golden-kind.ts';
import { gridBillSumKind } from './grid-bill-sum.ts';
import { largestRemainderKind } from './largest-remainder.ts';
import { passThroughAnnexKind } from './pass-through-annex.ts';
import { powerFactorOfRegistersKind } from './power-factor-of-registers.ts';
import { powerFactorSurchargeKind } from './power-factor-surcharge.ts';
import { registerValidationKind } from './register-validation.ts';
import { rerateCorrectionKind } from './rerate-correction.ts';
import { shareByKeysKind } from './share-by-keys.ts';
import { sharedFacilityFormulaKind } from './shared-facility-formula.ts';
import { tieredAmountKind } from './tiered-amount.ts';
import { touClassificationKind } from './tou-classification.ts';
import { unusedCreditKind } from './unused-credit.ts';
import { wholeBillKind } from './whole-bill.ts';

export const goldenKinds: Readonly<Record<string, GoldenKind>> = {
  'day-proration': dayProrationKind,
  'demand-charge': demandChargeKind,
  'grid-bill-sum': gridBillSumKind,
  'largest-remainder': largestRemainderKind,
  'pass-through-annex': passThroughAnnexKind,
  'power-factor-of-registers': powerFactorOfRegistersKind,
  'power-factor-surcharge': powerFactorSurchargeKind,
  'register-validation': registerValidationKind,
  'rerate-correction': rerateCorrectionKind,
  'share-by-keys': shareByKeysKind,
  'shared-facility-formula': sharedFacilityFormulaKind,
  'tiered-amount': tieredAmountKind,
  'tou-classification': touClassificationKind,
  'unused-credit': unusedCreditKind,
  'whole-bill': wholeBillKind,
};
