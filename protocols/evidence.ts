/**
 * Commissioning evidence: which way of reading a meter's registers gave the digits on its face, who looked, when and
 * where. The gateway signs it, and it travels like a reading. Pure.
 */
import { z } from 'zod';
import { canonicalJson } from './canonical-json.ts';
import { Decimal, formatDecimal, parseDecimal } from './decimal.ts';
import { registerDecoder, registerWords } from './modbus/registers.ts';
import { Obis } from './obis.ts';
import { RegisterType, WordOrder } from './profile.ts';
import { Id, InstantText } from './reading.ts';
import { MICRO_SCALE } from './units.ts';

/** How the number in the registers becomes the number on the face: raw x scale, then by the ratio of the transformers. */
export const EvidenceDecoding = z.strictObject({
  functionCode: z.union([z.literal(3), z.literal(4)]),
  /** Zero-based, of the first register. */
  address: z.int().min(0).max(65_535),
  /** Hex of the registers, as on the wire. */
  raw: z.string().regex(/^([0-9a-f]{4}){1,4}$/),
  type: RegisterType,
  order: WordOrder,
  scale: Decimal,
  /** The register is before the transformers and the face behind them (multiplied), or the other way round. */
  transformed: z.strictObject({ by: z.enum(['multiplied', 'divided']), ratio: Decimal }).nullable(),
});
export type EvidenceDecoding = z.infer<typeof EvidenceDecoding>;

/** Degrees up to `most`, north and east positive. */
const degrees = (most: number) =>
  Decimal.refine((text) => {
    const limit = BigInt(most) * 10n ** 12n;
    const value = parseDecimal(text, 12);
    return -limit <= value && value <= limit;
  }, `not degrees from -${most} to ${most}`);

/** WGS 84. */
export const EvidencePlace = z.strictObject({ latitude: degrees(90), longitude: degrees(180) });

export const Evidence = z.strictObject({
  gateway: Id,
  meter: Id,
  /** The model that the meter is read by. */
  profile: Id,
  register: Obis,
  /** The digits that a person read on the face, before or behind the transformers as the face shows them. */
  face: z.string().regex(/^\d{1,15}(\.\d{1,6})?$/, 'not digits such as 12345.67'),
  decoding: EvidenceDecoding,
  /** What the registers say by that decoding, and by how much it is above the face. */
  value: Decimal,
  difference: Decimal,
  /** The photo of the face stays at the gateway, under its hash; null without one. */
  photo: z.strictObject({ sha256: z.string().regex(/^[0-9a-f]{64}$/), bytes: z.int().positive() }).nullable(),
  by: z.string().min(1).max(80),
  at: InstantText,
  place: EvidencePlace.nullable(),
});
export type Evidence = z.infer<typeof Evidence>;

/** Ed25519 (RFC 8032) over the UTF-8 bytes of `evidenceText`. */
export const EvidenceSignature = z.strictObject({
  algorithm: z.literal('Ed25519'),
  /** First 16 hex digits of the SHA-256 of the raw public key. */
  keyId: z.string().regex(/^[0-9a-f]{16}$/),
  /** Raw 32 bytes, base64. */
  publicKey: z.string().regex(/^[A-Za-z0-9+/]{43}=$/),
  /** 64 bytes, base64. */
  value: z.string().regex(/^[A-Za-z0-9+/]{86}==$/),
});
export type EvidenceSignature = z.infer<typeof EvidenceSignature>;

/** As it goes up, between the readings. */
export const EvidenceItem = z.strictObject({
  kind: z.literal('evidence'),
  sequence: z.int().positive(),
  evidence: Evidence,
  signature: EvidenceSignature,
});
export type EvidenceItem = z.infer<typeof EvidenceItem>;

/** As the cloud keeps and shows it; `digest` is the SHA-256 of what is signed, hex. */
export const SignedEvidence = z.strictObject({
  evidence: Evidence,
  signature: EvidenceSignature,
  digest: z.string().regex(/^[0-9a-f]{64}$/),
});
export type SignedEvidence = z.infer<typeof SignedEvidence>;

/** What is signed: canonical JSON, so that whoever holds the record has the very bytes. */
export const evidenceText = (evidence: Evidence): string => canonicalJson(evidence);

/** Decimals of six places hold every register. */
const ONE = 10n ** BigInt(MICRO_SCALE);

/**
 * The registers decoded as told, brought to the face's side of the transformers and cut to the face's decimals, as a face
 * cuts; null when they hold no value that way.
 */
export function decodeEvidence(
  { raw, transformed, ...format }: EvidenceDecoding,
  face: string,
): { value: string; difference: string } | null {
  const data = Uint8Array.from(raw.match(/../g) ?? [], (byte) => Number.parseInt(byte, 16));
  if (data.length !== registerWords(format.type) * 2) return null;
  const { value } = registerDecoder(format)(data, 0);
  if (value === null) return null;
  const ratio = transformed === null ? ONE : parseDecimal(transformed.ratio, MICRO_SCALE);
  if (ratio <= 0n) return null;
  const shown = transformed?.by === 'divided' ? (value * ONE) / ratio : (value * ratio) / ONE;
  const step = 10n ** BigInt(MICRO_SCALE - (face.split('.')[1]?.length ?? 0));
  const cut = (shown / step) * step;
  return {
    value: formatDecimal(cut, MICRO_SCALE),
    difference: formatDecimal(cut - parseFace(face), MICRO_SCALE),
  };
}

/** A face shows its leading zeros; a plain decimal has none. */
const parseFace = (face: string): bigint => parseDecimal(face.replace(/^0+(?=\d)/, ''), MICRO_SCALE);

/** Whether value and difference are what the registers give. */
export function isConsistent({ decoding, face, value, difference }: Evidence): boolean {
  const decoded = decodeEvidence(decoding, face);
  return decoded !== null && decoded.value === value && decoded.difference === difference;
}
