import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { readConfig } from '../config.ts';

let folder: string;
let file: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'meterline-uplink-tls-'));
  file = join(folder, 'edge.yaml');
  for (const name of ['ca.pem', 'gateway.pem']) writeFileSync(join(folder, name), 'pem', { mode: 0o600 });
});
afterEach(() => rmSync(folder, { recursive: true }));

const read = (...lines: string[]) => {
  writeFileSync(file, ['gateway: gw-a', 'dataDir: ./data', ...lines].join('\n'));
  return readConfig(file, new Map(), {});
};
const errorsOf = (...lines: string[]): string[] => {
  const checked = read(...lines);
  return checked.ok ? [] : checked.errors;
};

describe('an uplink in the clear', () => {
  test.each(['mqtt://127.0.0.1', 'mqtt://localhost:1883', 'mqtt://[::1]:1883', 'mqtts://cloud.example'])(
    '%s is good as it is',
    (broker) => expect(errorsOf(`broker: ${broker}`)).toEqual([]),
  );
  test.each(['mqtt://10.0.0.5:1883', 'mqtt://cloud.example', 'mqtt://127.0.0.1.example', 'mqtt://[::2]'])(
    '%s is refused, unless it is allowed by name',
    (broker) => {
      expect(errorsOf(`broker: ${broker}`)).toEqual([
        expect.stringMatching(/edge\.yaml:3: broker: .*in the clear.*`insecure: true`$/),
      ]);
      expect(errorsOf(`broker: ${broker}`, 'insecure: true')).toEqual([]);
    },
  );
});

describe('the certificate of the uplink', () => {
  const tls = (more = '') => `tls: { ca: ca.pem, cert: gateway.pem, key: gateway.pem${more} }`;

  test('its paths are those from the folder of the file', () => {
    const checked = read('broker: mqtts://cloud.example', tls(', renewal: "https://cloud.example"'));
    expect(checked).toMatchObject({
      ok: true,
      config: {
        tls: {
          ca: join(folder, 'ca.pem'),
          cert: join(folder, 'gateway.pem'),
          key: join(folder, 'gateway.pem'),
        },
      },
    });
  });

  test('a key that others may read is refused, by file, line and key, with the next step', () => {
    const key = join(folder, 'gateway.pem');
    for (const mode of [0o644, 0o640, 0o604]) {
      chmodSync(key, mode);
      expect(errorsOf('broker: mqtts://cloud.example', tls())).toEqual([
        `${file}:4: tls.key: ${key} may be read by others: run \`chmod 600 ${key}\``,
      ]);
    }
  });

  test('a file that is not there is named', () => {
    rmSync(join(folder, 'ca.pem'));
    expect(errorsOf('broker: mqtts://cloud.example', tls())[0]).toMatch(/:4: tls\.ca: .*ca\.pem/);
  });

  test('goes with mqtts:// only', () => {
    expect(errorsOf('broker: mqtt://127.0.0.1', tls())).toEqual([
      `${file}:4: tls: goes with an mqtts:// broker only`,
    ]);
  });
});
