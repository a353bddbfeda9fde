import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { CloudConfig } from './config.ts';
import { examineCloud, examinePark } from './doctor.ts';
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

test('a database: to be made, sound, or none', async () => {
  expect(examineCloud(config())[1]).toMatchObject({ check: 'database', state: 'ok' });
  const file = join(folder, 'meterline.db');
  const store = await openStore({ file });
  await store.close();
  expect(examineCloud(config())[1]).toMatchObject({ state: 'ok', detail: `${file} is sound` });
  writeFileSync(
    file,
    'this is no database, however long it may be made to look like one by writing on and on',
  );
  expect(examineCloud(config())[1]).toMatchObject({
    state: 'wrong',
    detail: expect.stringContaining('not a database'),
  });
});
