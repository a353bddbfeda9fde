import fc from 'fast-check';
import { afterEach, describe, expect, test } from 'vitest';
import { ModbusProfile } from '../../protocols/profile.ts';
import type { Answer, UnitRequest } from '../line/line.ts';
import { Line } from '../line/line.ts';
import { type MeterImage, serveMeters } from '../test-meters.ts';
import { MeterReader } from './meter-reader.ts';
import { CONVERTER_COST } from './plan-requests.ts';

const profile = ModbusProfile.parse({
  id: 'p',
  make: 'M',
  model: 'M',
  utility: 'electricity',
  source: 'this test',
  protocol: 'modbus',
  functionCode: 3,
  registers: [
    {
      obis: '1-0:1.8.0',
      name: 'import',
      address: 0x10,
      type: 'u32',
      scale: '0.01',
      unit: 'kWh',
      billing: true,
    },
    { obis: '1-0:2.8.0', name: 'export', address: 0x14, type: 'u32', scale: '0.01', unit: 'kWh' },
    { obis: '1-0:16.7.0', name: 'power', address: 0x100, type: 'i32', unit: 'W' },
  ],
});
const whole: MeterImage = { 3: { 16: '0000000100000000' + '00000002', 256: 'ffffffff' } };
const gapped: MeterImage = { 3: { 16: '00000001', 20: '00000002', 256: 'ffffffff' } };
const options = { unit: 1, nowMs: () => 5, attempts: 2, pauses: false };

const cleanups: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

async function readerOf(image: MeterImage | null) {
  const server = await serveMeters(image === null ? {} : { 1: image });
  cleanups.push(() => server.close());
  const line = new Line({
    link: { kind: 'tcp', host: '127.0.0.1', port: server.port },
    timeoutMilliseconds: 25,
  });
  cleanups.push(() => line.close());
  return { server, line, reader: new MeterReader(profile, profile.registers, CONVERTER_COST) };
}

describe('a meter reader', () => {
  test('reads all registers in as few requests as planned, each with its raw bytes', async () => {
    const { line, reader } = await readerOf(whole);
    const read = await reader.read(line, options);
    expect(read).toMatchObject({ requests: 2, failures: 0, exception: null, fault: null });
    expect(
      read.values.map(({ register, value, raw, readAtMs }) => [register.name, value, raw, readAtMs]),
    ).toEqual([
      ['import', '0.01', '00000001', 5],
      ['export', '0.02', '00000002', 5],
      ['power', '-1', 'ffffffff', 5],
    ]);
  });
  test('a hole that the meter refuses is read around, and remembered', async () => {
    const { line, reader } = await readerOf(gapped);
    expect(await reader.read(line, options)).toMatchObject({ requests: 4, failures: 0, exception: null });
    await reader.read(line, options);
    const again = await reader.read(line, options);
    expect(again.requests).toBe(3);
    expect(again.values.map(({ value }) => value)).toEqual(['0.01', '0.02', '-1']);
  });
  test('a register that the meter refuses costs only itself', async () => {
    const { line, reader } = await readerOf({ 3: { 16: '00000001' } });
    const read = await reader.read(line, options);
    expect(read.values.map(({ register }) => register.name)).toEqual(['import']);
    expect(read).toMatchObject({ failures: 2, exception: 2, fault: null });
  });
  test('a register that the meter lacks in the middle of a run is found by halves', async () => {
    const registers = [0, 1, 2, 3, 4].map((address) => ({
      ...profile.registers[0],
      obis: `1-0:${address}.7.0`,
      address,
      type: 'u16',
      scale: '1',
    }));
    const run = ModbusProfile.parse({ ...profile, registers });
    const { line } = await readerOf({ 3: { 0: '000000010002', 4: '0004' } });
    const reader = new MeterReader(run, run.registers, CONVERTER_COST);
    const read = await reader.read(line, options);
    expect(read.values.map(({ value }) => value)).toEqual(['0', '1', '2', '4']);
    expect((await reader.read(line, options)).requests).toBe(3);
  });
  test('only what is wanted is asked for', async () => {
    const { line, reader } = await readerOf(whole);
    const read = await reader.read(line, { ...options, wanted: new Set(['1-0:2.8.0']) });
    expect(read.requests).toBe(1);
    expect(read.values.map(({ register }) => register.name)).toEqual(['export']);
  });
  test('a silent meter is asked `attempts` times and no more', async () => {
    const { server, line, reader } = await readerOf(null);
    expect(await reader.read(line, options)).toMatchObject({
      values: [],
      requests: 2,
      failures: 2,
      fault: { code: 'timeout' },
    });
    expect(server.requests).toHaveLength(2);
  });
});

/** A meter that refuses some addresses, and requests for more than `longest` registers. */
function refusingMeter(refused: ReadonlySet<number>, longest = 125) {
  const meter = {
    requests: 0,
    async read({ address, count }: UnitRequest): Promise<Answer> {
      meter.requests += 1;
      const asked = Array.from({ length: count }, (_, i) => address + i);
      if (count > longest || asked.some((one) => refused.has(one))) return { ok: false, exception: 2 };
      return { ok: true, data: Uint8Array.from(asked.flatMap((one) => [one >> 8, one & 0xff])) };
    },
  };
  return meter;
}

/** Registers of one word that bill nothing. */
const wordsAt = (addresses: readonly number[]): ModbusProfile =>
  ModbusProfile.parse({
    ...profile,
    registers: addresses.map((address) => ({
      obis: `1-0:${address}.7.0`,
      name: `${address}`,
      address,
      type: 'u16',
      unit: 'W',
    })),
  });
const HOUR_MS = 3_600_000;

describe('what a meter refuses', () => {
  const row = wordsAt(Array.from({ length: 64 }, (_, i) => i));
  test('costs two requests a halving once, and from then on one request around it', async () => {
    for (const absent of [0, 1, 31, 32, 40, 63]) {
      const meter = refusingMeter(new Set([absent]));
      const reader = new MeterReader(row, row.registers, CONVERTER_COST);
      const first = await reader.read(meter, options);
      expect(first.values).toHaveLength(63);
      expect(first.requests).toBe(1 + 2 * Math.log2(64));
      const again = await reader.read(meter, options);
      expect(again.values).toHaveLength(63);
      expect(again.requests).toBeLessThanOrEqual(2);
    }
  });

  test('is found in any meter without the loss of a register that it has', async () => {
    const addresses = fc.uniqueArray(fc.integer({ min: 0, max: 120 }), { minLength: 1, maxLength: 60 });
    await fc.assert(
      fc.asyncProperty(
        addresses,
        fc.uniqueArray(fc.integer({ min: 0, max: 120 }), { maxLength: 8 }),
        fc.integer({ min: 1, max: 125 }),
        async (asked, refused, longest) => {
          const meter = refusingMeter(new Set(refused), longest);
          const { registers } = wordsAt(asked);
          const reader = new MeterReader(profile, registers, CONVERTER_COST);
          const there = asked.filter((address) => !refused.includes(address)).sort((a, b) => a - b);
          let failures = Number.POSITIVE_INFINITY;
          for (let n = 0; n < 8; n += 1) {
            const read = await reader.read(meter, { ...options, nowMs: () => n * HOUR_MS });
            expect(read.values.map(({ value }) => Number(value)).sort((a, b) => a - b)).toEqual(there);
            failures = read.requests;
          }
          if (there.length === 0) return;
          // The last read asks for nothing that is refused but for the absent registers, hourly, each alone.
          const known = new MeterReader(profile, registers, CONVERTER_COST, reader.refusals());
          const settled = await known.read(meter, { ...options, nowMs: () => 0 });
          expect(settled).toMatchObject({ failures: 0, exception: null });
          expect(settled.requests).toBeLessThanOrEqual(failures);
        },
      ),
      { seed: 1, numRuns: 200 },
    );
  });

  test('is not asked for again by the next process, but for an hour later, and it may have come', async () => {
    const refused = new Set([5]);
    const meter = refusingMeter(refused);
    const first = new MeterReader(row, row.registers, CONVERTER_COST);
    await first.read(meter, options);
    expect(first.refusals()).toEqual({ walls: [], absent: [5] });
    const second = new MeterReader(row, row.registers, CONVERTER_COST, first.refusals());
    expect(await second.read(meter, options)).toMatchObject({ requests: 2, failures: 0 });
    expect(await second.read(meter, { ...options, nowMs: () => HOUR_MS + 5 })).toMatchObject({
      requests: 3,
      failures: 1,
    });
    refused.clear();
    const later = { ...options, nowMs: () => 2 * HOUR_MS + 5 };
    expect((await second.read(meter, later)).values).toHaveLength(64);
    expect(await second.read(meter, later)).toMatchObject({ requests: 1 });
  });

  test('a hole is read around, and the others are still read through', async () => {
    const { registers } = wordsAt([0, 2, 4, 6, 8]);
    const meter = refusingMeter(new Set([3]));
    const reader = new MeterReader(profile, registers, CONVERTER_COST);
    await reader.read(meter, options);
    expect(reader.refusals()).toEqual({ walls: [], absent: [] });
    await reader.read(meter, options);
    expect(await reader.read(meter, options)).toMatchObject({ requests: 2, failures: 0 });
    expect(reader.refusals()).toEqual({ walls: [4], absent: [] });
  });

  test('a hole is tried again after a day, and for good when it was none', async () => {
    const { registers } = wordsAt([0, 2, 4, 6, 8]);
    const refused = new Set([3]);
    const meter = refusingMeter(refused);
    const reader = new MeterReader(profile, registers, CONVERTER_COST, { walls: [4], absent: [] });
    const at = (day: number) => reader.read(meter, { ...options, nowMs: () => day * 24 * HOUR_MS });
    expect(await at(0)).toMatchObject({ requests: 2 });
    expect(await at(1)).toMatchObject({ requests: 3 });
    expect(await at(1.1)).toMatchObject({ requests: 2 });
    refused.clear();
    expect(await at(2.1)).toMatchObject({ requests: 1 });
    expect(reader.refusals()).toEqual({ walls: [], absent: [] });
    expect(await at(2.2)).toMatchObject({ requests: 1 });
  });

  test('what a meter gave once it refuses in a mood: its requests stay as long as they are', async () => {
    const { registers } = wordsAt([0, 2, 4, 6, 8]);
    const reader = new MeterReader(profile, registers, CONVERTER_COST);
    const meter = refusingMeter(new Set());
    const moody = (mood: (count: number) => boolean) => ({
      read: async (request: UnitRequest): Promise<Answer> =>
        mood(request.count) ? { ok: false, exception: 2 } : meter.read(request),
    });
    await reader.read(
      moody((count) => count > 5),
      options,
    );
    await reader.read(meter, options);
    for (let n = 0; n < 20; n += 1) {
      const read = await reader.read(
        moody((count) => count > 5),
        options,
      );
      expect(read.values).toHaveLength(5);
    }
    expect(reader.refusals()).toEqual({ walls: [], absent: [] });
    expect(await reader.read(meter, options)).toMatchObject({ requests: 1, failures: 0 });
  });

  test('a meter that refuses everything for a while is asked for everything again', async () => {
    const { registers } = wordsAt([0, 1, 2]);
    const reader = new MeterReader(profile, registers, CONVERTER_COST);
    expect((await reader.read(refusingMeter(new Set([0, 1, 2])), options)).values).toEqual([]);
    expect(reader.refusals()).toEqual({ walls: [], absent: [] });
    expect(await reader.read(refusingMeter(new Set()), options)).toMatchObject({ requests: 1, failures: 0 });
  });

  test('a meter that is busy is not taken to lack what it was asked for', async () => {
    const { registers } = wordsAt([0, 1, 2]);
    const reader = new MeterReader(profile, registers, CONVERTER_COST);
    const busy = { read: async (): Promise<Answer> => ({ ok: false, exception: 6 }) };
    expect(await reader.read(busy, options)).toMatchObject({ requests: 1, failures: 1, exception: 6 });
    expect(await reader.read(refusingMeter(new Set()), options)).toMatchObject({ requests: 1, failures: 0 });
  });
});
