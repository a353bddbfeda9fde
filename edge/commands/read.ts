/** `meterline read`: reads one meter once. Exit codes: 0 read, 1 the meter gave nothing, 2 usage, 3 the line cannot be opened. */
import { parseArgs } from 'node:util';
import { type AskedProfile, isAsked, linkRefusal, unitRefusal } from '../asked-profile.ts';
import type { MeterUnit } from '../exchange.ts';
import { Line } from '../line.ts';
import { linkName } from '../line-stream.ts';
import type { MeterRead, RegisterValue } from '../meter-driver.ts';
import { openDriver } from '../open-driver.ts';
import { loadProfiles } from '../profiles.ts';
import { LINK_USAGE, linkOptions, parseLink, parseWhole } from './link-options.ts';

const USAGE = `Usage: meterline read --profile P --unit U (--tcp HOST:PORT | --rtu-over-tcp HOST:PORT | --serial DEVICE) [--json]

  --profile P                a meter model: see \`meterline profiles\`
  --unit U                   the meter's address on its line: 0 to 255; of a DL/T 645 meter the 12 digits printed on it,
                             of a CJ/T 188 meter 14
${LINK_USAGE}
  --json                     one JSON document`;

const DEFAULT_TIMEOUT_MS = 1000;

export async function run(args: string[]): Promise<number> {
  const options = {
    ...linkOptions,
    profile: { type: 'string' },
    unit: { type: 'string' },
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
  const loaded = loadProfiles();
  if (!loaded.ok) return refuse(loaded.errors.join('\n'));
  if (values.profile === undefined) return refuse('--profile is missing');
  const profile = loaded.profiles.get(values.profile);
  if (profile === undefined) return refuse(`there is no profile "${values.profile}"`);
  if (!isAsked(profile)) return refuse(`${profile.id} pushes its readings: it cannot be read`);
  const unit = parseUnit(values.unit ?? '');
  if (unit === null) return refuse('--unit is missing or not 0 to 255, nor 12 or 14 digits');
  const parsed = parseLink(values, DEFAULT_TIMEOUT_MS);
  if (!parsed.ok) return refuse(parsed.error);
  const refusal = unitRefusal(profile, unit) ?? linkRefusal(profile, parsed.link);
  if (refusal !== null) return refuse(refusal);

  const line = new Line(parsed);
  const driver = openDriver(profile, { unit, link: parsed.link });
  const read = await driver.read(line, { nowMs: Date.now, attempts: 2, pauses: true });
  await line.close();
  if (read.fault?.code === 'unreachable') {
    console.error(`meterline read: ${read.fault.message}`);
    return 3;
  }
  if (values.json) console.log(JSON.stringify(report(profile, unit, read)));
  else show(profile, `unit ${unit} at ${linkName(parsed.link)}`, read);
  return read.values.length > 0 ? 0 : 1;
}

function refuse(message: string): number {
  console.error(`meterline read: ${message}\n\n${USAGE}`);
  return 2;
}

/** A unit id as a number, an address as it is written; null for neither. */
const parseUnit = (text: string): MeterUnit | null =>
  /^(\d{12}|\d{14})$/.test(text) ? text : parseWhole(text, 0, 255);

function report(profile: AskedProfile, unit: MeterUnit, read: MeterRead): object {
  return {
    profile: profile.id,
    unit,
    requests: read.requests,
    readings: inOrder(profile, read).map(({ register, value, readAtMs }) => ({
      register: register.obis,
      value,
      unit: register.unit,
      quality: value === null ? 'missing' : 'actual',
      readAt: instant(readAtMs),
    })),
  };
}

function show(profile: AskedProfile, where: string, read: MeterRead): void {
  console.log(`${profile.make} ${profile.model}, ${where}`);
  const rows = inOrder(profile, read);
  const width = Math.max(...rows.map(({ value, code }) => (value ?? code ?? '').length));
  for (const { register, value, code } of rows) {
    const unit = register.unit === '1' ? '' : register.unit;
    const mark = register.billing ? '  <- billed' : '';
    const shown = (value ?? code ?? '').padStart(width);
    console.log(`  ${register.obis.padEnd(12)} ${register.name.padEnd(20)} ${shown} ${unit}${mark}`);
  }
  const missing = profile.registers.length - read.values.length;
  if (missing > 0) console.log(`  ${missing} registers without an answer${reason(read)}`);
  const last = read.values.at(-1);
  const at = last === undefined ? '' : `, read at ${instant(last.readAtMs)}`;
  console.log(`${read.requests} requests${at}`);
}

function reason({ fault, exception }: MeterRead): string {
  if (fault !== null) return `: ${fault.message}`;
  return exception === null ? '' : `: the meter refused them (exception ${exception})`;
}

/** As the profile lists them. */
function inOrder(profile: AskedProfile, read: MeterRead): RegisterValue[] {
  return profile.registers.flatMap((register) => read.values.filter((value) => value.register === register));
}

const instant = (ms: number): string => Temporal.Instant.fromEpochMilliseconds(ms).toString();
