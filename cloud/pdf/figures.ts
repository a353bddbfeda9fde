/** Numbers as they are printed: exact decimals in, grouped digits out, no float on the way. */
import { formatDecimal, parseDecimal } from '../../protocols/decimal.ts';
import { MICRO_SCALE, MINOR_SCALE, micro, minor } from '../../protocols/units.ts';

const grouped = (text: string): string => {
  const [whole = '0', fraction] = text.replace('-', '').split('.');
  const digits = whole.replace(/\B(?=(\d{3})+$)/g, ',');
  return `${text.startsWith('-') ? '-' : ''}${digits}${fraction === undefined ? '' : `.${fraction}`}`;
};

const units: Record<string, string> = { m3: 'm³' };
export const unitText = (unit: string): string => units[unit] ?? unit;

export const moneyText = (text: string): string => {
  const shown = grouped(formatDecimal(minor(text), MINOR_SCALE, MINOR_SCALE));
  return shown.startsWith('-') ? `-¥${shown.slice(1)}` : `¥${shown}`;
};

/** Half up to `digits` decimals. */
function rounded(value: bigint, scale: number, digits: number): string {
  const step = 10n ** BigInt(scale - digits);
  const half = value < 0n ? -step / 2n : step / 2n;
  return formatDecimal((value + half) / step, digits, digits);
}
export const quantityText = (text: string, digits = 2): string =>
  grouped(rounded(micro(text), MICRO_SCALE, digits));
/** As the face shows it: all digits. */
export const registerText = (text: string): string => grouped(text);

/** Mean price without tax, to four decimals; empty where nothing was consumed. */
export function meanPrice(net: string, quantity: string): string {
  const of = micro(quantity);
  if (of <= 0n) return '';
  const exact = 2n * minor(net) * 100_000_000n;
  const tenThousandths = (exact + (exact < 0n ? -of : of)) / (2n * of);
  return formatDecimal(tenThousandths, 4, 4);
}

/** `part` of `whole` in percent, to one decimal. */
export function percent(part: bigint, whole: bigint): string {
  if (whole === 0n) return '0.0';
  return formatDecimal((2n * part * 1_000n + whole) / (2n * whole), 1, 1);
}

/** A fraction such as `29/30`, or a decimal, as it is read. */
export function fractionText(text: string): string {
  const [above = '0', below] = text.split('/');
  if (below === undefined) return grouped(above);
  const scaled = (BigInt(above) * 1_000_000n) / BigInt(below);
  return grouped(formatDecimal(scaled, MICRO_SCALE));
}

export const sumMinor = (texts: readonly string[]): bigint =>
  texts.reduce((sum, text) => sum + parseDecimal(text, MINOR_SCALE), 0n);
