/**
 * `meterline watch`: the live values of one meter, until Ctrl-C. Exit codes: 0 done, 1 the meter gave nothing, 2 usage,
 * 3 the line cannot be opened.
 */

import { setTimeout as sleep } from 'node:timers/promises';
import { refuseWords, takeWords } from '../../process/command-line.ts';
import { registerName } from '../../protocols/register-names.ts';
import type { MeterRead } from '../drivers/meter-driver.ts';
import { openDriver } from '../drivers/open-driver.ts';
import { linkName } from '../line/line-stream.ts';
import { unopenedText } from './fault-text.ts';
import { parseWhole } from './link-options.ts';
import { METER_USAGE, meterOptions, type NamedMeter, parseAsked, parseMeter } from './meter-options.ts';
import { inOrder, instantText, meterTable, missingText } from './meter-table.ts';
import { openLine } from './open-line.ts';
import { readDocument } from './read-document.ts';
import { GATEWAY_USAGE, gatewayOptions, watchThroughGateway } from './through-gateway.ts';
import { valueText } from './value-text.ts';

const USAGE = `Usage: meterline watch --profile P --unit U (--tcp HOST:PORT | --rtu-over-tcp HOST:PORT | --serial DEVICE) [--json]

On a terminal a table that stays in its place, with what has changed since the read before; otherwise a line for each
value: instant, register, name, value, unit.

${METER_USAGE}
${GATEWAY_USAGE}
  --interval S               seconds from one read to the next, 1 to 3600; default 5
  --count N                  reads; without it until Ctrl-C
  --json                     JSON Lines: the document of \`meterline read --json\`, one a line for each read`;

const form = { name: 'watch', usage: USAGE };

export async function run(args: string[]): Promise<number> {
  const options = {
    ...meterOptions,
    ...gatewayOptions,
    interval: { type: 'string', default: '5' },
    count: { type: 'string' },
    json: { type: 'boolean', default: false },
  } as const;
  const taken = takeWords(args, { ...form, options });
  if ('exitCode' in taken) return taken.exitCode;
  const { values } = taken;
  const intervalSeconds = parseWhole(values.interval, 1, 3600);
  if (intervalSeconds === null) return refuse('--interval is not 1 to 3600 (seconds)');
  const count = values.count === undefined ? Infinity : parseWhole(values.count, 1, 999_999_999);
  if (count === null) return refuse('--count is not a number of reads');
  if (values.gateway !== undefined) {
    const asked = parseAsked(values);
    if (asked === null) return refuse('--profile and --unit are needed');
    return watchThroughGateway(values, { ...asked, intervalSeconds, count });
  }
  const parsed = parseMeter(values);
  if (!parsed.ok) return refuse(parsed.error);

  const stopping = new AbortController();
  const stop = (): void => stopping.abort();
  process.once('SIGINT', stop).once('SIGTERM', stop);
  try {
    return await watch(parsed.meter, {
      json: values.json,
      count,
      intervalMs: intervalSeconds * 1000,
      signal: stopping.signal,
    });
  } finally {
    process.off('SIGINT', stop).off('SIGTERM', stop);
  }
}

const refuse = (message: string): number => refuseWords(form, message);

interface Watch {
  json: boolean;
  count: number;
  intervalMs: number;
  signal: AbortSignal;
}

async function watch(meter: NamedMeter, { json, count, intervalMs, signal }: Watch): Promise<number> {
  const line = openLine(meter);
  signal.addEventListener('abort', () => void line.close(), { once: true });
  const driver = openDriver(meter.profile, meter);
  const show = json ? documents(meter) : process.stdout.isTTY ? tableInPlace(meter) : lines(meter);
  let answered = false;
  try {
    for (let reads = 1; ; reads++) {
      const startedMs = performance.now();
      const read = await driver.read(line, { nowMs: Date.now, attempts: 1, pauses: true });
      if (signal.aborted) break;
      // A line that could be opened once may come back; one that never could is a mistake.
      if (read.fault?.code === 'unreachable' && !answered) {
        if (json) show(read);
        console.error(`meterline watch: ${unopenedText(read.fault, meter.link)}`);
        return 3;
      }
      answered ||= read.values.length > 0;
      show(read);
      if (reads >= count) break;
      const leftMs = Math.max(startedMs + intervalMs - performance.now(), 0);
      await sleep(leftMs, undefined, { signal }).catch(() => undefined);
      if (signal.aborted) break;
    }
  } finally {
    await line.close();
  }
  return answered ? 0 : 1;
}

type Show = (read: MeterRead) => void;

const documents =
  (meter: NamedMeter): Show =>
  (read) =>
    console.log(readDocument(meter, read));

function tableInPlace({ profile, unit, link }: NamedMeter): Show {
  let before: MeterRead | null = null;
  let height = 0;
  return (read) => {
    const rows = meterTable(profile, `unit ${unit} at ${linkName(link)}`, read, before);
    const back = height > 0 ? `\x1b[${height}A\x1b[J` : '';
    process.stdout.write(`${back}${rows.join('\n')}\n`);
    height = rows.length;
    if (read.values.length > 0) before = read;
  };
}

function lines({ profile }: NamedMeter): Show {
  return (read) => {
    for (const { register, value, code, readAtMs } of inOrder(profile, read)) {
      const name = registerName(register.obis, register.name, 'en');
      const shown = valueText({ value, code, unit: register.unit });
      console.log(`${instantText(readAtMs)} ${register.obis} ${name} ${shown}`);
    }
    const missing = missingText(profile, read);
    if (missing !== null) console.error(missing);
  };
}
