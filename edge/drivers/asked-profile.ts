/** The models whose meters are asked: which addresses and links such a meter can have. */

import { namesOneMeter } from '../../protocols/mbus/address.ts';
import type {
  Cjt188Profile,
  DlmsProfile,
  Dlt645Profile,
  MbusProfile,
  ModbusProfile,
  Profile,
} from '../../protocols/profile.ts';
import type { Link } from '../config.ts';
import type { MeterUnit } from '../line/exchange.ts';
import { baudRateOf } from '../line/line-stream.ts';

/** A model whose meters are asked; those of the others speak by themselves. */
export type AskedProfile = ModbusProfile | Dlt645Profile | Cjt188Profile | DlmsProfile | MbusProfile;

export const isAsked = (profile: Profile | undefined): profile is AskedProfile =>
  profile !== undefined && profile.protocol !== 'mqtt' && profile.protocol !== 'sparkplug';

/** Of the primary addresses on M-Bus. */
const LAST_PRIMARY = 250;
const addressDigits = { dlt645: 12, cjt188: 14 };
const standardNames = { dlt645: 'DL/T 645', cjt188: 'CJ/T 188', mbus: 'M-Bus' };

/** Why a meter of the model cannot have this address, or null. */
export function unitRefusal(profile: AskedProfile, unit: MeterUnit): string | null {
  const { protocol } = profile;
  if (protocol === 'modbus')
    return typeof unit === 'number' && unit <= 255 ? null : 'a Modbus meter has a unit id, 0 to 255';
  if (protocol === 'dlms') return dlmsUnitRefusal(profile, unit);
  if (protocol === 'mbus') return mbusUnitRefusal(unit);
  const digits = addressDigits[protocol];
  if (typeof unit === 'string' && unit.length === digits && /^\d+$/.test(unit)) return null;
  return `a ${standardNames[protocol]} meter has the ${digits} digits printed on it, in a file in quotes`;
}

/** An address of one or two bytes has seven bits for the unit. */
function dlmsUnitRefusal({ addressBytes = 4 }: DlmsProfile, unit: MeterUnit): string | null {
  const last = addressBytes === 4 ? 16_383 : 127;
  if (typeof unit === 'number' && unit >= 1 && unit <= last) return null;
  return `a DLMS meter has the number of its physical device, over TCP of its logical one, 1 to ${last}`;
}

/** Without wildcards: an address that fits several meters is for searching only. */
function mbusUnitRefusal(unit: MeterUnit): string | null {
  const isOne = typeof unit === 'number' ? unit <= LAST_PRIMARY : namesOneMeter(unit);
  return isOne
    ? null
    : 'an M-Bus meter has a primary address, 0 to 250, or the 16 hex digits of a secondary one';
}

/** Why a meter of the model cannot be on this link, or null. */
export function linkRefusal({ protocol }: AskedProfile, { kind }: { kind: string }): string | null {
  if (protocol === 'modbus' || protocol === 'dlms' || kind !== 'tcp') return null;
  return `${standardNames[protocol]} is spoken on a serial line or through a transparent converter, not over Modbus TCP`;
}

/** 8E1; the longest frame has 261 characters, and a meter may take 330 bit times and 50 ms to begin. */
const MBUS_BITS = 261 * 11 + 330;
const MBUS_PAUSE_MS = 50;

/** Why a meter of the model cannot be polled with this timeout, or null. */
export function timeoutRefusal(
  { protocol }: AskedProfile,
  { link, timeoutMilliseconds }: { link: Link; timeoutMilliseconds: number },
): string | null {
  const baudRate = baudRateOf(link);
  if (protocol !== 'mbus' || baudRate === null) return null;
  const needed = Math.ceil((MBUS_BITS * 1000) / baudRate) + MBUS_PAUSE_MS;
  return timeoutMilliseconds >= needed
    ? null
    : `at ${baudRate} baud an answer on M-Bus takes up to ${needed} ms: give the bus a longer timeoutMilliseconds`;
}
