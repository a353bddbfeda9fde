/** `meterline read`: reads one meter once. Exit codes: 0 read, 1 the meter gave nothing, 2 usage, 3 the line cannot be opened. */
import { parseArgs } from 'node:util';
import type { MeterRead } from '../drivers/meter-driver.ts';
import { openDriver } from '../drivers/open-driver.ts';
import { linkName } from '../line/line-stream.ts';
import { readFault } from '../line/live-fault.ts';
import { faultText, unopenedText } from './fault-text.ts';
import { METER_USAGE, meterOptions, type NamedMeter, parseAsked, parseMeter } from './meter-options.ts';
import { inOrder, instantText, meterTable } from './meter-table.ts';
import { openLine } from './open-line.ts';
import { GATEWAY_USAGE, gatewayOptions, readThroughGateway } from './through-gateway.ts';

const USAGE = `Usage: meterline read --profile P --unit U (--tcp HOST:PORT | --rtu-over-tcp HOST:PORT | --serial DEVICE) [--json]

${METER_USAGE}
${GATEWAY_USAGE}
  --json                     one JSON document`;

export async function run(args: string[]): Promise<number> {
  const options = {
    ...meterOptions,
    ...gatewayOptions,
    json: { type: 'boolean' },
    help: { type: 'boolean' },
  } as const;
  let values: ReturnType<typeof parseArgs<{ options: typeof options }>>['values'];
  try {
    ({ values } = parseArgs({ args, options }));
  } catch (error) {
    return refuse(error instanceof Error ? error.message : String(error));
  }
  if (values.help) {
    console.log(USAGE);
    return 0;
  }
  if (values.gateway !== undefined) {
    const asked = parseAsked(values);
    return asked === null ? refuse('--profile and --unit are needed') : readThroughGateway(values, asked);
  }
  const parsed = parseMeter(values);
  if (!parsed.ok) return refuse(parsed.error);
  const { meter } = parsed;

  const line = openLine(meter);
  const read = await openDriver(meter.profile, meter).read(line, {
    nowMs: Date.now,
    attempts: 2,
    pauses: true,
  });
  await line.close();
  const fault = readFault(read, meter.link, meter.profile.protocol);
  if (values.json) console.log(JSON.stringify({ ...report(meter, read), fault }));
  if (read.fault?.code === 'unreachable') {
    console.error(`meterline read: ${unopenedText(read.fault, meter.link)}`);
    return 3;
  }
  if (!values.json)
    for (const row of meterTable(meter.profile, `unit ${meter.unit} at ${linkName(meter.link)}`, read))
      console.log(row);
  if (fault !== null) console.error(`meterline read: ${faultText(fault)}`);
  return read.values.length > 0 ? 0 : 1;
}

function refuse(message: string): number {
  console.error(`${USAGE}\n\nmeterline read: ${message}`);
  return 2;
}

function report({ profile, unit }: NamedMeter, read: MeterRead): object {
  return {
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
  };
}
