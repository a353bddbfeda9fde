/**
 * How a meter on M-Bus is named (EN 13757-7): by its primary address, 0 to 250, or by its secondary address, 16 hex digits:
 * 8 of its identification number as printed on it, 4 of its maker, 2 of its version, 2 of its medium. The maker's stand as
 * they go over the wire, as in other programs: ABB (0442) is `4204`. In a selection the digit `F` of the number, and `FF`
 * in a byte behind it, stand for any.
 */
import { bytesFromDigits, digitsFromBytes } from '../bcd.ts';

/** Addressed when a meter was selected by its secondary address. */
export const SELECTED = 253;
/** Answered by every meter: only one may be on the line. */
export const ANY_PRIMARY = 254;
/** Selects every meter. */
export const ANY_SECONDARY = 'F'.repeat(16);

const ID_BYTES = 4;
export const SECONDARY_BYTES = 8;

const hexOf = (bytes: Uint8Array): string => digitsFromBytes(bytes.toReversed());

/** The eight bytes of a selection, or of a header, as 16 hex digits. */
export const secondaryAddress = (bytes: Uint8Array): string =>
  digitsFromBytes(bytes.subarray(0, ID_BYTES)) + hexOf(bytes.subarray(ID_BYTES, SECONDARY_BYTES));

/** The reverse of `secondaryAddress`. */
export const secondaryBytes = (address: string): Uint8Array =>
  Uint8Array.of(
    ...bytesFromDigits(address.slice(0, 2 * ID_BYTES)),
    ...bytesFromDigits(address.slice(2 * ID_BYTES)).reverse(),
  );

/** Whether it names one meter: nothing in it stands for any. Some makers' numbers have letters. */
export const namesOneMeter = (address: string): boolean =>
  /^[0-9A-E]{8}(?!FFFF)[0-9A-F]{4}(?!FF)[0-9A-F]{2}(?!FF)[0-9A-F]{2}$/.test(address);

/** Whether a selection of `pattern` selects the meter with this secondary address. */
export function isSelected(pattern: string, own: string): boolean {
  const [asked, answering] = [secondaryBytes(pattern), secondaryBytes(own)];
  const digitsMatch = [...pattern.slice(0, 2 * ID_BYTES)].every(
    (digit, at) => digit === 'F' || digit === own[at],
  );
  return digitsMatch && asked.every((byte, at) => at < ID_BYTES || byte === 0xff || byte === answering[at]);
}

/** `ABB` for 0442: five bits a letter, from 64 on. */
export const makerLetters = (code: number): string =>
  String.fromCharCode(...[10, 5, 0].map((shift) => ((code >>> shift) & 0x1f) + 64));
