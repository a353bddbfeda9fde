import 'reflect-metadata';
import { createPrivateKey, generateKeyPairSync, sign, X509Certificate } from 'node:crypto';
import { join } from 'node:path';
import { Pkcs10CertificateRequestGenerator } from '@peculiar/x509';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { startAuthority, type TestAuthority } from '../test-authority.ts';
import { claimCode, createCode, type Enrolment, renew } from './enrolment.ts';

const nowMs = Date.UTC(2026, 10, 22);
const HOUR_MS = 3_600_000;

let park: TestAuthority;
let enrolment: Enrolment;
beforeEach(async () => {
  park = await startAuthority();
  enrolment = { authority: park.folder, broker: 'mqtts://broker.example:8883' };
});
afterEach(() => park.remove());

async function request(namedCurve = 'P-256'): Promise<{ csr: string; key: string }> {
  const algorithm = { name: 'ECDSA', namedCurve, hash: 'SHA-256' };
  const keys = await crypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
  const made = await Pkcs10CertificateRequestGenerator.create({
    name: [{ CN: ['whoever'] }],
    keys,
    signingAlgorithm: algorithm,
  });
  const der = Buffer.from(await crypto.subtle.exportKey('pkcs8', keys.privateKey));
  const key = createPrivateKey({ key: der, format: 'der', type: 'pkcs8' }).export({
    type: 'pkcs8',
    format: 'pem',
  });
  return { csr: made.toString('pem'), key: key.toString() };
}

describe('a code', () => {
  test('gives a certificate of the gateway that it is for, whatever the request calls itself', async () => {
    const { code } = createCode(park.folder, 'gw-a', nowMs);
    expect(code).toMatch(/^[0-9A-Z]{5}-[0-9A-Z]{5}$/);
    const result = await claimCode(enrolment, { code, ...(await request()) }, nowMs);
    expect(result).toMatchObject({ ok: true, enrolled: { gateway: 'gw-a', broker: enrolment.broker } });
    if (!result.ok) return;
    const certificate = new X509Certificate(result.enrolled.certificate);
    expect([certificate.subject, certificate.keyUsage]).toEqual(['CN=gw-a', ['1.3.6.1.5.5.7.3.2']]);
    expect(certificate.verify(new X509Certificate(result.enrolled.ca).publicKey)).toBe(true);
  });

  test('is read as people type it', async () => {
    const { code } = createCode(park.folder, 'gw-a', nowMs);
    const typed = ` ${code.toLowerCase().replace('-', ' ').replaceAll('0', 'o').replaceAll('1', 'l')}`;
    expect(await claimCode(enrolment, { code: typed, ...(await request()) }, nowMs)).toMatchObject({
      ok: true,
    });
  });

  test('is good once, also for two at the same time', async () => {
    const { code } = createCode(park.folder, 'gw-a', nowMs);
    const { csr } = await request();
    const results = await Promise.all([1, 2, 3].map(() => claimCode(enrolment, { code, csr }, nowMs)));
    expect(results.filter(({ ok }) => ok)).toHaveLength(1);
    expect(await claimCode(enrolment, { code, csr }, nowMs)).toMatchObject({ code: 'enrolment_refused' });
  });

  test.each<[string, { later?: number; code?: string; gateway?: string; csr?: string }, string]>([
    ['after an hour', { later: HOUR_MS }, 'enrolment_refused'],
    ['another', { code: 'AAAAA-AAAAA' }, 'enrolment_refused'],
    ['a path', { code: '../ca-1-key.pem' }, 'enrolment_refused'],
    ['for another gateway', { gateway: 'gw-b' }, 'enrolment_refused'],
    ['without a request', { csr: 'x' }, 'bad_certificate_request'],
  ])('%s: refused, and the right one stays good', async (_, wrong, refusal) => {
    const { code } = createCode(park.folder, 'gw-a', nowMs);
    const good = { code, ...(await request()) };
    const { later = 0, ...claim } = wrong;
    expect(await claimCode(enrolment, { ...good, ...claim }, nowMs + later)).toMatchObject({
      ok: false,
      code: refusal,
    });
    expect(await claimCode(enrolment, { ...good, gateway: 'gw-a' }, nowMs)).toMatchObject({ ok: true });
  });

  test('a request with a changed byte, or for another curve, is refused before the code is used', async () => {
    const { code } = createCode(park.folder, 'gw-a', nowMs);
    const { csr } = await request();
    const lines = csr.split('\n');
    const body = lines.slice(1, -1).join('');
    const bytes = Buffer.from(body.replace(/-.*$/, ''), 'base64');
    bytes[40] = (bytes[40] ?? 0) ^ 1;
    const changed = `-----BEGIN CERTIFICATE REQUEST-----\n${bytes.toString('base64')}\n-----END CERTIFICATE REQUEST-----`;
    for (const bad of [changed, (await request('P-384')).csr])
      expect(await claimCode(enrolment, { code, csr: bad }, nowMs)).toMatchObject({
        code: 'bad_certificate_request',
      });
    expect(await claimCode(enrolment, { code, csr }, nowMs)).toMatchObject({ ok: true });
  });

  test.each(['ingest', 'quarantine', 'ingest-2'])('is not made for "%s"', (name) => {
    expect(() => createCode(park.folder, name, nowMs)).toThrow('is no name for a gateway');
  });
});

describe('a renewal', () => {
  const signed = (csr: string, key: string): string =>
    sign('sha256', Buffer.from(csr), key).toString('base64');

  test('follows a good certificate, whose key signs the request', async () => {
    const { cert, key } = await park.gateway('gw-a');
    const { csr } = await request();
    const result = await renew(
      enrolment,
      { certificate: cert, csr, signature: signed(csr, key) },
      Date.now(),
    );
    expect(result).toMatchObject({ ok: true, enrolled: { gateway: 'gw-a' } });
    expect(park.authority.list().filter(({ name }) => name === 'gw-a')).toHaveLength(2);
  });

  const wrongKey = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({
    type: 'pkcs8',
    format: 'pem',
  });
  test.each<
    [string, (good: { cert: string; key: string }) => Promise<{ cert: string; key: string; atMs?: number }>]
  >([
    ['signed with another key', async ({ cert }) => ({ cert, key: wrongKey.toString() })],
    [
      'of a revoked certificate',
      async (good) => {
        await park.authority.revoke('gw-a', Date.now());
        return good;
      },
    ],
    ['of one that has run out', async (good) => ({ ...good, atMs: Date.now() + 366 * 24 * HOUR_MS })],
    [
      'of another authority',
      async () => {
        const other = await startAuthority();
        const theirs = await other.gateway('gw-a');
        other.remove();
        return theirs;
      },
    ],
    [
      'of a server',
      async () => {
        const pair = await park.authority.issuePair(
          { kind: 'server', hosts: ['gw-a'] },
          { nowMs: Date.now() },
        );
        return { cert: pair.certificate, key: pair.key };
      },
    ],
    ['of no certificate', async ({ key }) => ({ cert: 'x', key })],
  ])('%s is refused', async (_, prepare) => {
    const { cert, key, atMs = Date.now() } = await prepare(await park.gateway('gw-a'));
    const { csr } = await request();
    const result = await renew(enrolment, { certificate: cert, csr, signature: signed(csr, key) }, atMs);
    expect(result).toMatchObject({ ok: false, code: 'enrolment_refused' });
  });
});

test('the folder of the authority holds keys and codes for their owner alone', async () => {
  const { statSync, readdirSync } = await import('node:fs');
  createCode(park.folder, 'gw-a', nowMs);
  const secret = [
    ...readdirSync(park.folder).filter((name) => /key/.test(name)),
    ...readdirSync(join(park.folder, 'codes')).map((name) => join('codes', name)),
  ];
  expect(secret.length).toBeGreaterThan(2);
  for (const name of secret) expect(statSync(join(park.folder, name)).mode & 0o077, name).toBe(0);
});
