import { afterEach, describe, expect, test } from 'vitest';
import { ModbusProfile } from '../protocols/profile.ts';
import { Line } from './line.ts';
import { MeterReader } from './meter-reader.ts';
import { CONVERTER_COST } from './plan-requests.ts';
import { type MeterImage, serveMeters } from './test-meters.ts';

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
    expect((await reader.read(line, options)).requests).toBe(4);
  });
  test('only what is wanted is asked for', async () => {
    const { line, reader } = await readerOf(whole);
    const read = await reader.read(line, { ...options, wanted: (obis) => obis === '1-0:2.8.0' });
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
