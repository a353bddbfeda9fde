/** For tests: the gateway's server over real lines to test meters, without the rest of a gateway. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { InjectOptions, LightMyRequestResponse } from 'fastify';
import { afterEach } from 'vitest';
import type { NewEvidence } from '../commissioning/evidence.ts';
import type { Bus, EdgeConfig } from '../config.ts';
import type { GatewayView } from '../gateway-view.ts';
import { Line } from '../line/line.ts';
import { loadProfiles } from '../profiles.ts';
import { serveMeters, type TestMeters } from '../test-meters.ts';
import type { EdgeApi } from './context.ts';
import { buildEdgeServer, type EdgeServerOptions } from './server.ts';

export const NOW_MS = Temporal.Instant.from('2026-09-01T00:07:00Z').epochMilliseconds;
export const PASSWORD = 'correct horse battery';
const loaded = loadProfiles();
if (!loaded.ok) throw new Error(loaded.errors.join('\n'));
export const { profiles } = loaded;

const cleanups: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});
export const cleanUp = (cleanup: () => Promise<unknown>): void => void cleanups.push(cleanup);

export interface TestServer {
  api: EdgeApi;
  meters: TestMeters;
  line: Line;
  /** What was recorded. */
  evidence: NewEvidence[];
  ask(options: InjectOptions): Promise<LightMyRequestResponse>;
  post(url: string, body: unknown, headers?: Record<string, string>): Promise<LightMyRequestResponse>;
}

/**
 * Bus `floor-1` lists E-3 at unit 3 (123456.78 kWh) and E-9 at unit 9, who is silent; unit 7 answers unlisted.
 * @param shown what the gateway shows instead
 */
export async function startTestServer(
  options: Partial<EdgeServerOptions> = {},
  shown: (gateway: GatewayView) => GatewayView = (gateway) => gateway,
): Promise<TestServer> {
  const meters = await serveMeters({ 3: { 3: { 10: '00bc614e' } }, 7: { 3: { 10: '00000c38' } } });
  const bus: Bus = {
    id: 'floor-1',
    link: { kind: 'tcp', host: '127.0.0.1', port: meters.port },
    timeoutMilliseconds: 100,
    meters: [
      { meter: 'E-3', profile: 'acrel-dtsd1352', unit: 3 },
      { meter: 'E-9', profile: 'acrel-dtsd1352', unit: 9 },
    ],
  };
  const line = new Line(bus);
  const dataDir = mkdtempSync(join(tmpdir(), 'meterline-edge-http-'));
  const evidence: NewEvidence[] = [];
  const api = await buildEdgeServer({
    gateway: shown(testGateway(bus, line, dataDir, evidence)),
    profiles,
    nowMs: () => NOW_MS,
    verifyPassword: null,
    pages: null,
    importList: null,
    ...options,
  });
  cleanUp(async () => {
    await api.close();
    await line.close();
    await meters.close();
    rmSync(dataDir, { recursive: true });
  });
  return {
    api,
    meters,
    line,
    evidence,
    ask: (request) => api.inject(request),
    post: (url, body, headers = {}) =>
      api.inject({
        method: 'POST',
        url,
        headers: { 'content-type': 'application/json', ...headers },
        payload: typeof body === 'string' ? body : JSON.stringify(body),
      }),
  };
}

/** A gateway that has one bus, and no more than its server needs. */
export function testGateway(bus: Bus, line: Line, dataDir: string, evidence: NewEvidence[]): GatewayView {
  const config: EdgeConfig = {
    gateway: 'gw-a',
    dataDir,
    clock: 'system',
    reload: false,
    pollIntervalSeconds: 900,
    broker: 'mqtt://127.0.0.1:9',
    outbox: { maxBytes: 65_536, maxAgeMs: 86_400_000 },
    buses: [bus],
    pushMeters: [],
  };
  return {
    config: () => config,
    status: () => ({
      gateway: 'gw-a',
      online: true,
      at: '2026-09-01T00:07:00Z',
      version: '0.1.0',
      bufferedRows: 4,
      oldestBufferedAt: '2026-09-01T00:00:00Z',
      lastReceiptAt: '2026-09-01T00:06:00Z',
      buses: [
        {
          bus: bus.id,
          meters: 2,
          silent: ['E-9'],
          requests: 40,
          failures: 2,
          failuresByCode: { timeout: 2 },
          retries: 1,
          cycle: { milliseconds: 500, floorMilliseconds: 400, utilisation: 0.8 },
          states: [],
        },
      ],
    }),
    buffer: () => ({
      nextSequence: 5,
      acknowledgedTo: 0,
      rows: 4,
      bytes: 800,
      givenUp: 0,
      refused: 0,
      deadLetters: 0,
      oldestMs: NOW_MS - 420_000,
    }),
    bus: (id) => (id === bus.id ? { ...bus, line, countsOf: () => ({ requests: 20, failures: 1 }) } : null),
    lastAccepted: (meter) => (meter === 'E-3' ? { atMs: NOW_MS - 420_000, value: '123456.78' } : null),
    recordEvidence(given) {
      evidence.push(given);
      const { photo, ...rest } = given;
      const at = '2026-09-01T00:07:00Z';
      const kept = photo === null ? null : { sha256: 'a'.repeat(64), bytes: photo.length };
      const record = { ...rest, gateway: 'gw-a', at, value: given.face, difference: '0', photo: kept };
      return { ok: true, evidence: record, digest: 'b'.repeat(64), keyId: 'c'.repeat(16) };
    },
    uplinkFault: () => null,
    push: () => null,
  };
}
