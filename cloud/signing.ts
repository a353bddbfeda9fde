/** The issuer's Ed25519 key, and what it puts its name to. */
import {
  createHash,
  createHmac,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  sign,
} from 'node:crypto';
import { closeSync, existsSync, fsyncSync, openSync, readFileSync, statSync, writeSync } from 'node:fs';
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
}

/** The key file is missing where one was promised, is no Ed25519 key, or others may read it. */
export class SigningKeyError extends Error {
  override readonly name = 'SigningKeyError';
  readonly code = 'signing_key_unusable';
}

/**
 * base64url of HMAC-SHA256(secret, statement id), where the secret is derived from the key: whoever holds the key can make a
 * statement's token again, nobody else can guess it, and it is never stored.
 */
export function statementToken({ privateKey }: SigningKey, statement: string): string {
  const secret = createHmac('sha256', privateKey.export({ type: 'pkcs8', format: 'der' })).update(
    'statement-token',
  );
  return createHmac('sha256', secret.digest()).update(statement).digest('base64url');
}

/** What the store holds of a token: who reads the database cannot open a statement's link. */
export const tokenHash = (token: string): string => sha256(token);

const sha256 = (content: string | Buffer): string => createHash('sha256').update(content).digest('hex');

/** Opens the key in the data directory; the first use makes it, readable by its owner only. */
export function openSigningKey(dataDir: string): SigningKey {
  const file = join(dataDir, 'statement-signing-key.pem');
  if (!existsSync(file)) createKeyFile(file);
  if ((statSync(file).mode & 0o077) !== 0)
    throw new SigningKeyError(`${file} may be read by others: chmod 600`);
  return signingKey(readFileSync(file, 'utf8'), file);
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
  return { privateKey, publicKey: raw.toString('base64'), keyId: sha256(raw).slice(0, 16) };
}

function createKeyFile(file: string): void {
  const { privateKey } = generateKeyPairSync('ed25519');
  // `wx`: two processes that start at once do not overwrite each other's key.
  const descriptor = openSync(file, 'wx', 0o600);
  try {
    writeSync(descriptor, privateKey.export({ type: 'pkcs8', format: 'pem' }).toString());
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
  issue: Pick<StatementHead, 'issuedAt' | 'manifest' | 'previous'>,
  key: SigningKey,
): SignedStatement {
  const body = { ...draft, head: { ...draft.head, ...issue } };
  const digests = digestsOf(partsOf(body).map((part) => ({ ...part, sha256: sha256(part.json) })));
  const value = sign(null, Buffer.from(canonicalJson(digests)), key.privateKey).toString('base64');
  const { publicKey, keyId } = key;
  const statement: Statement = {
    ...body,
    digests,
    signature: { algorithm: 'Ed25519', keyId, publicKey, value },
  };
  const json = canonicalJson(statement);
  return { statement, json, digest: sha256(json) };
}
