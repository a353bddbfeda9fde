/** Records what a person vouches for at a meter: decoded again, signed, and put into the outbox like a reading. */
import { createHash } from 'node:crypto';
import { closeSync, existsSync, fsyncSync, mkdirSync, openSync, renameSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { decodeEvidence, Evidence, evidenceText } from '../../protocols/evidence.ts';
import { systemDisk } from '../buffer/disk.ts';
import type { NewEvidenceItem } from '../buffer/outbox-items.ts';
import type { GatewayKey } from './gateway-key.ts';

/** What the person and the search give; the gateway adds itself, the instant, and what the registers say. */
export type NewEvidence = Omit<Evidence, 'gateway' | 'at' | 'value' | 'difference' | 'photo'> & {
  /** Bytes of the photo of the face. */
  photo: Uint8Array | null;
};

export type EvidenceRefusal =
  | 'invalid_evidence'
  | 'unknown_meter'
  | 'no_value'
  | 'face_differs'
  | 'not_a_photo'
  | 'buffer_full';
export type RecordedEvidence =
  | { ok: true; evidence: Evidence; digest: string; keyId: string }
  | { ok: false; code: EvidenceRefusal; detail: string };

export interface EvidenceDesk {
  gateway: string;
  key: GatewayKey;
  /** Photos are kept here, by their hash. */
  photoFolder: string;
  nowMs: () => number;
  /** The model that the gateway reads the meter by; null: it has no such meter. */
  profileOf(meter: string): string | null;
  /** Commits the item to the outbox; false when there is no room. */
  append(item: NewEvidenceItem): boolean;
}

const MOST_PHOTO_BYTES = 12 * 1024 * 1024;
/** The meter runs on while it is read and looked at: in last digits of the face. */
const MOST_DIGITS_OFF = 2n;

const refuse = (code: EvidenceRefusal, detail: string): RecordedEvidence => ({ ok: false, code, detail });

/** Committed when it returns `ok`. @throws Error of the system, and of the outbox; nothing was recorded then */
export function recordEvidence(desk: EvidenceDesk, { photo, ...given }: NewEvidence): RecordedEvidence {
  const profile = desk.profileOf(given.meter);
  if (profile === null) return refuse('unknown_meter', `this gateway has no meter "${given.meter}"`);
  if (profile !== given.profile)
    return refuse(
      'invalid_evidence',
      `the gateway reads ${given.meter} as ${profile}, not as ${given.profile}`,
    );
  const at = Temporal.Instant.fromEpochMilliseconds(desk.nowMs()).toString();
  const shape = Evidence.omit({ value: true, difference: true }).safeParse({
    ...given,
    gateway: desk.gateway,
    at,
    photo: null,
  });
  if (!shape.success)
    return refuse(
      'invalid_evidence',
      shape.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`).join('; '),
    );
  const decoded = decodeEvidence(shape.data.decoding, shape.data.face);
  if (decoded === null) return refuse('no_value', 'the registers hold no value by this decoding');
  if (isOff(decoded.difference, shape.data.face))
    return refuse('face_differs', `the registers say ${decoded.value}, the face ${shape.data.face}`);
  if (photo !== null && (photo.length > MOST_PHOTO_BYTES || !isPhoto(photo)))
    return refuse('not_a_photo', `a JPEG, PNG or WebP of at most ${MOST_PHOTO_BYTES / 1_048_576} MB`);
  const evidence: Evidence = {
    ...shape.data,
    ...decoded,
    photo: photo === null ? null : keepPhoto(desk.photoFolder, photo),
  };
  const text = evidenceText(evidence);
  const signature = desk.key.sign(text);
  if (!desk.append({ kind: 'evidence', evidence, signature }))
    return refuse('buffer_full', 'the buffer is full: send what it holds first');
  const digest = createHash('sha256').update(text).digest('hex');
  return { ok: true, evidence, digest, keyId: desk.key.keyId };
}

/** By more than the meter may have run on, in the face's last digit. */
function isOff(difference: string, face: string): boolean {
  const fraction = face.split('.')[1]?.length ?? 0;
  const [whole = '0', decimals = ''] = difference.replace('-', '').split('.');
  return BigInt(whole + decimals.padEnd(fraction, '0')) > MOST_DIGITS_OFF;
}

/** Whether it is a JPEG, PNG or WebP, by what the file begins with. */
export function isPhoto(bytes: Uint8Array): boolean {
  const head = Buffer.from(bytes.subarray(0, 12)).toString('latin1');
  return (
    head.startsWith('\xff\xd8\xff') || head.startsWith('\x89PNG\r\n\x1a\n') || /^RIFF....WEBP/s.test(head)
  );
}

/** On the disk under its hash before anything names it; the same photo is kept once. */
function keepPhoto(folder: string, bytes: Uint8Array): NonNullable<Evidence['photo']> {
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  const file = join(folder, sha256);
  if (!existsSync(file)) {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    const descriptor = openSync(`${file}.new`, 'w', 0o600);
    try {
      for (let written = 0; written < bytes.length; )
        written += writeSync(descriptor, bytes, written, bytes.length - written);
      fsyncSync(descriptor);
    } finally {
      closeSync(descriptor);
    }
    renameSync(`${file}.new`, file);
    systemDisk.flushFolder(folder);
  }
  return { sha256, bytes: bytes.length };
}
