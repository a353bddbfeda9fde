/** `meterline read`: reads one meter once. Exit codes: 0 read, 1 the meter gave nothing, 2 usage, 3 the line cannot be opened. */
import { refuseWords, takeWords } from '../../process/command-line.ts';
import { openDriver } from '../drivers/open-driver.ts';
import { linkName } from '../line/line-stream.ts';
import { readFault } from '../line/live-fault.ts';
import { faultText, unopenedText } from './fault-text.ts';
import { METER_USAGE, meterOptions, parseAsked, parseMeter } from './meter-options.ts';
import { meterTable } from './meter-table.ts';
import { openLine } from './open-line.ts';
import { readDocument } from './read-document.ts';
import { GATEWAY_USAGE, gatewayOptions, readThroughGateway } from './through-gateway.ts';

const USAGE = `Usage: meterline read --profile P --unit U (--tcp HOST:PORT | --rtu-over-tcp HOST:PORT | --serial DEVICE) [--json]

${METER_USAGE}
${GATEWAY_USAGE}
  --json                     one JSON document`;

const form = { name: 'read', usage: USAGE };

export async function run(args: string[]): Promise<number> {
  const options = {
    ...meterOptions,
    ...gatewayOptions,
    json: { type: 'boolean' },
  } as const;
  const taken = takeWords(args, { ...form, options });
  if ('exitCode' in taken) return taken.exitCode;
  const { values } = taken;
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
  if (values.json) console.log(readDocument(meter, read));
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

const refuse = (message: string): number => refuseWords(form, message);
