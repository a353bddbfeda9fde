/** The public keys of the issuer: the one that signs, and those before it, each vouched for by its predecessor. */
import type { IssuerKeys } from '../protocols/billing-api.ts';
import type { Park } from '../protocols/park.ts';
import { openSigningKey, rotateSigningKey, type SigningKey, signedBy, voucherText } from './signing.ts';
import type { Store } from './store/store.ts';

/** Puts the key on record that signs now, if it is not. */
export async function recordSigningKey(
  store: Store,
  { keyId, publicKey }: SigningKey,
  since: string,
): Promise<void> {
  await store.addIssuerKey({ keyId, publicKey, since, vouchedBy: null, voucher: null });
}

export async function issuerKeys(store: Store, { issuer, id }: Park): Promise<IssuerKeys> {
  return { issuer, park: id, keys: await store.issuerKeys() };
}

/** Puts a new key in the place of the one that signs, and on record with the old one's voucher. */
export async function rotateIssuerKey(store: Store, dataDir: string, since: string): Promise<SigningKey> {
  await recordSigningKey(store, openSigningKey(dataDir), since);
  const { before, key, voucher } = rotateSigningKey(dataDir);
  const { keyId, publicKey } = key;
  await store.addIssuerKey({ keyId, publicKey, since, vouchedBy: before.keyId, voucher });
  return key;
}

/**
 * The keys that follow from one that is trusted, by vouchers, forwards and backwards: whoever signs for a successor has been the
 * issuer, and a predecessor is whoever signed for a trusted key.
 * @param trusted raw, base64; null: the list itself is trusted, since it comes from the issuer's own site
 */
export function trustedKeys({ keys }: IssuerKeys, trusted: string | null): Map<string, string> {
  const all = new Map(keys.map(({ keyId, publicKey }) => [keyId, publicKey]));
  if (trusted === null) return all;
  const links = keys.flatMap(({ keyId, publicKey, vouchedBy, voucher }) => {
    const by = vouchedBy === null ? undefined : all.get(vouchedBy);
    if (by === undefined || voucher === null || vouchedBy === null) return [];
    return signedBy(voucherText(keyId, publicKey), voucher, by) ? [[vouchedBy, keyId] as const] : [];
  });
  const found = new Set(keys.filter(({ publicKey }) => publicKey === trusted).map(({ keyId }) => keyId));
  for (let grew = true; grew; ) {
    grew = false;
    for (const [older, newer] of links) {
      if (found.has(older) === found.has(newer)) continue;
      found.add(older).add(newer);
      grew = true;
    }
  }
  return new Map([...all].filter(([keyId]) => found.has(keyId)));
}
