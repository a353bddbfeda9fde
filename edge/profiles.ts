/** The shipped meter models, read from `protocols/profiles/*.yaml`. */
import { readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { z } from 'zod';
import { Profile } from '../protocols/profile.ts';
import { checkYaml } from '../protocols/yaml-document.ts';

export type Profiles = ReadonlyMap<string, Profile>;
export type LoadedProfiles = { ok: true; profiles: Profiles } | { ok: false; errors: string[] };

const shipped = fileURLToPath(new URL('../protocols/profiles/', import.meta.url));

/** A profile as a file: the schema's rules, and those that need two registers or the file's name. */
const profileFile = (id: string): z.ZodType<Profile> =>
  Profile.superRefine((profile, context) => {
    const refuse = (path: PropertyKey[], message: string): void =>
      context.addIssue({ code: 'custom', path, message });
    if (profile.id !== id) refuse(['id'], `not the file's name, "${id}"`);
    const seen = new Set<string>();
    for (const [index, { obis }] of profile.registers.entries()) {
      if (seen.has(obis)) refuse(['registers', index, 'obis'], `"${obis}" is listed twice`);
      seen.add(obis);
    }
    if (!profile.registers.some(({ billing }) => billing)) refuse(['registers'], 'none is for billing');
  });

/** All profiles of `folder` by id, in the order of their names. Errors are lines `file:line: key: message`. */
export function loadProfiles(folder = shipped): LoadedProfiles {
  const profiles = new Map<string, Profile>();
  const errors: string[] = [];
  for (const name of readdirSync(folder).sort()) {
    if (!name.endsWith('.yaml')) continue;
    const file = join(folder, name);
    const checked = checkYaml(profileFile(basename(name, '.yaml')), readFileSync(file, 'utf8'), file);
    if (checked.ok) profiles.set(checked.value.id, checked.value);
    else errors.push(...checked.errors);
  }
  return errors.length > 0 ? { ok: false, errors } : { ok: true, profiles };
}
