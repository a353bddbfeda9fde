/** A bus for live work: the one that a request names, and what is read along it, beside the polling. */
import type { LiveReading } from '../../protocols/edge-api.ts';
import { type AskedProfile, isAsked, linkRefusal, unitRefusal } from '../drivers/asked-profile.ts';
import type { MeterRead } from '../drivers/meter-driver.ts';
import type { MeterUnit } from '../line/exchange.ts';
import type { PolledBus } from '../poll.ts';
import type { EdgeApiContext } from './context.ts';
import { EdgeRefused } from './problems.ts';

/** @throws EdgeRefused `unknown_bus` */
export function busOf({ gateway }: EdgeApiContext, id: string): PolledBus {
  const bus = gateway.bus(id);
  if (bus === null) throw new EdgeRefused('unknown_bus', `there is no bus "${id}"`);
  return bus;
}

/** The model, if its meter can have this unit on this bus. @throws EdgeRefused */
export function askedProfileOf(
  { profiles }: EdgeApiContext,
  { link }: PolledBus,
  { profile: id, unit }: { profile: string; unit: MeterUnit },
): AskedProfile {
  const profile = profiles.get(id);
  if (profile === undefined) throw new EdgeRefused('unknown_profile', `there is no profile "${id}"`);
  if (!isAsked(profile))
    throw new EdgeRefused('wrong_unit', `${profile.id} pushes its readings: it cannot be read`);
  const refusal = unitRefusal(profile, unit) ?? linkRefusal(profile, link);
  if (refusal !== null) throw new EdgeRefused('wrong_unit', refusal);
  return profile;
}

/** What a person who may read the bus need not know: the password of the meter that is polled there. */
export const passwordAt = ({ meters }: PolledBus, unit: MeterUnit): string | undefined =>
  meters.find((meter) => meter.unit === unit)?.password;

/** As the profile lists them. */
export const liveReadings = (profile: AskedProfile, read: MeterRead): LiveReading[] =>
  profile.registers.flatMap((register) =>
    read.values
      .filter((value) => value.register === register)
      .map(({ value, code, raw, readAtMs }) => ({
        register: register.obis,
        name: register.name,
        value,
        unit: register.unit,
        quality: value === null ? ('missing' as const) : ('actual' as const),
        code: code ?? null,
        raw,
        billing: register.billing,
        readAt: Temporal.Instant.fromEpochMilliseconds(readAtMs).toString(),
      })),
  );

/** One search along a bus at a time, until `end` is called. @throws EdgeRefused `bus_busy` */
export function alone<T>(
  { liveWork }: EdgeApiContext,
  bus: string,
  kind: 'scan' | 'detect',
  begin: (end: () => void) => T,
): T {
  const other = liveWork.get(bus);
  if (other !== undefined) throw new EdgeRefused('bus_busy', `a ${other.kind} runs along it`);
  const own = { kind };
  liveWork.set(bus, own);
  return begin(() => {
    if (liveWork.get(bus) === own) liveWork.delete(bus);
  });
}
