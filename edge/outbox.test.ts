import { execFileSync, fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, type TestContext, test } from 'vitest';
import { missingPeer } from '../process/peers.ts';
import { UplinkItem } from '../protocols/uplink.ts';
import type { NewReading } from './buffer/outbox-items.ts';
import { type Outbox, openOutbox } from './outbox.ts';

let folder: string;
let box: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'meterline-outbox-'));
  box = join(folder, 'outbox');
});
afterEach(() => rmSync(folder, { recursive: true }));

const START_MS = Date.UTC(2026, 8, 1);
const HOUR_MS = 3_600_000;
const DAY_MS = 86_400_000;
const at = (n: number): number => START_MS + n * 900_000;
const instant = (ms: number): string => Temporal.Instant.fromEpochMilliseconds(ms).toString();
const POWER = '1-0:16.7.0';
const ENERGY = '1-0:1.8.0';

const reading = (n: number, meter = 'E-1', register = ENERGY): NewReading => ({
  meter,
  register,
  readAt: instant(at(n)),
  value: String(1000 + n),
  unit: register === ENERGY ? 'kWh' : 'W',
  raw: '000f4240',
  source: 'poll',
});
const open = (maxBytes = 1 << 30): Outbox =>
  openOutbox({ folder: box, gateway: 'gw-a', maxBytes, isBilling: (_, register) => register === ENERGY });
const all = (outbox: Outbox, after = 0) =>
  outbox.after(after, 10_000, 1 << 30).map(({ json }) => UplinkItem.parse(JSON.parse(json)));
const sequences = (outbox: Outbox, after = 0): number[] => all(outbox, after).map(({ sequence }) => sequence);
const receipt = (outbox: Outbox, from: number, to: number) => ({ epoch: outbox.epoch, from, to });

describe('order and keys', () => {
  test('items come out as they went in, each with the next sequence', () => {
    const outbox = open();
    outbox.append([reading(0), reading(1)]);
    outbox.append([reading(2)]);
    expect(all(outbox)).toEqual([0, 1, 2].map((n) => ({ kind: 'reading', sequence: n + 1, ...reading(n) })));
    expect(sequences(outbox, 1)).toEqual([2, 3]);
    expect(outbox.after(0, 2).length).toBe(2);
    outbox.close();
  });

  test('a batch stops at its bytes, but is never empty', () => {
    const outbox = open();
    outbox.append([reading(0), reading(1), reading(2)]);
    const [first] = outbox.after(0, 10, 1);
    expect(first?.sequence).toBe(1);
    expect(outbox.after(0, 10, (first?.json.length ?? 0) * 2).length).toBe(2);
    outbox.close();
  });

  test('the sequence never goes back, even when everything was deleted and the file was opened again', () => {
    let outbox = open();
    const { epoch } = outbox;
    outbox.append([reading(0), reading(1)]);
    all(outbox);
    outbox.acknowledge(receipt(outbox, 1, 2));
    expect(outbox.stats()).toMatchObject({ rows: 0, bytes: 0 });
    outbox.close();
    outbox = open();
    expect(outbox.epoch).toBe(epoch);
    expect(epoch).toMatch(/^[0-9a-f]{16}$/);
    outbox.append([reading(2)]);
    expect(sequences(outbox)).toEqual([3]);
    outbox.close();
  });

  test('the last accepted instant survives deletes and restarts, and a late reading does not move it back', () => {
    let outbox = open();
    outbox.append([reading(5), reading(3)]);
    all(outbox);
    outbox.acknowledge(receipt(outbox, 1, 2));
    outbox.close();
    outbox = open();
    expect(outbox.lastAcceptedMs('E-1', ENERGY)).toBe(at(5));
    expect(outbox.lastAcceptedMs('E-1', POWER)).toBeNull();
    expect(outbox.repeats(reading(5))).toBe(true);
    expect(outbox.repeats({ ...reading(5), value: '9' })).toBe(false);
    outbox.close();
  });

  test('a second process is refused, and so is another gateway', () => {
    const outbox = open();
    expect(open).toThrow(expect.objectContaining({ code: 'outbox_locked' }));
    outbox.close();
    expect(() => openOutbox({ folder: box, gateway: 'gw-b', maxBytes: 1 })).toThrow(
      expect.objectContaining({ code: 'outbox_of_another_gateway' }),
    );
  });
});

describe('receipts', () => {
  test.each<[string, [number, number][], number[]]>([
    ['one that joins up deletes what it covers', [[1, 3]], [4, 5, 6]],
    ['one with a hole before it deletes nothing', [[3, 4]], [1, 2, 3, 4, 5, 6]],
    [
      'the hole being filled, both take effect',
      [
        [3, 4],
        [1, 2],
      ],
      [5, 6],
    ],
    [
      'a repeated one changes nothing',
      [
        [1, 2],
        [1, 2],
      ],
      [3, 4, 5, 6],
    ],
    [
      'overlapping ones take effect once',
      [
        [1, 3],
        [2, 4],
      ],
      [5, 6],
    ],
    ['one for what was never minted is ignored', [[1, 99]], [1, 2, 3, 4, 5, 6]],
    ['one that runs backwards is ignored', [[2, 1]], [1, 2, 3, 4, 5, 6]],
  ])('%s', (_, receipts, left) => {
    const outbox = open();
    outbox.append([0, 1, 2, 3, 4, 5].map((n) => reading(n)));
    all(outbox);
    for (const [from, to] of receipts) outbox.acknowledge(receipt(outbox, from, to));
    expect(sequences(outbox)).toEqual(left);
    expect(outbox.stats().rows).toBe(left.length);
    outbox.close();
  });

  test('one of another epoch, or for what was not handed out, is ignored', () => {
    const outbox = open();
    outbox.append([reading(0), reading(1)]);
    outbox.acknowledge(receipt(outbox, 1, 2));
    outbox.after(0, 1);
    outbox.acknowledge({ epoch: '0'.repeat(16), from: 1, to: 1 });
    outbox.acknowledge(receipt(outbox, 1, 2));
    expect(outbox.stats().rows).toBe(2);
    outbox.close();
  });
});

describe('a full buffer', () => {
  const rowBytes = 32 + 14 + JSON.stringify({ kind: 'reading', sequence: 1, ...reading(0) }).length;

  test('gives up the oldest readings that bill nothing, and leaves their holes in place', () => {
    const outbox = open(rowBytes * 4);
    outbox.append([reading(0, 'E-1', POWER), reading(0), reading(1, 'E-1', POWER), reading(1)]);
    expect(outbox.append([reading(2)]).refused).toEqual([]);
    const items = all(outbox);
    expect(items.map(({ sequence }) => sequence)).toEqual([1, 2, 3, 4, 5]);
    expect(items[0]).toEqual({
      kind: 'gap',
      sequence: 1,
      meter: 'E-1',
      register: POWER,
      from: instant(at(0)),
      to: instant(at(0)),
      count: 1,
      reason: 'buffer_full',
    });
    expect(items.filter((item) => item.kind === 'reading' && item.register === ENERGY).length).toBe(3);
    outbox.close();
  });

  test('refuses a new reading rather than give up a billing one, and tells of it when there is room', () => {
    let outbox = open(rowBytes * 3);
    expect(outbox.append([0, 1, 2, 3].map((n) => reading(n))).refused).toEqual([reading(3)]);
    expect(outbox.append([reading(4), reading(4, 'E-2')]).refused.length).toBe(2);
    expect(outbox.lastAcceptedMs('E-1', ENERGY)).toBe(at(2));
    expect(outbox.stats()).toMatchObject({ rows: 3, refused: 3 });
    outbox.close();
    outbox = open(rowBytes * 5);
    expect(sequences(outbox)).toEqual([1, 2, 3]);
    outbox.acknowledge(receipt(outbox, 1, 3));
    expect(outbox.append([reading(5)]).refused).toEqual([]);
    const told = { kind: 'gap', register: ENERGY, reason: 'buffer_full', to: instant(at(4)) };
    expect(all(outbox)).toEqual([
      { ...told, sequence: 4, meter: 'E-1', from: instant(at(3)), count: 2 },
      { ...told, sequence: 5, meter: 'E-2', from: instant(at(4)), count: 1 },
      { kind: 'reading', sequence: 6, ...reading(5) },
    ]);
    outbox.close();
    outbox = open();
    outbox.append([reading(6)]);
    expect(all(outbox, 6).length).toBe(1);
    outbox.close();
  });

  test('what may be on its way is not changed any more', () => {
    const outbox = open(rowBytes * 3);
    outbox.append([0, 1, 2].map((n) => reading(n, 'E-1', POWER)));
    outbox.after(0, 3);
    expect(outbox.append([reading(3)]).refused).toEqual([reading(3)]);
    expect(all(outbox).every(({ kind }) => kind === 'reading')).toBe(true);
    outbox.close();
  });

  const reasons = (outbox: Outbox) => all(outbox).map((item) => ('reason' in item ? item.reason : item.kind));

  test('what has waited too long is given up, with its hole; a restart does not make it younger', () => {
    let outbox = open();
    outbox.append([0, 1].map((n) => reading(n)));
    expect(outbox.expire(HOUR_MS, DAY_MS)).toBe(0);
    outbox.append([2, 3].map((n) => reading(n)));
    expect(outbox.expire(DAY_MS - HOUR_MS, DAY_MS)).toBe(0);
    outbox.close();
    outbox = open();
    expect(outbox.expire(HOUR_MS, DAY_MS)).toBe(2);
    expect(outbox.expire(0, DAY_MS)).toBe(0);
    expect(reasons(outbox)).toEqual(['buffer_age', 'buffer_age', 'reading', 'reading']);
    // What was handed out may be on its way, and stays until it is receipted or the gateway starts anew.
    expect(outbox.expire(DAY_MS, DAY_MS)).toBe(0);
    outbox.close();
  });

  test.each([1_000, 3_600_000, 86_400_000, 366 * 86_400_000, 3_653 * 86_400_000])(
    'a clock that is set by %i ms to either side makes nothing older',
    (jumpMs) => {
      const outbox = open();
      const stamped = (n: number, ms: number) => ({ ...reading(n), readAt: instant(at(n) + ms) });
      outbox.append([stamped(0, -jumpMs), reading(1), stamped(2, jumpMs)]);
      expect(outbox.expire(HOUR_MS, DAY_MS)).toBe(0);
      expect(outbox.expire(HOUR_MS, DAY_MS)).toBe(0);
      expect(reasons(outbox)).toEqual(['reading', 'reading', 'reading']);
      outbox.close();
    },
  );

  test('what is accepted behind a tail that was lost is not as old as what stood there', () => {
    let outbox = open();
    outbox.append([0, 1, 2].map((n) => reading(n)));
    outbox.expire(HOUR_MS, DAY_MS);
    outbox.close();
    rmSync(join(box, '0000000000000001.log'));
    rmSync(join(box, 'mark'));
    outbox = open();
    outbox.append([reading(3)]);
    expect(outbox.expire(DAY_MS, DAY_MS)).toBe(0);
    outbox.close();
  });
});

/** Runs `work` on a disk of 1 MB. */
function onSmallDisk(context: TestContext, work: (folder: string) => void): void {
  const disk = join(folder, 'disk');
  mkdirSync(disk);
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', disk], { stdio: 'ignore' });
  } catch {
    missingPeer(context, 'a tmpfs cannot be mounted here');
  }
  try {
    work(join(disk, 'outbox'));
  } finally {
    execFileSync('umount', ['--lazy', disk]);
  }
}

describe('a disk of 1 MB that fills up', () => {
  test('nothing accepted is lost, and it goes on without a restart', (context) => {
    onSmallDisk(context, (small) => {
      const outbox = openOutbox({ folder: small, gateway: 'gw-a', maxBytes: 1 << 30 });
      let accepted = 0;
      for (let n = 0; n < 9000; n += 90)
        accepted += 90 - outbox.append(Array.from({ length: 90 }, (_, k) => reading(n + k))).refused.length;
      expect(accepted).toBeGreaterThan(3000);
      expect(outbox.stats().refused).toBe(9000 - accepted);
      expect(all(outbox).map((item) => ('value' in item ? item.value : null))).toEqual(
        Array.from({ length: accepted }, (_, n) => reading(n).value),
      );
      outbox.acknowledge(receipt(outbox, 1, accepted));
      expect(outbox.stats().rows).toBe(0);
      expect(outbox.append([reading(9001)]).refused).toEqual([]);
      const [told] = all(outbox);
      expect(told).toMatchObject({ kind: 'gap', reason: 'buffer_full', count: 9000 - accepted });
      outbox.close();
    });
  });

  test('readings that bill nothing are given up for those that do', (context) => {
    onSmallDisk(context, (small) => {
      const isBilling = (_: string, register: string): boolean => register === ENERGY;
      const outbox = openOutbox({ folder: small, gateway: 'gw-a', maxBytes: 1 << 30, isBilling });
      let billing = 0;
      let n = 0;
      for (let refused = 0; refused === 0; n += 10) {
        const group = Array.from({ length: 10 }, (_, k) =>
          reading(n + k, 'E-1', k % 2 === 0 ? ENERGY : POWER),
        );
        const left = outbox.append(group).refused;
        refused = left.length;
        billing += 5 - left.filter(({ register }) => register === ENERGY).length;
      }
      const items = all(outbox);
      expect(items.filter((item) => item.kind === 'reading' && item.register === ENERGY).length).toBe(
        billing,
      );
      expect(items.filter((item) => item.kind === 'reading' && item.register === POWER)).toEqual([]);
      expect(billing).toBeGreaterThan(2000);
      expect(items.length).toBe(outbox.stats().rows);
      outbox.close();
      expect(openOutbox({ folder: small, gateway: 'gw-a', maxBytes: 1 << 30 }).damage).toBeNull();
    });
  });
});

test('kill -9 of the writer: every append that returned is there, once and in order', async () => {
  const writer = join(folder, 'writer.ts');
  writeFileSync(
    writer,
    `import { writeSync } from 'node:fs';
     import { openOutbox } from ${JSON.stringify(join(import.meta.dirname, 'outbox.ts'))};
     const outbox = openOutbox({ folder: ${JSON.stringify(box)}, gateway: 'gw-a', maxBytes: 1 << 30 });
     for (let n = outbox.stats().nextSequence; ; n += 1) {
       const readAt = Temporal.Instant.fromEpochMilliseconds(${START_MS} + n * 1000).toString();
       outbox.append([{ meter: 'E-1', register: '${ENERGY}', readAt, value: String(n), unit: 'kWh', source: 'poll' }]);
       writeSync(1, n + '\\n');
     }`,
  );
  let acknowledged = 0;
  for (let round = 0; round < 5; round += 1) {
    const child = fork(writer, { stdio: ['ignore', 'pipe', 'inherit', 'ipc'] });
    let text = '';
    child.stdout?.on('data', (chunk) => {
      text += chunk;
      if (text.length > 300 + round * 170) child.kill('SIGKILL');
    });
    await once(child, 'close');
    acknowledged = Number(text.trimEnd().split('\n').at(-1));
  }
  const outbox = open();
  const items = all(outbox);
  expect(items.length).toBeGreaterThanOrEqual(acknowledged);
  expect(items.map((item) => ('value' in item ? item.value : null))).toEqual(
    items.map((_, i) => String(i + 1)),
  );
  expect(outbox.damage).toBeNull();
  outbox.close();
});
