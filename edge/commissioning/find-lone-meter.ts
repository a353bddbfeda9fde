/**
 * Finds the DL/T 645 or CJ/T 188 meter on a line, by an address that stands for any. It has to be the only one of its
 * protocol there: several would answer at once.
 */
import { ANY_ADDRESS } from '../../protocols/dlt645/frame.ts';
import { addressRequest, type Dlt645Request } from '../../protocols/dlt645/read-data.ts';
import type { Profile } from '../../protocols/profile.ts';
import type { AskedProfile } from '../drivers/asked-profile.ts';
import { cjt188Exchange } from '../drivers/cjt188-driver.ts';
import { dlt645Exchange } from '../drivers/dlt645-driver.ts';
import type { RegisterValue } from '../drivers/meter-driver.ts';
import { openDriver } from '../drivers/open-driver.ts';
import type { Exchange } from '../line/exchange.ts';
import { LineFault, type LineUse } from '../line/line.ts';
import type { LineLink } from '../line/line-stream.ts';

export interface LoneMeter {
  address: string;
  profile: AskedProfile;
  values: RegisterValue[];
}

export interface LoneMeters {
  found: LoneMeter[];
  /** Requests that got something, but no clean answer: two meters at once, or noise. */
  unclear: number;
}

const ANY_TYPE = 'AA';
const ANY_LONG_ADDRESS = 'A'.repeat(14);
/** The forward total of 1997, where no request asks for the address. */
const OLD_TOTAL: Dlt645Request = { version: 1997, address: ANY_ADDRESS, kind: 'item', item: '9010' };

/** Of those models only. @throws LineFault `unreachable` when the line itself cannot be opened */
export async function findLoneMeters(
  line: LineUse,
  link: LineLink,
  profiles: readonly Profile[],
  nowMs: () => number,
): Promise<LoneMeters> {
  const result: LoneMeters = { found: [], unclear: 0 };
  const add = async (address: string, models: readonly AskedProfile[]): Promise<void> => {
    const meter = await bestModel(line, link, address, models, nowMs);
    if (meter !== null) result.found.push(meter);
  };
  const dlt645 = profiles.filter((profile) => profile.protocol === 'dlt645');
  for (const request of [addressRequest, OLD_TOTAL]) {
    const models = dlt645.filter(({ version }) => version === request.version);
    const reply = models.length > 0 ? await tryOnce(line, dlt645Exchange(request), result) : null;
    if (reply !== null) await add(reply.address, models);
  }
  const models = profiles.filter((profile) => profile.protocol === 'cjt188');
  for (const order of new Set(models.map(({ diOrder }) => diOrder))) {
    const request = { type: ANY_TYPE, address: ANY_LONG_ADDRESS, item: '901F', order, serial: 0 };
    const reply = await tryOnce(line, cjt188Exchange(request), result);
    if (reply === null) continue;
    await add(
      reply.address,
      models.filter(({ meterType, diOrder }) => meterType === reply.type && diOrder === order),
    );
  }
  return result;
}

async function tryOnce<T>(line: LineUse, exchange: Exchange<T>, result: LoneMeters): Promise<T | null> {
  try {
    return await line.ask(exchange);
  } catch (error) {
    if (!(error instanceof LineFault) || error.code === 'unreachable') throw error;
    if (error.code !== 'timeout' && error.code !== 'closed') result.unclear += 1;
    return null;
  }
}

/** The model that lacks the fewest registers; of two that lack none, the one that has more. */
async function bestModel(
  line: LineUse,
  link: LineLink,
  address: string,
  models: readonly AskedProfile[],
  nowMs: () => number,
): Promise<LoneMeter | null> {
  let best: (LoneMeter & { lacking: number }) | null = null;
  for (const profile of models) {
    const driver = openDriver(profile, { unit: address, link });
    const { values } = await driver.read(line, { nowMs, attempts: 1, pauses: true });
    const lacking = profile.registers.length - values.length;
    const isBetter =
      best === null ||
      lacking < best.lacking ||
      (lacking === best.lacking && values.length > best.values.length);
    if (isBetter) best = { address, profile, values, lacking };
  }
  return best;
}
