/** Amounts as the pages of finance write them, beside what all pages share in `format.ts`. */
import { moneyText } from '../format.ts';

/** With its sign, whichever it is: `+¥12.00`. */
export const signedMoneyText = (text: string): string =>
  text.startsWith('-') || /^0+(\.0+)?$/.test(text) ? moneyText(text) : `+${moneyText(text)}`;

/** The same amount the other way round. */
export const negated = (text: string): string => (text.startsWith('-') ? text.slice(1) : `-${text}`);

/** `0.09` as `9`: a share in percent, its digits moved and none rounded. */
export function percentText(share: string): string {
  const [whole = '0', fraction = ''] = share.split('.');
  const digits = fraction.padEnd(2, '0');
  const shown = `${whole}${digits.slice(0, 2)}`.replace(/^0+(?=\d)/, '');
  const rest = digits.slice(2).replace(/0+$/, '');
  return rest === '' ? shown : `${shown}.${rest}`;
}
