/** docker-compose.yml without Docker: what can be read off it, and its own commands as processes of this machine. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, unlinkSync, writeFileSync } from 'node:fs';
import { createServer as createHttpServer } from 'node:http';
import { connect, createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buffer, text as streamText } from 'node:stream/consumers';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { parse } from 'yaml';
import { z } from 'zod';
import { requirePeer } from '../process/peers.ts';
import { MeterSummary, page } from '../protocols/api.ts';

const MOSQUITTO = '/usr/sbin/mosquitto';
const PASSWORD = 'a-long-password';
const root = join(import.meta.dirname, '..');
const meterline = join(root, 'meterline.ts');

const Service = z.looseObject({
  image: z.string(),
  user: z.string().optional(),
  entrypoint: z.array(z.string()).default([]),
  command: z.array(z.string()).default([]),
  environment: z.record(z.string(), z.string().nullable()).default({}),
  ports: z.array(z.string()).default([]),
  volumes: z.array(z.string()).default([]),
  depends_on: z.record(z.string(), z.strictObject({ condition: z.string() })).default({}),
  healthcheck: z.looseObject({ test: z.array(z.string()) }).optional(),
});
const { services, volumes } = z
  .looseObject({ services: z.record(z.string(), Service), volumes: z.record(z.string(), z.null()) })
  .parse(parse(readFileSync(join(root, 'docker-compose.yml'), 'utf8'), { merge: true }));
const all = Object.entries(services).map(([name, service]) => ({ name, ...service }));
const serviceOf = (name: string): z.infer<typeof Service> => Service.parse(services[name]);

let folder: string;
let children: ChildProcess[];
let servers: Server[];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'meterline-compose-'));
  children = [];
  servers = [];
});
afterEach(async () => {
  for (const child of children)
    if (child.exitCode === null && child.signalCode === null) {
      child.kill('SIGKILL');
      await once(child, 'exit');
    }
  for (const server of servers) server.close();
  rmSync(folder, { recursive: true });
});

interface Ended {
  code: number | null;
  text: string;
}

/** Runs it to its end; nothing of the caller's environment is handed on. */
async function run(args: string[], env: Record<string, string> = {}): Promise<Ended> {
  const child = spawn(process.execPath, args, { cwd: root, env, stdio: ['ignore', 'pipe', 'pipe'] });
  const [out, err] = await Promise.all([streamText(child.stdout), streamText(child.stderr)]);
  if (child.exitCode === null) await once(child, 'exit');
  return { code: child.exitCode, text: out + err };
}

describe('docker-compose.yml', () => {
  test('runs cloud, edge, broker, simulators and InfluxDB after a setup', () => {
    expect(Object.keys(services).sort()).toEqual(
      ['broker', 'cloud', 'edge', 'influxdb', 'setup', 'simulators'].sort(),
    );
  });

  test.each(all)('$name waits for what exists, in a way that it can fulfil', ({ depends_on }) => {
    for (const [other, { condition }] of Object.entries(depends_on)) {
      const { healthcheck } = serviceOf(other);
      const expected = healthcheck === undefined ? 'service_completed_successfully' : 'service_healthy';
      expect(condition).toBe(expected);
    }
  });

  test('every volume is declared and used; whoever has one of setup’s waits for setup', () => {
    const mounted = (volumesOf: string[]): string[] => volumesOf.map((volume) => volume.split(':')[0] ?? '');
    expect([...new Set(all.flatMap((service) => mounted(service.volumes)))].sort()).toEqual(
      Object.keys(volumes).sort(),
    );
    const written = mounted(serviceOf('setup').volumes);
    for (const service of all.filter(({ name }) => name !== 'setup')) {
      // Nobody sees the passwords of another.
      const own = mounted(service.volumes).filter((volume) => written.includes(volume));
      expect(own.filter((volume) => volume !== service.name)).toEqual([]);
      if (own.length > 0) expect(Object.keys(service.depends_on)).toContain('setup');
    }
  });

  test('only the cloud’s pages are published, and on this machine only', () => {
    expect(all.flatMap(({ ports }) => ports)).toEqual(['127.0.0.1:8080:8080']);
  });

  test.each(all)('$name has no secret in the file', ({ environment }) => {
    for (const [name, value] of Object.entries(environment))
      if (/PASSWORD|TOKEN|KEY/.test(name))
        expect(value ?? '').toMatch(
          name.endsWith('_FILE') ? /^\/installation\// : /^$|^\$\{METERLINE_\w+:\?.+\}$/,
        );
  });

  test.each(all.filter(({ image }) => image === 'meterline'))(
    '$name is a command of ours with options that it has',
    async ({ entrypoint, command }) => {
      const words = entrypoint.length > 0 ? entrypoint.slice(1) : [meterline, command[0] ?? ''];
      const help = await run([...words, '--help']);
      expect(help.code).toBe(0);
      const flags = command.flatMap((word) => /^--[a-z]+/.exec(word) ?? []);
      expect(flags.filter((flag) => !new RegExp(`^ .*${flag}\\b`, 'm').test(help.text))).toEqual([]);
    },
  );
});

const setup = (...args: string[]) =>
  run([join(root, 'compose/setup.ts'), '--folder', folder, '--influx', 'http://influxdb:8086', ...args]);

/** Text of every file by its path below the folder. */
const written = (): Record<string, string> =>
  Object.fromEntries(
    readdirSync(folder, { recursive: true, encoding: 'utf8' })
      .filter((name) => statSync(join(folder, name)).isFile())
      .sort()
      .map((name) => [name, readFileSync(join(folder, name), 'utf8')]),
  );

describe('setup', () => {
  test('writes every service’s files, for their owner alone', async () => {
    expect(await setup()).toMatchObject({ code: 0 });
    const expected = {
      broker: 'access ca.pem cert.pem key.pem mosquitto.conf passwords',
      cloud: 'broker-ca.pem cloud.yaml park.json',
      edge: 'ca.pem cert.pem edge.yaml key.pem',
      influxdb: 'password token',
      secrets: 'certificates.json secrets.json',
    };
    expect(Object.keys(written())).toEqual(
      Object.entries(expected).flatMap(([service, names]) =>
        names.split(' ').map((name) => `${service}/${name}`),
      ),
    );
    for (const name of readdirSync(folder, { recursive: true, encoding: 'utf8' }))
      expect(statSync(join(folder, name)).mode & 0o077).toBe(0);
  });

  test('a service knows the passwords that it uses, and no other', async () => {
    await setup();
    const files = written();
    const secrets: Record<string, string> = JSON.parse(files['secrets/secrets.json'] ?? '{}');
    expect(Object.values(secrets).every((secret) => /^[0-9a-f]{48}$/.test(secret))).toBe(true);
    const knows = (service: string): string[] =>
      Object.keys(secrets).filter((name) =>
        Object.entries(files).some(
          ([path, text]) => path.startsWith(`${service}/`) && text.includes(secrets[name] ?? ''),
        ),
      );
    expect(knows('cloud')).toEqual(['ingest', 'influxToken']);
    expect(knows('edge')).toEqual([]);
    expect(knows('broker')).toEqual([]);
    expect(knows('influxdb')).toEqual(['influxPassword', 'influxToken']);
  });

  test('a second run changes nothing, and what was deleted comes back with the same passwords', async () => {
    await setup();
    const first = written();
    await setup('--http', '9090');
    expect(written()).toEqual(first);
    unlinkSync(join(folder, 'edge/edge.yaml'));
    await setup();
    expect(written()).toEqual(first);
  });

  test('between the services nothing goes in the clear, and a private key is known to its owner alone', async () => {
    await setup('--listen', '0.0.0.0', '--broker', 'broker:8883', '--meters', 'simulators:5020');
    const files = written();
    const { brokerKey, gatewayKey } = JSON.parse(files['secrets/certificates.json'] ?? '{}');
    const holders = (key: string): string[] =>
      Object.keys(files).filter((path) => !path.startsWith('secrets/') && files[path]?.includes(key));
    expect([holders(brokerKey), holders(gatewayKey)]).toEqual([['broker/key.pem'], ['edge/key.pem']]);
    for (const path of ['edge/edge.yaml', 'cloud/cloud.yaml']) {
      expect(files[path]).toMatch(/mqtts:\/\/broker:888[34]/);
      expect(files[path]).not.toContain('insecure');
    }
  });

  test('two installations share no password', async () => {
    await setup();
    const first = readFileSync(join(folder, 'secrets/secrets.json'), 'utf8');
    rmSync(join(folder, 'secrets'), { recursive: true });
    await setup();
    expect(readFileSync(join(folder, 'secrets/secrets.json'), 'utf8')).not.toBe(first);
  });

  test('as root it hands the files to the user of the containers', async (context) => {
    if (process.getuid?.() !== 0) return context.skip('only root may give files away');
    await setup('--owner', '1000:1000');
    expect(statSync(join(folder, 'edge/edge.yaml'))).toMatchObject({ uid: 1000, gid: 1000 });
    expect(statSync(join(folder, 'edge'))).toMatchObject({ uid: 1000, gid: 1000 });
    expect(statSync(join(folder, 'secrets/secrets.json')).uid).toBe(0);
    // Mosquitto is never root there, so that it has nobody to become.
    expect(readFileSync(join(folder, 'broker/mosquitto.conf'), 'utf8')).not.toMatch(/^user/m);
  });

  test('the configurations pass their own check; the cloud’s only with a password for its open pages', async () => {
    await setup('--listen', '0.0.0.0', '--broker', 'broker:8883', '--meters', 'simulators:5020');
    const check = (service: string, env = {}) =>
      run([meterline, service, '--config', join(folder, service, `${service}.yaml`), '--check-config'], env);
    const [edge, cloud, open] = await Promise.all([
      check('edge'),
      check('cloud', { METERLINE_OPERATOR_PASSWORD: PASSWORD }),
      check('cloud'),
    ]);
    expect(edge).toMatchObject({ code: 0 });
    expect(cloud).toMatchObject({ code: 0 });
    expect(open).toMatchObject({ code: 2 });
    expect(open.text).toContain('METERLINE_OPERATOR_PASSWORD');
  });

  test.each([
    ['--http', '65536'],
    ['--broker', 'broker'],
    ['--meters', 'a b:1'],
    ['--influx', 'influxdb:8086'],
    ['--owner', 'node'],
    ['--unknown', 'x'],
  ])('%s %s is refused with a reason, and nothing is written', async (flag, value) => {
    const { code, text } = await setup(flag, value);
    expect(code).toBe(2);
    expect(text).toContain(flag);
    expect(written()).toEqual({});
  });

  test('a folder that cannot be written to is a fault with its reason', async () => {
    writeFileSync(join(folder, 'cloud'), 'in the way');
    const { code, text } = await setup();
    expect(code).toBe(3);
    expect(text).toContain(join(folder, 'cloud'));
  });
});

/** Ports of the containers; each gets one of this machine. Buses follow the first of the simulators port by port. */
const portsOfFile = ['8086', '8080', '8883', '8884', '1884', '5020'];
const BUSES = 16;

describe('its commands, on this machine', () => {
  test('bring polled and pushed readings from the meters to the API and to InfluxDB', async (context) => {
    requirePeer(context, MOSQUITTO);
    const line = await bringUp();
    const { org, bucket, authorization } = await line.exported;
    const { environment } = serviceOf('influxdb');
    expect(org).toBe(environment.DOCKER_INFLUXDB_INIT_ORG);
    expect(bucket).toBe(environment.DOCKER_INFLUXDB_INIT_BUCKET);
    expect(authorization).toBe(`Token ${readFileSync(join(folder, 'influxdb/token'), 'utf8')}`);

    const url = line.here('http://0.0.0.0:8080');
    const signedIn = await fetch(`${url}/api/v1/session`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ password: PASSWORD }),
    });
    expect(signedIn.status).toBe(204);
    const cookie = signedIn.headers.get('set-cookie')?.split(';')[0] ?? '';
    const meters = async (): Promise<MeterSummary[]> => {
      const answer = await fetch(`${url}/api/v1/meters`, { headers: { cookie } });
      return page(MeterSummary).parse(await answer.json()).items;
    };
    await vi.waitFor(
      async () => expect((await meters()).filter(({ lastValue }) => lastValue === null)).toEqual([]),
      { timeout: 40_000, interval: 200 },
    );
    expect(await meters()).toHaveLength(84);
    const { pushMeters } = parse(readFileSync(join(folder, 'edge/edge.yaml'), 'utf8'));
    expect(pushMeters.length).toBeGreaterThan(0);

    for (const name of ['edge', 'simulators', 'cloud', 'broker']) expect(await line.stop(name)).toBe(0);
  }, 60_000);
});

/** Starts every service as the file says, when what it waits for is as it says. */
async function bringUp() {
  const base = await freePorts(portsOfFile.length - 1 + BUSES);
  const ports = new Map(portsOfFile.map((port, index) => [port, String(base + index)]));
  /** Text of the file, with paths, hosts and ports of this machine. */
  const here = (text: string): string =>
    text.replace(/\/installation|0\.0\.0\.0|\b[a-z]+(?=:\d)|\b\d{4}\b/g, (word) => {
      if (word === '/installation') return folder;
      if (word in services || word === '0.0.0.0') return '127.0.0.1';
      return ports.get(word) ?? word;
    });
  const exported = startInflux(Number(ports.get('8086')));
  const started = new Map<string, Promise<ChildProcess>>();
  const up = (name: string): Promise<ChildProcess> => {
    const known = started.get(name);
    if (known !== undefined) return known;
    const starting = launch(name);
    started.set(name, starting);
    return starting;
  };
  const launch = async (name: string): Promise<ChildProcess> => {
    const { depends_on, entrypoint, command } = serviceOf(name);
    for (const [other, { condition }] of Object.entries(depends_on))
      await reached(other, await up(other), condition);
    // Here all are the caller's, as their files are.
    const args = command.filter((word) => !word.startsWith('--owner')).map(here);
    if (name === 'broker') return child(MOSQUITTO, args.slice(1));
    const script = entrypoint.length > 0 ? join(root, entrypoint[1] ?? '') : meterline;
    return child(process.execPath, [script, ...args]);
  };
  const reached = async (name: string, running: ChildProcess, condition: string): Promise<void> => {
    if (condition === 'service_healthy') return healthy(name, running);
    if (running.exitCode === null) await once(running, 'exit');
    expect(running.exitCode).toBe(0);
  };
  const healthy = async (name: string, running: ChildProcess): Promise<void> => {
    const probe = (serviceOf(name).healthcheck?.test ?? []).slice(1).map(here);
    for (;;) {
      if (running.exitCode !== null) throw new Error(`${name} ended with ${running.exitCode}`);
      if (probe[0] === 'node' ? (await run(probe.slice(1))).code === 0 : await answers(Number(probe.at(-1))))
        return;
    }
  };
  const names = Object.keys(services).filter((name) => name !== 'influxdb');
  await Promise.all(names.map(up));
  for (const name of names.filter((one) => one !== 'setup')) await healthy(name, await up(name));
  return {
    here,
    exported,
    async stop(name: string) {
      const running = await up(name);
      const ended = once(running, 'exit');
      running.kill('SIGTERM');
      await ended;
      return running.exitCode;
    },
  };
}

function child(program: string, args: string[]): ChildProcess {
  const env = { METERLINE_OPERATOR_PASSWORD: PASSWORD };
  const started = spawn(program, args, { cwd: root, env, stdio: 'ignore' });
  children.push(started);
  return started;
}

const answers = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => resolve(true)).on('error', () => resolve(false));
    socket.end();
  });

/** The first of so many free ports in a row, below those that the system gives out. */
async function freePorts(count: number): Promise<number> {
  for (let base = 20_000 + (process.pid % 300) * 25; ; base += 25) {
    const held = Array.from({ length: count }, () => createServer());
    try {
      for (const [index, server] of held.entries()) {
        server.listen(base + index, '127.0.0.1');
        await once(server, 'listening');
      }
      return base;
    } catch {
      // One is taken: the next row.
    } finally {
      for (const server of held) server.close();
    }
  }
}

interface Write {
  org: string | null;
  bucket: string | null;
  authorization: string | undefined;
}

/** In the place of InfluxDB's container: takes all that is written, and tells of the first. */
function startInflux(port: number): Promise<Write> {
  const { promise, resolve } = Promise.withResolvers<Write>();
  const server = createHttpServer(async (request, response) => {
    const { pathname, searchParams } = new URL(request.url ?? '/', 'http://influxdb');
    const body = await buffer(request);
    if (pathname === '/api/v2/write' && body.length > 0)
      resolve({
        org: searchParams.get('org'),
        bucket: searchParams.get('bucket'),
        authorization: request.headers.authorization,
      });
    response.writeHead(204).end();
  });
  servers.push(server.listen(port, '127.0.0.1'));
  return promise;
}
