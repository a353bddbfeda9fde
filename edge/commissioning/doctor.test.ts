import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { type EdgeConfig, readConfig } from '../config.ts';
import { nothingRead } from '../drivers/meter-driver.ts';
import { LineFault } from '../line/line.ts';
import { openOutbox } from '../outbox.ts';
import { loadProfiles } from '../profiles.ts';
import { type MeterImage, serveMeters } from '../test-meters.ts';
import { examineEdge, examineSerial, gatewayRuns, tellRead } from './doctor.ts';

const loaded = loadProfiles();
if (!loaded.ok) throw new Error(loaded.errors.join('\n'));
const { profiles } = loaded;
const cleanup: (() => unknown)[] = [];
afterEach(async () => {
  for (const step of cleanup.splice(0).reverse()) await step();
});
function folder(): string {
  const path = mkdtempSync(join(tmpdir(), 'doctor-'));
  cleanup.push(() => rmSync(path, { recursive: true }));
  return path;
}

/** A configuration of one bus with meters of one model. */
function configOf(link: string, units: number[]): EdgeConfig {
  const file = join(folder(), 'edge.yaml');
  const meters = units
    .map((unit) => `{ meter: M-${unit}, profile: acrel-dtsd1352, unit: ${unit} }`)
    .join(', ');
  writeFileSync(
    file,
    `gateway: g\ndataDir: d\nbroker: mqtt://127.0.0.1:1\nbuses: [ { id: b, ${link}, timeoutMilliseconds: 60, meters: [ ${meters} ] } ]\n`,
  );
  const checked = readConfig(file, profiles, {});
  if (!checked.ok) throw new Error(checked.errors.join('\n'));
  return checked.config;
}
const examine = (link: string, units: number[], running = false) =>
  examineEdge(configOf(link, units), profiles, { nowMs: () => 0, running });

const good: MeterImage = { 3: { 10: '00bc614e' } };
async function meters(images: Record<number, MeterImage>): Promise<string> {
  const server = await serveMeters(images);
  cleanup.push(() => server.close());
  return `tcp: "127.0.0.1:${server.port}"`;
}
/** A device that does with each request what it is told to. */
async function device(answer: (request: Buffer) => Buffer | null): Promise<string> {
  const server: Server = createServer((socket) => {
    socket.on('error', () => undefined);
    socket.on('data', (request: Buffer) => {
      const reply = answer(request);
      if (reply === null) socket.destroy();
      else socket.write(reply);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  cleanup.push(() => server.close());
  const address = server.address();
  return `127.0.0.1:${typeof address === 'object' ? address?.port : 0}`;
}

describe('a bus whose meters all answer takes one line; each fault is told with the next thing to try', () => {
  test('all well', async () => {
    expect(await examine(await meters({ 1: good, 2: good }), [1, 2])).toEqual([
      expect.objectContaining({ state: 'ok', detail: 'answers, 2 of 2 meters as their models say' }),
    ]);
  });
  test('one silent, one that lacks the register, one that holds no value', async () => {
    const findings = await examine(
      await meters({ 1: good, 3: { 3: { 9: '0000' } }, 4: { 3: { 10: 'ffffffff' } } }),
      [1, 2, 3, 4],
    );
    expect(findings.map(({ state, detail }) => [state, detail])).toEqual([
      ['ok', 'answers, 1 of 4 meters as their models say'],
      ['wrong', 'no reply'],
      ['wrong', 'the meter refuses (exception 2: no such register)'],
      ['wrong', '1-0:1.8.0 holds no value (not_available: ffffffff)'],
    ]);
    expect(findings.slice(1).every(({ next }) => next !== undefined)).toBe(true);
  });
  test('nothing listens', async () => {
    const server = await serveMeters({});
    await server.close();
    expect(await examine(`tcp: "127.0.0.1:${server.port}"`, [1, 2])).toEqual([
      expect.objectContaining({ state: 'wrong', detail: 'connection refused: nothing listens there' }),
    ]);
  });
  test('nobody answers', async () => {
    const [bus] = await examine(await meters({}), [1]);
    expect(bus).toMatchObject({ state: 'wrong', detail: 'opens, but none of 1 meters answers' });
  });
  test('a serial device that is not there is not tried', async () => {
    expect(await examine('serial: { path: /dev/nonexistent }', [1])).toEqual([
      expect.objectContaining({ check: 'serial /dev/nonexistent', state: 'wrong' }),
    ]);
  });
  test('a bus for one master alone is left to the gateway at work', async () => {
    const server = await serveMeters({ 1: good }, 'rtu-over-tcp');
    cleanup.push(() => server.close());
    expect(await examine(`rtuOverTcp: "127.0.0.1:${server.port}"`, [1], true)).toEqual([
      expect.objectContaining({ state: 'not_tried', next: expect.stringContaining('ask the gateway') }),
    ]);
    expect(server.requests).toEqual([]);
  });
  test('a damaged reply', async () => {
    const link = `rtuOverTcp: "${await device(() => Buffer.from('010304000012340000', 'hex'))}"`;
    expect((await examine(link, [1]))[1]?.detail).toBe('the reply is damaged (CRC or frame)');
  });
  test('a connection that is closed on the request', async () => {
    expect((await examine(`tcp: "${await device(() => null)}"`, [1]))[1]?.detail).toBe(
      'the connection was closed on the request',
    );
  });
  test.each([1, 4, 11])('exception %i has its own next thing', (exception) => {
    expect(tellRead({ ...nothingRead(), exception })).toMatchObject({
      state: 'wrong',
      next: expect.any(String),
    });
  });
  test('the reply of another meter', () => {
    expect(tellRead({ ...nothingRead(), fault: new LineFault('wrong_unit', '') }).next).toContain(
      'second master',
    );
  });
});

describe('serial devices', () => {
  test('one that is not there', () => {
    expect(examineSerial('/dev/nonexistent')).toMatchObject({
      state: 'wrong',
      detail: expect.stringContaining('is not there'),
    });
  });
  test('a file', () => {
    expect(examineSerial(import.meta.filename)).toMatchObject({ state: 'wrong', detail: 'is no device' });
  });
  test('a character device that may be used', () => {
    expect(examineSerial('/dev/null')).toMatchObject({ state: 'ok' });
  });
});

test('a gateway at work is known by its outbox', () => {
  const held = join(folder(), 'outbox');
  expect(gatewayRuns(held)).toBe(false);
  const outbox = openOutbox({ folder: held, gateway: 'g', maxBytes: 1 << 20 });
  expect(gatewayRuns(held)).toBe(true);
  outbox.close();
  expect(gatewayRuns(held)).toBe(false);
});
