import { afterAll, describe, expect, test } from 'vitest';
import { encodeRegister, registerWords } from '../../protocols/modbus/registers.ts';
import type { ModbusProfile, ProfileRegister } from '../../protocols/profile.ts';
import { Line } from '../line/line.ts';
import { loadProfiles } from '../profiles.ts';
import { type MeterImage, serveMeters } from '../test-meters.ts';
import { identifyMeter } from './identify-meter.ts';

const loaded = loadProfiles();
if (!loaded.ok) throw new Error(loaded.errors.join('\n'));
const models = [...loaded.profiles.values()].filter((profile) => profile.protocol === 'modbus');

/** What a meter in service would show: every register something else, in millionths of its unit. */
function shown({ obis, unit }: ProfileRegister, index: number): bigint {
  if (obis === '1-0:12.7.0') return 750_500_000n;
  if (unit === 'V') return 230_100_000n + BigInt(index) * 100_000n;
  if (unit === 'Hz') return 50_000_000n;
  if (unit === '1') return 900_000n + BigInt(index) * 1_000n;
  if (unit === '%' || unit === 'degC') return 2_000_000n + BigInt(index) * 100_000n;
  if (unit === 'A') return 5_000_000n + BigInt(index) * 110_000n;
  return 12_345_000_000n - BigInt(index) * 170_000_000n;
}

/** Its registers alone; with zeros between them when it does not refuse its holes. */
function imageOf(profile: ModbusProfile, holes: 'refused' | 'zero'): MeterImage {
  const words: Record<number, string> = {};
  if (holes === 'zero') {
    const end = Math.max(...profile.registers.map(({ address, type }) => address + registerWords(type)));
    for (let a = Math.min(...profile.registers.map(({ address }) => address)); a < end; a++)
      words[a] = '0000';
  }
  for (const [index, register] of profile.registers.entries()) {
    const hex = Buffer.from(encodeRegister(register, shown(register, index))).toString('hex');
    for (let i = 0; i * 4 < hex.length; i++) {
      // Two registers may be the two bytes of one word.
      const there = Number.parseInt(words[register.address + i] ?? '0', 16);
      const word = there | Number.parseInt(hex.slice(i * 4, i * 4 + 4), 16);
      words[register.address + i] = word.toString(16).padStart(4, '0');
    }
  }
  return { [profile.functionCode]: words };
}

describe.each(['refused', 'zero'] as const)('a meter whose holes are %s', async (holes) => {
  const server = await serveMeters(
    Object.fromEntries(models.map((profile, index) => [index + 1, imageOf(profile, holes)])),
  );
  const line = new Line({
    link: { kind: 'tcp', host: '127.0.0.1', port: server.port },
    timeoutMilliseconds: 2000,
  });
  afterAll(async () => {
    await line.close();
    await server.close();
  });

  test.each(models.map((profile, index) => ({ profile, unit: index + 1 })))(
    '$profile.id is identified as itself, or as one that is declared alike',
    async ({ profile, unit }) => {
      const found = await identifyMeter(line, unit, models, { nowMs: () => 0, pauses: false });
      const ids = [found?.profile?.id, ...(found?.equals ?? []).map(({ id }) => id)];
      expect(ids).toContain(profile.id);
      expect([profile.id, ...profile.fingerprint.alike]).toEqual(expect.arrayContaining(ids));
    },
  );

  test('models that lie alike share their requests', async () => {
    const before = server.requests.length;
    await identifyMeter(line, 1, models, { nowMs: () => 0, pauses: false });
    expect(server.requests.length - before).toBeLessThan(models.length);
  });
});

test('profiles declared alike are known, and declare it of each other', () => {
  for (const { id, fingerprint } of models)
    for (const other of fingerprint.alike)
      expect([other, models.find((model) => model.id === other)?.fingerprint.alike]).toEqual([
        other,
        expect.arrayContaining([id]),
      ]);
});
