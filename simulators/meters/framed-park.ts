/**
 * A meter of every model of DL/T 645 or CJ/T 188, each alone on a line of its own, as a scan wants it: on a socket and on a
 * pseudo terminal.
 */
import type { Cjt188Profile, Dlt645Profile, Profile } from '../../protocols/profile.ts';
import type { Profiles } from '../profiles.ts';
import { cjt188Meter, dlt645Meter, type FramedMeter, framedLine } from './framed-meters.ts';
import { standingValues } from './standing-values.ts';
import { startTransparentConverter, startTransparentSerial } from './transparent-line.ts';

type FramedProfile = Dlt645Profile | Cjt188Profile;

export interface FramedRow {
  profile: string;
  /** The address as it is printed on the meter. */
  unit: string;
  /** `127.0.0.1:5020`, and a device file where there are pseudo terminals. */
  addresses: string[];
}

export interface FramedPark {
  meters: FramedRow[];
  close(): Promise<void>;
}

const addressDigits = { dlt645: 12, cjt188: 14 };

/** @param port the first one, 0 for any free ones @param now what the meters' own clocks show, local */
export async function startFramedPark(
  protocol: FramedProfile['protocol'],
  profiles: Profiles,
  { host, port, now }: { host: string; port: number; now: () => Temporal.PlainDateTime },
): Promise<FramedPark> {
  const isModel = (profile: Profile): profile is FramedProfile => profile.protocol === protocol;
  const meters: FramedRow[] = [];
  const closers: (() => unknown)[] = [];
  for (const [at, profile] of [...profiles.values()].filter(isModel).entries()) {
    const unit = `${at + 1}`.padStart(addressDigits[protocol], '0');
    const started = () => framedLine([meterOf(profile, unit, now)]);
    const converter = await startTransparentConverter(started(), port === 0 ? 0 : port + at, host);
    const serial = startTransparentSerial(started());
    closers.push(converter.close, () => serial?.close());
    const addresses = [`${host}:${converter.port}`, ...(serial === null ? [] : [serial.path])];
    meters.push({ profile: profile.id, unit, addresses });
  }
  return {
    meters,
    async close() {
      for (const close of closers) await close();
    },
  };
}

function meterOf(profile: FramedProfile, unit: string, now: () => Temporal.PlainDateTime): FramedMeter {
  const values = standingValues(profile);
  if (profile.protocol === 'cjt188') return cjt188Meter(profile, unit, values, now);
  let ahead = Temporal.Duration.from({ seconds: 0 });
  return dlt645Meter(profile, unit, values, {
    clock: {
      now: () => now().add(ahead),
      set(to) {
        ahead = now().until(to);
      },
    },
    valueAt: (obis) => values(obis) ?? null,
    settlementDays: [{ day: 1, hour: 0 }],
    loadMinutes: 15,
  });
}
