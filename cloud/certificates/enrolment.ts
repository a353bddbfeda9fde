/**
 * One-time codes with which a gateway gets its first certificate, and the renewal of the ones after it. A code is a file in
 * the authority's folder, named by the code's digest: whoever removes it has used it, and nobody can do that twice.
 */
import { randomInt, verify, X509Certificate } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, unlinkSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { writeKeyFile } from '../../process/key-file.ts';
import { digestOf } from '../../process/secrets.ts';
import { Id } from '../../protocols/reading.ts';
import { commonName } from '../broker-certificates.ts';
import { AuthorityError, isReserved, openAuthority } from './authority.ts';
import { requestedKey } from './x509.ts';

export interface Enrolment {
  /** The authority's folder. */
  authority: string;
  /** Where gateways find the broker. */
  broker: string;
}

/** What a gateway gets: PEM texts. */
export interface Enrolled {
  gateway: string;
  certificate: string;
  /** Who signed the broker's certificate. */
  ca: string;
  broker: string;
}

export type EnrolmentResult =
  | { ok: true; enrolled: Enrolled }
  | { ok: false; code: 'enrolment_refused' | 'bad_certificate_request'; detail: string };

const Pending = z.strictObject({ gateway: Id, expiresAtMs: z.int() });

/** 32 characters that are not mistaken for one another; ten of them are 50 bits. */
const ALPHABET = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';
const CODE_LENGTH = 10;
const CODE_MS = 60 * 60_000;

/** The code is shown once: what is kept cannot be turned back into it. @throws AuthorityError */
export function createCode(
  folder: string,
  gateway: string,
  nowMs: number,
): { code: string; expiresAtMs: number } {
  openAuthority(folder);
  if (isReserved(gateway))
    throw new AuthorityError(
      'reserved_name',
      `"${gateway}" is no name for a gateway: it is the broker's own`,
    );
  forgetExpired(folder, nowMs);
  const letters = Array.from({ length: CODE_LENGTH }, () => ALPHABET[randomInt(ALPHABET.length)]).join('');
  const code = `${letters.slice(0, 5)}-${letters.slice(5)}`;
  const expiresAtMs = nowMs + CODE_MS;
  mkdirSync(codesOf(folder), { recursive: true, mode: 0o700 });
  writeKeyFile(
    fileOf(folder, code),
    JSON.stringify({ gateway, expiresAtMs } satisfies z.infer<typeof Pending>),
  );
  return { code, expiresAtMs };
}

export interface Claim {
  code: string;
  /** PKCS #10, PEM. */
  csr: string;
  /** Which gateway asks, where it has a name already. */
  gateway?: string | undefined;
}

/** A code that is unknown, expired, used or another gateway's is refused in the same words. */
export async function claimCode(enrolment: Enrolment, claim: Claim, nowMs: number): Promise<EnrolmentResult> {
  const publicKey = await requestedKey(claim.csr);
  if (publicKey === null) return badRequest;
  const refused = {
    ok: false,
    code: 'enrolment_refused',
    detail: 'this code opens nothing, or no longer',
  } as const;
  const file = fileOf(enrolment.authority, claim.code);
  const pending = readPending(file);
  if (pending === null || nowMs >= pending.expiresAtMs) return refused;
  if (claim.gateway !== undefined && claim.gateway !== pending.gateway) return refused;
  try {
    unlinkSync(file);
  } catch {
    return refused;
  }
  return issue(enrolment, pending.gateway, publicKey, nowMs);
}

export interface Renewal {
  /** The certificate that is to be followed by another. */
  certificate: string;
  csr: string;
  /** Of the request's text with the key of that certificate, base64: SHA-256, ECDSA in DER. */
  signature: string;
}

/** The old certificate has to be good still, and the sender to hold its key. The old one stays good until it runs out. */
export async function renew(enrolment: Enrolment, renewal: Renewal, nowMs: number): Promise<EnrolmentResult> {
  const refused = {
    ok: false,
    code: 'enrolment_refused',
    detail: 'the certificate is not, or no longer, good',
  } as const;
  const publicKey = await requestedKey(renewal.csr);
  if (publicKey === null) return badRequest;
  let certificate: X509Certificate;
  try {
    certificate = new X509Certificate(renewal.certificate);
  } catch {
    return refused;
  }
  const gateway = commonName(certificate);
  const signature = Buffer.from(renewal.signature, 'base64');
  if (gateway === null || !openAuthority(enrolment.authority).vouchesFor(certificate, nowMs)) return refused;
  if (!verify('sha256', Buffer.from(renewal.csr), certificate.publicKey, signature)) return refused;
  return issue(enrolment, gateway, publicKey, nowMs);
}

const badRequest = {
  ok: false,
  code: 'bad_certificate_request',
  detail: 'csr: not a signed PKCS #10 request for a P-256 key',
} as const;

async function issue(
  { authority: folder, broker }: Enrolment,
  gateway: string,
  publicKey: ArrayBuffer,
  nowMs: number,
): Promise<EnrolmentResult> {
  const authority = openAuthority(folder);
  const certificate = await authority.issueGateway(gateway, publicKey, { nowMs });
  return { ok: true, enrolled: { gateway, certificate, ca: authority.trusted(), broker } };
}

const codesOf = (folder: string): string => join(folder, 'codes');

/** As people type it: small letters, spaces, O and I for the digits that they look like. */
function fileOf(folder: string, code: string): string {
  const letters = code.toUpperCase().replaceAll(/[\s-]/g, '').replaceAll('O', '0').replaceAll(/[IL]/g, '1');
  return join(codesOf(folder), digestOf(letters));
}

function readPending(file: string): z.infer<typeof Pending> | null {
  if (!existsSync(file)) return null;
  return Pending.parse(JSON.parse(readFileSync(file, 'utf8')));
}

function forgetExpired(folder: string, nowMs: number): void {
  if (!existsSync(codesOf(folder))) return;
  for (const name of readdirSync(codesOf(folder)).filter((one) => /^[0-9a-f]{64}$/.test(one))) {
    const file = join(codesOf(folder), name);
    const pending = readPending(file);
    if (pending !== null && nowMs >= pending.expiresAtMs) unlinkSync(file);
  }
}
