/** The gateway's own key: it signs what a person vouched for at the meter. Ed25519, made once, readable by its owner only. */
import {
  createHash,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  sign,
} from 'node:crypto';
import { closeSync, existsSync, fsyncSync, mkdirSync, openSync, readFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { keyFileRefusal } from '../../process/key-file.ts';
import type { EvidenceSignature } from '../../protocols/evidence.ts';
import { systemDisk } from '../buffer/disk.ts';

export interface GatewayKey {
  /** First 16 hex digits of the SHA-256 of the raw public key. */
  readonly keyId: string;
  /** Raw 32 bytes, base64. */
  readonly publicKey: string;
  sign(text: string): EvidenceSignature;
}

/** The key file is no Ed25519 key, or others may read it. */
export class GatewayKeyError extends Error {
  override readonly name = 'GatewayKeyError';
  readonly code = 'gateway_key_unusable';
}

const keyFileOf = (dataDir: string): string => join(dataDir, 'gateway-key.pem');

/** Why the key that is there cannot be used; null also when there is none yet: it will be made. */
export function gatewayKeyRefusal(dataDir: string): string | null {
  const file = keyFileOf(dataDir);
  return existsSync(file) ? keyFileRefusal(file) : null;
}

/** @throws GatewayKeyError; Error of the system */
export function openGatewayKey(dataDir: string): GatewayKey {
  mkdirSync(dataDir, { recursive: true, mode: 0o700 });
  const file = keyFileOf(dataDir);
  if (!existsSync(file)) createKeyFile(file, dataDir);
  const refusal = keyFileRefusal(file);
  if (refusal !== null) throw new GatewayKeyError(refusal);
  let privateKey: KeyObject;
  try {
    privateKey = createPrivateKey(readFileSync(file));
  } catch (cause) {
    throw new GatewayKeyError(`${file} is no private key`, { cause });
  }
  if (privateKey.asymmetricKeyType !== 'ed25519') throw new GatewayKeyError(`${file} is no Ed25519 key`);
  const { x } = createPublicKey(privateKey).export({ format: 'jwk' });
  const raw = Buffer.from(x ?? '', 'base64url');
  const publicKey = raw.toString('base64');
  const keyId = createHash('sha256').update(raw).digest('hex').slice(0, 16);
  return {
    keyId,
    publicKey,
    sign: (text) => ({
      algorithm: 'Ed25519',
      keyId,
      publicKey,
      value: sign(null, Buffer.from(text), privateKey).toString('base64'),
    }),
  };
}

function createKeyFile(file: string, dataDir: string): void {
  const { privateKey } = generateKeyPairSync('ed25519');
  // `wx`: two processes that start at once do not overwrite each other's key.
  const descriptor = openSync(file, 'wx', 0o600);
  try {
    writeSync(descriptor, privateKey.export({ type: 'pkcs8', format: 'pem' }).toString());
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
  systemDisk.flushFolder(dataDir);
}
