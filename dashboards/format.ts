/** Numbers as they are read: exact decimal strings in, grouped digits with their unit out. No float on the way. */

const THIN = '\u202f';
const MINUS = '\u2212';

/** Rounds half away from zero to `digits` decimals; the text of a plain decimal in, and out. */
export function rounded(text: string, digits: number): string {
  const negative = text.startsWith('-');
  const [whole = '0', fraction = ''] = (negative ? text.slice(1) : text).split('.');
  const kept = BigInt(whole + fraction.slice(0, digits).padEnd(digits, '0'));
  const up = (fraction[digits] ?? '0') >= '5' ? 1n : 0n;
  const all = (kept + up).toString().padStart(digits + 1, '0');
  const result = digits === 0 ? all : `${all.slice(0, -digits)}.${all.slice(-digits)}`;
  return negative && kept + up !== 0n ? `-${result}` : result;
}

/** `1234567.5` as `1 234 567.5`, with a true minus sign. */
export function grouped(text: string): string {
  const negative = text.startsWith('-');
  const [whole = '0', fraction] = (negative ? text.slice(1) : text).split('.');
  const groups = whole.replace(/\B(?=(\d{3})+$)/g, THIN);
  return `${negative ? MINUS : ''}${groups}${fraction === undefined ? '' : `.${fraction}`}`;
}

const shownUnits: Record<string, string> = { m3: 'm³', 'm3/h': 'm³/h', degC: '°C', '1': '' };
export const unitText = (unit: string): string => shownUnits[unit] ?? unit;

/** `1 240.00 kWh`; every number has its unit. */
export const quantityText = (text: string, unit: string, digits = 2): string =>
  `${grouped(rounded(text, digits))}\u00a0${unitText(unit)}`.trimEnd();

/** A register as its face has it: all its digits, none rounded. */
export const exactText = (text: string, unit: string): string =>
  `${grouped(text)}\u00a0${unitText(unit)}`.trimEnd();

/** With its sign, whichever it is. */
export const signedText = (text: string, unit: string, digits = 2): string => {
  const shown = quantityText(text, unit, digits);
  return text.startsWith('-') || /^0+(\.0+)?$/.test(text) ? shown : `+${shown}`;
};

/** `¥117.37`; the minus stands before the sign of the currency. */
export function moneyText(text: string): string {
  const shown = grouped(text);
  return shown.startsWith(MINUS) ? `${MINUS}¥${shown.slice(1)}` : `¥${shown}`;
}

/** Adds up decimals of at most `digits` decimals, exactly. */
export function sumOf(texts: readonly string[], digits: number): string {
  const total = texts.reduce((sum, text) => sum + scaled(text, digits), 0n);
  const all = (total < 0n ? -total : total).toString().padStart(digits + 1, '0');
  const shown = digits === 0 ? all : `${all.slice(0, -digits)}.${all.slice(-digits)}`;
  return total < 0n ? `-${shown}` : shown;
}

/** The count of units of 10^-digits; further decimals are dropped. */
export function scaled(text: string, digits: number): bigint {
  const negative = text.startsWith('-');
  const [whole = '0', fraction = ''] = (negative ? text.slice(1) : text).split('.');
  const units = BigInt(whole + fraction.slice(0, digits).padEnd(digits, '0'));
  return negative ? -units : units;
}

/** `2026-09-15 18:00` in the given zone, or the reader's own. */
export function instantText(
  text: string,
  timeZone?: string,
  parts: 'minute' | 'day' | 'time' = 'minute',
): string {
  const options: Intl.DateTimeFormatOptions = {
    ...(parts === 'time' ? {} : { year: 'numeric', month: '2-digit', day: '2-digit' }),
    ...(parts === 'day' ? {} : { hour: '2-digit', minute: '2-digit', hourCycle: 'h23' }),
    ...(timeZone === undefined ? {} : { timeZone }),
  };
  return new Intl.DateTimeFormat('sv-SE', options).format(new Date(text));
}

const SECONDS_PER_MINUTE = 60;

/** `45 s`, `3 min 20 s`: how long there is to wait. */
export const durationText = (seconds: number): string =>
  seconds < SECONDS_PER_MINUTE
    ? `${seconds} s`
    : `${Math.floor(seconds / SECONDS_PER_MINUTE)} min ${seconds % SECONDS_PER_MINUTE} s`;

/** The day before a site-local date: the last one of a half-open span. */
export const dayBefore = (date: string): string =>
  new Date(Date.parse(`${date}T00:00:00Z`) - 86_400_000).toISOString().slice(0, 10);
