/** Registers that bill nothing and are read between the boundaries: how often, and which. */
import { z } from 'zod';
import { Obis } from '../../protocols/obis.ts';
import type { AskedProfile } from '../drivers/asked-profile.ts';

/** As often as the line allows but no oftener than this; all that bill nothing when none is listed. */
export const Instantaneous = z.strictObject({
  everySeconds: z.int().min(1).max(86_400),
  registers: z.array(Obis).optional(),
});
export type Instantaneous = z.infer<typeof Instantaneous>;

interface Metered {
  instantaneous?: Instantaneous | undefined;
  meters: readonly { profile: string; instantaneous?: Instantaneous | undefined }[];
}

/** Whether a register is read between the boundaries. */
export const isInstantaneous = (
  setting: Instantaneous | undefined,
  { obis, billing }: { obis: string; billing: boolean },
): boolean => setting !== undefined && !billing && (setting.registers?.includes(obis) ?? true);

/** Refuses listed registers that the meter, or none of the bus's meters, has; or that bill, and are read on the boundaries. */
export function refuseRegisters(
  { instantaneous, meters }: Metered,
  profileOf: (id: string) => AskedProfile | null,
  refuse: (path: PropertyKey[], message: string) => void,
): void {
  const check = (
    setting: Instantaneous | undefined,
    profiles: readonly AskedProfile[],
    path: PropertyKey[],
  ) => {
    for (const [index, obis] of (setting?.registers ?? []).entries()) {
      const found = profiles.flatMap(({ registers }) => [...registers]).filter((one) => one.obis === obis);
      const at = [...path, 'instantaneous', 'registers', index];
      if (found.length === 0)
        refuse(at, `"${obis}" is no register of ${profiles.map(({ id }) => id).join(', ')}`);
      else if (found.every(({ billing }) => billing))
        refuse(at, `"${obis}" bills: it is read on the boundaries`);
    }
  };
  const profiles = meters.map(({ profile }) => profileOf(profile));
  const known = profiles.filter((profile) => profile !== null);
  // An unknown profile has been refused already.
  if (known.length < profiles.length) return;
  check(instantaneous, [...new Set(known)], []);
  for (const [m, { instantaneous: own }] of meters.entries())
    check(own, known.slice(m, m + 1), ['meters', m]);
}
