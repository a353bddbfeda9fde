import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { edgePassword, readConfig } from './config.ts';
import { baudRateOf } from './line/line-stream.ts';
import { loadProfiles, type Profiles } from './profiles.ts';

let folder: string;
let file: string;
let profiles: Profiles;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'meterline-config-'));
  file = join(folder, 'edge.yaml');
  const loaded = loadProfiles();
  if (loaded.ok) profiles = loaded.profiles;
});
afterAll(() => rmSync(folder, { recursive: true }));

const read = (text: string, environment: NodeJS.ProcessEnv = {}) => {
  writeFileSync(file, text);
  return readConfig(file, profiles, environment);
};

const GOOD = `gateway: gw-a
dataDir: ./data
broker: mqtt://127.0.0.1:1883
username: gw-a
password: "from the file"
pushBroker: { host: 127.0.0.1, port: 1884 }
buses:
  - id: bus-1
    tcp: 127.0.0.1:5020
    meters:
      - { meter: E-1, profile: acrel-dtsd1352, unit: 3 }
      - { meter: E-2, profile: acrel-dtsd1352, unit: 4 }
  - id: bus-2
    serial: { path: /dev/ttyS0, parity: even }
    meters: [ { meter: E-3, profile: eastron-sdm630, unit: 3 } ]
pushMeters: [ { meter: W-1, profile: json-water-push, topic: meters/W-1/up } ]
`;

test('how late a reply may come is said of a bus, or left to its timeout', () => {
  const said = GOOD.replace(
    '    tcp: 127.0.0.1:5020',
    '    tcp: 127.0.0.1:5020\n    worstReplyMilliseconds: 8000',
  );
  const checked = read(said);
  expect(checked.ok && checked.config.buses.map((bus) => bus.worstReplyMilliseconds)).toEqual([
    8000,
    undefined,
  ]);
  expect(read(said.replace('8000', '5')).ok).toBe(false);
});

test('a good file: defaults filled in, paths absolute, links told apart', () => {
  const checked = read(GOOD);
  if (!checked.ok) throw new Error(checked.errors.join('\n'));
  const { config } = checked;
  expect(config).toMatchObject({
    gateway: 'gw-a',
    dataDir: join(folder, 'data'),
    clock: 'system',
    pollIntervalSeconds: 900,
    password: 'from the file',
    outbox: { maxBytes: 1_073_741_824, maxAgeMs: 400 * 86_400_000 },
  });
  expect(config.buses.map(({ link, timeoutMilliseconds }) => ({ link, timeoutMilliseconds }))).toEqual([
    { link: { kind: 'tcp', host: '127.0.0.1', port: 5020 }, timeoutMilliseconds: 1000 },
    {
      link: { kind: 'serial', path: '/dev/ttyS0', baudRate: 9600, parity: 'even' },
      timeoutMilliseconds: 1000,
    },
  ]);
});

const OWN = `gateway: gw-a
dataDir: ./data
broker: mqtt://127.0.0.1:1883
buses:
  - id: bus-1
    rtuOverTcp: 10.0.0.9:4001
    meters:
      - { meter: E-1, profile: dlt645-2007-3ph, unit: "000000000001" }
      - { meter: W-1, profile: cjt188-water, unit: "78330011223344" }
      - { meter: E-2, profile: acrel-dtsd1352, unit: 4 }
      - { meter: E-3, profile: dlms-electricity, unit: 1017, password: "12345678" }
`;

test('meters of any protocol stand on one line behind a transparent converter', () => {
  const checked = read(OWN);
  expect(checked.ok && checked.config.buses[0]).toMatchObject({
    link: { kind: 'rtu-over-tcp', host: '10.0.0.9', port: 4001 },
    meters: [
      { unit: '000000000001' },
      { unit: '78330011223344' },
      { unit: 4 },
      { unit: 1017, password: '12345678' },
    ],
  });
});

test('the baud rate behind a converter is of its line: requests are planned for it', () => {
  const checked = read(OWN.replace('    meters:', '    baudRate: 2400\n    meters:'));
  if (!checked.ok) throw new Error(checked.errors.join('; '));
  expect(checked.config.buses.map(({ link }) => baudRateOf(link))).toEqual([2400]);
  const without = read(OWN);
  expect(without.ok && without.config.buses.map(({ link }) => baudRateOf(link))).toEqual([null]);
});

describe('registers between the boundaries', () => {
  const often = (registers: string): string =>
    OWN.replace(
      '    meters:',
      `    instantaneous: { everySeconds: 10, registers: [${registers}] }\n    meters:`,
    );
  test('are listed for a bus or for a meter; a serial number may be digits', () => {
    const own = 'unit: 4, serial: 1234, instantaneous: { everySeconds: 5 }';
    const checked = read(often('1-0:32.7.0').replace('unit: 4', own));
    expect(checked.ok && checked.config.buses[0]).toMatchObject({
      instantaneous: { everySeconds: 10, registers: ['1-0:32.7.0'] },
      meters: [{}, {}, { serial: '1234', instantaneous: { everySeconds: 5 } }, {}],
    });
  });
  test.each([
    [
      'that no meter of the bus has',
      '1-0:99.9.9',
      '7: buses.0.instantaneous.registers.0: "1-0:99.9.9" is no',
    ],
    ['that bill', '1-0:1.8.0', '7: buses.0.instantaneous.registers.0: "1-0:1.8.0" bills'],
  ])('%s are refused', (_, obis, message) => {
    const checked = read(often(obis));
    expect(checked.ok ? [] : checked.errors[0]).toContain(`${file}:${message}`);
  });
  test('that the meter itself has not are refused', () => {
    const own = 'unit: 4, instantaneous: { everySeconds: 5, registers: ["8-0:1.0.0"] }';
    const checked = read(OWN.replace('unit: 4', own));
    expect(checked.ok ? [] : checked.errors[0]).toContain('buses.0.meters.2.instantaneous.registers.0');
  });
});

describe('an address that a meter cannot have is refused', () => {
  test.each([
    [
      'digits that lost their quotes',
      '"000000000001"',
      '000000000001',
      '8: buses.0.meters.0.unit: a DL/T 645 meter has',
    ],
    ['too few digits', '"000000000001"', '"00000001"', '8: buses.0.meters.0.unit: not a unit id'],
    [
      'those of another protocol',
      '"000000000001"',
      '"00000000000001"',
      '8: buses.0.meters.0.unit: a DL/T 645 meter has the 12',
    ],
    ['a unit id', '"78330011223344"', '7', '9: buses.0.meters.1.unit: a CJ/T 188 meter has the 14 digits'],
    ['digits', 'unit: 4', 'unit: "000000000004"', '10: buses.0.meters.2.unit: a Modbus meter has a unit id'],
    ['too large a number', 'unit: 4', 'unit: 1018', '10: buses.0.meters.2.unit: '],
    [
      'a text',
      'unit: 1017',
      'unit: "78330011223345"',
      '11: buses.0.meters.3.unit: a DLMS meter has the number',
    ],
    ['a password', 'unit: 4', 'unit: 4, password: x', '10: buses.0.meters.2.password: only DLMS meters have'],
    ['Modbus TCP', 'rtuOverTcp', 'tcp', '8: buses.0.meters.0.profile: DL/T 645 is spoken on a serial line'],
  ])('%s', (_, found, replacement, message) => {
    const checked = read(OWN.replace(found, replacement));
    expect(checked.ok ? [] : checked.errors[0]).toContain(`${file}:${message}`);
  });
});

test('several buses stand behind one Modbus TCP gateway, told apart by unit', () => {
  const second =
    '  - id: bus-9\n    tcp: 127.0.0.1:5020\n    meters: [ { meter: E-9, profile: acrel-dtsd1352, unit: 9 } ]\n';
  expect(read(GOOD.replace('pushMeters', `${second}pushMeters`)).ok).toBe(true);
});

test('the password of the environment goes before that of the file', () => {
  const checked = read(GOOD, { METERLINE_UPLINK_PASSWORD: 'from outside' });
  expect(checked.ok && checked.config.password).toBe('from outside');
});

describe('refused, naming file, line and key', () => {
  test.each<[string, string | RegExp, string, string]>([
    ['an unknown key', 'dataDir: ./data', 'dataDir: ./data\npoll: 0', '3: poll: unknown key'],
    [
      'an interval of 0',
      'dataDir: ./data',
      'dataDir: ./data\npollIntervalSeconds: 0',
      '3: pollIntervalSeconds: ',
    ],
    [
      'no time zone',
      'dataDir: ./data',
      'dataDir: ./data\ntimeZone: Mars/Olympus',
      '3: timeZone: not a time zone',
    ],
    ['two meters with one unit id', 'unit: 4', 'unit: 3', '12: buses.0.meters.1.unit: "3" is listed twice'],
    ['a meter that is listed twice', 'E-3', 'E-1', '15: buses.1.meters.0.meter: "E-1" is listed twice'],
    ['a bus that is listed twice', 'id: bus-2', 'id: bus-1', '13: buses.1.id: "bus-1" is listed twice'],
    ['a bus without a link', /\n {4}tcp.*/, '', '8: buses.0: a bus has one of tcp, rtuOverTcp and serial'],
    [
      'a bus with two links',
      'serial:',
      'tcp: h:1\n    serial:',
      '13: buses.1: a bus has one of tcp, rtuOverTcp and serial',
    ],
    [
      'the baud rate of a line of Modbus TCP',
      /( {4}tcp.*)/,
      '$1\n    baudRate: 9600',
      '10: buses.0.baudRate: is for a bus with rtuOverTcp: a serial port has its own, Modbus TCP none',
    ],
    [
      'an unknown profile',
      'eastron-sdm630',
      'sdm',
      '15: buses.1.meters.0.profile: "sdm" is no profile of a meter that is asked',
    ],
    [
      'a pushed meter on a bus',
      'eastron-sdm630',
      'json-water-push',
      '15: buses.1.meters.0.profile: "json-water-push" is no profile of a meter that is asked',
    ],
    ['a unit id of 248', 'unit: 4', 'unit: 248', '12: buses.0.meters.1.unit: '],
    ['a port of 70000', ':5020', ':70000', '9: buses.0.tcp: not a port'],
    ['a wildcard topic', 'meters/W-1/up', 'meters/+/up', '16: pushMeters.0.topic: not a topic name'],
    ['push meters without a broker', /\npushBroker.*/, '', '15: pushMeters: push meters need a pushBroker'],
    [
      'another address of the broker in the clear',
      'broker: mqtt://127.0.0.1:1883',
      'broker: mqtt://127.0.0.1:1883\nalternativeBrokers: [mqtt://192.0.2.7:1883]',
      '4: alternativeBrokers: "mqtt://192.0.2.7:1883" is another machine',
    ],
    [
      'another address of the broker by another scheme',
      'broker: mqtt://127.0.0.1:1883',
      'broker: mqtt://127.0.0.1:1883\nalternativeBrokers: [mqtts://127.0.0.1:8883]',
      '4: alternativeBrokers: "mqtts://127.0.0.1:8883" is not reached by mqtt://, as the broker is',
    ],
    ['a broker that is no MQTT', 'mqtt://', 'http://', '3: broker: not an mqtt:// or mqtts:// address'],
    ['a duplicate key', 'username: gw-a', 'gateway: gw-b', '4: (document): Map keys must be unique'],
    ['a truncated file', /bus-2[\s\S]*/, '"bus', '13: (document): '],
  ])('%s', (_, found, replacement, message) => {
    const text = GOOD.replace(found, replacement);
    expect(text).not.toBe(GOOD);
    const checked = read(text);
    expect(checked.ok ? [] : checked.errors[0]).toContain(`${file}:${message}`);
  });

  test.each([
    ['serial port', 'serial: { path: /dev/ttyS0, baudRate: 2400 }', '13: buses.1.serial: "/dev/ttyS0" is'],
    ['transparent converter', 'rtuOverTcp: 10.0.0.9:4001', '13: buses.1.rtuOverTcp: "10.0.0.9:4001" is'],
  ])('two buses at one %s', (_, link, message) => {
    const second = `  - id: bus-2\n    ${link}\n    meters: [ { meter: E-9, profile: acrel-dtsd1352, unit: 9 } ]\n`;
    const checked = read(OWN.replace('rtuOverTcp: 10.0.0.9:4001', link) + second);
    expect(checked.ok ? [] : checked.errors).toEqual([
      `${file}:${message} the line of bus "bus-1" already: list the meters of one line on one bus`,
    ]);
  });

  test('a secret in the address of the broker, without telling it', () => {
    const checked = read(GOOD.replace('mqtt://127.0.0.1', 'mqtt://u:hush@192.0.2.7'));
    const errors = checked.ok ? [] : checked.errors;
    expect(errors).toEqual([expect.stringContaining(`${file}:3: broker: holds a user name or a password`)]);
    expect(errors.join()).not.toContain('hush');
  });

  test('a file that is not UTF-8', () => {
    writeFileSync(file, Buffer.from(GOOD.replace('gw-a\npassword', 'gw-\u00e4\npassword'), 'latin1'));
    const checked = readConfig(file, profiles, {});
    expect(checked.ok ? [] : checked.errors).toEqual([`${file}:4: (document): not UTF-8: save it as UTF-8`]);
  });

  test('a key of the gateway that others may read', () => {
    mkdirSync(join(folder, 'data'));
    const key = join(folder, 'data/gateway-key.pem');
    writeFileSync(key, '');
    chmodSync(key, 0o644);
    const checked = read(GOOD);
    rmSync(join(folder, 'data'), { recursive: true });
    expect(checked.ok ? [] : checked.errors).toEqual([
      `${file}:2: dataDir: ${key} may be read by others: run \`chmod 600 ${key}\``,
    ]);
  });

  test('a file that is not there', () => {
    const checked = readConfig(join(folder, 'none.yaml'), profiles, {});
    expect(checked.ok ? [] : checked.errors[0]).toContain('ENOENT');
  });
});

test('a password that is empty is none', () => {
  expect(edgePassword({ METERLINE_EDGE_PASSWORD: '' })).toBeUndefined();
  expect(edgePassword({ METERLINE_EDGE_PASSWORD: 'a-long-password' })).toBe('a-long-password');
});
