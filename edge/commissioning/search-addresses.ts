/** Who is on a line besides Modbus units: DL/T 645, CJ/T 188 and M-Bus meters, found whatever their addresses are. */
import type { AddressSearch } from '../../protocols/edge-api.ts';
import type { Profile } from '../../protocols/profile.ts';
import type { MeterUnit } from '../line/exchange.ts';
import type { LineUse } from '../line/line.ts';
import type { LineLink } from '../line/line-stream.ts';
import { findLoneMeters } from './find-lone-meter.ts';
import { findMbusMeters } from './find-mbus-meters.ts';
import type { FoundMeter } from './scan-units.ts';

export interface AddressSearchOptions {
  link: LineLink;
  profiles: readonly Profile[];
  nowMs: () => number;
  /** Of an answer; each search has its own if not given. */
  timeoutMilliseconds?: number;
  /** The way to the line for a search, whose answers may take so long. */
  lineFor(timeoutMilliseconds: number): LineUse;
  onSearch?(search: AddressSearch): void;
  onFound(meter: FoundMeter): void;
  /** Something answered, but not clearly: two meters at once, or noise. */
  onUnclear(search: AddressSearch): void;
}

/** A DL/T 645 meter may take half a second to answer, at 2400 baud. */
const LONE_TIMEOUT_MS = 1000;
/** The longest telegram on M-Bus takes 1.2 s at 2400 baud; it begins within a fifth of a second. */
const MBUS_TIMEOUT_MS = 2500;
const MBUS_FIRST_BYTE_MS = 300;

/** Nobody is asked over Modbus TCP. @throws LineFault `unreachable` when the line itself cannot be opened */
export async function searchAddresses(options: AddressSearchOptions): Promise<void> {
  const { link, profiles, nowMs, onSearch, onFound, onUnclear } = options;
  if (link.kind === 'tcp') return;
  onSearch?.('lone');
  const loneTimeoutMs = options.timeoutMilliseconds ?? LONE_TIMEOUT_MS;
  const lone = await findLoneMeters(options.lineFor(loneTimeoutMs), link, profiles, nowMs);
  for (const { address, ...meter } of lone.found)
    onFound({ unit: address, serial: address, equals: [], ...meter });
  if (lone.unclear > 0) onUnclear('lone');
  onSearch?.('mbus');
  const timeoutMs = options.timeoutMilliseconds ?? MBUS_TIMEOUT_MS;
  const mbus = await findMbusMeters(options.lineFor(timeoutMs), {
    ...{ link, profiles, nowMs },
    firstByteMilliseconds: Math.min(MBUS_FIRST_BYTE_MS, timeoutMs),
  });
  for (const meter of mbus.found) onFound(meter);
  if (mbus.unclear > 0) onUnclear('mbus');
}

/** What to say of them to a person. */
export const UNCLEAR: Record<AddressSearch, string> = {
  lone: 'Something answers as DL/T 645 or CJ/T 188, but unclearly: several meters? Connect one alone.',
  mbus: 'Something answers on M-Bus, but unclearly: two meters with one number?',
};

/** Models of which the line is not known to have several: those would answer a question to any at once. */
export function modelsToSearch(
  profiles: ReadonlyMap<string, Profile>,
  listed: readonly { profile: string; unit: MeterUnit }[],
): Profile[] {
  const count = (protocol: Profile['protocol']): number =>
    listed.filter(({ profile }) => profiles.get(profile)?.protocol === protocol).length;
  return [...profiles.values()].filter(({ protocol }) => protocol === 'mbus' || count(protocol) < 2);
}
