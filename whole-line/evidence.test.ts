/** Evidence from a gateway's outbox to the cloud's store and its API, over the very bytes that go between them. */
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { zstdCompressSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { startFixture } from '../cloud/api/fixture-server.ts';
import { decodeBatch } from '../cloud/decode-batch.ts';
import { isSigned } from '../cloud/store/evidence-refusal.ts';
import { openStore, type Store } from '../cloud/store/store.ts';
import type { NewReading } from '../edge/buffer/outbox-items.ts';
import {
  type EvidenceDesk,
  type NewEvidence,
  type RecordedEvidence,
  recordEvidence,
} from '../edge/commissioning/evidence.ts';
import { openGatewayKey } from '../edge/commissioning/gateway-key.ts';
import { type Outbox, openOutbox } from '../edge/outbox.ts';
import { evidenceText } from '../protocols/evidence.ts';
import type { UplinkItem } from '../protocols/uplink.ts';

const AT = '2026-11-22T02:00:00Z';
const INGESTED_AT = '2026-11-22T02:00:05Z';
/** 12345.67 in hundredths. */
const RAW = '0012d687';
const PHOTO = Buffer.from('ffd8ffe000104a46494600', 'hex');

const given = (over: Partial<NewEvidence> = {}): NewEvidence => ({
  meter: 'E-1',
  profile: 'acrel-dtsd1352',
  register: '1-0:1.8.0',
  face: '12345.67',
  decoding: {
    functionCode: 3,
    address: 0,
    raw: RAW,
    type: 'u32',
    order: 'ABCD',
    scale: '0.01',
    transformed: null,
  },
  photo: null,
  by: '王工',
  place: { latitude: '30.9012', longitude: '121.9334' },
  ...over,
});
const reading: NewReading = {
  meter: 'E-1',
  register: '1-0:1.8.0',
  readAt: '2026-11-22T01:45:00Z',
  value: '12345.5',
  unit: 'kWh',
  raw: '0012d67e',
  source: 'poll',
};

let folder: string;
let outbox: Outbox;
let store: Store;
let desk: EvidenceDesk;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'meterline-evidence-'));
  outbox = openOutbox({ folder: join(folder, 'outbox'), gateway: 'gw-a', maxBytes: 1 << 20 });
  store = await openStore({ file: ':memory:' });
  desk = {
    gateway: 'gw-a',
    key: openGatewayKey(folder),
    photoFolder: join(folder, 'photos'),
    nowMs: () => Temporal.Instant.from(AT).epochMilliseconds,
    profileOf: (meter) => (meter === 'E-1' ? 'acrel-dtsd1352' : null),
    append: (item) => outbox.appendEvidence(item),
  };
});
afterEach(async () => {
  await store.close();
  outbox.close();
  rmSync(folder, { recursive: true });
});

/** All that the outbox holds, as one compressed batch; `change` spoils it on the way. */
function onTheWire(change: (items: UplinkItem[]) => void = () => undefined): Buffer {
  const items = outbox.after(0, 1000).map(({ json }) => JSON.parse(json));
  change(items);
  const batch = { gateway: 'gw-a', epoch: outbox.epoch, from: 1, to: items.length, items };
  return zstdCompressSync(JSON.stringify(batch));
}

async function ingest(payload: Buffer): Promise<{ stored: number; duplicates: number; quarantined: number }> {
  const batch = decodeBatch(payload, 'gw-a');
  if (!batch.ok) throw new Error(batch.detail);
  const sum = { stored: 0, duplicates: 0, quarantined: batch.bad.length };
  for (const part of batch.parts) {
    const result = await store.ingestBatch(part, INGESTED_AT);
    sum.stored += result.stored;
    sum.duplicates += result.duplicates;
    sum.quarantined += result.quarantined;
  }
  return sum;
}

const stored = () => store.evidenceOf({ meter: 'E-1', limit: 10 });
const recorded = (result: RecordedEvidence): Extract<RecordedEvidence, { ok: true }> => {
  if (!result.ok) throw new Error(result.detail);
  return result;
};

test('evidence goes up among the readings, and is stored once as it was signed', async () => {
  outbox.append([reading]);
  const { evidence, digest, keyId } = recorded(recordEvidence(desk, given({ photo: PHOTO })));
  outbox.append([{ ...reading, readAt: '2026-11-22T02:00:00Z' }]);
  expect(await ingest(onTheWire())).toEqual({ stored: 3, duplicates: 0, quarantined: 0 });
  expect(await ingest(onTheWire())).toEqual({ stored: 0, duplicates: 3, quarantined: 0 });
  expect(await stored()).toEqual([
    { evidence, digest, signature: expect.objectContaining({ algorithm: 'Ed25519', keyId }) },
  ]);
  expect(evidence).toMatchObject({ value: '12345.67', difference: '0', at: AT, gateway: 'gw-a' });
  outbox.acknowledge({ epoch: outbox.epoch, from: 1, to: 3 });
  expect(outbox.stats().rows).toBe(0);
});

test('a restart of the gateway loses no evidence', async () => {
  recorded(recordEvidence(desk, given()));
  outbox.close();
  outbox = openOutbox({ folder: join(folder, 'outbox'), gateway: 'gw-a', maxBytes: 1 << 20 });
  expect(await ingest(onTheWire())).toMatchObject({ stored: 1 });
  expect((await stored()).length).toBe(1);
});

test('the photo is kept at the gateway, under its hash, and by its owner alone', () => {
  const { evidence } = recorded(recordEvidence(desk, given({ photo: PHOTO })));
  const file = join(folder, 'photos', evidence.photo?.sha256 ?? '');
  expect(readFileSync(file)).toEqual(PHOTO);
  expect(evidence.photo?.bytes).toBe(PHOTO.length);
  expect(statSync(file).mode & 0o077).toBe(0);
});

describe('what was changed on its way is quarantined, never stored', () => {
  const spoil =
    (change: (evidence: Extract<UplinkItem, { kind: 'evidence' }>) => void) => (items: UplinkItem[]) => {
      for (const item of items) if (item.kind === 'evidence') change(item);
    };
  test.each<[string, string, Parameters<typeof spoil>[0]]>([
    ['the face', 'bad_signature', ({ evidence }) => Object.assign(evidence, { face: '12345.68' })],
    ['who it was', 'bad_signature', ({ evidence }) => Object.assign(evidence, { by: '李工' })],
    [
      'the registers',
      'bad_signature',
      ({ evidence }) => Object.assign(evidence.decoding, { raw: '0012d688' }),
    ],
    ['the place', 'bad_signature', ({ evidence }) => Object.assign(evidence, { place: null })],
    [
      'the signature',
      'bad_signature',
      ({ signature }) => Object.assign(signature, { value: `${'A'.repeat(86)}==` }),
    ],
    [
      'the key',
      'bad_signature',
      ({ signature }) => Object.assign(signature, { publicKey: `${'A'.repeat(43)}=` }),
    ],
    [
      'the key, and its id with it',
      'bad_signature',
      ({ signature }) =>
        Object.assign(signature, { publicKey: `${'A'.repeat(43)}=`, keyId: '66687aadf862bd77' }),
    ],
    ['the gateway', 'foreign_evidence', ({ evidence }) => Object.assign(evidence, { gateway: 'gw-b' })],
  ])('%s', async (_, code, change) => {
    recorded(recordEvidence(desk, given()));
    expect(await ingest(onTheWire(spoil(change)))).toEqual({ stored: 0, duplicates: 0, quarantined: 1 });
    expect(await stored()).toEqual([]);
    expect(await store.quarantined(5)).toMatchObject([{ code, gateway: 'gw-a' }]);
  });

  test('a key of the item that nobody knows', async () => {
    recorded(recordEvidence(desk, given()));
    const payload = onTheWire((items) => Object.assign(items[0] ?? {}, { approved: true }));
    expect(await ingest(payload)).toEqual({ stored: 0, duplicates: 0, quarantined: 1 });
  });
});

test('signed evidence whose registers do not give its value is not stored', async () => {
  const { evidence } = recorded(recordEvidence(desk, given()));
  const lie = { ...evidence, value: '99999.99', difference: '0' };
  const payload = onTheWire((items) => {
    items[0] = { kind: 'evidence', sequence: 1, evidence: lie, signature: desk.key.sign(evidenceText(lie)) };
  });
  expect(await ingest(payload)).toMatchObject({ quarantined: 1 });
  expect(await store.quarantined(5)).toMatchObject([{ code: 'inconsistent_evidence' }]);
});

test('something else under the sequence of evidence is a conflict, in either order', async () => {
  recorded(recordEvidence(desk, given()));
  const asEvidence = onTheWire();
  const asReading = onTheWire((items) => {
    items[0] = { kind: 'reading', sequence: 1, ...reading };
  });
  expect(await ingest(asEvidence)).toMatchObject({ stored: 1 });
  expect(await ingest(asReading)).toMatchObject({ stored: 0, quarantined: 1 });
  const other = await openStore({ file: ':memory:' });
  [store] = [other, await store.close()];
  expect(await ingest(asReading)).toMatchObject({ stored: 1 });
  expect(await ingest(asEvidence)).toMatchObject({ stored: 0, quarantined: 1 });
});

test('the API tells the evidence of a meter, with what a third party needs to check it', async () => {
  const fixture = await startFixture();
  try {
    const own = { ...desk, profileOf: () => 'acrel-dtsd1352' };
    const { evidence, digest } = recorded(recordEvidence(own, given({ meter: 'E-B-101' })));
    const batch = decodeBatch(onTheWire(), 'gw-a');
    for (const part of batch.ok ? batch.parts : []) await fixture.store.ingestBatch(part, INGESTED_AT);
    const reply = await fixture.get('/api/v1/meters/E-B-101/evidence');
    expect(reply.json()).toEqual({ items: [{ evidence, digest, signature: expect.anything() }], next: null });
    const [{ signature }] = reply.json().items;
    expect(isSigned(evidenceText(evidence), signature)).toBe(true);
    expect((await fixture.get('/api/v1/meters/E-0/evidence')).json()).toEqual({ items: [], next: null });
    expect((await fixture.get('/api/v1/meters/nobody/evidence')).statusCode).toBe(404);
  } finally {
    await fixture.close();
  }
});

describe('refused before anything is signed', () => {
  const decoding = given().decoding;
  test.each<[string, string, Partial<NewEvidence>]>([
    ['a meter that the gateway does not have', 'unknown_meter', { meter: 'E-2' }],
    ['another model than the gateway reads it by', 'invalid_evidence', { profile: 'eastron-sdm630' }],
    ['a face that is none', 'invalid_evidence', { face: '12,345' }],
    ['nobody', 'invalid_evidence', { by: '' }],
    ['registers that hold no value', 'no_value', { decoding: { ...decoding, raw: 'ffffffff' } }],
    ['registers of another length', 'no_value', { decoding: { ...decoding, raw: '0012' } }],
    ['a face that the registers do not give', 'face_differs', { face: '12345.60' }],
    ['another word order', 'face_differs', { decoding: { ...decoding, order: 'CDAB' } }],
    ['bytes that are no photo', 'not_a_photo', { photo: Buffer.from('GIF89a or a script') }],
  ])('%s', (_, code, over) => {
    expect(recordEvidence(desk, given(over))).toMatchObject({ ok: false, code });
    expect(outbox.stats().rows).toBe(0);
  });

  test('a buffer without room', () => {
    expect(recordEvidence({ ...desk, append: () => false }, given())).toMatchObject({ code: 'buffer_full' });
  });
});

test("the gateway's key is made once, for its owner alone; one that others may read is refused", () => {
  const { keyId } = openGatewayKey(folder);
  expect(openGatewayKey(folder).keyId).toBe(keyId);
  const file = join(folder, 'gateway-key.pem');
  expect(statSync(file).mode & 0o777).toBe(0o600);
  const pem = readFileSync(file);
  rmSync(file);
  writeFileSync(file, pem, { mode: 0o644 });
  expect(() => openGatewayKey(folder)).toThrow(/chmod 600/);
});
