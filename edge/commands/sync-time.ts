/**
 * `meterline sync-time`: sets the clock of a DL/T 645 meter, or of all meters on its line, to this machine's. The only
 * command that changes a meter. Exit codes: 0 in step now, 1 the meter did not take it or is silent, 2 usage, 3 the line
 * cannot be opened.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { refuseWords, takeWords } from '../../process/command-line.ts';
import { ALL_METERS, MOST_OFFSET_SECONDS, timeBroadcast } from '../../protocols/dlt645/time-broadcast.ts';
import { withWakeBytes } from '../../protocols/sum-frame.ts';
import { isTimeZone } from '../../protocols/time-zone.ts';
import { type MeterRead, nothingRead } from '../drivers/meter-driver.ts';
import { type ClockOffset, openClock } from '../healing/meter-clock.ts';
import { localTime } from '../healing/site-time.ts';
import { openingRestMs } from '../line/line-options.ts';
import { baudRateOf, linkName, openStream } from '../line/line-stream.ts';
import { readFault } from '../line/live-fault.ts';
import { charactersMs } from '../line/rtu-wire.ts';
import { faultText, unopenedText } from './fault-text.ts';
import { METER_USAGE, meterOptions, type NamedMeter, parseMeter } from './meter-options.ts';
import { openLine } from './open-line.ts';

const USAGE = `Usage: meterline sync-time --profile P --unit U --time-zone Z [--broadcast] --yes (--rtu-over-tcp HOST:PORT | --serial DEVICE)

  Tells a DL/T 645 meter this machine's time. A meter takes it once a day, when it differs by five minutes at most.
  --time-zone Z              the zone of the meter's clock, such as Asia/Shanghai
  --broadcast                tells all meters on the line, as the standard has it; the one of --unit is looked at before
                             and after. Without it the meter of --unit alone is told, which not all models take
  --yes                      without it nothing is changed: the offset is shown
${METER_USAGE}`;

/** In step: the meter counts whole seconds, and takes the time when the last byte has come. */
const IN_STEP_MS = 2000;
/** The standard wants no broadcast so near midnight. */
const MIDNIGHT_MINUTES = 5;
/** A meter has to have taken it before it is asked again. */
const SETTLE_MS = 500;
const CONVERTER_BAUD_RATE = 2400;

interface Sync {
  meter: NamedMeter;
  timeZone: string;
  broadcast: boolean;
  yes: boolean;
}

const form = { name: 'sync-time', usage: USAGE };

export async function run(args: string[]): Promise<number> {
  const parsed = parse(args);
  if (typeof parsed === 'string') return refuseWords(form, parsed);
  if (typeof parsed === 'number') return parsed;
  try {
    return await sync(parsed);
  } catch (error) {
    console.error(`meterline sync-time: ${error instanceof Error ? error.message : error}`);
    return 3;
  }
}

/** The sentence that says what is wrong, or the exit code where that was told. */
function parse(args: string[]): Sync | string | number {
  const options = {
    ...meterOptions,
    'time-zone': { type: 'string' },
    broadcast: { type: 'boolean', default: false },
    yes: { type: 'boolean', default: false },
  } as const;
  const taken = takeWords(args, { ...form, options });
  if ('exitCode' in taken) return taken.exitCode;
  const { values } = taken;
  const named = parseMeter(values);
  if (!named.ok) return named.error;
  if (named.meter.profile.protocol !== 'dlt645') return `${named.meter.profile.id} is no DL/T 645 meter`;
  const timeZone = values['time-zone'];
  if (timeZone === undefined || !isTimeZone(timeZone)) return '--time-zone is missing or no time zone';
  return { meter: named.meter, timeZone, broadcast: values.broadcast, yes: values.yes };
}

async function sync({ meter, timeZone, broadcast, yes }: Sync): Promise<number> {
  const where = `unit ${meter.unit} at ${linkName(meter.link)}`;
  const { offset: before, read } = await measure(meter, timeZone);
  if (before === null) return silent(where, meter, read);
  console.log(`${where}: before ${shown(before)}`);
  if (Math.abs(before.offsetMs) > MOST_OFFSET_SECONDS * 1000) {
    console.error('meterline sync-time: more than five minutes: a meter does not take that from a broadcast');
    return 1;
  }
  if (!yes) {
    console.log('nothing was changed: --yes sets the clock');
    return 0;
  }
  const now = localTime(Date.now(), timeZone);
  const minutes = now.hour * 60 + now.minute;
  if (Math.min(minutes, 1440 - minutes) < MIDNIGHT_MINUTES) {
    console.error('meterline sync-time: too near midnight, when meters settle');
    return 1;
  }
  await tell(meter, broadcast ? ALL_METERS : String(meter.unit), timeZone);
  const { offset: after, read: again } = await measure(meter, timeZone);
  if (after === null) return silent(where, meter, again);
  console.log(`${where}: after ${shown(after)}`);
  if (Math.abs(after.offsetMs) <= IN_STEP_MS) return 0;
  console.error('meterline sync-time: the meter did not take it; it takes one a day');
  return 1;
}

/** Why there was no time: the line, the meter, or what it told. */
function silent(where: string, { link, profile }: NamedMeter, read: MeterRead): number {
  if (read.fault?.code === 'unreachable') {
    console.error(`meterline sync-time: ${unopenedText(read.fault, link)}`);
    return 3;
  }
  const fault = readFault(read, link, profile.protocol);
  const reason =
    fault === null ? 'answers, but with no time that can be' : `tells no time: ${faultText(fault)}`;
  console.error(`meterline sync-time: ${where} ${reason}`);
  return 1;
}

const shown = ({ offsetMs, uncertaintyMs }: ClockOffset): string =>
  `${offsetMs > 0 ? '+' : ''}${offsetMs / 1000} s (within ${uncertaintyMs / 1000} s)`;

async function measure(
  { profile, unit, ...options }: NamedMeter,
  timeZone: string,
): Promise<{ offset: ClockOffset | null; read: MeterRead }> {
  const line = openLine(options);
  // What is waited for before it is asked would blur when it answered.
  await sleep(openingRestMs(options));
  const clock = openClock(profile, unit);
  const read = nothingRead();
  const offset = await clock?.(line, { nowMs: Date.now, attempts: 2, pauses: true, timeZone, read });
  await line.close();
  return { offset: offset ?? null, read };
}

/** Sends the time of the second in which its last byte arrives. Nobody answers, so this goes past the line. */
async function tell(
  { link, timeoutMilliseconds }: NamedMeter,
  address: string,
  timeZone: string,
): Promise<void> {
  const stream = await openStream(link, timeoutMilliseconds, () => undefined);
  const frameAt = (ms: number): Uint8Array => withWakeBytes(timeBroadcast(address, localTime(ms, timeZone)));
  const onWireMs = charactersMs(frameAt(0).length, baudRateOf(link) ?? CONVERTER_BAUD_RATE);
  const arrivesMs = Math.ceil((Date.now() + onWireMs) / 1000) * 1000;
  await sleep(arrivesMs - onWireMs - Date.now());
  stream.write(frameAt(arrivesMs));
  await sleep(onWireMs + SETTLE_MS);
  stream.destroy();
}
