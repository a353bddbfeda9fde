/** The options that name one meter on a line, shared by the commands that read one. */

import type { Link } from '../config.ts';
import { type AskedProfile, isAsked, linkRefusal, unitRefusal } from '../drivers/asked-profile.ts';
import type { MeterUnit } from '../line/exchange.ts';
import { loadProfiles } from '../profiles.ts';
import { LINK_USAGE, type LinkValues, linkOptions, parseLink, parseWhole } from './link-options.ts';
import { nearest } from './nearest.ts';

export const meterOptions = {
  ...linkOptions,
  profile: { type: 'string' },
  unit: { type: 'string' },
  password: { type: 'string' },
} as const;

export const METER_USAGE = `  --profile P                a meter model: see \`meterline profiles\`
  --unit U                   the meter's address on its line: 0 to 255; of a DL/T 645 meter the 12 digits printed on it,
                             of a CJ/T 188 meter 14; of a DLMS meter its physical device, over TCP its logical one;
                             on M-Bus the primary address, 0 to 250, or the 16 hex digits of the secondary one
  --password TEXT            of a DLMS meter that asks for one (low level security)
${LINK_USAGE}`;

export interface NamedMeter {
  profile: AskedProfile;
  unit: MeterUnit;
  link: Link;
  timeoutMilliseconds: number;
  password: string | undefined;
}

const PASSWORD_OF_DLMS = 'only DLMS meters have a password';
const DEFAULT_TIMEOUT_MS = 1000;
/** The longest telegram takes 1.2 s at 2400 baud, the usual speed of M-Bus. */
const MBUS_TIMEOUT_MS = 2500;

/** The meter named by the options, or the sentence that says what is wrong with them. */
export function parseMeter(
  values: LinkValues & Partial<Record<'profile' | 'unit' | 'password', string | undefined>>,
): { ok: true; meter: NamedMeter } | { ok: false; error: string } {
  const loaded = loadProfiles();
  if (!loaded.ok) return refuse(loaded.errors.join('\n'));
  if (values.profile === undefined) return refuse('--profile is missing');
  const profile = loaded.profiles.get(values.profile);
  if (profile === undefined) {
    const meant = nearest(values.profile, loaded.profiles.keys());
    const hint = meant === null ? 'see `meterline profiles`' : `did you mean ${meant}?`;
    return refuse(`there is no profile "${values.profile}": ${hint}`);
  }
  if (!isAsked(profile)) return refuse(`${profile.id} pushes its readings: it cannot be read`);
  const unit = parseUnit(values.unit ?? '');
  if (unit === null) return refuse('--unit is missing or not a number, nor 12 or 14 digits');
  const parsed = parseLink(values, profile.protocol === 'mbus' ? MBUS_TIMEOUT_MS : DEFAULT_TIMEOUT_MS);
  if (!parsed.ok) return parsed;
  const { link, timeoutMilliseconds } = parsed;
  const { password } = values;
  if (password !== undefined && profile.protocol !== 'dlms') return refuse(PASSWORD_OF_DLMS);
  const refusal = unitRefusal(profile, unit) ?? linkRefusal(profile, link);
  return refusal === null
    ? { ok: true, meter: { profile, unit, link, timeoutMilliseconds, password } }
    : refuse(refusal);
}

/** A meter that a gateway is asked for: the gateway judges whether it can be. Null when it is not named. */
export function parseAsked({
  profile,
  unit: text = '',
}: Partial<Record<'profile' | 'unit', string | undefined>>): { profile: string; unit: MeterUnit } | null {
  const unit = parseUnit(text);
  return profile === undefined || unit === null ? null : { profile, unit };
}

const refuse = (error: string): { ok: false; error: string } => ({ ok: false, error });

/** A unit id as a number, an address as it is written; null for neither. */
const parseUnit = (text: string): MeterUnit | null =>
  /^(\d{12}|\d{14}|[0-9A-F]{16})$/.test(text) ? text : parseWhole(text, 0, 16_383);
