import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { UplinkItem } from '../protocols/reading.ts';
import { type NewReading, type Outbox, openOutbox } from './outbox.ts';

let folder: string;
let file: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'meterline-outbox-'));
  file = join(folder, 'outbox.db');
});
afterEach(() => rmSync(folder, { recursive: true }));

const START_MS = Date.UTC(2026, 8, 1);

const reading = (n: number): NewReading => ({
  meter: 'E-1',
  register: '1-0:1.8.0',
  readAt: Temporal.Instant.fromEpochMilliseconds(START_MS + n * 900_000).toString(),
  value: String(1000 + n),
  unit: 'kWh',
  raw: '000f4240',
  source: 'poll',
});
const open = (): Outbox => openOutbox({ file, gateway: 'gw-a', maxBytes: 1 << 30 });
const all = (outbox: Outbox) =>
  outbox.after(0, 10_000, 1 << 30).map(({ json }) => UplinkItem.parse(JSON.parse(json)));

describe('damage', () => {
  const fill = (rows: number): string => {
    const outbox = open();
    for (let n = 0; n < rows; n += 50) outbox.append(Array.from({ length: 50 }, (_, k) => reading(n + k)));
    const { epoch } = outbox;
    outbox.close();
    return epoch;
  };

  test('a row whose bits changed goes up as a gap marker, not as a wrong value', () => {
    fill(50);
    const db = new DatabaseSync(file);
    db.exec(`UPDATE item SET body = replace(body, '"1010"', '"9010"') WHERE sequence = 11`);
    db.close();
    const outbox = open();
    const items = all(outbox);
    expect(items[10]).toMatchObject({
      kind: 'gap',
      sequence: 11,
      meter: 'gw-a',
      reason: 'corrupt',
      count: 1,
    });
    expect(items.filter(({ kind }) => kind === 'reading').length).toBe(49);
    outbox.close();
  });

  test('every row that is missing is reported, so that sequences have no hole', () => {
    fill(200);
    const db = new DatabaseSync(file);
    db.exec('DELETE FROM item WHERE sequence % 7 = 0 OR sequence > 190');
    db.close();
    const outbox = open();
    const items = all(outbox);
    expect(items.map(({ sequence }) => sequence)).toEqual(Array.from({ length: 200 }, (_, i) => i + 1));
    expect(items.filter((i) => i.kind === 'gap' && i.reason === 'corrupt').length).toBe(27 + 10);
    outbox.close();
  });

  test('a damaged page: the rest goes on under a new epoch, the loss is marked, the old file is kept', () => {
    const epoch = fill(2000);
    const bytes = readFileSync(file);
    bytes.fill(0xa5, 4096 * 40, 4096 * 44);
    writeFileSync(file, bytes);
    let outbox = open();
    expect(outbox.epoch).not.toBe(epoch);
    expect(outbox.damage?.lost).toBeGreaterThan(0);
    const items = all(outbox);
    const kept = items.filter(({ kind }) => kind === 'reading');
    expect(items[0]).toMatchObject({
      kind: 'gap',
      meter: 'gw-a',
      reason: 'corrupt',
      count: outbox.damage?.lost,
    });
    expect(kept.length + (outbox.damage?.lost ?? 0)).toBe(2000);
    expect(readdirSync(folder)).toContain('outbox.db.damaged-1');
    outbox.append([reading(3000)]);
    outbox.close();
    outbox = open();
    expect(outbox.damage).toBeNull();
    outbox.close();
  });

  test.each([
    ['no database at all', 'this is not a database, though it is long enough to be one'.repeat(100)],
    ['an empty file', ''],
  ])('%s in its place: the gateway starts, and the loss is marked', (_, text) => {
    fill(100);
    writeFileSync(file, text);
    const outbox = open();
    expect(outbox.damage?.lost).toBeGreaterThanOrEqual(1);
    expect(all(outbox)[0]).toMatchObject({ kind: 'gap', reason: 'corrupt' });
    outbox.close();
  });

  test('commits that fell out of the write-ahead log are noticed, and their sequences not minted again', () => {
    const epoch = fill(50);
    const before = readFileSync(file);
    const outbox = open();
    outbox.append([reading(60), reading(61)]);
    outbox.close();
    writeFileSync(file, before);
    const again = open();
    expect(again.epoch).not.toBe(epoch);
    expect(again.damage).toMatchObject({ carriedOver: 50, lost: 2 });
    again.close();
  });
});

test('a flipped bit or a cut anywhere in the file or its log: no wrong value, no silent loss, no crash loop', () => {
  let outbox = open();
  for (let n = 0; n < 400; n += 50) outbox.append(Array.from({ length: 50 }, (_, k) => reading(n + k)));
  // As a kill would leave them: the log is not copied back yet.
  const found = ['', '-wal', '.mark'].map((end) => ({ end, bytes: readFileSync(file + end) }));
  outbox.close();
  let seed = 7;
  const chance = (below: number): number => {
    seed = (seed * 1_103_515_245 + 12_345) % 2 ** 31;
    return Math.floor((seed / 2 ** 31) * below);
  };
  for (let round = 0; round < 60; round += 1) {
    for (const name of readdirSync(folder)) rmSync(join(folder, name));
    const victim = chance(2);
    for (const [index, { end, bytes }] of found.entries()) {
      const at = chance(bytes.length);
      const copy = Buffer.from(bytes);
      copy.writeUInt8(copy.readUInt8(at) ^ (1 << chance(8)), at);
      const damaged = round % 3 === 0 ? bytes.subarray(0, at) : copy;
      writeFileSync(file + end, index === victim ? damaged : bytes);
    }
    outbox = open();
    const items = all(outbox);
    const readings = items.filter((item) => item.kind === 'reading');
    for (const { kind: _kind, sequence: _sequence, ...kept } of readings)
      expect(kept).toEqual(reading(Number(kept.value) - 1000));
    expect(readings.length === 400 || items.length > readings.length).toBe(true);
    outbox.append([reading(500)]);
    outbox.close();
    outbox = open();
    expect(outbox.damage).toBeNull();
    outbox.close();
  }
});
