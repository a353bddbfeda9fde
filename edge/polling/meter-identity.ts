/** Which meter answers at an address: its serial number, or where it keeps none what it refuses; and whether it is the one expected. */
import type { ModbusProfile, SerialRegister } from '../../protocols/profile.ts';
import type { AskedProfile } from '../drivers/asked-profile.ts';
import {
  askOptions,
  askRepeatedly,
  type IdentityRead,
  type MeterDriver,
  nothingRead,
} from '../drivers/meter-driver.ts';

/** By these a meter refuses for good what it was asked for. */
const LASTING = new Set([1, 2, 3]);
/** Said of a meter that has no serial number, or none yet, at the place where its model keeps it: nothing to know it by again. */
export const NO_SERIAL = 'without a serial number';

/** Asks a Modbus meter who it is; undefined when its model has nothing to tell meters apart by. */
export function modbusIdentity(profile: ModbusProfile, unit: number): MeterDriver['identify'] {
  const { serial, fingerprint } = profile;
  const places = serial
    ? [
        {
          functionCode: serial.functionCode ?? profile.functionCode,
          address: serial.address,
          count: serial.words,
        },
      ]
    : fingerprint.refused.map((address) => ({ functionCode: profile.functionCode, address, count: 2 }));
  if (places.length === 0) return undefined;
  return async (line, options) => {
    const read: IdentityRead = { ...nothingRead(), identity: null };
    const said: string[] = [];
    for (const place of places) {
      const request = { unit, ...place };
      const asking = askOptions(options, profile.pauseMilliseconds);
      const answer = await askRepeatedly(() => line.read(request, asking), options.attempts, read);
      if (answer === null) return read;
      if (!answer.ok && !LASTING.has(answer.exception)) {
        read.failures += 1;
        read.exception = answer.exception;
        return read;
      }
      if (serial !== undefined) said.push(answer.ok ? serialIn(serial, answer.data) : NO_SERIAL);
      else said.push(`${place.address} ${answer.ok ? 'answered' : 'refused'}`);
    }
    read.identity = said.join(', ');
    return read;
  };
}

function serialIn(serial: SerialRegister, data: Uint8Array): string {
  const text = serialText(serial, data);
  return isBlankSerial(serial, text) ? NO_SERIAL : text;
}

/** Whether a register was never filled, or is not filled yet: all bits, the greatest number, zero, or blanks. */
export function isBlankSerial(
  { type, words }: Pick<SerialRegister, 'type' | 'words'>,
  text: string,
): boolean {
  if (type !== 'number') return /^(0*|7?F+)$/i.test(text);
  const most = (1n << BigInt(16 * words)) - 1n;
  return [0n, most, most >> 1n].some((blank) => blank.toString() === text);
}

/** A serial number as it is printed: digits, or the characters of a text. */
export function serialText({ type }: Pick<SerialRegister, 'type'>, data: Uint8Array): string {
  const bytes = Buffer.from(data);
  if (type === 'number') return BigInt(`0x${bytes.toString('hex')}`).toString();
  if (type === 'bcd') return bytes.toString('hex');
  return bytes.toString('latin1').replaceAll(/[^\x21-\x7e]/g, '');
}

/**
 * What is expected of a meter: what the engineer configured, or else what it was before. A changed configuration confirms an
 * exchange. Null: whatever it says now is remembered.
 */
export function expectedIdentity(
  profile: AskedProfile,
  configured: string | null,
  known: { identity: string | null; serial: string | null },
): string | null {
  const serial = profile.protocol === 'modbus' ? profile.serial : undefined;
  // On M-Bus it is the number in the header of each answer.
  const isPrinted = serial !== undefined || profile.protocol === 'mbus';
  if (isPrinted && configured !== null) return configured;
  if (serial?.confidence === 'C') return null;
  if (serial !== undefined && known.identity !== null && isNobody(serial, known.identity)) return null;
  return known.serial === configured ? known.identity : null;
}

/** What many meters say is the identity of none of them. */
const isNobody = (serial: SerialRegister, identity: string): boolean =>
  identity === NO_SERIAL || isBlankSerial(serial, identity);

/** Leading zeros and case do not tell meters apart: some labels have them where the register has not. */
export const isSameIdentity = (a: string, b: string): boolean => normal(a) === normal(b);
const normal = (text: string): string =>
  text
    .trim()
    .toUpperCase()
    .replace(/^0+(?=.)/, '');
