/**
 * `meterline detect-register --sign`: the running gateway compares the register that a meter is billed by with its face,
 * and keeps it as evidence, signed with its own key. The gateway owns the line, so it is asked over its API.
 */
import { readFileSync } from 'node:fs';
import { DetectEvent, type EvidenceRequest, KeptEvidence, KeptPhoto } from '../../protocols/edge-api.ts';
import { registerWords } from '../../protocols/modbus/registers.ts';
import type { ModbusProfile } from '../../protocols/profile.ts';
import { type EdgeConfig, type HttpConfig, readConfig } from '../config.ts';
import { loadProfiles, type Profiles } from '../profiles.ts';

export const SIGN_USAGE = `  --sign                     have the running gateway prove its meter and keep signed evidence of it, with
    --meter M --who NAME     the meter as the gateway names it; who reads the face
    --photo FILE             of the face, JPEG, PNG or WebP; it stays at the gateway
    --at LAT,LON             in degrees
    --config FILE            of the gateway, whose API (http) must be on; default edge.yaml`;

export const signOptions = {
  sign: { type: 'boolean' },
  meter: { type: 'string' },
  who: { type: 'string' },
  photo: { type: 'string' },
  at: { type: 'string' },
  config: { type: 'string', default: 'edge.yaml' },
} as const;

export interface SignValues {
  face?: string | undefined;
  ct?: string | undefined;
  meter?: string | undefined;
  who?: string | undefined;
  photo?: string | undefined;
  at?: string | undefined;
  config: string;
  json?: boolean | undefined;
}

/** What keeps evidence from being taken, with the command's exit code: 1 the answer is no, 2 refused, 3 a fault. */
class NotSigned extends Error {
  override readonly name = 'NotSigned';
  readonly exitCode: 1 | 2 | 3;
  constructor(exitCode: 1 | 2 | 3, message: string, cause?: unknown) {
    super(message, { cause });
    this.exitCode = exitCode;
  }
}

/** Exit codes: 0 kept, 1 the register is not the face or the meter is silent, 2 usage, 3 the gateway cannot be asked. */
export async function signRegister(values: SignValues): Promise<number> {
  try {
    const kept = await sign(values);
    if (values.json) console.log(JSON.stringify(kept));
    else
      console.log(
        `${kept.meter}: the registers${ratioText(kept.transformed)} say ${kept.value}, ${kept.difference} off the face; evidence ${kept.digest.slice(0, 16)} signed with ${kept.keyId}, sent up with the readings`,
      );
    return 0;
  } catch (error) {
    if (!(error instanceof NotSigned)) throw error;
    console.error(`meterline detect-register: ${error.message}`);
    return error.exitCode;
  }
}

const ratioText = (transformed: KeptEvidence['transformed']): string =>
  transformed === null ? '' : `, ${transformed.by} by the ratio ${transformed.ratio} that --ct tells,`;

async function sign(values: SignValues): Promise<KeptEvidence> {
  const { face, who: by, photo } = values;
  if (face === undefined) throw new NotSigned(2, '--face is missing');
  if (by === undefined || by.trim() === '') throw new NotSigned(2, '--who is missing: who reads the face');
  const place = placeOf(values.at);
  const { config, http, profiles } = gatewayOf(values.config);
  const { bus, unit, profile } = meterOf(config, profiles, values.meter);
  const [register] = profile.registers.filter(({ billing }) => billing);
  if (register === undefined) throw new NotSigned(2, `${profile.id} bills no register`);
  const picture = photo === undefined ? null : readPhoto(photo);

  const ask = asker(http);
  const { address, obis } = register;
  const search = {
    face,
    unit,
    from: address,
    to: address + registerWords(register.type) - 1,
    functionCodes: [profile.functionCode],
    ratio: values.ct ?? null,
  };
  const lines = await ask(`/api/v1/buses/${bus}/detect-register`, JSON.stringify(search));
  const done = DetectEvent.parse(JSON.parse(lines.trim().split('\n').at(-1) ?? ''));
  if (done.type !== 'done') throw new NotSigned(3, 'the gateway ended the search early: see its log');
  if (done.fault !== null) throw new NotSigned(1, `${done.fault.detail}; ${done.fault.next}`);
  if (done.read.every(({ registers }) => registers === 0))
    throw new NotSigned(
      1,
      `${values.meter} gives no reply for its register: \`meterline doctor\` says what to try`,
    );
  const match = done.found.find(({ known }) =>
    known.some((one) => one.profile === profile.id && one.obis === obis),
  );
  if (match === undefined)
    throw new NotSigned(
      1,
      `${obis} of ${profile.id} does not give ${face}: is --ct right? detect-register without --sign, the gateway stopped, says which register does`,
    );
  const { transformed, known, plausibility, shows, offBy, coarseDigits, ...rest } = match;
  const ratio = values.ct ?? '1';
  const request = {
    meter: values.meter ?? '',
    profile: profile.id,
    register: obis,
    face,
    decoding: { ...rest, transformed: transformed === 'none' ? null : { by: transformed, ratio } },
    by,
    place,
    photo:
      picture === null
        ? null
        : KeptPhoto.parse(JSON.parse(await ask('/api/v1/photos', picture.bytes, picture.type))).sha256,
  } as EvidenceRequest;
  return KeptEvidence.parse(JSON.parse(await ask('/api/v1/evidence', JSON.stringify(request))));
}

function placeOf(at: string | undefined): EvidenceRequest['place'] {
  if (at === undefined) return null;
  const match = /^(-?\d{1,2}(?:\.\d{1,8})?),\s*(-?\d{1,3}(?:\.\d{1,8})?)$/.exec(at);
  const [, latitude, longitude] = match ?? [];
  if (latitude === undefined || longitude === undefined)
    throw new NotSigned(2, `--at "${at}" is not degrees such as 30.9012,121.9334`);
  return { latitude, longitude };
}

function gatewayOf(file: string): { config: EdgeConfig; http: HttpConfig; profiles: Profiles } {
  const loaded = loadProfiles();
  if (!loaded.ok) throw new NotSigned(2, loaded.errors.join('\n'));
  const checked = readConfig(file, loaded.profiles);
  if (!checked.ok) throw new NotSigned(2, checked.errors.join('\n'));
  const { config } = checked;
  if (config.http === undefined)
    throw new NotSigned(
      2,
      `${file}: the gateway has no API: add "http: { host: 127.0.0.1, port: 8090 }" and start it again`,
    );
  return { config, http: config.http, profiles: loaded.profiles };
}

function meterOf(
  { buses }: EdgeConfig,
  profiles: Profiles,
  wanted: string | undefined,
): { bus: string; unit: number; profile: ModbusProfile } {
  if (wanted === undefined) throw new NotSigned(2, '--meter is missing: the meter as the gateway names it');
  const rows = buses.flatMap(({ id, meters }) => meters.map((meter) => ({ bus: id, ...meter })));
  const row = rows.find(({ meter }) => meter === wanted);
  if (row === undefined) throw new NotSigned(2, `the gateway has no meter "${wanted}" on a bus`);
  const profile = profiles.get(row.profile);
  if (profile?.protocol !== 'modbus' || typeof row.unit !== 'number')
    throw new NotSigned(2, `${wanted} is no Modbus meter: its registers are named by its protocol`);
  return { bus: row.bus, unit: row.unit, profile };
}

const photoTypes: [magic: RegExp, type: string][] = [
  [/^\xff\xd8\xff/, 'image/jpeg'],
  [/^\x89PNG/, 'image/png'],
  [/^RIFF....WEBP/s, 'image/webp'],
];

function readPhoto(file: string): { bytes: Buffer<ArrayBuffer>; type: string } {
  let bytes: Buffer<ArrayBuffer>;
  try {
    bytes = readFileSync(file);
  } catch (error) {
    throw new NotSigned(2, `${file} cannot be read`, error);
  }
  const head = bytes.toString('latin1', 0, 12);
  const type = photoTypes.find(([magic]) => magic.test(head))?.[1];
  if (type === undefined) throw new NotSigned(2, `${file} is no JPEG, PNG or WebP`);
  return { bytes, type };
}

/** Posts to the gateway's API. @returns the text of its answer */
function asker({ host, port, password }: HttpConfig) {
  const base = `http://${host.includes(':') ? `[${host}]` : host}:${port}`;
  return async (
    path: string,
    body: string | Buffer<ArrayBuffer>,
    type = 'application/json',
  ): Promise<string> => {
    const headers = {
      'content-type': type,
      ...(password === undefined ? {} : { authorization: `Bearer ${password}` }),
    };
    let response: Response;
    let text: string;
    try {
      response = await fetch(base + path, { method: 'POST', headers, body });
      text = await response.text();
    } catch (error) {
      throw new NotSigned(3, `the gateway does not answer at ${base}: is \`meterline edge\` running?`, error);
    }
    if (response.ok) return text;
    const refusal = /"detail":"((?:[^"\\]|\\.)*)"/.exec(text)?.[1] ?? text.slice(0, 200);
    throw new NotSigned(
      response.status >= 500 ? 3 : 1,
      `the gateway refuses (${response.status}): ${refusal}`,
    );
  };
}
