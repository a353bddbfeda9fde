/**
 * The one message here that changes a meter: its time. It is not answered; a meter takes it once a day, when it differs by
 * no more than five minutes, and it is not sent near midnight (DL/T 645-2007, broadcast time, control code 08; of 1997 the
 * same). The standard sends it to all meters of a line; whether a meter takes it under its own address as well is the
 * maker's choice. Only the command that a person gives imports this file.
 */
import { bcdBytesOf, bcdTime } from '../meter-time.ts';
import { buildDlt645Frame, type Dlt645Frame } from './frame.ts';

const BROADCAST = 0x08;
/** Everybody's address. */
export const ALL_METERS = '999999999999';
/** What a meter differs by more is not set. */
export const MOST_OFFSET_SECONDS = 300;

/** The frame that sets a clock, or all clocks on the line, to `to`, local time. */
export function timeBroadcast(address: string, to: Temporal.PlainDateTime): Uint8Array {
  const { year, month, day, hour, minute, second } = to;
  const data = bcdBytesOf([second, minute, hour, day, month, year % 100]);
  return buildDlt645Frame({ address, control: BROADCAST, data });
}

/** What the meter of this address makes of a frame: the time it is told, or null when it is told none. */
export function parseTimeBroadcast(
  { address, control, data }: Dlt645Frame,
  own: string,
): Temporal.PlainDateTime | null {
  const isMeant = address === ALL_METERS || address === own;
  return isMeant && control === BROADCAST && data.length === 6 ? bcdTime(data) : null;
}
