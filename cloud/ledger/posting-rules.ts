/**
 * Which of the operator's accounts a charge is credited to: a list of rules, the first that matches decides. What no rule names
 * goes to the clearing account of its component, so that rules may be few.
 */
import { z } from 'zod';

/** Who owes is no matter of rules: those accounts are the ledger's own. */
const Account = z
  .string()
  .regex(/^(?!lease:|landlord$)[A-Za-z0-9][A-Za-z0-9_.:/-]{0,79}$/, 'no account such as "6401.02"');
const Word = z.string().min(1).max(64);

/** A rule matches where all that it names is equal; a component may end in `*`. */
export const PostingRule = z.strictObject({
  utility: Word.optional(),
  component: z
    .string()
    .regex(/^[A-Za-z0-9_.-]{1,63}\*?$/, 'no component, nor the beginning of one and *')
    .optional(),
  /** `own`, or the id of a pool. */
  pool: Word.optional(),
  account: Account,
  /** As the operator's books call it. */
  name: z.string().min(1).max(80),
});
export const PostingRules = z.strictObject({
  rules: z.array(PostingRule).max(500),
  /** Where tax goes. */
  taxAccount: Account.default('tax'),
});
export type PostingRules = z.infer<typeof PostingRules>;

export const TAX_ACCOUNT = 'tax';
export const NO_RULES: PostingRules = { rules: [], taxAccount: TAX_ACCOUNT };

/** What the supplier's bill is settled from: its components come to rest here until the supplier is paid. */
export const clearingAccount = (utility: string, component: string): string =>
  `clearing:${utility}:${component}`;

interface Posted {
  readonly utility: string;
  readonly component: string;
  readonly pool: string;
}

export function accountOf({ rules }: PostingRules, { utility, component, pool }: Posted): string {
  const rule = rules.find(
    (one) =>
      (one.utility ?? utility) === utility &&
      (one.pool ?? pool) === pool &&
      (one.component === undefined || names(one.component, component)),
  );
  return rule?.account ?? clearingAccount(utility, component);
}

const names = (pattern: string, component: string): boolean =>
  pattern.endsWith('*') ? component.startsWith(pattern.slice(0, -1)) : component === pattern;
