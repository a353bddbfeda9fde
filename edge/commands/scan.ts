/** `meterline scan`: who answers on a line. Exit codes: 0 found, 1 nobody answers, 2 usage, 3 the line cannot be opened. */
import { refuseWords, takeWords } from '../../process/command-line.ts';
import type { ModbusProfile } from '../../protocols/profile.ts';
import { type FoundMeter, scanReport, scanUnits } from '../commissioning/scan-units.ts';
import { searchAddresses, UNCLEAR } from '../commissioning/search-addresses.ts';
import type { Link } from '../config.ts';
import { Line, LineFault, type LineOptions } from '../line/line.ts';
import { lineFault } from '../line/live-fault.ts';
import { loadProfiles, type Profiles } from '../profiles.ts';
import { unopenedText } from './fault-text.ts';
import { foundLines } from './found-meter.ts';
import { LINK_USAGE, linkOptions, parseLink, parseWhole } from './link-options.ts';
import { GATEWAY_USAGE, gatewayOptions, scanThroughGateway } from './through-gateway.ts';

const USAGE = `Usage: meterline scan (--tcp HOST:PORT | --rtu-over-tcp HOST:PORT | --serial DEVICE) [--units 1-247] [--json]

${LINK_USAGE}
${GATEWAY_USAGE}
  --units LIST               addresses to try, such as 1-20 or 1,5,30-40; default 1-247
                             A DL/T 645 or CJ/T 188 meter that is alone on its line is found whatever its address;
                             meters on M-Bus are searched for by their secondary addresses.
  Searched with --tcp: Modbus units. With the others also DL/T 645, CJ/T 188 and M-Bus. DLMS meters are not searched
  for: name one to \`meterline read\`.
  --json                     one JSON document, of a line that cannot be opened too: its \`fault\``;

const DEFAULT_TIMEOUT_MS = 300;

const form = { name: 'scan', usage: USAGE };

export async function run(args: string[]): Promise<number> {
  const options = {
    ...linkOptions,
    ...gatewayOptions,
    units: { type: 'string', default: '1-247' },
    json: { type: 'boolean' },
  } as const;
  const taken = takeWords(args, { ...form, options });
  if ('exitCode' in taken) return taken.exitCode;
  const { values } = taken;
  const units = parseUnits(values.units);
  if (units === null) return refuse('--units is not a list of addresses from 1 to 247');
  if (values.gateway !== undefined) {
    const timeoutMilliseconds = parseWhole(values.timeout ?? String(DEFAULT_TIMEOUT_MS), 20, 10_000);
    if (timeoutMilliseconds === null) return refuse('--timeout is not 20 to 10000 (milliseconds)');
    return scanThroughGateway(values, { units, timeoutMilliseconds });
  }
  const parsed = parseLink(values, DEFAULT_TIMEOUT_MS);
  if (!parsed.ok) return refuse(parsed.error);
  const loaded = loadProfiles();
  if (!loaded.ok) return refuse(loaded.errors.join('\n'));
  const models = [...loaded.profiles.values()].filter((profile) => profile.protocol === 'modbus');

  const quiet = values.json === true;
  try {
    const found = await scan(parsed, units, models, quiet);
    const { timeoutMilliseconds, ...line } = parsed;
    const given = values.timeout === undefined ? {} : { timeoutMilliseconds };
    found.push(...(await search({ ...line, ...given }, loaded.profiles, quiet)));
    if (quiet)
      console.log(JSON.stringify({ probed: units.length, found: found.map(scanReport), fault: null }));
    else console.log(`${units.length} addresses tried, ${found.length} found`);
    if (found.length === 0) console.error(nobodyText(parsed.link));
    return found.length > 0 ? 0 : 1;
  } catch (error) {
    if (!(error instanceof LineFault)) throw error;
    if (quiet) console.log(JSON.stringify({ probed: 0, found: [], fault: lineFault(error, parsed.link) }));
    console.error(`meterline scan: ${unopenedText(error, parsed.link)}`);
    return 3;
  }
}

/** What to try when nobody answered. */
function nobodyText({ kind }: Link): string {
  if (kind === 'tcp')
    return 'Only Modbus TCP was searched. A transparent converter on this port needs --rtu-over-tcp; a DLMS meter is not found by a scan: `meterline read --profile P --unit 1` with its model. A slow converter needs a longer --timeout.';
  const settings =
    kind === 'serial'
      ? '--baud (2400, 4800, 9600, 19200) and --parity (even for DL/T 645, CJ/T 188 and M-Bus)'
      : 'the baud rate and parity that are set in the converter, or --tcp if it speaks Modbus TCP';
  return `Modbus RTU, DL/T 645, CJ/T 188 and M-Bus were searched. Try ${settings}; a longer --timeout; power, and whether A and B are swapped. Of several DL/T 645 or CJ/T 188 meters none is found: connect one alone.`;
}

const refuse = (message: string): number => refuseWords(form, message);

async function scan(
  options: LineOptions,
  units: number[],
  models: ModbusProfile[],
  quiet: boolean,
): Promise<FoundMeter[]> {
  const found: FoundMeter[] = [];
  const progress = process.stderr.isTTY && !quiet;
  // Each address is asked on its own: a late answer of the one before shows by its unit.
  const line = new Line({ ...options, worstReplyMilliseconds: 0 });
  try {
    await scanUnits(line, units, models, {
      nowMs: Date.now,
      onProbe: (unit) => void (progress && process.stderr.write(`\r unit ${unit} `)),
      onFound(meter) {
        if (progress) process.stderr.write('\r\x1b[K');
        found.push(meter);
        if (!quiet) tell(meter);
      },
    });
    if (progress) process.stderr.write('\r\x1b[K');
  } finally {
    await line.close();
  }
  return found;
}

async function search(
  options: Omit<LineOptions, 'timeoutMilliseconds'> & { timeoutMilliseconds?: number },
  profiles: Profiles,
  quiet: boolean,
): Promise<FoundMeter[]> {
  const found: FoundMeter[] = [];
  const lines: Line[] = [];
  try {
    await searchAddresses({
      ...options,
      profiles: [...profiles.values()],
      nowMs: Date.now,
      lineFor(timeoutMilliseconds) {
        // A late answer shows by its item.
        const line = new Line({ ...options, timeoutMilliseconds, worstReplyMilliseconds: 0 });
        lines.push(line);
        return line;
      },
      onFound(meter) {
        found.push(meter);
        if (!quiet) tell(meter);
      },
      onUnclear: (one) => console.error(UNCLEAR[one]),
    });
    return found;
  } finally {
    for (const line of lines) await line.close();
  }
}

const tell = (meter: FoundMeter): void => {
  for (const line of foundLines(scanReport(meter))) console.log(line);
};

/** `1-3,7` is [1, 2, 3, 7]; null when it is no such list. */
export function parseUnits(text: string): number[] | null {
  const units = new Set<number>();
  for (const part of text.split(',')) {
    const [, from = '', to = from] = /^(\d+)(?:-(\d+))?$/.exec(part) ?? [];
    const first = parseWhole(from, 1, 247);
    const last = parseWhole(to, 1, 247);
    if (first === null || last === null || first > last) return null;
    for (let unit = first; unit <= last; unit++) units.add(unit);
  }
  return [...units];
}
