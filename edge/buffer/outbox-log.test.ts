import {
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { UplinkItem } from '../../protocols/uplink.ts';
import { type Outbox, openOutbox } from '../outbox.ts';
import type { NewReading } from './outbox-items.ts';
import { encodeRecord, type OutboxRecord, scanRecords } from './outbox-record.ts';

let folder: string;
let box: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'meterline-outbox-'));
  box = join(folder, 'outbox');
});
afterEach(() => rmSync(folder, { recursive: true }));

const START_MS = Date.UTC(2026, 8, 1);
const ENERGY = '1-0:1.8.0';

const reading = (n: number): NewReading => ({
  meter: 'E-1',
  register: ENERGY,
  readAt: Temporal.Instant.fromEpochMilliseconds(START_MS + n * 900_000).toString(),
  value: String(1000 + n),
  unit: 'kWh',
  raw: '000f4240',
  source: 'poll',
});
/** So small a bound that a segment is 16 KB: some 80 readings. */
const SMALL_BYTES = 400 * 1024;
const open = (): Outbox => openOutbox({ folder: box, gateway: 'gw-a', maxBytes: SMALL_BYTES });
const all = (outbox: Outbox) =>
  outbox.after(0, 100_000, 1 << 30).map(({ json }) => UplinkItem.parse(JSON.parse(json)));

/** Leaves `count` readings in a closed outbox. @returns its epoch */
function fill(count: number): string {
  const outbox = open();
  for (let n = 0; n < count; n += 20) outbox.append(Array.from({ length: 20 }, (_, k) => reading(n + k)));
  const { epoch } = outbox;
  outbox.close();
  return epoch;
}
const segments = (): string[] =>
  readdirSync(box)
    .filter((name) => name.endsWith('.log'))
    .sort();
const segment = (index: number): string => join(box, segments().at(index) ?? '');

/** Every sequence goes up once, in order, as its reading or as the marker of its loss. */
function expectAccounted(outbox: Outbox, count: number): { kept: number; lost: number } {
  const items = all(outbox);
  expect(items.map(({ sequence }) => sequence)).toEqual(Array.from({ length: count }, (_, i) => i + 1));
  let kept = 0;
  for (const item of items) {
    if (item.kind === 'gap') {
      expect(item).toMatchObject({ reason: 'corrupt', count: 1 });
    } else {
      const { kind: _kind, sequence, ...rest } = item;
      expect(rest).toEqual(reading(sequence - 1));
      kept += 1;
    }
  }
  return { kept, lost: count - kept };
}

/** Opened once more, the mended log is whole. */
function expectMended(outbox: Outbox): void {
  const { epoch } = outbox;
  outbox.append([reading(5000)]);
  outbox.close();
  const again = open();
  expect(again.damage).toBeNull();
  expect(again.epoch).toBe(epoch);
  again.close();
}

describe('a log that is whole', () => {
  test('is spread over segments, and those that are receipted are deleted', () => {
    fill(400);
    expect(segments().length).toBeGreaterThan(3);
    const outbox = open();
    expectAccounted(outbox, 400);
    outbox.acknowledge({ epoch: outbox.epoch, from: 1, to: 300 });
    expect(segments()[0]).not.toBe('0000000000000001.log');
    outbox.close();
    const again = open();
    expect(again.stats()).toMatchObject({ acknowledgedTo: 300, rows: 100, nextSequence: 401 });
    expect(again.damage).toBeNull();
    expect(again.lastAcceptedMs('E-1', ENERGY)).toBe(START_MS + 399 * 900_000);
    expect(again.repeats(reading(399))).toBe(true);
    again.close();
  });

  test('a write that was cut off is no damage: nothing of it was accepted', () => {
    const epoch = fill(100);
    const whole = readFileSync(segment(-1));
    writeFileSync(segment(-1), Buffer.concat([whole, whole.subarray(0, 150)]));
    const outbox = open();
    expect(outbox.damage).toBeNull();
    expect(outbox.epoch).toBe(epoch);
    expect(expectAccounted(outbox, 100)).toEqual({ kept: 100, lost: 0 });
    expectMended(outbox);
  });

  test('after a power cut the mark may be older: what is there counts, and a torn write brings a new epoch', () => {
    const epoch = fill(100);
    const mark = readFileSync(join(box, 'mark'));
    const outbox = open();
    outbox.append([reading(100), reading(101)]);
    outbox.close();
    writeFileSync(join(box, 'mark'), mark);
    const later = open();
    expect(later.epoch).toBe(epoch);
    expect(expectAccounted(later, 102)).toEqual({ kept: 102, lost: 0 });
    later.close();
    writeFileSync(join(box, 'mark'), mark);
    truncateSync(segment(-1), readFileSync(segment(-1)).length - 10);
    const torn = open();
    expect(torn.epoch).not.toBe(epoch);
    expect(torn.damage).toBeNull();
    expectMended(torn);
  });
});

describe('damage', () => {
  test.each<[string, () => void]>([
    [
      'a stretch of one segment',
      () => {
        const bytes = readFileSync(segment(1));
        bytes.fill(0xa5, 2000, 3000);
        writeFileSync(segment(1), bytes);
      },
    ],
    ['a segment that is empty', () => truncateSync(segment(2), 0)],
    ['a segment that is gone', () => rmSync(segment(1))],
    ['the oldest segment gone', () => rmSync(segment(0))],
    ['the newest segment cut', () => truncateSync(segment(-1), 500)],
    ['the newest segment gone', () => rmSync(segment(-1))],
    ['an old state of the newest segment', () => truncateSync(segment(-1), wholeBytes(segment(-1), 5))],
  ])('%s: the rest goes on under a new epoch, and each loss has its marker', (_, harm) => {
    const epoch = fill(400);
    harm();
    const outbox = open();
    expect(outbox.epoch).not.toBe(epoch);
    const { kept, lost } = expectAccounted(outbox, 400);
    expect(lost).toBeGreaterThan(0);
    expect(outbox.damage).toMatchObject({ carriedOver: kept, lost });
    expect(readdirSync(box)).toContain('damaged-1');
    expectMended(outbox);
  });

  test.each([
    ['head.json', ''],
    ['head.json', '{"gateway":"gw-a","epoch":"no"}'],
    ['accepted.json', ''],
    ['mark', ''],
    ['refused.json', '{'],
  ])('%s that reads %j costs no reading', (name, text) => {
    fill(400);
    writeFileSync(join(box, name), text);
    const outbox = open();
    expect(expectAccounted(outbox, 400)).toEqual({ kept: 400, lost: 0 });
    expectMended(outbox);
  });

  test('the files as they were found are kept aside', () => {
    fill(400);
    const bytes = readFileSync(segment(1));
    bytes.fill(0, 100, 200);
    writeFileSync(segment(1), bytes);
    const name = segments()[1] ?? '';
    const outbox = open();
    expect(readFileSync(join(outbox.damage?.folder ?? '', name))).toEqual(bytes);
    outbox.close();
  });
});

/** The length of the first `count` records of a segment. */
function wholeBytes(file: string, count: number): number {
  const place = scanRecords(readFileSync(file)).places[count - 1];
  return (place?.at ?? 0) + (place?.length ?? 0);
}

test('1,000 flipped bits and cuts anywhere in its files: no wrong value, no silent loss, no crash loop', () => {
  fill(200);
  const pristine = join(folder, 'pristine');
  mkdirSync(pristine);
  const names = readdirSync(box).filter((name) => !['lock', 'reserve'].includes(name));
  for (const name of names) copyFileSync(join(box, name), join(pristine, name));
  let seed = 7;
  const chance = (below: number): number => {
    seed = (seed * 1_103_515_245 + 12_345) % 2 ** 31;
    return Math.floor((seed / 2 ** 31) * below);
  };
  let harmed = 0;
  for (let round = 0; round < 1_000; round += 1) {
    rmSync(box, { recursive: true });
    mkdirSync(box);
    for (const name of names) copyFileSync(join(pristine, name), join(box, name));
    const victim = join(box, names[chance(names.length)] ?? '');
    const bytes = readFileSync(victim);
    const at = chance(bytes.length);
    if (round % 4 === 0) truncateSync(victim, at);
    else {
      bytes.writeUInt8(bytes.readUInt8(at) ^ (1 << chance(8)), at);
      writeFileSync(victim, bytes);
    }
    const outbox = open();
    const { lost } = expectAccounted(outbox, 200);
    if (lost > 0) harmed += 1;
    expect(outbox.damage?.lost ?? 0).toBe(lost);
    outbox.close();
    const again = open();
    expect(again.damage).toBeNull();
    again.close();
  }
  expect(harmed).toBeGreaterThan(200);
}, 120_000);

describe('records', () => {
  const record = (sequence: number, text: string): OutboxRecord => ({
    sequence,
    atMs: START_MS,
    billing: true,
    kind: 'item',
    key: '电表-1 1-0:1.8.0',
    text,
  });

  test('a text that looks like records is not taken for one', () => {
    const inner = encodeRecord(record(9, 'x'));
    const bytes = Buffer.concat([
      encodeRecord(record(1, inner.toString('latin1'))),
      encodeRecord(record(2, 'b')),
    ]);
    expect(scanRecords(bytes).places.length).toBe(2);
  });

  test('behind damage the next record is found, also when the magic stands in the damage', () => {
    const [first, second] = [encodeRecord(record(1, 'LMLMLM'.repeat(9))), encodeRecord(record(2, 'b'))];
    first.writeUInt8(0, 40);
    const scan = scanRecords(Buffer.concat([first, second]));
    expect(scan).toEqual({
      places: [{ at: first.length, length: second.length }],
      damagedBytes: first.length,
      end: first.length + second.length,
    });
  });

  test('a record that goes back is damage', () => {
    const bytes = Buffer.concat([5, 3, 6].map((sequence) => encodeRecord(record(sequence, 'a'))));
    expect(scanRecords(bytes).places.length).toBe(2);
  });
});
