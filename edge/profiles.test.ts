import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { registerDecoder } from '../protocols/modbus/registers.ts';
import { formatMicro } from '../protocols/units.ts';
import { images } from './drivers/test-profile-images.ts';
import { loadProfiles } from './profiles.ts';

const loaded = loadProfiles();
if (!loaded.ok) throw new Error(loaded.errors.join('\n'));
const { profiles } = loaded;

describe('every shipped profile', () => {
  test('has an image of all its registers to prove it', () => {
    const polled = [...profiles.values()].filter(({ protocol }) => protocol === 'modbus').map(({ id }) => id);
    expect(polled.sort()).toEqual(Object.keys(images).sort());
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
    expect(Object.keys(reads)).toEqual(profile.registers.map(({ obis }) => obis));
  });

  test('bills in kWh or m3', () => {
    for (const { utility, registers } of profiles.values())
      for (const { billing, unit } of registers)
        if (billing) expect(unit).toBe(utility === 'water' || utility === 'gas' ? 'm3' : 'kWh');
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
