import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { requirePeer } from '../process/peers.ts';
import { CloudConfig } from './config.ts';
import { examineCloud, examinePark } from './doctor.ts';
import { postgresProgram, startTestServer } from './store/postgres/test-server.ts';
import { openStore } from './store/store.ts';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'doctor-cloud-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

const config = (): CloudConfig => ({
  ...CloudConfig.parse({
    dataDir: folder,
    park: 'park.yaml',
    http: { host: '127.0.0.1', port: 0 },
    broker: { url: 'mqtt://127.0.0.1:1' },
  }),
  park: join(folder, 'park.yaml'),
});

test('a park document that is not there, or is none, is told by file and line', () => {
  expect(examinePark(join(folder, 'park.yaml'))).toMatchObject({
    state: 'wrong',
    detail: expect.stringContaining('ENOENT'),
  });
  writeFileSync(join(folder, 'park.yaml'), 'schema: 9\n');
  expect(examinePark(join(folder, 'park.yaml'))).toMatchObject({
    state: 'wrong',
    detail: expect.stringContaining(`${folder}/park.yaml:1:`),
    next: expect.any(String),
  });
});

const secrets = { postgresPassword: null };

test('a database: to be made, sound, or none', async () => {
  expect((await examineCloud(config(), secrets))[1]).toMatchObject({ check: 'database', state: 'ok' });
  const file = join(folder, 'meterline.db');
  const store = await openStore({ file });
  await store.close();
  expect((await examineCloud(config(), secrets))[1]).toMatchObject({
    state: 'ok',
    detail: `${file} is sound`,
  });
  writeFileSync(
    file,
    'this is no database, however long it may be made to look like one by writing on and on',
  );
  expect((await examineCloud(config(), secrets))[1]).toMatchObject({
    state: 'wrong',
    detail: expect.stringContaining('not a database'),
  });
});

test('a server: ready, with a password that is wrong, and away', async (context) => {
  requirePeer(context, postgresProgram());
  const server = await startTestServer();
  const { host, port, database, user, password } = await server.createDatabase();
  const onServer = { ...config(), store: { postgres: { host, port, database, user } } };
  const look = async (postgresPassword: string | null) =>
    (await examineCloud(onServer, { postgresPassword }))[1];
  const ready = { check: 'database', state: 'ok', detail: expect.stringContaining('commits are flushed') };
  expect(await look(password)).toMatchObject(ready);
  expect(await look('wrong')).toMatchObject({
    state: 'wrong',
    detail: expect.stringContaining(`${user}@${host}:${port}/${database}`),
    next: expect.stringContaining('METERLINE_POSTGRES_PASSWORD'),
  });
  await server.close();
  expect(await look(password)).toMatchObject({
    state: 'wrong',
    next: expect.stringContaining('start the server'),
  });
});
