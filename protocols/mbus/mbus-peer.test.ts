/** pyMeterBus as the other side: what it makes of telegrams of real meters and of ours is what we make of them. */
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, type TestContext, test } from 'vitest';
import { missingPeer, requirePeer } from '../../process/peers.ts';
import { type MbusProfile, Profile } from '../profile.ts';
import { checkYaml } from '../yaml-document.ts';
import { buildHeader, buildRecord } from './build-records.ts';
import { buildMbusFrame, MbusDeframer } from './frame.ts';
import { buildAnswer, isAnswer } from './link.ts';
import type { MbusRecord } from './records.ts';
import { parseTelegram } from './telegram.ts';
import { testTelegrams } from './test-telegrams.ts';

const PYTHON = '/usr/bin/python3';
const PACKAGES = join(import.meta.dirname, '../../node_modules/.python-peers');
const INSTALL =
  '/usr/bin/python3 -m pip install --no-deps --target node_modules/.python-peers --require-hashes -r protocols/python-peers.txt';

function requireMeterbus(context: TestContext): void {
  requirePeer(context, PYTHON);
  if (!existsSync(join(PACKAGES, 'meterbus'))) missingPeer(context, `meterbus is not installed: ${INSTALL}`);
}

/** Of a record: storage, tariff, device, function, unit, value. */
type PeerRecord = [number, number, number, string, string, string];
interface PeerTelegram {
  address: number;
  header: { identification: string; manufacturer: string; access_no: number };
  records: PeerRecord[];
}

function decodeByPeer(hexes: readonly string[]): PeerTelegram[] {
  const { stdout, stderr } = spawnSync(PYTHON, [join(import.meta.dirname, 'mbus-peer.py')], {
    input: hexes.map((hex) => `${hex}\n`).join(''),
    encoding: 'utf8',
    env: { PYTHONPATH: PACKAGES },
  });
  const lines = stdout.split('\n').filter((line) => line !== '');
  expect(stderr).toBe('');
  return lines.map((line) => JSON.parse(line));
}

/** It gives each unit a name of its own; those that it knows not are NONE. */
const unitNames: Record<string, string> = {
  WH: 'Wh',
  J: 'J',
  M3: 'm3',
  W: 'W',
  M3_H: 'm3/h',
  C: 'degC',
  K: 'K',
  V: 'V',
  A: 'A',
};
const functions = {
  instantaneous: 'INSTANTANEOUS_VALUE',
  maximum: 'MAXIMUM_VALUE',
  minimum: 'MINIMUM_VALUE',
  error: 'ERROR_STATE_VALUE',
};

/** It counts times in seconds. */
const seconds: Partial<Record<string, number>> = { min: 60, h: 3_600, d: 86_400 };

/** As it counts with floats: nine digits are theirs as well, of a 32-bit float seven. */
const rounded = (text: string, { isReal }: Pick<MbusRecord, 'isReal'>, factor = 1): string =>
  (+text * factor).toPrecision(isReal ? 7 : 9);

function ours(hex: string) {
  const [event] = new MbusDeframer().push(Buffer.from(hex, 'hex'));
  if (!event?.ok || !isAnswer(event.frame)) throw new Error('no answer');
  const telegram = parseTelegram(event.frame.ci, event.frame.data);
  if (!telegram.ok || !('records' in telegram)) throw new Error('no telegram');
  return { ...telegram, address: event.frame.address };
}

/** @returns how many values were compared */
function compare(hex: string, peer: PeerTelegram | undefined): number {
  const { header, records, address } = ours(hex);
  expect(peer?.address).toBe(address);
  expect(peer?.header).toMatchObject({ manufacturer: header?.maker, access_no: header?.accessNumber });
  const id = peer?.header.identification.replaceAll(/0x|, /g, '').toUpperCase();
  expect(id).toBe(header?.id);
  // Behind the last record it lists the maker's own data as one more.
  expect(peer?.records.length).toBeGreaterThanOrEqual(records.length);
  let compared = 0;
  for (const [at, record] of records.entries()) {
    const told = peer?.records[at];
    // It has other tables, and quantities in words are text to it.
    if (told === undefined || record.quantity === 'text' || record.quantity === 'unknown') continue;
    const [storage, tariff, device, of, unit, value] = told;
    const { kind, mantissa, exponent } = { mantissa: 0n, exponent: 0, ...record.value };
    expect([storage, tariff, device, of]).toEqual([
      ...[record.storage, record.tariff, record.subunit, functions[record.function]],
    ]);
    if (kind !== 'number' || value === 'None') continue;
    expect(unitNames[unit] ?? record.unit).toBe(record.unit);
    const exact = `${mantissa}e${exponent}`;
    expect(rounded(value, record)).toBe(rounded(exact, record, seconds[record.unit]));
    compared += 1;
  }
  return compared;
}

test('telegrams of real meters are read alike', (context) => {
  requireMeterbus(context);
  const telegrams = testTelegrams.map(({ hex }) => hex);
  const peers = decodeByPeer(telegrams);
  const compared = telegrams.map((hex, at) => compare(hex, peers[at]));
  expect(peers).toHaveLength(telegrams.length);
  expect(compared.reduce((sum, count) => sum + count)).toBeGreaterThan(200);
});

const folder = join(import.meta.dirname, '../profiles');
const profiles = readdirSync(folder)
  .filter((name) => name.endsWith('.yaml'))
  .map((name) => checkYaml(Profile, readFileSync(join(folder, name), 'utf8'), name))
  .flatMap((checked) => (checked.ok && checked.value.protocol === 'mbus' ? [checked.value] : []));

/** Telegrams of a simulated meter: every register, in two, with values that grow with `seed`. */
function built({ registers }: MbusProfile, seed: number): string[] {
  const half = Math.ceil(registers.length / 2);
  return [registers.slice(0, half), registers.slice(half)].map((some, part) => {
    const records = some.map((register, at) => {
      const steps = BigInt(seed * 1_009 + at * 17) * 1_000_000n;
      return buildRecord(register, register.unit === 'degC' && seed === 2 ? -steps : steps);
    });
    const header = buildHeader('1234567842042002', { accessNumber: 2 * seed + part });
    const data = Buffer.concat([header, ...records]);
    return Buffer.from(buildMbusFrame(buildAnswer(seed, 0x72, data))).toString('hex');
  });
}

test('telegrams of simulated meters, of every profile, are read alike', (context) => {
  requireMeterbus(context);
  const telegrams = profiles.flatMap((profile) => [1, 2, 3].flatMap((seed) => built(profile, seed)));
  expect(telegrams.length).toBeGreaterThanOrEqual(30);
  const peers = decodeByPeer(telegrams);
  expect(peers).toHaveLength(telegrams.length);
  const compared = telegrams.map((hex, at) => compare(hex, peers[at]));
  expect(compared.reduce((sum, count) => sum + count)).toBeGreaterThan(150);
});
