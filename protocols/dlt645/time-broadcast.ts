/**
 * The one message here that changes a meter: its time. It goes to all meters of a line and is not answered; a meter takes
 * it once a day, when it differs by no more than five minutes, and not near its midnight (DL/T 645-2007, broadcast time,
 * control code 08; of 1997 the same). Only the command that a person gives imports this file.
 */
import { bcdBytesOf, bcdTime } from '../meter-time.ts';
import { buildDlt645Frame, type Dlt645Frame } from './frame.ts';

const BROADCAST = 0x08;
const EVERYBODY = '999999999999';

/** The frame that sets the clocks on the line to `now`, local time. */
export function timeBroadcast(now: Temporal.PlainDateTime): Uint8Array {
  const { year, month, day, hour, minute, second } = now;
  const data = bcdBytesOf([second, minute, hour, day, month, year % 100]);
  return buildDlt645Frame({ address: EVERYBODY, control: BROADCAST, data });
}

/** What a meter makes of a frame: the time it is told, or null when it is no broadcast of the time. */
export function parseTimeBroadcast({ address, control, data }: Dlt645Frame): Temporal.PlainDateTime | null {
  return address === EVERYBODY && control === BROADCAST && data.length === 6 ? bcdTime(data) : null;
}
