import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { startTestServer, type TestServer } from '../http/test-server.ts';
import { run } from './detect-register.ts';

let folder: string;
let server: TestServer;
let said: string[];
const config = (): string => join(folder, 'edge.yaml');

function writeConfig(http: string): void {
  writeFileSync(
    config(),
    `gateway: gw-a
dataDir: ./data
broker: mqtt://127.0.0.1:1883
${http}
buses:
  - id: floor-1
    tcp: 127.0.0.1:${server.meters.port}
    meters:
      - { meter: E-3, profile: acrel-dtsd1352, unit: 3 }
      - { meter: E-9, profile: acrel-dtsd1352, unit: 9 }
`,
  );
}

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'meterline-sign-'));
  said = [];
  for (const way of ['log', 'error'] as const)
    vi.spyOn(console, way).mockImplementation((text: string) => void said.push(text));
  server = await startTestServer();
  await server.api.listen({ host: '127.0.0.1', port: 0 });
  writeConfig(`http: { port: ${(server.api.server.address() as AddressInfo).port} }`);
});
afterEach(() => {
  vi.restoreAllMocks();
  rmSync(folder, { recursive: true });
});

const sign = (...more: string[]): Promise<number> =>
  run(['--sign', '--config', config(), '--meter', 'E-3', '--who', '王工', '--face', '123456.78', ...more]);

test('the running gateway compares the billed register with the face, and keeps the evidence', async () => {
  const photo = join(folder, 'face.jpg');
  writeFileSync(photo, Buffer.from('ffd8ffe000104a46494600', 'hex'));
  expect(await sign('--photo', photo, '--at', '30.9012,121.9334')).toBe(0);
  expect(said.join('\n')).toContain('123456.78');
  expect(server.evidence).toEqual([
    expect.objectContaining({
      meter: 'E-3',
      profile: 'acrel-dtsd1352',
      register: '1-0:1.8.0',
      face: '123456.78',
      by: '王工',
      place: { latitude: '30.9012', longitude: '121.9334' },
      decoding: {
        functionCode: 3,
        address: 10,
        raw: '00bc614e',
        type: 'u32',
        order: 'ABCD',
        scale: '0.01',
        transformed: null,
      },
    }),
  ]);
  expect(server.evidence[0]?.photo).toEqual(Buffer.from('ffd8ffe000104a46494600', 'hex'));
});

test('a ratio is told with what it was applied to', async () => {
  expect(await sign('--face', '4938271.2', '--ct', '40')).toBe(0);
  expect(said.join('\n')).toContain('multiplied by the ratio 40 that --ct tells');
});

describe('nothing is kept', () => {
  test.each<[string, string[], number, RegExp]>([
    ['when the register is not the face', ['--face', '99999.99'], 1, /does not give 99999.99/],
    ['when the meter is silent', ['--meter', 'E-9'], 1, /power|address|reply/],
    ['of a meter that the gateway does not have', ['--meter', 'E-8'], 2, /no meter "E-8"/],
    ['when nobody is named', ['--who', ' '], 2, /--who/],
    ['at a place that is none', ['--at', 'the cellar'], 2, /--at/],
    ['with a photo that is not there', ['--photo', '/nonexistent.jpg'], 2, /cannot be read/],
  ])('%s', async (_, more, code, words) => {
    expect(await sign(...more)).toBe(code);
    expect(said.join('\n')).toMatch(words);
    expect(server.evidence).toEqual([]);
  });

  test('when the gateway has no API, or does not run: the next step is told', async () => {
    writeConfig('');
    expect(await sign()).toBe(2);
    expect(said.join('\n')).toContain('add "http:');
    writeConfig('http: { port: 9 }');
    expect(await sign()).toBe(3);
    expect(said.join('\n')).toContain('is `meterline edge` running?');
  });
});
