/** How the history of a meter is read, for any model that keeps one. */
import type { AskedProfile } from '../drivers/asked-profile.ts';
import type { MeterUnit } from '../line/exchange.ts';
import { dlt645History } from './dlt645-history.ts';
import type { ReadHistory } from './frozen-search.ts';
import { modbusHistory } from './modbus-history.ts';

/** Null for a model that keeps no history that we can read. */
export function openHistory(profile: AskedProfile, unit: MeterUnit): ReadHistory | null {
  if (profile.protocol === 'modbus' && profile.history !== undefined)
    return modbusHistory(profile, profile.history, Number(unit));
  if (profile.protocol === 'dlt645' && profile.history !== undefined)
    return dlt645History(profile, profile.history, String(unit));
  return null;
}
