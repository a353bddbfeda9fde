/**
 * How the gateway comes by its certificate: it makes a key that never leaves it, asks the cloud with a one-time code, and
 * later with the certificate that is about to run out. Key and certificate stand in one file, replaced at once.
 */
import 'reflect-metadata';
import { createPrivateKey, sign, X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { Pkcs10CertificateRequestGenerator } from '@peculiar/x509';
import { readKeyFile, writeKeyFile, writePublicFile } from '../process/key-file.ts';
import { EnrolmentGrant } from '../protocols/enrolment.ts';
import { goesInTheClear, type UplinkTls } from './delivery/uplink-tls.ts';

/** The cloud is not reached, or refuses; `code` is its own, or `not_reached`, `in_the_clear`, `not_understood`. */
export class EnrolmentError extends Error {
  override readonly name = 'EnrolmentError';
  readonly code: string;
  constructor(code: string, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;
const ANSWER_MS = 20_000;

export interface EnrolOptions {
  cloud: string;
  code: string;
  /** The name that the gateway has already; without one it gets the code's. */
  gateway?: string | undefined;
  /** Allows a cloud without TLS on another machine: the code can then be read, and the answer forged. */
  insecure?: boolean;
}

/** @returns what the cloud granted, and the key's PEM @throws EnrolmentError */
export async function enrol(options: EnrolOptions): Promise<{ grant: EnrolmentGrant; key: string }> {
  const { cloud, code, gateway, insecure = false } = options;
  if (!insecure && goesInTheClear(cloud))
    throw new EnrolmentError(
      'in_the_clear',
      `${cloud} is another machine: use https://, or allow it with --insecure`,
    );
  const { csr, key } = await makeRequest(gateway ?? 'gateway');
  const body = { code, csr, ...(gateway === undefined ? {} : { gateway }) };
  return { grant: await ask(cloud, 'claim', body), key };
}

/** Replaces the files of `tls` by a new key and certificate. @returns until when it is good @throws EnrolmentError; KeyFileError */
export async function renewCertificate(tls: UplinkTls, gateway: string, cloud: string): Promise<Date> {
  const certificate = readFileSync(tls.cert, 'utf8');
  const former = createPrivateKey(readKeyFile(tls.key));
  const { csr, key } = await makeRequest(gateway);
  const signature = sign('sha256', Buffer.from(csr), former).toString('base64');
  const own = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----\n?/.exec(certificate)?.[0] ?? '';
  const grant = await ask(cloud, 'renew', { certificate: own, csr, signature });
  if (grant.gateway !== gateway)
    throw new EnrolmentError('not_understood', `the cloud answered for "${grant.gateway}"`);
  keep(tls, grant, key);
  return new X509Certificate(grant.certificate).validToDate;
}

/** The authorities first: with the new certificate the gateway may meet a broker of the new one. */
export function keep({ ca, cert, key: keyFile }: UplinkTls, grant: EnrolmentGrant, key: string): void {
  if (ca !== undefined) writePublicFile(ca, grant.ca);
  if (cert === keyFile) writeKeyFile(cert, key + grant.certificate);
  else {
    writeKeyFile(keyFile, key);
    writePublicFile(cert, grant.certificate);
  }
}

async function makeRequest(name: string): Promise<{ csr: string; key: string }> {
  const keys = await crypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify']);
  const request = await Pkcs10CertificateRequestGenerator.create({
    name: [{ CN: [name] }],
    keys,
    signingAlgorithm: ALGORITHM,
  });
  const der = Buffer.from(await crypto.subtle.exportKey('pkcs8', keys.privateKey));
  const key = createPrivateKey({ key: der, format: 'der', type: 'pkcs8' }).export({
    type: 'pkcs8',
    format: 'pem',
  });
  return { csr: `${request.toString('pem')}\n`, key: key.toString() };
}

async function ask(cloud: string, what: 'claim' | 'renew', body: object): Promise<EnrolmentGrant> {
  let response: Response;
  let answer: unknown;
  try {
    response = await fetch(new URL(`/api/v1/enrolments/${what}`, cloud), {
      method: 'POST',
      headers: { 'content-type': 'application/json', accept: 'application/json' },
      body: JSON.stringify(body),
      redirect: 'error',
      signal: AbortSignal.timeout(ANSWER_MS),
    });
    answer = await response.json();
  } catch (cause) {
    throw new EnrolmentError('not_reached', `${cloud} does not answer: ${(cause as Error).message}`, {
      cause,
    });
  }
  const grant = EnrolmentGrant.safeParse(answer);
  if (response.ok && grant.success) return grant.data;
  const { code, detail } = answer as { code?: unknown; detail?: unknown };
  if (typeof code === 'string') throw new EnrolmentError(code, `${cloud} refuses: ${detail}`);
  throw new EnrolmentError('not_understood', `${cloud} gives an answer that is none (${response.status})`);
}
