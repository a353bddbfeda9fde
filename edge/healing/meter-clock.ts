/** The clock of a meter, held against the gateway's. Nothing is set here, and no reading is shifted by what is found. */

import { clockItems, parseMeterClock } from '../../protocols/dlt645/meter-clock.ts';
import { bcdTime } from '../../protocols/meter-time.ts';
import type { Cjt188Profile, DlmsProfile, Dlt645Profile } from '../../protocols/profile.ts';
import type { AskedProfile } from '../drivers/asked-profile.ts';
import { cjt188Exchange } from '../drivers/cjt188-driver.ts';
import { type DlmsAccess, readDlmsClock } from '../drivers/dlms-driver.ts';
import { dlt645Dialogue } from '../drivers/dlt645-dialogue.ts';
import {
  askOptions,
  askRepeatedly,
  type DriveOptions,
  type MeterRead,
  nothingRead,
} from '../drivers/meter-driver.ts';
import type { MeterUnit } from '../line/exchange.ts';
import type { LineUse } from '../line/line.ts';
import { instantMs } from './site-time.ts';

/** Meter minus gateway: the meter's is ahead when positive. */
export interface ClockOffset {
  offsetMs: number;
  /** How far off that may be: half of how long the answer took, and half of the second that the meter cuts off. */
  uncertaintyMs: number;
  /** Unix milliseconds, by the gateway's clock. */
  atMs: number;
}

/** Local time as the meter shows it, cut down to the second; null when it gives none. */
type ReadTime = (
  line: LineUse,
  options: ClockOptions & { timeZone: string },
) => Promise<Temporal.PlainDateTime | null>;
/** @param read counts the requests, and says why there was no time, for who wants to know */
type ClockOptions = DriveOptions & { read?: MeterRead };
export type MeasureClock = (
  line: LineUse,
  options: ClockOptions & { timeZone: string },
) => Promise<ClockOffset | null>;

const HALF_SECOND_MS = 500;

/**
 * Null for a model whose clock we cannot read.
 * @param access what it takes to reach a meter of DLMS
 */
export function openClock(
  profile: AskedProfile,
  unit: MeterUnit,
  access?: Omit<DlmsAccess, 'unit'>,
): MeasureClock | null {
  const readTime =
    profile.protocol === 'dlms'
      ? access && dlmsTimeReader(profile, { ...access, unit: Number(unit) })
      : timeReader(profile, String(unit));
  if (readTime === null || readTime === undefined) return null;
  return async (line, options) => {
    const sentMs = options.nowMs();
    const shown = await readTime(line, options);
    const heardMs = options.nowMs();
    const shownMs = shown && instantMs(shown, options.timeZone);
    if (shownMs === null) return null;
    const atMs = (sentMs + heardMs) / 2;
    return {
      offsetMs: Math.round(shownMs + HALF_SECOND_MS - atMs),
      uncertaintyMs: Math.round((heardMs - sentMs) / 2 + HALF_SECOND_MS),
      atMs: Math.round(atMs),
    };
  };
}

function timeReader(profile: AskedProfile, address: string): ReadTime | null {
  if (profile.protocol === 'dlt645') return (line, options) => dlt645Time(profile, address, line, options);
  if (profile.protocol !== 'cjt188' || profile.clockAt === undefined) return null;
  const { clockAt } = profile;
  return (line, options) => cjt188Time(profile, clockAt, address, line, options);
}

/** A meter that says how far it is from UTC is brought to the site's time; of others it is taken for that. */
const dlmsTimeReader =
  (profile: DlmsProfile, access: DlmsAccess): ReadTime =>
  async (line, options) => {
    const shown = await readDlmsClock(profile, access, line, options);
    if (shown === null || shown.doubtful) return null;
    const local = Temporal.PlainDateTime.from(shown.local);
    if (shown.offsetMinutes === null) return local;
    const utc = local.subtract({ minutes: shown.offsetMinutes }).toZonedDateTime('UTC');
    return utc.withTimeZone(options.timeZone).toPlainDateTime();
  };

/** The date is asked for on both sides of the time: they belong together when no midnight lies between. */
async function dlt645Time(
  { version }: Dlt645Profile,
  address: string,
  line: LineUse,
  options: ClockOptions,
): Promise<Temporal.PlainDateTime | null> {
  const dialogue = dlt645Dialogue({ version, address, line, options, read: options.read ?? nothingRead() });
  const { date, time } = clockItems[version];
  const before = await dialogue(date);
  const shown = before && (await dialogue(time));
  const after = shown && (await dialogue(date));
  if (before === null || shown === null || after === null) return null;
  return Buffer.compare(before, after) === 0 ? parseMeterClock(before, shown) : null;
}

async function cjt188Time(
  { meterType: type, di: item, diOrder: order }: Cjt188Profile,
  clockAt: number,
  address: string,
  line: LineUse,
  options: ClockOptions,
): Promise<Temporal.PlainDateTime | null> {
  const exchange = cjt188Exchange({ type, address, item, order, serial: 0 });
  const reply = await askRepeatedly(
    () => line.ask(exchange, askOptions(options)),
    options.attempts,
    options.read ?? nothingRead(),
  );
  if (reply === null || !reply.answer.ok) return null;
  return bcdTime(reply.answer.data.subarray(clockAt, clockAt + 7));
}
