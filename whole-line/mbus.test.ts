/** M-Bus from end to end: simulated meters and telegrams of real ones on sockets and pseudo terminals, read and polled by the edge. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { NewReading } from '../edge/buffer/outbox-items.ts';
import { run as read } from '../edge/commands/read.ts';
import { run as scan } from '../edge/commands/scan.ts';
import { type Bus, readConfig } from '../edge/config.ts';
import { openDriver } from '../edge/drivers/open-driver.ts';
import { Line } from '../edge/line/line.ts';
import { startPolling } from '../edge/poll.ts';
import { loadProfiles } from '../edge/profiles.ts';
import { missingPeer } from '../process/peers.ts';
import { isSelected, SELECTED } from '../protocols/mbus/address.ts';
import { MbusDeframer } from '../protocols/mbus/frame.ts';
import { testTelegrams } from '../protocols/mbus/test-telegrams.ts';
import type { MbusProfile } from '../protocols/profile.ts';
import { micro } from '../protocols/units.ts';
import { type MbusMeter, mbusLine, mbusMeter } from '../simulators/meters/mbus-meters.ts';
import { startTransparentConverter, startTransparentSerial } from '../simulators/meters/transparent-line.ts';

const loaded = loadProfiles();
if (!loaded.ok) throw new Error(loaded.errors.join('\n'));
const { profiles } = loaded;

function profileOf(id: string): MbusProfile {
  const profile = profiles.get(id);
  if (profile?.protocol !== 'mbus') throw new Error(`no M-Bus profile ${id}`);
  return profile;
}

/** What the meters show, and a few registers of each model as they are then read. */
const shown: Record<string, { primary: number; secondary: string; face: Record<string, string> }> = {
  'mbus-heat': {
    primary: 1,
    secondary: '068558172D2C0804',
    face: { '6-0:1.0.0': '37351.12', '6-0:2.0.0': '561.085', '6-0:8.0.0': '34700', '6-0:11.0.0': '-46.16' },
  },
  'mbus-water': {
    primary: 2,
    secondary: '1200007177041407',
    face: { '8-0:1.0.0': '123456789.012', '8-0:1.2.0': '0', '8-0:2.0.0': '1.25' },
  },
  'mbus-gas': { primary: 3, secondary: '1234567893153303', face: { '7-0:3.0.0': '28504.271' } },
  'mbus-electricity': {
    primary: 4,
    secondary: '30100608523B0102',
    face: { '1-0:1.8.0': '1.27', '1-0:2.8.0': '99999999.99', '1-0:16.7.0': '-12345', '1-0:72.7.0': '230.1' },
  },
  'abb-b23-mbus': {
    primary: 250,
    secondary: '0147807742042002',
    face: {
      '1-0:1.8.0': '6923.03',
      '1-0:1.8.4': '0.01',
      '1-0:3.8.0': '12.5',
      '1-0:61.8.0': '55.83',
      '1-0:14.7.0': '50.05',
      '1-0:13.7.0': '-0.97',
    },
  },
  'saia-ale3-mbus': {
    primary: 0,
    secondary: '19000055434C1602',
    face: { '1-0:1.8.1': '12.52', '1-0:1.8.2': '17744.33', '1-0:3.7.0': '-650', '1-0:32.7.0': '237' },
  },
};

function meterOf(id: string): MbusMeter {
  const { primary, secondary, face } = shown[id] ?? { primary: 0, secondary: '', face: {} };
  const values = (obis: string) => (face[obis] === undefined ? null : micro(face[obis]));
  return mbusMeter({ profile: profileOf(id), primary, secondary, values });
}
const allMeters = (): MbusMeter[] => Object.keys(shown).map(meterOf);

/** A meter that answers with telegrams as they were recorded, one after the other. */
function recorded(hexes: string[], secondary: string): MbusMeter {
  const frames = hexes.map((hex) => {
    const [event] = new MbusDeframer().push(Buffer.from(hex, 'hex'));
    if (!event?.ok || event.frame.kind !== 'long') throw new Error('no telegram');
    return event.frame;
  });
  let next = 0;
  return {
    answer(command) {
      if (command.kind === 'select') return isSelected(command.pattern, secondary) ? { kind: 'ack' } : null;
      if (command.kind === 'data') return frames[next++ % frames.length] ?? null;
      next = 0;
      return { kind: 'ack' };
    },
  };
}

const cleanups: (() => unknown)[] = [];
let out: string[] = [];
let err: string[] = [];
beforeEach(() => {
  out = [];
  err = [];
  vi.spyOn(console, 'log').mockImplementation((line: string) => void out.push(line));
  vi.spyOn(console, 'error').mockImplementation((line: string) => void err.push(line));
});
afterEach(async () => {
  vi.restoreAllMocks();
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

async function converterTo(meters: MbusMeter[]): Promise<string[]> {
  const converter = await startTransparentConverter(mbusLine(meters));
  cleanups.push(converter.close);
  return ['--rtu-over-tcp', `127.0.0.1:${converter.port}`, '--timeout', '200'];
}

async function readJson(id: string, unit: string | number, link: string[]) {
  const code = await read(['--profile', id, '--unit', String(unit), ...link, '--json']);
  if (code !== 0) return { code, requests: 0, values: {} };
  const { readings, requests } = JSON.parse(out.at(-1) ?? '');
  const values: Record<string, string> = Object.fromEntries(
    readings.map(({ register, value }: { register: string; value: string }) => [register, value]),
  );
  return { code, requests, values };
}

describe('meterline read', () => {
  test('every M-Bus profile is proved here', () => {
    const ids = [...profiles.values()].filter(({ protocol }) => protocol === 'mbus').map(({ id }) => id);
    expect(ids.sort()).toEqual(Object.keys(shown).sort());
  });

  test.each(Object.entries(shown))(
    '%s among all others, by either address',
    async (id, { primary, secondary, face }) => {
      const link = await converterTo(allMeters());
      const telegrams = Math.ceil(profileOf(id).registers.length / 12);
      for (const unit of [primary, secondary]) {
        const { requests, values } = await readJson(id, unit, link);
        expect(values).toMatchObject(face);
        expect(requests).toBe(1 + telegrams);
      }
    },
  );

  test('on a serial line of 2400 baud, even parity', async (context) => {
    const line = startTransparentSerial(mbusLine(allMeters()));
    if (line === null) return missingPeer(context, 'there are no pseudo terminals');
    cleanups.push(line.close);
    const link = ['--serial', line.path, '--baud', '2400', '--parity', 'even'];
    expect(await read(['--profile', 'abb-b23-mbus', '--unit', '250', ...link])).toBe(0);
    expect(out).toContainEqual(
      expect.stringMatching(/1-0:1\.8\.0 +active import +6923\.03 kWh {2}<- billed$/),
    );
  });

  test.each<[string, string, Record<string, string | null>]>([
    [
      'Kamstrup Multical 601',
      'mbus-heat',
      {
        '6-0:1.0.0': '37351',
        '6-0:1.2.0': '33361',
        '6-0:2.0.0': '561.08',
        '6-0:8.0.0': '34700',
        '6-0:9.0.0': '0.543',
        '6-0:10.0.0': '101.69',
        '6-0:11.0.0': '46.16',
      },
    ],
    [
      'Landis+Gyr Ultraheat T230',
      'mbus-heat',
      { '6-0:1.0.0': '0', '6-0:10.0.0': '19.5', '6-0:11.0.0': '19.7' },
    ],
    ['Sontex Supercal 531, in joules', 'mbus-heat', { '6-0:1.0.0': null, '6-0:2.0.0': '0' }],
    [
      'Hydrometer heat meter without a flow',
      'mbus-heat',
      { '6-0:2.0.0': '0.0742', '6-0:8.0.0': null, '6-0:9.0.0': null, '6-0:10.0.0': '20.4' },
    ],
    ['Itron Cyble on a water meter', 'mbus-water', { '8-0:1.0.0': '123.49', '8-0:1.2.0': '0' }],
    ['Apator water meter', 'mbus-water', { '8-0:1.0.0': '1.677', '8-0:1.2.0': '1.619', '8-0:2.0.0': '0' }],
    ['GWF MTKcoder', 'mbus-water', { '8-0:1.0.0': '269' }],
    ['gas meter of the OMS specification', 'mbus-gas', { '7-0:3.0.0': '28504.27' }],
    ['NZR DHZ 5/63', 'mbus-electricity', { '1-0:1.8.0': '1.274', '1-0:16.7.0': '0' }],
    [
      'EMU Professional 375',
      'mbus-electricity',
      {
        '1-0:1.8.1': '1.364',
        '1-0:1.8.2': '0',
        '1-0:16.7.0': '-2',
        '1-0:32.7.0': '225.7',
        '1-0:31.7.0': '-0.066',
      },
    ],
    [
      'ABB B21, second telegram',
      'abb-b23-mbus',
      { '1-0:21.8.0': '6856.83', '1-0:61.8.0': '55.83', '1-0:14.7.0': '50.05', '1-0:13.7.0': '0.11' },
    ],
    ['ABB Delta', 'abb-b23-mbus', { '1-0:1.8.0': '0', '1-0:1.8.4': '0', '1-0:3.8.0': '0' }],
    [
      'Saia-Burgess electricity meter with a letter in its number',
      'saia-ale3-mbus',
      { '1-0:1.8.1': '12.52', '1-0:1.8.2': '17744.33', '1-0:16.7.0': '3200', '1-0:3.7.0': '-650' },
    ],
  ])('%s as recorded is read as %s', async (of, id, expected) => {
    const telegram = testTelegrams.find((one) => one.of === of);
    if (telegram === undefined) throw new Error(of);
    // The gas meter was recorded when it was selected.
    const secondary = '1234567893153303';
    const link = await converterTo([recorded([telegram.hex], secondary)]);
    const address = parseInt(telegram.hex.slice(10, 12), 16);
    const { values } = await readJson(id, address === SELECTED ? secondary : address, link);
    expect(values).toMatchObject(expected);
  });

  test('names that stand for several records are read as none of them', async () => {
    const eastron = testTelegrams.find(({ of }) => of.startsWith('Eastron'));
    const link = await converterTo([recorded([eastron?.hex ?? ''], '')]);
    // All show the same, so it is no matter which; a power that differs from the others would be left out.
    const changed = eastron?.hex.replace('0b2a563412', '0b2a573412') ?? '';
    const same = await readJson('mbus-electricity', 10, link);
    expect(same.values['1-0:16.7.0']).toBe('12345.6');
    const sum = parseInt(changed.slice(-4, -2), 16) + 1;
    const whole = `${changed.slice(0, -4)}${(sum & 0xff).toString(16).padStart(2, '0')}16`;
    const differing = await readJson('mbus-electricity', 10, await converterTo([recorded([whole], '')]));
    expect(differing).toMatchObject({ code: 1, values: {} });
  });

  test.each([
    ['251', '--rtu-over-tcp'],
    ['123456789012', '--rtu-over-tcp'],
    ['FFFFFFFFFFFFFFFF', '--rtu-over-tcp'],
    ['0147807742042F', '--rtu-over-tcp'],
    ['01478077FFFF2002', '--rtu-over-tcp'],
    ['1', '--tcp'],
  ])('unit %s with %s is refused', async (unit, link) => {
    expect(await read(['--profile', 'mbus-heat', '--unit', unit, link, '127.0.0.1:1'])).toBe(2);
  });
});

describe('meterline scan', () => {
  const found = async (meters: MbusMeter[], timeout = 80) => {
    const [kind = '', address = ''] = await converterTo(meters);
    const code = await scan([kind, address, '--units', '1', '--timeout', `${timeout}`, '--json']);
    return { code, found: JSON.parse(out.at(-1) ?? '').found };
  };

  test.each(Object.entries(shown))('a lone %s is found, with its model', async (id, { secondary, face }) => {
    expect(await found([meterOf(id)])).toMatchObject({
      code: 0,
      found: [{ unit: secondary, profile: id, registers: face }],
    });
  });

  test('several are told apart by their numbers', async () => {
    const { code, found: meters } = await found(allMeters());
    expect(code).toBe(0);
    const units = meters.map(({ unit, profile }: { unit: string; profile: string }) => [profile, unit]);
    expect(Object.fromEntries(units)).toEqual(
      Object.fromEntries(Object.entries(shown).map(([id, { secondary }]) => [id, secondary])),
    );
  });

  test('one that cannot be selected is found by its primary address', async () => {
    const meter = meterOf('mbus-water');
    const unselectable: MbusMeter = {
      answer: (command) => (command.kind === 'select' ? null : meter.answer(command)),
    };
    expect(await found([unselectable])).toMatchObject({
      code: 0,
      found: [{ unit: 2, profile: 'mbus-water' }],
    });
  });

  test('two with one number are told, and not taken for one', async () => {
    expect(await found([meterOf('mbus-gas'), meterOf('mbus-gas')], 40)).toEqual({ code: 1, found: [] });
    expect(err).toContainEqual(expect.stringContaining('two meters with one number?'));
  });
});

const NOW = Temporal.Instant.from('2026-09-01T00:15:00Z').epochMilliseconds;

/** One sweep over one bus. */
async function poll(meters: Bus['meters']): Promise<{ readings: NewReading[]; errors: unknown[] }> {
  const [, address = ''] = await converterTo(allMeters());
  const [host = '', port] = address.split(':');
  const log = { info: vi.fn(), warn: vi.fn(), error: vi.fn() };
  const link = { kind: 'rtu-over-tcp', host, port: Number(port) } as const;
  const readings = await new Promise<NewReading[]>((resolve) => {
    const polling = startPolling({
      config: {
        ...{ buses: [{ id: 'bus-1', link, timeoutMilliseconds: 200, meters }] },
        ...{ pollIntervalSeconds: 900, clock: 'driven' },
      },
      profiles,
      clock: {
        nowMs: () => NOW,
        async until(ms, signal) {
          if (ms <= NOW) return;
          signal?.throwIfAborted();
          await new Promise((_, reject) => signal?.addEventListener('abort', () => reject(signal.reason)));
        },
      },
      outbox: { accept: async (accepted) => resolve(accepted), lastAcceptedMs: () => null },
      log,
    });
    cleanups.push(() => polling.stop());
  });
  return { readings, errors: log.error.mock.calls };
}

const common = { readAt: '2026-09-01T00:15:00Z', source: 'poll' };

test('a bus is polled like any other, each total with its bytes', async () => {
  const { readings, errors } = await poll([
    { meter: 'E-1', profile: 'abb-b23-mbus', unit: 250, serial: '1478077' },
    { meter: 'W-1', profile: 'mbus-water', unit: '1200007177041407' },
  ]);
  expect(errors).toEqual([]);
  expect(readings).toEqual([
    { ...common, meter: 'E-1', register: '1-0:1.8.0', value: '6923.03', unit: 'kWh', raw: '032369000000' },
    {
      ...{ ...common, meter: 'W-1', register: '8-0:1.0.0' },
      ...{ value: '123456789.012', unit: 'm3', raw: '129078563412' },
    },
  ]);
});

test('a meter with another number than the configured one gives no value', async () => {
  const { readings, errors } = await poll([
    { meter: 'W-1', profile: 'mbus-water', unit: 2, serial: '12000072' },
  ]);
  expect(readings).toMatchObject([{ meter: 'W-1', register: '8-0:1.0.0', value: null }]);
  expect(errors).toMatchObject([[{ expected: '12000072', found: '12000071' }, expect.any(String)]]);
});

test('meters that are selected in turn by two readers at once are not taken for each other', async () => {
  const [, address = ''] = await converterTo(allMeters());
  const [host = '', port] = address.split(':');
  const link = { kind: 'rtu-over-tcp', host, port: Number(port) } as const;
  const line = new Line({ link, timeoutMilliseconds: 500 });
  cleanups.push(() => line.close());
  const reads = Object.entries(shown).map(async ([id, { secondary, face }]) => {
    const driver = openDriver(profileOf(id), { unit: secondary, link });
    const { values, fault } = await driver.read(line, { nowMs: () => 0, attempts: 1, pauses: false });
    const read = Object.fromEntries(values.map(({ register, value }) => [register.obis, value]));
    expect(fault).toBeNull();
    expect(read).toMatchObject(face);
  });
  await Promise.all(reads);
});

describe('a configuration', () => {
  test.each([
    ['a primary address', '0', 'baudRate: 2400', 1500, []],
    ['a secondary address', '"12000071770414E7"', 'baudRate: 2400', 1500, []],
    ['no primary address', '251', 'baudRate: 2400', 1500, ['an M-Bus meter has a primary address']],
    [
      'an address that fits several meters',
      '"12000071FFFF1407"',
      'baudRate: 2400',
      1500,
      ['an M-Bus meter has'],
    ],
    ['too little time for a telegram', '2', 'baudRate: 2400', 1000, ['takes up to 1384 ms']],
    ['the same at 9600 baud', '2', 'baudRate: 9600', 1000, []],
  ])('with %s', (_title, unit, rate, timeout, expected) => {
    const folder = mkdtempSync(join(tmpdir(), 'mbus-'));
    cleanups.push(() => rmSync(folder, { recursive: true }));
    const file = join(folder, 'edge.yaml');
    const lines = [
      ...['gateway: gw-a', 'dataDir: data', 'broker: mqtt://127.0.0.1:1883', 'buses:', '  - id: bus-1'],
      `    serial: { path: /dev/ttyUSB0, ${rate}, parity: even }`,
      `    timeoutMilliseconds: ${timeout}`,
      `    meters: [{ meter: W-1, profile: mbus-water, unit: ${unit} }]`,
    ];
    writeFileSync(file, lines.join('\n'));
    const checked = readConfig(file, profiles, {});
    expect(checked.ok ? [] : checked.errors).toEqual(expected.map((part) => expect.stringContaining(part)));
  });
});
