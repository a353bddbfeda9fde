import { mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pino from 'pino';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { startBroker } from '../cloud/broker.ts';
import { run } from '../doctor.ts';
import { examineClock, examineDataDir, examineNode } from '../doctor-machine.ts';
import { examineBroker, examinePort, holderOf } from '../doctor-network.ts';

let folder: string;
let out: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'doctor-'));
  out = '';
  vi.spyOn(process.stdout, 'write').mockImplementation((text) => {
    out += text;
    return true;
  });
  vi.spyOn(process.stderr, 'write').mockImplementation(() => true);
});
afterEach(() => {
  vi.restoreAllMocks();
  rmSync(folder, { recursive: true });
});

describe('the machine', () => {
  test.each([
    ['26.10.0', 'ok'],
    ['27.0.0', 'ok'],
    ['20.19.2', 'wrong'],
  ])('Node %s is %s', (version, state) => {
    expect(examineNode(version)).toMatchObject({ state });
  });
  test('a data folder that is there, one that will be made, and one that nobody can make', () => {
    expect(examineDataDir(folder).state).not.toBe('wrong');
    expect(examineDataDir(join(folder, 'a/b')).detail).toContain('(will be made)');
    expect(examineDataDir('/proc/meterline')).toMatchObject({ state: 'wrong', next: expect.any(String) });
  });
  test('a clock that stands before the newest file is wrong', () => {
    expect(examineClock(folder, Date.now()).state).toBe('ok');
    const file = join(folder, 'outbox');
    writeFileSync(file, '');
    utimesSync(file, new Date(), new Date(Date.now() + 3_600_000));
    expect(examineClock(folder, Date.now())).toMatchObject({
      state: 'wrong',
      next: expect.stringContaining('NTP'),
    });
  });
});

describe('ports', () => {
  test('free, then held by somebody else, who is named', async () => {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    const wanted = { purpose: 'pages', host: '127.0.0.1', port };
    const held = await examinePort(wanted);
    expect(held).toMatchObject({ state: 'wrong', detail: expect.stringContaining('held by') });
    if (process.platform === 'linux') expect(holderOf(port)?.pid).toBe(String(process.pid));
    await new Promise((resolve) => server.close(resolve));
    expect(await examinePort(wanted)).toMatchObject({ state: 'ok' });
  });
  test('an address of another machine', async () => {
    expect(await examinePort({ purpose: 'pages', host: '192.0.2.1', port: 8080 })).toMatchObject({
      state: 'wrong',
    });
  });
});

describe('brokers', () => {
  test('accepts, refuses the password, is not there', async () => {
    const gateways = [{ gateway: 'gw-a', password: 'a long enough one' }];
    const broker = await startBroker({
      host: '127.0.0.1',
      port: 0,
      gateways,
      log: pino({ level: 'silent' }),
    });
    const { url } = broker;
    const wanted = { url, username: 'gw-a', clientId: 'gw-a' };
    expect(await examineBroker({ ...wanted, password: 'a long enough one' })).toMatchObject({ state: 'ok' });
    expect(await examineBroker({ ...wanted, password: 'another' })).toMatchObject({
      state: 'wrong',
      detail: 'refuses these credentials',
    });
    await broker.close();
    expect(await examineBroker({ ...wanted, password: 'any' })).toMatchObject({
      state: 'wrong',
      detail: 'connection refused: nothing listens there',
    });
  });
});

describe('meterline doctor', () => {
  const edge = (broker: string): string => {
    const file = join(folder, 'edge.yaml');
    writeFileSync(
      file,
      `gateway: gw-a\ndataDir: ./data\nbroker: ${broker}\nusername: gw-a\npassword: a long enough one\n`,
    );
    return file;
  };
  test('an installation without a fault is exit 0', async () => {
    const gateways = [{ gateway: 'gw-a', password: 'a long enough one' }];
    const broker = await startBroker({
      host: '127.0.0.1',
      port: 0,
      gateways,
      log: pino({ level: 'silent' }),
    });
    const file = edge(broker.url);
    expect(await run(['--config', file, '--json'])).toBe(0);
    await broker.close();
    const report = JSON.parse(out);
    expect(report.ok).toBe(true);
    expect(report.findings.map(({ check }: { check: string }) => check.replace(/:\d+$/, ''))).toEqual([
      'Node',
      'configuration',
      'data folder',
      'clock',
      'broker 127.0.0.1',
    ]);
  });
  test('one with a fault is exit 1, with the next thing to try', async () => {
    expect(await run(['--config', edge('mqtt://127.0.0.1:9')])).toBe(1);
    expect(out).toMatch(/WRONG {4}broker 127\.0\.0\.1:9: connection refused.*\n {11}-> start the cloud/);
    expect(out).toContain('1 wrong');
  });
  test('the file of `up` stands for those that it names', async () => {
    edge('mqtt://127.0.0.1:9');
    const up = join(folder, 'up.yaml');
    writeFileSync(up, 'cloud: cloud.yaml\nedges: [edge.yaml]\n');
    writeFileSync(join(folder, 'cloud.yaml'), 'park: park.yaml\n');
    expect(await run(['--config', up, '--json'])).toBe(1);
    const wrong = JSON.parse(out).findings.filter(({ state }: { state: string }) => state === 'wrong');
    expect(wrong.map(({ about, check }: { about: string; check: string }) => [about, check])).toEqual([
      [join(folder, 'cloud.yaml'), 'configuration'],
      [join(folder, 'edge.yaml'), 'broker 127.0.0.1:9'],
    ]);
  });
  test('no such file, or no such option, is exit 2', async () => {
    expect(await run(['--config', '/nonexistent/edge.yaml'])).toBe(2);
    expect(await run(['--heal'])).toBe(2);
  });
});
