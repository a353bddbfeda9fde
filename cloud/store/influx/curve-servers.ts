/** Real curve stores for the exporter's tests: started in a directory of their own, killed, and started again on their data. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { GenericContainer, getContainerRuntimeClient } from 'testcontainers';
import type { InfluxTarget } from './export-readings.ts';

export interface CurveServer {
  url: string;
  /** SIGKILL, and gone. */
  kill(): Promise<void>;
  restart(): Promise<void>;
  /** Kills it and removes its data. */
  remove(): Promise<void>;
}

/** A server that is set up to be written to and read back. */
export interface CurvePeer extends CurveServer {
  target: InfluxTarget;
  /** Every exported value as `meter milliseconds decimal`, sorted. */
  rows(): Promise<string[]>;
}

async function request(url: string, init: RequestInit = {}): Promise<string> {
  const answer = await fetch(url, init);
  const text = await answer.text();
  if (!answer.ok) throw new Error(`${answer.status} ${text}`);
  return text;
}

/** By InfluxQL; the exact text, after checking that the float beside it is the same number. */
async function influxRows(url: string, headers: Record<string, string> = {}): Promise<string[]> {
  const query = 'SELECT "meter", "exact", "value" FROM "reading"';
  const text = await request(`${url}/query?db=meterline&epoch=ms&q=${encodeURIComponent(query)}`, {
    headers,
  });
  const answer = JSON.parse(text) as {
    results: { series?: { values: [number, string, string, number][] }[]; error?: string }[];
  };
  const [result] = answer.results;
  if (result?.error !== undefined) throw new Error(result.error);
  const values = result?.series?.[0]?.values ?? [];
  return values
    .map(([ms, meter, exact, value]) => {
      if (Number(exact) !== value) throw new Error(`${meter}: ${exact} is beside ${value}`);
      return `${meter} ${ms} ${exact}`;
    })
    .sort();
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
}

/** @param check throws when waiting has become pointless */
async function untilReady(url: string, check: () => void = () => {}): Promise<void> {
  for (;;) {
    check();
    const answer = await fetch(url).catch(() => null);
    await answer?.arrayBuffer();
    if (answer?.ok === true) return;
    await delay(50);
  }
}

async function serve(options: {
  program: string;
  /** Path that answers 2xx when the server is ready. */
  ready: string;
  args(directory: string, port: number): string[];
}): Promise<CurveServer> {
  const directory = mkdtempSync(join(tmpdir(), 'meterline-curves-'));
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const args = options.args(directory, port);
  let child: ChildProcess | null = null;

  const restart = async (): Promise<void> => {
    const started = spawn(options.program, args, { stdio: 'ignore', cwd: directory });
    child = started;
    await untilReady(url + options.ready, () => {
      if (started.exitCode !== null) throw new Error(`${options.program} ended with ${started.exitCode}`);
    });
  };
  const kill = async (): Promise<void> => {
    if (child === null || child.exitCode !== null || child.signalCode !== null) return;
    const exited = once(child, 'exit');
    child.kill('SIGKILL');
    await exited;
  };
  await restart();
  return {
    url,
    kill,
    restart,
    async remove() {
      await kill();
      rmSync(directory, { recursive: true });
    },
  };
}

/** InfluxDB 1.6: acknowledges after the fsync of its log. */
export async function startInfluxd(): Promise<CurvePeer> {
  const server = await serve({
    program: '/usr/bin/influxd',
    ready: '/ping',
    args(directory, port) {
      const config = join(directory, 'influxdb.conf');
      writeFileSync(
        config,
        `reporting-disabled = true
bind-address = "127.0.0.1:0"
[meta]
  dir = "${directory}/meta"
[data]
  dir = "${directory}/data"
  wal-dir = "${directory}/wal"
[monitor]
  store-enabled = false
[http]
  bind-address = "127.0.0.1:${port}"
`,
      );
      return ['-config', config];
    },
  });
  await request(`${server.url}/query?q=CREATE%20DATABASE%20meterline`, { method: 'POST' });
  const path = '/write?db=meterline&precision=ms';
  return {
    ...server,
    target: { url: server.url, path, org: '', bucket: 'meterline', token: '' },
    rows: () => influxRows(server.url),
  };
}

/** VictoriaMetrics: acknowledges from memory, so that kill -9 takes what it acknowledged in the last seconds. */
export async function startVictoriaMetrics(): Promise<CurvePeer> {
  const server = await serve({
    program: '/usr/bin/victoria-metrics',
    ready: '/health',
    args: (directory, port) => [
      `-storageDataPath=${directory}/data`,
      `-httpListenAddr=127.0.0.1:${port}`,
      '-retentionPeriod=100y',
      '-memory.allowedBytes=200MB',
    ],
  });
  return {
    ...server,
    target: { url: server.url, org: 'meterline', bucket: 'meterline', token: '' },
    async rows() {
      await request(`${server.url}/internal/force_flush`);
      const text = await request(`${server.url}/api/v1/export?match[]=reading_value`);
      const series = text.split('\n').filter((line) => line !== '');
      return series
        .flatMap((line) => {
          const { metric, values, timestamps } = JSON.parse(line) as {
            metric: { meter: string };
            values: number[];
            timestamps: number[];
          };
          return values.map((value, i) => `${metric.meter} ${timestamps[i]} ${value}`);
        })
        .sort();
    },
  };
}

/** Null where a Docker engine answers, else why not. */
export const missingDocker = (): Promise<string | null> =>
  getContainerRuntimeClient().then(
    () => null,
    (error: Error) => `no Docker engine: ${error.message}`,
  );

/** InfluxDB 2 in a container; on a fixed port, so that it is the same address after a restart. */
export async function startInfluxDb2(): Promise<CurvePeer> {
  const port = await freePort();
  const token = 'token-of-this-test-only';
  const started = await new GenericContainer('influxdb:2.7')
    .withExposedPorts({ container: 8086, host: port })
    .withEnvironment({
      DOCKER_INFLUXDB_INIT_MODE: 'setup',
      DOCKER_INFLUXDB_INIT_USERNAME: 'meterline',
      DOCKER_INFLUXDB_INIT_PASSWORD: 'password-of-this-test-only',
      DOCKER_INFLUXDB_INIT_ORG: 'meterline',
      DOCKER_INFLUXDB_INIT_BUCKET: 'meterline',
      DOCKER_INFLUXDB_INIT_ADMIN_TOKEN: token,
    })
    .start();
  const { container } = await getContainerRuntimeClient();
  const handle = container.getById(started.getId());
  const url = `http://${started.getHost()}:${port}`;
  const ready = () => untilReady(`${url}/health`);
  await ready();
  return {
    url,
    async kill() {
      await handle.kill();
      await handle.wait();
    },
    async restart() {
      await handle.start();
      await ready();
    },
    async remove() {
      await started.stop();
    },
    target: { url, org: 'meterline', bucket: 'meterline', token },
    rows: () => influxRows(url, { authorization: `Token ${token}` }),
  };
}
