import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import mqtt from 'mqtt';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { UplinkItem } from '../../protocols/uplink.ts';
import { openOutbox } from '../outbox.ts';

const meterline = join(import.meta.dirname, '../../meterline.ts');

let folder: string;
let config: string;
let children: ChildProcess[];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'meterline-edge-'));
  config = join(folder, 'edge.yaml');
  children = [];
});
afterEach(async () => {
  for (const child of children)
    if (child.exitCode === null && child.signalCode === null) {
      child.kill('SIGKILL');
      await once(child, 'exit');
    }
  rmSync(folder, { recursive: true });
});

/** Nothing listens on the uplink's port: the gateway must run all the same. */
const write = (more = '', pushPort = 0): void =>
  writeFileSync(
    config,
    `gateway: gw-a
dataDir: ./data
broker: mqtt://127.0.0.1:9
pushBroker: { host: 127.0.0.1, port: ${pushPort} }
pushMeters: [ { meter: W-1, profile: json-water-push, topic: meters/W-1/up } ]
${more}`,
  );

function start(...args: string[]) {
  const child = fork(meterline, ['edge', ...args], { stdio: ['ignore', 'ignore', 'pipe', 'ipc'] });
  children.push(child);
  let text = '';
  child.stderr?.on('data', (chunk) => {
    text += chunk;
  });
  const line = async (message: string): Promise<Record<string, unknown>> => {
    for (;;) {
      const found = text.split('\n').find((l) => l.includes(`"msg":"${message}"`));
      if (found !== undefined) return JSON.parse(found);
      if (child.exitCode !== null) throw new Error(text);
      await Promise.race([once(child.stderr ?? child, 'data'), once(child, 'exit')]);
    }
  };
  const code = once(child, 'close').then(([exitCode]) => exitCode as number);
  return { child, line, code, text: () => text };
}

async function push(port: unknown, minute: number): Promise<void> {
  const client = mqtt.connect(`mqtt://127.0.0.1:${port}`);
  const payload = JSON.stringify({ ts: `2026-01-01T00:${minute}:00Z`, total_m3: `${minute}.5` });
  await client.publishAsync('meters/W-1/up', payload, { qos: 1 });
  await client.endAsync(true);
}

const stored = (): unknown[] => {
  const outbox = openOutbox({ folder: join(folder, 'data/outbox'), gateway: 'gw-a', maxBytes: 1 << 20 });
  const items = outbox.after(0, 100).map(({ json }) => UplinkItem.parse(JSON.parse(json)));
  outbox.close();
  return items.map((item) =>
    item.kind === 'gap' ? item.reason : item.kind === 'reading' ? item.value : item.kind,
  );
};

test.each<[string, string[], number]>([
  ['no configuration', [], 2],
  ['an unknown option', ['--frobnicate'], 2],
  ['a configuration that is not there', ['--config', '/nonexistent/edge.yaml'], 2],
  ['help', ['--help'], 0],
])('%s: told, with its exit code', async (_, args, code) => {
  expect(await start(...args).code).toBe(code);
});

test('--check-config says what is wrong and does not start', async () => {
  write();
  expect(await start('--config', config, '--check-config').code).toBe(0);
  write('poll: 0\n');
  const refused = start('--config', config, '--check-config');
  expect(await refused.code).toBe(2);
  expect(refused.text()).toContain(`${config}:6: poll: unknown key`);
});

test('SIGTERM stops it in order, and what it acknowledged is on the disk', async () => {
  write();
  const gateway = start('--config', config);
  await push((await gateway.line('gateway up')).pushPort, 15);
  gateway.child.kill('SIGTERM');
  expect(await gateway.code).toBe(0);
  expect(stored()).toEqual(['15.5']);
});

test('after kill -9 it goes on with what it acknowledged', async () => {
  write();
  for (const minute of [15, 30]) {
    const gateway = start('--config', config);
    await push((await gateway.line('gateway up')).pushPort, minute);
    gateway.child.kill('SIGKILL');
    await gateway.code;
  }
  expect(stored()).toEqual(['15.5', '30.5']);
});

test('a second process on the same data is an operating fault', async () => {
  write();
  const first = start('--config', config);
  await first.line('gateway up');
  const second = start('--config', config);
  expect(await second.code).toBe(3);
  expect(second.text()).toContain('another process holds the outbox');
});

test.each([
  ['http', (port: number) => write(`http: { port: ${port} }\n`)],
  ['pushBroker', (port: number) => write('', port)],
])('a port that is taken: it stops what it began, and names %s.port', async (key, writeWith) => {
  const other = createServer().listen(0, '127.0.0.1');
  await once(other, 'listening');
  const { port } = other.address() as AddressInfo;
  writeWith(port);
  const gateway = start('--config', config);
  expect(await gateway.code).toBe(3);
  expect(gateway.text()).toContain(
    `the gateway cannot run: ${config}: ${key}.port: 127.0.0.1:${port}: another program listens there`,
  );
  other.close();
});

test('driven time: it waits for its parent’s clock and tells when it has nothing to do', async () => {
  write('clock: driven\n');
  const gateway = start('--config', config);
  const waiting = once(gateway.child, 'message');
  gateway.child.send({ type: 'clock', now: '2026-09-01T00:00:00Z' });
  expect((await waiting)[0]).toEqual({ type: 'waiting', until: '2026-09-01T00:15:00Z' });
  const exit = once(gateway.child, 'exit');
  gateway.child.disconnect();
  expect((await exit)[0]).toBe(0);
});
