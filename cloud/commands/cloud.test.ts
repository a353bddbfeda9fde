import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { samplePark } from '../billing/sample-park.ts';
import { run } from './cloud.ts';

let dir: string;
let config: string;
let park: string;
let err: string[];
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'meterline-cloud-'));
  config = join(dir, 'cloud.yaml');
  park = join(dir, 'park.yaml');
  err = [];
  vi.spyOn(console, 'error').mockImplementation((line: string) => void err.push(line));
  writeFileSync(
    config,
    `dataDir: data
park: park.yaml
http: { host: 127.0.0.1, port: 0 }
broker:
  embedded: { host: 127.0.0.1, port: 0 }
  gateways: [{ gateway: gw-a, password: a-long-password }]
`,
  );
});
afterEach(() => {
  vi.restoreAllMocks();
  rmSync(dir, { recursive: true });
});

test('--check-config takes a park that is right', async () => {
  writeFileSync(park, JSON.stringify(samplePark));
  expect([await run(['--config', config, '--check-config']), err]).toEqual([0, [`${config}: ok`]]);
});

test.each([[['--check-config']], [[]]])(
  'with %j, a park that is wrong is told, and exits 2',
  async (more) => {
    writeFileSync(park, JSON.stringify({ ...samplePark, timeZone: 'Asia/Nowhere' }));
    expect(await run(['--config', config, ...more])).toBe(2);
    expect(err).toContain(`${park}: timeZone: "Asia/Nowhere" is no IANA time zone`);
  },
);

test.each([[['--check-config']], [[]]])(
  'with %j, a park that is not there is told, and exits 2',
  async (more) => {
    expect(await run(['--config', config, ...more])).toBe(2);
    expect(err).toEqual([`park: ${park} cannot be read: ENOENT: no such file or directory`]);
  },
);

test('a park of another shape is named by its line', async () => {
  writeFileSync(park, 'id: park-1\nnonsense: 1\n');
  expect(await run(['--config', config, '--check-config'])).toBe(2);
  expect(err.join('\n')).toContain(`${park}:2: nonsense: unknown key`);
});
