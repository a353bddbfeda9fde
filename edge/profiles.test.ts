import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { registerDecoder } from '../protocols/modbus/registers.ts';
import { formatMicro } from '../protocols/units.ts';
import { loadProfiles } from './profiles.ts';

/** What a meter of the model holds (address: registers in hex), and what its registers are then worth. */
const images: Record<string, { holds: Record<number, string>; reads: Record<string, string> }> = {
  'eastron-sdm120': {
    holds: { 0: '43667333', 72: '44bbf333', 70: '42480000' },
    reads: { '1-0:1.8.0': '1503.6', '1-0:32.7.0': '230.45', '1-0:14.7.0': '50' },
  },
  'eastron-sdm630': {
    holds: { 52: 'c48ca000', 72: '47f12053', 74: '3dcccccd' },
    reads: { '1-0:16.7.0': '-1125', '1-0:1.8.0': '123456.65', '1-0:2.8.0': '0.1' },
  },
  'acrel-dtsd1352': {
    holds: { 10: '00bc614e', 97: '0903', 362: 'fffffc18', 119: '1388' },
    reads: { '1-0:1.8.0': '123456.78', '1-0:32.7.0': '230.7', '1-0:16.7.0': '-1000', '1-0:14.7.0': '50' },
  },
  'acrel-adl400': {
    holds: { 2124: '0012d687', 2128: '00000fa1', 2074: '41480000' },
    reads: { '1-0:1.8.0': '123456.7', '1-0:1.8.2': '400.1', '1-0:16.7.0': '12500' },
  },
  'schneider-iem3000': {
    holds: { 3203: '00000000075bcd15', 3059: '3fc00000', 3027: '43664000' },
    reads: { '1-0:1.8.0': '123456.789', '1-0:16.7.0': '1500', '1-0:32.7.0': '230.25' },
  },
  'abb-b23': {
    holds: { 20480: '0000000000bc614e', 20484: 'ffffffffffffffff', 23296: '000008fd', 23340: '1387' },
    reads: {
      '1-0:1.8.0': '123456.78',
      '1-0:2.8.0': 'not_available',
      '1-0:32.7.0': '230.1',
      '1-0:14.7.0': '49.99',
    },
  },
  'carlo-gavazzi-em340': {
    holds: { 52: 'd6870012', 0: '08fd0000', 40: 'fff6ffff' },
    reads: { '1-0:1.8.0': '123456.7', '1-0:32.7.0': '230.1', '1-0:16.7.0': '-1' },
  },
  'siemens-pac2200': {
    holds: { 801: '419d6f3454000000', 65: '44bb8000' },
    reads: { '1-0:1.8.0': '123456.789', '1-0:16.7.0': '1500' },
  },
  'inepro-pro380': {
    holds: { 24588: '47f12053', 20498: '3fc00000', 20482: '43664000' },
    reads: { '1-0:1.8.0': '123456.65', '1-0:16.7.0': '1500', '1-0:32.7.0': '230.25' },
  },
  'tuf-2000m': {
    holds: { 114: 'c00044d4', 0: '00003fa0', 71: '0001', 91: '035a' },
    reads: { '8-0:1.0.0': '1702', '8-0:2.0.0': '1.25', '8-0:97.97.0': '1', '8-0:96.5.0': '858' },
  },
};

const loaded = loadProfiles();
if (!loaded.ok) throw new Error(loaded.errors.join('\n'));
const { profiles } = loaded;

describe('every shipped profile', () => {
  test('has a register image of known values to prove it', () => {
    const polled = [...profiles.values()].filter(({ protocol }) => protocol === 'modbus').map(({ id }) => id);
    expect(polled).toEqual(Object.keys(images).sort());
  });

  test.each(Object.entries(images))('%s reads what its meter holds', (id, { holds, reads }) => {
    const profile = profiles.get(id);
    if (profile?.protocol !== 'modbus') throw new Error(`${id} is not polled`);
    const memory = new Uint8Array(2 * 0x1_0000);
    for (const [address, hex] of Object.entries(holds))
      memory.set(Buffer.from(hex, 'hex'), Number(address) * 2);
    for (const [obis, expected] of Object.entries(reads)) {
      const register = profile.registers.find((r) => r.obis === obis);
      if (register === undefined) throw new Error(`${id} has no ${obis}`);
      const decoded = registerDecoder(register)(memory, register.address * 2);
      expect(`${obis} ${decoded.value === null ? decoded.code : formatMicro(decoded.value)}`).toBe(
        `${obis} ${expected}`,
      );
    }
    expect(Object.keys(reads)).toContain(profile.registers.find(({ billing }) => billing)?.obis);
  });

  test('bills in kWh or m3', () => {
    for (const { utility, registers } of profiles.values())
      for (const { billing, unit } of registers)
        if (billing) expect(unit).toBe(utility === 'water' ? 'm3' : 'kWh');
  });
});

describe('a profile that is wrong is refused by file, line and key', () => {
  const folder = mkdtempSync(join(tmpdir(), 'profiles-'));
  afterAll(() => rmSync(folder, { recursive: true }));
  const head =
    'id: wrong\nmake: M\nmodel: M\nutility: electricity\nsource: S\nprotocol: modbus\nfunctionCode: 3\n';
  const row = '{ obis: 1-0:1.8.0, name: n, address: 0, type: u32, unit: kWh, billing: true }';
  test.each<[string, string, string]>([
    ['an unknown key', `${head}color: red\nregisters:\n  - ${row}\n`, '8: color: unknown key'],
    [
      'a write function',
      `${head.replace('Code: 3', 'Code: 6')}registers:\n  - ${row}\n`,
      '7: functionCode: Invalid input',
    ],
    [
      'another id than its file',
      `${head.replace('wrong', 'other')}registers:\n  - ${row}\n`,
      `1: id: not the file's name, "wrong"`,
    ],
    [
      'a register twice',
      `${head}registers:\n  - ${row}\n  - ${row}\n`,
      '10: registers.1.obis: "1-0:1.8.0" is listed twice',
    ],
    [
      'nothing to bill',
      `${head}registers:\n  - ${row.replace(', billing: true', '')}\n`,
      '8: registers: none is for billing',
    ],
    [
      'a numeric scale',
      `${head}registers:\n  - ${row.replace('unit', 'scale: 0.1, unit')}\n`,
      '9: registers.0.scale: Invalid input: expected string, received number',
    ],
  ])('%s', (_title, text, error) => {
    const file = join(folder, 'wrong.yaml');
    writeFileSync(file, text);
    const result = loadProfiles(folder);
    expect(result.ok ? [] : result.errors).toEqual([expect.stringContaining(`${file}:${error}`)]);
  });
});
