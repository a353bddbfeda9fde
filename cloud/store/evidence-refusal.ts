/** What makes commissioning evidence believed: signed by the key that it brings, of its own gateway, and of one piece. Pure but for the hash. */
import { createHash, createPublicKey, verify } from 'node:crypto';
import { type EvidenceItem, type EvidenceSignature, isConsistent } from '../../protocols/evidence.ts';
import { type Refusal, unixMs } from './admit.ts';

export const sha256 = (content: string | Buffer): string =>
  createHash('sha256').update(content).digest('hex');

/** Whether the signature is that of the key it brings, over this text. */
export function isSigned(text: string, { keyId, publicKey, value }: EvidenceSignature): boolean {
  const raw = Buffer.from(publicKey, 'base64');
  if (sha256(raw).slice(0, 16) !== keyId) return false;
  const key = createPublicKey({
    key: { kty: 'OKP', crv: 'Ed25519', x: raw.toString('base64url') },
    format: 'jwk',
  });
  return verify(null, Buffer.from(text), key, Buffer.from(value, 'base64'));
}

/** Why the item is no evidence of this gateway, or null. */
export function evidenceRefusal(
  { evidence, signature }: EvidenceItem,
  text: string,
  gateway: string,
  latestMs: number,
): Refusal | null {
  if (evidence.gateway !== gateway)
    return { code: 'foreign_evidence', detail: `of gateway "${evidence.gateway}"` };
  if (!isSigned(text, signature))
    return { code: 'bad_signature', detail: `not signed by key ${signature.keyId}` };
  if (!isConsistent(evidence))
    return { code: 'inconsistent_evidence', detail: 'the registers do not give the value that is told' };
  if (unixMs(evidence.at) > latestMs)
    return { code: 'future_timestamp', detail: `taken at ${evidence.at}, in the future` };
  return null;
}
