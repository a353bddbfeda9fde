/** What was read of a meter, as the JSON document of `read` and of each round of `watch`. */
import type { MeterRead } from '../drivers/meter-driver.ts';
import { readFault } from '../line/live-fault.ts';
import type { NamedMeter } from './meter-options.ts';
import { inOrder, instantText } from './meter-table.ts';

export function readDocument({ profile, unit, link }: NamedMeter, read: MeterRead): string {
  return JSON.stringify({
    profile: profile.id,
    unit,
    requests: read.requests,
    readings: inOrder(profile, read).map(({ register, value, readAtMs }) => ({
      register: register.obis,
      value,
      unit: register.unit,
      quality: value === null ? 'missing' : 'actual',
      readAt: instantText(readAtMs),
    })),
    fault: readFault(read, link, profile.protocol),
  });
}
