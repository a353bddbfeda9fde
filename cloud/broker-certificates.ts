/** What the broker's TLS stands on: its own certificate, whom it trusts, and what was revoked; read again while it runs. */
import type { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createSecureContext, type SecureContextOptions } from 'node:tls';
import { readKeyFile } from '../process/key-file.ts';
import { isSignedByOne, readAuthorities } from './certificates/authority.ts';
import { readRevocations } from './certificates/x509.ts';

/** Files. */
export interface BrokerTls {
  cert: string;
  key: string;
  /** Who signs the certificates of gateways; two of them while one takes the place of the other. */
  clientCa: string;
  /** Revocation lists of theirs, PEM. */
  revoked?: string | undefined;
}

interface Texts {
  cert: string;
  key: string;
  ca: string;
  crl: string | null;
}

export type CertificateRefusal = 'revoked' | 'expired' | 'unknown_authority';

export class BrokerCertificates {
  readonly #files: BrokerTls;
  #texts: Texts;
  #authorities: X509Certificate[];
  #revoked: ReadonlySet<string>;

  private constructor(files: BrokerTls, texts: Texts, revoked: ReadonlySet<string>) {
    this.#files = files;
    this.#texts = texts;
    this.#authorities = readAuthorities(texts.ca);
    this.#revoked = revoked;
  }

  /** @throws KeyFileError; Error naming what cannot be used */
  static async open(files: BrokerTls): Promise<BrokerCertificates> {
    const texts = readTexts(files);
    return new BrokerCertificates(files, texts, await check(texts));
  }

  secureContext(): SecureContextOptions {
    const { cert, key, ca } = this.#texts;
    return { cert, key, ca, minVersion: 'TLSv1.2' };
  }

  /** Takes over what changed in the files. What cannot be used changes nothing. @returns whether anything changed */
  async reread(): Promise<boolean> {
    const texts = readTexts(this.#files);
    if (Object.entries(texts).every(([name, text]) => this.#texts[name as keyof Texts] === text))
      return false;
    this.#revoked = await check(texts);
    this.#authorities = readAuthorities(texts.ca);
    this.#texts = texts;
    return true;
  }

  refusal(certificate: X509Certificate, nowMs: number): CertificateRefusal | null {
    if (this.#revoked.has(certificate.serialNumber)) return 'revoked';
    if (nowMs >= certificate.validToDate.getTime()) return 'expired';
    return isSignedByOne(certificate, this.#authorities) ? null : 'unknown_authority';
  }
}

const readTexts = ({ cert, key, clientCa, revoked }: BrokerTls): Texts => ({
  cert: readFileSync(cert, 'utf8'),
  key: readKeyFile(key),
  ca: readFileSync(clientCa, 'utf8'),
  crl: revoked === undefined ? null : readFileSync(revoked, 'utf8'),
});

/** @returns the revoked serial numbers @throws Error when the texts do not fit together */
async function check({ cert, key, ca, crl }: Texts): Promise<ReadonlySet<string>> {
  if (readAuthorities(ca).length === 0) throw new Error('clientCa holds no certificate');
  createSecureContext({ cert, key, ca });
  return crl === null ? new Set() : readRevocations(crl, ca);
}

/** The common name of a certificate; null when it has none, or more than one. */
export function commonName(certificate: X509Certificate): string | null {
  const names = certificate.subject.split('\n').filter((line) => line.startsWith('CN='));
  return names.length === 1 ? (names[0]?.slice('CN='.length) ?? null) : null;
}
