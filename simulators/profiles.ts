/** The shipped meter models, as the simulated meters need them. */
import { readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { Profile } from '../protocols/profile.ts';
import { checkYaml } from '../protocols/yaml-document.ts';

export type Profiles = ReadonlyMap<string, Profile>;

const shipped = join(import.meta.dirname, '../protocols/profiles');

/** @throws Error naming file, line and key when a shipped profile is broken */
export function readProfiles(): Profiles {
  const profiles = new Map<string, Profile>();
  for (const file of readdirSync(shipped).filter((name) => name.endsWith('.yaml'))) {
    const checked = checkYaml(Profile, readFileSync(join(shipped, file), 'utf8'), file);
    if (!checked.ok) throw new Error(checked.errors.join('\n'));
    profiles.set(basename(file, '.yaml'), checked.value);
  }
  return profiles;
}

/** The profile of this name and its billing register. @throws Error when there is none */
export function billingRegister(profiles: Profiles, id: string) {
  const profile = profiles.get(id);
  const register = profile?.registers.find(({ billing }) => billing);
  if (profile === undefined || register === undefined) throw new Error(`no profile "${id}" to bill by`);
  return { profile, register };
}

/**
 * The step of a simulated meter's billing register, in millionths of its unit. Integer registers step by their scale; a
 * float would hold more digits than any face shows, so those step by a hundredth (32 bit) or a thousandth, and so do pushes.
 * DL/T 645 and CJ/T 188 count by hundredths.
 */
export function resolutionMicro(profiles: Profiles, id: string): number {
  const { profile, register } = billingRegister(profiles, id);
  if (profile.protocol === 'mqtt' || profile.protocol === 'sparkplug') return 1_000;
  if (!('type' in register)) return 10_000;
  if (register.type === 'f32') return 10_000;
  return register.type === 'f64' ? 1_000 : Math.round(Number(register.scale) * 1_000_000);
}
