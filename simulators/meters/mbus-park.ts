/** A line of M-Bus with a meter of every shipped model: what `simulate --mbus` starts, on a socket and on a pseudo terminal. */
import type { MbusProfile } from '../../protocols/profile.ts';
import type { Profiles } from '../profiles.ts';
import { type MbusMeter, mbusLine, mbusMeter } from './mbus-meters.ts';
import { standingValues } from './standing-values.ts';
import { startTransparentConverter, startTransparentSerial } from './transparent-line.ts';

export interface MbusRow {
  profile: string;
  primary: number;
  secondary: string;
}

export interface MbusPark {
  meters: MbusRow[];
  /** `127.0.0.1:5020`, and a device file where there are pseudo terminals. */
  addresses: string[];
  close(): Promise<void>;
}

/** What a meter of no make in particular names as its own: `PAD`, as in the examples of the standard. */
const NO_MAKER = '2440';
const makers: Record<string, string> = { ABB: '4204', SBC: '434C' };
const VERSION = '01';

/** @param port 0 for any free one */
export async function startMbusPark(
  profiles: Profiles,
  { host, port }: { host: string; port: number },
): Promise<MbusPark> {
  const models = [...profiles.values()].filter((profile) => profile.protocol === 'mbus');
  const meters = models.map((profile, at) => ({ profile, row: rowOf(profile, at + 1) }));
  // Each wire has meters of its own: what one of them was asked last is nothing to the other.
  const started = (): MbusMeter[] => meters.map(({ profile, row }) => meterOf(profile, row));
  const converter = await startTransparentConverter(mbusLine(started()), port, host);
  const serial = startTransparentSerial(mbusLine(started()));
  return {
    meters: meters.map(({ row }) => row),
    addresses: [`${host}:${converter.port}`, ...(serial === null ? [] : [serial.path])],
    async close() {
      serial?.close();
      await converter.close();
    },
  };
}

function rowOf({ id, maker, media }: MbusProfile, primary: number): MbusRow {
  const number = String(10_000_000 + primary);
  const medium = (media[0] ?? 0).toString(16).padStart(2, '0').toUpperCase();
  const secondary = `${number}${makers[maker ?? ''] ?? NO_MAKER}${VERSION}${medium}`;
  return { profile: id, primary, secondary };
}

function meterOf(profile: MbusProfile, { primary, secondary }: MbusRow): MbusMeter {
  return mbusMeter({ profile, primary, secondary, values: standingValues(profile) });
}
