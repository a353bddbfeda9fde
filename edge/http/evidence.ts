/** `POST /api/v1/photos` and `/api/v1/evidence`: what a person vouches for at a meter, signed and sent up like a reading. */
import { createHash } from 'node:crypto';
import { mkdir, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseDecimal } from '../../protocols/decimal.ts';
import { EvidenceRequest, KeptEvidence, KeptPhoto } from '../../protocols/edge-api.ts';
import { registerWords } from '../../protocols/modbus/registers.ts';
import { isPhoto } from '../commissioning/evidence.ts';
import { asLineFault, exceptionFault, lineFault } from '../line/live-fault.ts';
import type { EdgeApi, EdgeApiContext } from './context.ts';
import { busOf } from './live-bus.ts';
import { type EdgeErrorCode, EdgeRefused } from './problems.ts';

const PHOTO_TYPES = ['image/jpeg', 'image/png', 'image/webp'];
const MOST_PHOTO_BYTES = 12 * 1024 * 1024;
/** Photos that no evidence has named yet: the oldest go first. */
const MOST_WAITING = 20;
/** All that a plain decimal has. */
const SCALE_DIGITS = 12;

export function evidenceRoutes(api: EdgeApi, context: EdgeApiContext): void {
  const { gateway } = context;
  const waiting = join(gateway.config().dataDir, 'photos-waiting');
  api.addContentTypeParser(PHOTO_TYPES, { parseAs: 'buffer', bodyLimit: MOST_PHOTO_BYTES }, (_, body, done) =>
    done(null, body),
  );
  api.post(
    '/api/v1/photos',
    {
      config: { reach: 'signed_in', body: 'bytes' },
      bodyLimit: MOST_PHOTO_BYTES,
      schema: { consumes: PHOTO_TYPES, response: { 201: KeptPhoto } },
    },
    async ({ body }, reply) => {
      if (!Buffer.isBuffer(body)) throw new EdgeRefused('unsupported_media_type', PHOTO_TYPES.join(', '));
      if (!isPhoto(body)) throw new EdgeRefused('unsupported_media_type', 'no JPEG, PNG or WebP');
      const sha256 = createHash('sha256').update(body).digest('hex');
      await mkdir(waiting, { recursive: true, mode: 0o700 });
      await writeFile(join(waiting, sha256), body, { mode: 0o600 });
      await removeOldest(waiting);
      return reply.status(201).send({ sha256, bytes: body.length });
    },
  );
  api.post(
    '/api/v1/evidence',
    { config: { reach: 'signed_in' }, schema: { body: EvidenceRequest, response: { 201: KeptEvidence } } },
    async ({ body: { photo: sha256, ...given } }, reply) => {
      const file = sha256 === null ? null : join(waiting, sha256);
      const photo = file === null ? null : await readFile(file).catch(() => null);
      if (file !== null && photo === null)
        throw new EdgeRefused('unknown_photo', 'send it to /api/v1/photos first');
      const decoding = { ...given.decoding, raw: await readAgain(context, given) };
      const recorded = gateway.recordEvidence({ ...given, decoding, photo });
      if (!recorded.ok) throw new EdgeRefused(refusals[recorded.code], recorded.detail);
      if (file !== null) await rm(file, { force: true });
      const { evidence, digest, keyId } = recorded;
      const { meter, at, value, difference } = evidence;
      return reply
        .status(201)
        .send({ meter, at, value, difference, transformed: decoding.transformed, digest, keyId });
    },
  );
}

/**
 * The register as the gateway reads it now, from the meter itself: no registers are signed on somebody's word. Hex.
 * @throws EdgeRefused when the model has the register elsewhere or scales it otherwise, or the meter does not answer
 */
async function readAgain(
  context: EdgeApiContext,
  { meter, register: obis, decoding }: Pick<EvidenceRequest, 'meter' | 'register' | 'decoding'>,
): Promise<string> {
  const { functionCode, address, type, order, scale } = decoding;
  const place = context.gateway
    .config()
    .buses.flatMap((bus) => bus.meters.map((one) => ({ ...one, bus: bus.id })))
    .find((one) => one.meter === meter);
  if (place === undefined) throw new EdgeRefused('unknown_meter', `no bus has a meter "${meter}"`);
  const profile = context.profiles.get(place.profile);
  if (profile?.protocol !== 'modbus')
    throw new EdgeRefused('evidence_refused', `${place.profile} has no Modbus registers to sign`);
  const register = profile.registers.find((one) => one.obis === obis);
  const isSame =
    register?.address === address &&
    register.type === type &&
    register.order === order &&
    parseDecimal(register.scale, SCALE_DIGITS) === parseDecimal(scale, SCALE_DIGITS) &&
    profile.functionCode === functionCode;
  if (!isSame)
    throw new EdgeRefused(
      'evidence_refused',
      `${profile.id} does not read ${obis} like this: give the meter the model that does, then sign`,
    );
  const bus = busOf(context, place.bus);
  const count = registerWords(type);
  try {
    const answer = await bus.line.read(
      { unit: Number(place.unit), functionCode, address, count },
      { priority: 'live' },
    );
    if (answer.ok) return Buffer.from(answer.data).toString('hex');
    throw new EdgeRefused('evidence_refused', exceptionFault(answer.exception).detail);
  } catch (error) {
    if (error instanceof EdgeRefused) throw error;
    throw new EdgeRefused('evidence_refused', lineFault(asLineFault(error), bus.link).detail);
  }
}

type RecordRefusal = Extract<ReturnType<EdgeApiContext['gateway']['recordEvidence']>, { ok: false }>['code'];
const refusals: Record<RecordRefusal, EdgeErrorCode> = {
  invalid_evidence: 'evidence_refused',
  no_value: 'evidence_refused',
  face_differs: 'evidence_refused',
  not_a_photo: 'evidence_refused',
  unknown_meter: 'unknown_meter',
  buffer_full: 'not_ready',
};

async function removeOldest(folder: string): Promise<void> {
  const names = await readdir(folder);
  const aged = await Promise.all(
    names.map(async (name) => ({ name, ms: (await stat(join(folder, name))).mtimeMs })),
  );
  const old = aged.sort((a, b) => b.ms - a.ms).slice(MOST_WAITING);
  await Promise.all(old.map(({ name }) => rm(join(folder, name), { force: true })));
}
