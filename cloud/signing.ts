/** The issuer's Ed25519 key, and what it puts its name to. */
import {
  createHash,
  createHmac,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  sign,
  verify,
} from 'node:crypto';
import {
  closeSync,
  existsSync,
  fsyncSync,
  linkSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { canonicalJson } from '../protocols/canonical-json.ts';
import type { Statement, StatementHead } from '../protocols/statement.ts';
import type { StatementDraft } from './billing/statement-draft.ts';
import { digestsOf, partsOf } from './billing/statement-file.ts';

export interface SigningKey {
  readonly privateKey: KeyObject;
  /** Raw 32 bytes, base64. */
  readonly publicKey: string;
  /** First 16 hex digits of the SHA-256 of the raw public key. */
  readonly keyId: string;
  /**
   * What statements' links are made from: derived from the key, until that is changed for the first time. From then on it stands in a
   * file of its own, so that links that were handed out go on working.
   */
  readonly linkSecret: Uint8Array;
}

/** The key file is missing where one was promised, is no Ed25519 key, or others may read it. */
export class SigningKeyError extends Error {
  override readonly name = 'SigningKeyError';
  readonly code = 'signing_key_unusable';
}

/**
 * base64url of HMAC-SHA256(secret, statement id): whoever holds the secret can make a statement's token again, nobody else can
 * guess it, and it is never stored.
 */
export const statementToken = ({ linkSecret }: SigningKey, statement: string): string =>
  createHmac('sha256', linkSecret).update(statement).digest('base64url');

/** What the store holds of a token: who reads the database cannot open a statement's link. */
export const tokenHash = (token: string): string => sha256(token);

const sha256 = (content: string | Buffer): string => createHash('sha256').update(content).digest('hex');

/** Opens the key in the data directory; the first use makes it, readable by its owner only. */
export function openSigningKey(dataDir: string): SigningKey {
  const file = join(dataDir, 'statement-signing-key.pem');
  if (!existsSync(file)) createKeyFile(file);
  const key = signingKey(readPrivate(file), file);
  const secret = join(dataDir, 'statement-link-secret');
  return existsSync(secret) ? { ...key, linkSecret: Buffer.from(readPrivate(secret), 'base64') } : key;
}

/** @throws SigningKeyError when others may read it too */
function readPrivate(file: string): string {
  if ((statSync(file).mode & 0o077) !== 0)
    throw new SigningKeyError(`${file} may be read by others: chmod 600`);
  return readFileSync(file, 'utf8');
}

/** What a key signs for the one that comes after it. */
export const voucherText = (keyId: string, publicKey: string): string =>
  `meterline-issuer-key/1 ${keyId} ${publicKey}`;

/**
 * Puts a new key in the place of the one that signs. The old one is kept beside it, renamed: statements that it signed are verified by
 * its public half alone.
 * @returns the new key, and the old one's signature over it
 */
export function rotateSigningKey(dataDir: string): { before: SigningKey; key: SigningKey; voucher: string } {
  const before = openSigningKey(dataDir);
  const secret = join(dataDir, 'statement-link-secret');
  if (!existsSync(secret)) writePrivate(secret, Buffer.from(before.linkSecret).toString('base64'));
  const next = join(dataDir, 'statement-signing-key.next.pem');
  rmSync(next, { force: true });
  createKeyFile(next);
  const file = join(dataDir, 'statement-signing-key.pem');
  const key = signingKey(readPrivate(next), next);
  linkSync(file, join(dataDir, `statement-signing-key.${before.keyId}.pem`));
  renameSync(next, file);
  return {
    before,
    key: openSigningKey(dataDir),
    voucher: signText(voucherText(key.keyId, key.publicKey), before),
  };
}

/** Ed25519, base64. */
export const signText = (text: string, { privateKey }: SigningKey): string =>
  sign(null, Buffer.from(text), privateKey).toString('base64');

/** @param publicKey raw, base64 */
export function signedBy(text: string, signature: string, publicKey: string): boolean {
  const x = Buffer.from(publicKey, 'base64').toString('base64url');
  const key = createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x }, format: 'jwk' });
  return verify(null, Buffer.from(text), key, Buffer.from(signature, 'base64'));
}

/** @param pem PKCS #8 */
export function signingKey(pem: string, name = 'the signing key'): SigningKey {
  let privateKey: KeyObject;
  try {
    privateKey = createPrivateKey(pem);
  } catch (cause) {
    throw new SigningKeyError(`${name} is no private key`, { cause });
  }
  if (privateKey.asymmetricKeyType !== 'ed25519') throw new SigningKeyError(`${name} is no Ed25519 key`);
  const { x } = createPublicKey(privateKey).export({ format: 'jwk' });
  const raw = Buffer.from(x ?? '', 'base64url');
  const linkSecret = createHmac('sha256', privateKey.export({ type: 'pkcs8', format: 'der' }))
    .update('statement-token')
    .digest();
  return { privateKey, publicKey: raw.toString('base64'), keyId: sha256(raw).slice(0, 16), linkSecret };
}

function createKeyFile(file: string): void {
  const { privateKey } = generateKeyPairSync('ed25519');
  writePrivate(file, privateKey.export({ type: 'pkcs8', format: 'pem' }).toString());
}

function writePrivate(file: string, content: string): void {
  // `wx`: two processes that start at once do not overwrite each other's key.
  const descriptor = openSync(file, 'wx', 0o600);
  try {
    writeSync(descriptor, content);
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

export interface SignedStatement {
  statement: Statement;
  /** The file: canonical JSON. */
  json: string;
  /** SHA-256 of the file, by which the next statement names this one. */
  digest: string;
}

/** Same draft, head and key: same bytes. */
export function signStatement(
  draft: StatementDraft,
  issue: Pick<StatementHead, 'issuedAt' | 'manifest' | 'previous' | 'chain'>,
  key: SigningKey,
): SignedStatement {
  const body = { ...draft, head: { ...draft.head, ...issue } };
  const digests = digestsOf(partsOf(body).map((part) => ({ ...part, sha256: sha256(part.json) })));
  const value = signText(canonicalJson(digests), key);
  const { publicKey, keyId } = key;
  const statement: Statement = {
    ...body,
    digests,
    signature: { algorithm: 'Ed25519', keyId, publicKey, value },
  };
  const json = canonicalJson(statement);
  return { statement, json, digest: sha256(json) };
}
