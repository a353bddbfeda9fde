/**
 * A small private certificate authority in a folder, for those who have none of their own:
 *
 *   ca-1.pem, ca-1-key.pem   an authority and its key; after `rotate` there is a ca-2 beside it, which signs from then on
 *   ca.pem                   all of them, newest first: what brokers and gateways trust
 *   crl.pem                  their revocation lists
 *   issued.jsonl, revoked.jsonl   what was issued and revoked, only ever added to
 */
import { X509Certificate } from 'node:crypto';
import { appendFileSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { readKeyFile, writeKeyFile, writePublicFile } from '../../process/key-file.ts';
import { Id, InstantText } from '../../protocols/reading.ts';
import {
  type Issuer,
  makeAuthority,
  makeKeys,
  mintSerial,
  readRevocations,
  type Subject,
  signCertificate,
  signRevocations,
} from './x509.ts';

const Issued = z.strictObject({
  serial: z.string(),
  kind: z.enum(['gateway', 'server']),
  /** Of a server: its first host. */
  name: z.string(),
  /** Number of the authority that signed it. */
  authority: z.int(),
  issuedAt: InstantText,
  expiresAt: InstantText,
});
export type Issued = z.infer<typeof Issued>;
const Revoked = z.strictObject({ serial: z.string(), at: InstantText });

export type ListedCertificate = Issued & { revokedAt: string | null };

/** The folder is no authority, or the wish cannot be fulfilled; `detail` says why and what to do. */
export class AuthorityError extends Error {
  override readonly name = 'AuthorityError';
  readonly code:
    | 'no_authority'
    | 'authority_exists'
    | 'reserved_name'
    | 'unknown_certificate'
    | 'last_authority';
  constructor(code: AuthorityError['code'], detail: string) {
    super(detail);
    this.code = code;
  }
}

const DAY_MS = 86_400_000;
const AUTHORITY_DAYS = 3650;
export const SERVER_DAYS = 730;
export const GATEWAY_DAYS = 365;
/** Names that stand for something else on a broker: ingest and its workers, and the topic of what is set aside. */
export const isReserved = (name: string): boolean => /^(ingest(-.*)?|quarantine)$/.test(name);

/** @throws AuthorityError when there is one already */
export async function initAuthority(folder: string, name: string, nowMs: number): Promise<Authority> {
  if (numbers(folder).length > 0)
    throw new AuthorityError('authority_exists', `${folder} is an authority already`);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  await addAuthority(folder, 1, name, nowMs);
  const authority = openAuthority(folder);
  await authority.publish(nowMs);
  return authority;
}

/** @throws AuthorityError; KeyFileError when others may read its key */
export function openAuthority(folder: string): Authority {
  if (numbers(folder).length === 0)
    throw new AuthorityError(
      'no_authority',
      `${folder} is no authority: run \`meterline ca init --folder ${folder}\``,
    );
  return new Authority(folder);
}

export class Authority {
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = folder;
    this.#issuer(this.#newest());
  }

  /** PEM of all authorities that are trusted, newest first. */
  trusted(): string {
    return numbers(this.#folder)
      .reverse()
      .map((number) => readFileSync(this.#file(number), 'utf8'))
      .join('');
  }

  /** A certificate for somebody else's key. @throws AuthorityError when the name is reserved */
  async issueGateway(
    gateway: string,
    publicKey: ArrayBuffer,
    { nowMs, days = GATEWAY_DAYS }: { nowMs: number; days?: number },
  ): Promise<string> {
    if (isReserved(gateway))
      throw new AuthorityError(
        'reserved_name',
        `"${gateway}" is no name for a gateway: it is the broker's own`,
      );
    return this.#issue({ kind: 'gateway', name: Id.parse(gateway) }, publicKey, nowMs, days);
  }

  /** A certificate and its key, made here. */
  async issuePair(
    subject: Subject,
    { nowMs, days }: { nowMs: number; days?: number },
  ): Promise<{ certificate: string; key: string }> {
    const { key, publicKey } = await makeKeys();
    const certificate =
      subject.kind === 'gateway'
        ? await this.issueGateway(subject.name, publicKey, { nowMs, ...(days === undefined ? {} : { days }) })
        : await this.#issue(subject, publicKey, nowMs, days ?? SERVER_DAYS);
    return { certificate, key };
  }

  /** Newest last. */
  list(): ListedCertificate[] {
    const revoked = new Map(this.#revoked().map(({ serial, at }) => [serial, at]));
    return lines(join(this.#folder, 'issued.jsonl'), Issued).map((issued) => ({
      ...issued,
      revokedAt: revoked.get(issued.serial) ?? null,
    }));
  }

  /** All certificates of that name, or the one of that serial number. @returns those that it revoked just now */
  async revoke(nameOrSerial: string, nowMs: number): Promise<ListedCertificate[]> {
    const meant = this.list().filter(({ name, serial }) => name === nameOrSerial || serial === nameOrSerial);
    if (meant.length === 0)
      throw new AuthorityError(
        'unknown_certificate',
        `there is no certificate "${nameOrSerial}": see \`meterline ca list\``,
      );
    const fresh = meant.filter(({ revokedAt }) => revokedAt === null);
    const at = instantText(nowMs);
    for (const { serial } of fresh) append(join(this.#folder, 'revoked.jsonl'), { serial, at });
    await this.publish(nowMs);
    return fresh.map((one) => ({ ...one, revokedAt: at }));
  }

  /** Another authority that signs from now on; what the old ones signed stays good. */
  async rotate(nowMs: number): Promise<number> {
    const number = this.#newest() + 1;
    const [first] = numbers(this.#folder);
    const { subject } = new X509Certificate(readFileSync(this.#file(first ?? 1)));
    const name = subject.replace(/^CN=/, '').replace(/ \d+$/, '');
    await addAuthority(this.#folder, number, `${name} ${number}`, nowMs);
    await this.publish(nowMs);
    return number;
  }

  /** Nothing that the oldest authority signed is good any more. @throws AuthorityError for the last one */
  async retire(nowMs: number): Promise<number> {
    const [oldest, ...others] = numbers(this.#folder);
    if (oldest === undefined || others.length === 0)
      throw new AuthorityError(
        'last_authority',
        'there is one authority only: run `meterline ca rotate` first',
      );
    rmSync(this.#file(oldest));
    rmSync(this.#keyFile(oldest));
    await this.publish(nowMs);
    return oldest;
  }

  /** Whether it issued the certificate, for a gateway, and it is still good. */
  vouchesFor(certificate: X509Certificate, nowMs: number): boolean {
    const issued = this.list().find(({ serial }) => serial === certificate.serialNumber);
    if (issued?.kind !== 'gateway' || issued.revokedAt !== null) return false;
    const inTime = certificate.validFromDate.getTime() <= nowMs && nowMs < certificate.validToDate.getTime();
    return inTime && isSignedByOne(certificate, readAuthorities(this.trusted()));
  }

  /** Writes what brokers and gateways read: ca.pem and crl.pem. */
  async publish(nowMs: number): Promise<void> {
    const revoked = this.#revoked().map(({ serial, at }) => ({
      serial,
      atMs: Temporal.Instant.from(at).epochMilliseconds,
    }));
    const lists = await Promise.all(
      numbers(this.#folder).map((number) => {
        const issuer = this.#issuer(number);
        // A list that runs out would lock everybody out of brokers that check it.
        const toMs = new X509Certificate(issuer.certificate).validToDate.getTime();
        return signRevocations(issuer, revoked, { fromMs: nowMs, toMs });
      }),
    );
    writePublicFile(join(this.#folder, 'crl.pem'), lists.join(''));
    writePublicFile(join(this.#folder, 'ca.pem'), this.trusted());
    await readRevocations(lists.join(''), this.trusted());
  }

  async #issue(subject: Subject, publicKey: ArrayBuffer, nowMs: number, days: number): Promise<string> {
    const authority = this.#newest();
    const serial = mintSerial();
    const toMs = nowMs + days * DAY_MS;
    const issuer = this.#issuer(authority);
    const certificate = await signCertificate({
      issuer,
      subject,
      serial,
      span: { fromMs: nowMs, toMs },
      publicKey,
    });
    append(join(this.#folder, 'issued.jsonl'), {
      serial,
      kind: subject.kind,
      name: subject.kind === 'server' ? (subject.hosts[0] ?? '') : subject.name,
      authority,
      issuedAt: instantText(nowMs),
      expiresAt: instantText(toMs),
    } satisfies Issued);
    return certificate;
  }

  #issuer(number: number): Issuer {
    return { certificate: readFileSync(this.#file(number), 'utf8'), key: readKeyFile(this.#keyFile(number)) };
  }

  #revoked() {
    return lines(join(this.#folder, 'revoked.jsonl'), Revoked);
  }

  #newest = (): number => numbers(this.#folder).at(-1) ?? 0;
  #file = (number: number): string => join(this.#folder, `ca-${number}.pem`);
  #keyFile = (number: number): string => join(this.#folder, `ca-${number}-key.pem`);
}

/** The certificates in a PEM file. @throws Error when one is none */
export const readAuthorities = (pem: string): X509Certificate[] =>
  (pem.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? []).map(
    (block) => new X509Certificate(block),
  );

export const isSignedByOne = (
  certificate: X509Certificate,
  authorities: readonly X509Certificate[],
): boolean => authorities.some((one) => certificate.checkIssued(one) && certificate.verify(one.publicKey));

/** The key goes first: a certificate without its key is no authority. */
async function addAuthority(folder: string, number: number, name: string, nowMs: number): Promise<void> {
  const { certificate, key } = await makeAuthority(name, {
    fromMs: nowMs,
    toMs: nowMs + AUTHORITY_DAYS * DAY_MS,
  });
  writeKeyFile(join(folder, `ca-${number}-key.pem`), key);
  writePublicFile(join(folder, `ca-${number}.pem`), certificate);
}

/** Of the authorities in the folder, rising. */
function numbers(folder: string): number[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder)
    .map((file) => /^ca-(\d+)\.pem$/.exec(file)?.[1])
    .filter((digits) => digits !== undefined)
    .map(Number)
    .sort((a, b) => a - b);
}

const instantText = (ms: number): string => Temporal.Instant.fromEpochMilliseconds(ms).toString();

const append = (file: string, value: object): void =>
  appendFileSync(file, `${JSON.stringify(value)}\n`, { mode: 0o600, flush: true });

function lines<T>(file: string, schema: z.ZodType<T>): T[] {
  if (!existsSync(file)) return [];
  return readFileSync(file, 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => schema.parse(JSON.parse(line)));
}
