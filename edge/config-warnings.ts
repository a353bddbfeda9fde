/** What a configuration that is right leaves unused. Pure. */

import type { EdgeConfig } from './config.ts';
import { isAsked } from './drivers/asked-profile.ts';
import type { Profiles } from './profiles.ts';

/** One line each, for the log and `--check-config`. */
export function configWarnings({ timeZone, buses }: EdgeConfig, profiles: Profiles): string[] {
  if (timeZone !== undefined) return [];
  const keeping = buses
    .flatMap(({ meters }) => meters)
    .filter(({ profile: id }) => {
      const profile = profiles.get(id);
      return isAsked(profile) && 'history' in profile && profile.history !== undefined;
    });
  if (keeping.length === 0) return [];
  const models = [...new Set(keeping.map(({ profile }) => profile))].sort().join(', ');
  return [
    `timeZone is not set: outages of ${keeping.length} meters that keep a history (${models}) are not healed from it, ` +
      'and their clocks are not measured; set it to the zone of the meters’ clocks, such as Asia/Shanghai',
  ];
}
