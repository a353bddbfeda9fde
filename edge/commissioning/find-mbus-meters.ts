/**
 * Finds the meters on an M-Bus line by their secondary addresses: all are selected at once, and where several answer, digit
 * by digit of their numbers. A meter that cannot be selected is found when it is alone.
 */
import { ANY_PRIMARY, ANY_SECONDARY, SELECTED } from '../../protocols/mbus/address.ts';
import type { MbusHeader } from '../../protocols/mbus/telegram.ts';
import type { MbusProfile, Profile } from '../../protocols/profile.ts';
import { acknowledged, type MbusAnswer, requestedData } from '../drivers/mbus-exchange.ts';
import { openDriver } from '../drivers/open-driver.ts';
import type { MeterUnit } from '../line/exchange.ts';
import { LineFault, type LineUse } from '../line/line.ts';
import { type LineLink, linkName } from '../line/line-stream.ts';
import { oneAtATime } from '../line/one-at-a-time.ts';
import type { FoundMeter } from './scan-units.ts';

export interface MbusSearch {
  found: FoundMeter[];
  /** Selections that several meters answered to the last digit, or none clearly. */
  unclear: number;
}

export interface MbusSearchOptions {
  link: LineLink;
  profiles: readonly Profile[];
  nowMs: () => number;
  /** A meter that is there begins to answer so soon. */
  firstByteMilliseconds: number;
}

const NUMBER_DIGITS = 8;

/** @throws LineFault `unreachable` when the line itself cannot be opened */
export async function findMbusMeters(line: LineUse, options: MbusSearchOptions): Promise<MbusSearch> {
  const search: MbusSearch = { found: [], unclear: 0 };
  await searchBelow(line, ANY_SECONDARY, 0, options, search);
  if (search.found.length > 0 || search.unclear > 0) return search;
  const alone = await dataOf(line, ANY_PRIMARY, ANY_PRIMARY, options);
  if (alone === 'unclear') search.unclear += 1;
  else if (alone !== 'nobody') search.found.push(await meterAt(line, alone.address, alone, options));
  return search;
}

/** All meters whose number begins with the `digits` first of `pattern`. */
async function searchBelow(
  line: LineUse,
  pattern: string,
  digits: number,
  options: MbusSearchOptions,
  search: MbusSearch,
): Promise<void> {
  // A selection ends the session before it, which may be one of a poll.
  const answer = await oneAtATime(linkName(options.link), () => dataOfSelected(line, pattern, options));
  if (answer === 'nobody') return;
  if (answer !== 'unclear') {
    const unit = answer.header?.secondary ?? answer.address;
    search.found.push(await meterAt(line, unit, answer, options));
  } else if (digits === NUMBER_DIGITS) search.unclear += 1;
  else
    for (let digit = 0; digit <= 9; digit++) {
      const next = `${pattern.slice(0, digits)}${digit}${pattern.slice(digits + 1)}`;
      await searchBelow(line, next, digits + 1, options, search);
    }
}

type Heard = Extract<MbusAnswer, { header: unknown }> | 'nobody' | 'unclear';

async function dataOfSelected(line: LineUse, pattern: string, options: MbusSearchOptions): Promise<Heard> {
  const select = acknowledged(pattern, { kind: 'select', pattern });
  const selected = await tryOnce(line, select, options);
  if (selected === 'nobody') return 'nobody';
  // Whoever is selected is asked, even when what they said was not clear: one may be told from noise.
  const data = await dataOf(line, pattern, SELECTED, options);
  return data === 'nobody' ? 'unclear' : data;
}

async function dataOf(
  line: LineUse,
  unit: MeterUnit,
  address: number,
  options: MbusSearchOptions,
): Promise<Heard> {
  const request = requestedData(
    unit,
    { address, fcb: true },
    () => null,
    () => null,
  );
  const answer = await tryOnce(line, request, options);
  return typeof answer === 'object' && !('header' in answer) ? 'unclear' : answer;
}

async function tryOnce<T>(
  line: LineUse,
  exchange: Parameters<typeof line.ask<T>>[0],
  { firstByteMilliseconds }: MbusSearchOptions,
): Promise<T | 'nobody' | 'unclear'> {
  try {
    return await line.ask(exchange, { firstByteMilliseconds });
  } catch (error) {
    if (!(error instanceof LineFault) || error.code === 'unreachable') throw error;
    return error.code === 'timeout' || error.code === 'closed' ? 'nobody' : 'unclear';
  }
}

/** The model made for this maker's meters, or else the one for all; of several the one that lacks the fewest registers. */
async function meterAt(
  line: LineUse,
  unit: MeterUnit,
  { header }: { header: MbusHeader | null },
  { link, profiles, nowMs }: MbusSearchOptions,
): Promise<FoundMeter> {
  const fitting = profiles
    .filter((profile): profile is MbusProfile => profile.protocol === 'mbus')
    .filter(
      ({ media, maker }) =>
        media.includes(header?.medium ?? -1) && (maker ?? header?.maker) === header?.maker,
    );
  const own = fitting.filter(({ maker }) => maker !== undefined);
  const serial = header?.id ?? null;
  let best: FoundMeter = { unit, serial, profile: null, values: [], equals: [] };
  for (const profile of own.length > 0 ? own : fitting) {
    const { values } = await openDriver(profile, { unit, link }).read(line, {
      ...{ nowMs, attempts: 2, pauses: false, priority: 'live' },
    });
    if (values.length > best.values.length) best = { ...best, profile, values };
  }
  return best;
}
