/** X.509 certificates, requests and revocation lists: the little of them that a park needs (RFC 5280, RFC 2986), all on P-256. */
import 'reflect-metadata';
import { randomBytes } from 'node:crypto';
import * as x509 from '@peculiar/x509';

const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;
/** A certificate is good from a day before it was made: the clock of a gateway may be behind. */
const BEFORE_MS = 86_400_000;
const CLIENT_AUTH = '1.3.6.1.5.5.7.3.2';
const SERVER_AUTH = '1.3.6.1.5.5.7.3.1';

export interface Issuer {
  certificate: string;
  key: string;
}

export interface Span {
  fromMs: number;
  toMs: number;
}

/** Who a certificate is for: a gateway by its name, or a server by the names and addresses that it is called by. */
export type Subject = { kind: 'gateway'; name: string } | { kind: 'server'; hosts: readonly string[] };

/** 127 bits of chance, and always 32 hex digits. */
export function mintSerial(): string {
  const bytes = randomBytes(16);
  bytes[0] = ((bytes[0] ?? 0) & 0x3f) | 0x40;
  return bytes.toString('hex').toUpperCase();
}

/** A root that signs certificates and revocation lists, and no further authority. */
export async function makeAuthority(name: string, span: Span): Promise<Issuer> {
  const keys = await crypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify']);
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    serialNumber: mintSerial(),
    name: [{ CN: [name] }],
    ...validity(span),
    signingAlgorithm: ALGORITHM,
    keys,
    extensions: [
      new x509.BasicConstraintsExtension(true, 0, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
  return { certificate: pem(certificate), key: await keyPem(keys.privateKey) };
}

export interface CertificateWish {
  issuer: Issuer;
  subject: Subject;
  serial: string;
  span: Span;
  /** SubjectPublicKeyInfo, DER. */
  publicKey: ArrayBuffer;
}

export async function signCertificate({
  issuer,
  subject,
  serial,
  span,
  publicKey,
}: CertificateWish): Promise<string> {
  const authority = new x509.X509Certificate(issuer.certificate);
  const isServer = subject.kind === 'server';
  const certificate = await x509.X509CertificateGenerator.create({
    serialNumber: serial,
    subject: [{ CN: [isServer ? (subject.hosts[0] ?? '') : subject.name] }],
    issuer: authority.subjectName.toJSON(),
    ...validity(span),
    signingAlgorithm: ALGORITHM,
    publicKey: new x509.PublicKey(publicKey),
    signingKey: await importKey(issuer.key),
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
      new x509.ExtendedKeyUsageExtension([isServer ? SERVER_AUTH : CLIENT_AUTH]),
      await x509.AuthorityKeyIdentifierExtension.create(authority.publicKey),
      ...(isServer ? [new x509.SubjectAlternativeNameExtension(subject.hosts.map(generalName))] : []),
    ],
  });
  return pem(certificate);
}

export async function makeKeys(): Promise<{ key: string; publicKey: ArrayBuffer }> {
  const keys = await crypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify']);
  return {
    key: await keyPem(keys.privateKey),
    publicKey: await crypto.subtle.exportKey('spki', keys.publicKey),
  };
}

export interface Revocation {
  serial: string;
  atMs: number;
}

export async function signRevocations(
  issuer: Issuer,
  revoked: readonly Revocation[],
  span: Span,
): Promise<string> {
  const list = await x509.X509CrlGenerator.create({
    issuer: new x509.X509Certificate(issuer.certificate).subjectName.toJSON(),
    thisUpdate: new Date(span.fromMs - BEFORE_MS),
    nextUpdate: new Date(span.toMs),
    entries: revoked.map(({ serial, atMs }) => ({ serialNumber: serial, revocationDate: new Date(atMs) })),
    signingKey: await importKey(issuer.key),
    signingAlgorithm: ALGORITHM,
  });
  // OpenSSL knows it by this label only.
  return `${x509.PemConverter.encode(list.rawData, 'X509 CRL')}\n`;
}

/**
 * Serial numbers, upper case, in all lists of a PEM file.
 * @throws Error when one is signed by none of the authorities, or the text holds none at all
 */
export async function readRevocations(text: string, authorities: string): Promise<Set<string>> {
  const issuers = x509.PemConverter.decode(authorities).map((der) => new x509.X509Certificate(der));
  const lists = x509.PemConverter.decode(text).map((der) => new x509.X509Crl(der));
  if (lists.length === 0) throw new Error('it holds no revocation list');
  const serials = new Set<string>();
  for (const list of lists) {
    const signed = await Promise.all(issuers.map(({ publicKey }) => list.verify({ publicKey })));
    if (!signed.includes(true))
      throw new Error(`the list of "${list.issuer}" is signed by none of the authorities`);
    for (const { serialNumber } of list.entries) serials.add(serialNumber.toUpperCase());
  }
  return serials;
}

/** The public key of a request whose sender holds the private one; null: it is no such request, or not on P-256. */
export async function requestedKey(csr: string): Promise<ArrayBuffer | null> {
  try {
    const request = new x509.Pkcs10CertificateRequest(csr);
    const { namedCurve } = request.publicKey.algorithm as { namedCurve?: string };
    if (namedCurve !== ALGORITHM.namedCurve || !(await request.verify())) return null;
    return request.publicKey.rawData;
  } catch {
    return null;
  }
}

const validity = ({ fromMs, toMs }: Span) => ({
  notBefore: new Date(fromMs - BEFORE_MS),
  notAfter: new Date(toMs),
});

const generalName = (host: string): { type: 'ip' | 'dns'; value: string } => ({
  type: /^[\d.]+$|:/.test(host) ? 'ip' : 'dns',
  value: host,
});

const pem = (certificate: x509.X509Certificate): string => `${certificate.toString('pem')}\n`;

async function keyPem(key: CryptoKey): Promise<string> {
  const der = await crypto.subtle.exportKey('pkcs8', key);
  return `${x509.PemConverter.encode(der, 'PRIVATE KEY')}\n`;
}

function importKey(text: string): Promise<CryptoKey> {
  const [der] = x509.PemConverter.decode(text);
  if (der === undefined) throw new Error('it holds no private key');
  return crypto.subtle.importKey('pkcs8', der, ALGORITHM, false, ['sign']);
}
