/**
 * `meterline detect-register`: which registers, read in which way, give the digits on a meter's face.
 * Exit codes: 0 found, 1 none does or the meter is silent, 2 usage, 3 the line cannot be opened.
 */
import { refuseWords, type TakenWords, takeWords } from '../../process/command-line.ts';
import { parseFace } from '../../protocols/modbus/find-decodings.ts';
import type { RankedDecoding } from '../../protocols/modbus/rank-decodings.ts';
import {
  faceText,
  MOST_SEARCHED,
  nearText,
  type RegisterSearch,
  type RegisterSearchResult,
  scaleText,
  searchRegister,
  searchReport,
} from '../commissioning/search-register.ts';
import { linkName } from '../line/line-stream.ts';
import { lineFault } from '../line/live-fault.ts';
import { loadProfiles } from '../profiles.ts';
import { faultText, unopenedText } from './fault-text.ts';
import { LINK_USAGE, linkOptions, parseLink, parseWhole } from './link-options.ts';
import { openLine } from './open-line.ts';
import { SIGN_USAGE, signOptions, signRegister } from './sign-register.ts';
import { detectThroughGateway, GATEWAY_USAGE, gatewayOptions } from './through-gateway.ts';

const USAGE = `Usage: meterline detect-register --face DIGITS --unit U (--tcp HOST:PORT | --rtu-over-tcp HOST:PORT | --serial DEVICE) [--json]

  --face DIGITS              what the meter's display shows, such as 12345.67; at least three digits that count
  --unit U                   the meter's address on its line, 0 to 255
  --profile ID               the meter's model, whose billing register is tried first
  --from A, --to A           first and last register, such as 0x5000; without them the billing registers of all known models
                             first, then 0 to 255
  --fc F                     3 or 4; default both
  --pause MS                 rest of the meter between two requests; default 100, since some models reboot without
  --ct N                     ratio of the current transformers, to find registers on their other side as well
${LINK_USAGE}
${GATEWAY_USAGE}
${SIGN_USAGE}
  --json                     one JSON document`;

const options = {
  ...linkOptions,
  ...gatewayOptions,
  ...signOptions,
  face: { type: 'string' },
  unit: { type: 'string' },
  from: { type: 'string' },
  to: { type: 'string' },
  profile: { type: 'string' },
  fc: { type: 'string' },
  ct: { type: 'string' },
  pause: { type: 'string', default: '100' },
  json: { type: 'boolean' },
} as const;
const form = { name: 'detect-register', usage: USAGE, options };
type Values = Exclude<TakenWords<typeof options>, { exitCode: number }>['values'];

const DEFAULT_TIMEOUT_MS = 1000;
const SHOWN = 10;
const DEFAULT_TO = 255;

export async function run(args: string[]): Promise<number> {
  const taken = takeWords(args, form);
  if ('exitCode' in taken) return taken.exitCode;
  const { values } = taken;
  if (values.sign) return signRegister(values);
  const search = parseSearch(values);
  if (typeof search === 'string') return refuse(search);
  if (values.gateway !== undefined) return detectThroughGateway(values, gatewaySearch(search));
  const parsed = parseLink(values, DEFAULT_TIMEOUT_MS);
  if (!parsed.ok) return refuse(parsed.error);
  const loaded = loadProfiles();
  if (!loaded.ok) return refuse(loaded.errors.join('\n'));
  const models = [...loaded.profiles.values()].filter((profile) => profile.protocol === 'modbus');

  const line = openLine(parsed);
  const progress = process.stderr.isTTY;
  const result = await searchRegister(line, search, models, {
    onRequest: (functionCode, address) =>
      void (progress && process.stderr.write(`\r function ${functionCode}, register ${address} `)),
  });
  if (progress) process.stderr.write('\r\x1b[K');
  await line.close();
  const fault = result.fault === null ? null : lineFault(result.fault, parsed.link);
  if (values.json) console.log(JSON.stringify({ ...searchReport(search, result), fault }));
  if (result.fault?.code === 'unreachable') {
    console.error(`meterline detect-register: ${unopenedText(result.fault, parsed.link)}`);
    return 3;
  }
  if (!values.json) show(search, linkName(parsed.link), result);
  if (fault !== null) console.error(`meterline detect-register: ${faultText(fault)}`);
  return result.found.length > 0 ? 0 : 1;
}

const refuse = (message: string): number => refuseWords(form, message);

/** What to look for, or the sentence that says what is wrong with it. */
function parseSearch(values: Values): RegisterSearch | string {
  if (values.face === undefined) return '--face is missing';
  const face = parseFace(values.face);
  if (face === null) return `--face "${values.face}" is not digits such as 12345.67, with three that count`;
  const unit = parseWhole(values.unit ?? '', 0, 255);
  if (unit === null) return '--unit is missing or not 0 to 255';
  const from = parseAddress(values.from ?? '0');
  const to = parseAddress(values.to ?? String(Math.max(from ?? 0, DEFAULT_TO)));
  if (from === null || to === null || from > to) return '--from and --to are not addresses from 0 to 65535';
  if (to - from >= MOST_SEARCHED) return `--from to --to are more than ${MOST_SEARCHED} registers`;
  if (values.fc !== undefined && values.fc !== '3' && values.fc !== '4') return '--fc is not 3 or 4';
  const functionCodes: (3 | 4)[] = values.fc === undefined ? [3, 4] : [values.fc === '3' ? 3 : 4];
  const ratio = values.ct ?? null;
  if (ratio !== null && !/^[1-9]\d{0,5}(\.\d{1,3})?$/.test(ratio)) return '--ct is not a ratio such as 40';
  const pauseMilliseconds = parseWhole(values.pause, 0, 10_000);
  if (pauseMilliseconds === null) return '--pause is not 0 to 10000 (milliseconds)';
  return {
    face,
    unit,
    from,
    to,
    likelyFirst: values.from === undefined && values.to === undefined,
    profile: values.profile ?? null,
    functionCodes,
    ratio: ratio === '1' ? null : ratio,
    pauseMilliseconds,
  };
}

/** A range that is not given the gateway chooses itself. */
function gatewaySearch({ face, from, to, likelyFirst, ...rest }: RegisterSearch): object {
  return { ...rest, face: faceText(face), ...(likelyFirst ? {} : { from, to }) };
}

/** Decimal or, with 0x, hexadecimal. */
function parseAddress(text: string): number | null {
  if (/^0x[0-9a-f]{1,4}$/i.test(text)) return Number(text);
  return parseWhole(text, 0, 65_535);
}

function show(search: RegisterSearch, where: string, { reads, found, near }: RegisterSearchResult): void {
  console.log(`Unit ${search.unit} at ${where}`);
  const all = search.to - search.from + 1;
  const likely = reads.filter((read) => read.likely);
  if (likely.length > 0) console.log(`  ${likely.length} billing registers of known models`);
  for (const { functionCode, registers, requests, fault } of reads.filter((read) => !read.likely)) {
    const ended = fault === null ? '' : `; then ${fault.message}`;
    console.log(
      `  function ${functionCode}: ${registers.size} of ${all} registers, ${requests} requests${ended}`,
    );
  }
  const digits = faceText(search.face);
  if (found.length === 0) {
    console.log(
      `No register gives ${digits}. Another range (--from, --to), a CT ratio (--ct), or another unit?`,
    );
    for (const one of near) console.log(nearText({ ...one, offBy: one.offBy.toString() }));
    return;
  }
  console.log(`${found.length === 1 ? 'One reading gives' : `${found.length} readings give`} ${digits}:`);
  console.log(
    '       fc  address         type   order  scale      shows            raw               plausible',
  );
  for (const [index, decoding] of found.slice(0, SHOWN).entries())
    for (const line of describe(index + 1, decoding, search.ratio)) console.log(line);
  if (found.length > SHOWN) console.log(`  and ${found.length - SHOWN} less likely (--json lists them)`);
}

function describe(rank: number, decoding: RankedDecoding, ratio: string | null): string[] {
  const { functionCode, address, type, order, exponent, shows, raw, plausibility, known } = decoding;
  const place = `0x${address.toString(16).padStart(4, '0')} (${address})`;
  const columns = [
    `  ${String(rank).padStart(2)}. `,
    String(functionCode).padEnd(3),
    place.padEnd(15),
    type.padEnd(6),
    order.padEnd(6),
    `x ${scaleText(exponent)}`.padEnd(10),
    shows.padEnd(16),
    raw.padEnd(17),
    `${plausibility}/100`,
  ];
  const notes = [
    ...(decoding.transformed === 'divided' ? [`divided by the CT ratio ${ratio}`] : []),
    ...(decoding.transformed === 'multiplied' ? [`multiplied by the CT ratio ${ratio}`] : []),
    ...(decoding.offBy > 1n ? [`${decoding.offBy} last digits ahead of the face: the meter ran on`] : []),
    ...(decoding.coarseDigits > 0 ? [`coarser than the face by ${decoding.coarseDigits} digits`] : []),
    ...known.map(
      ({ profile, obis, name, billing }) => `${profile}: ${obis} ${name}${billing ? ', billed' : ''}`,
    ),
  ];
  return [columns.join(' '), ...notes.map((note) => `           ${note}`)];
}
