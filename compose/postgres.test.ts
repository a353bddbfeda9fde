/** docker-compose.postgres.yml: what it changes of docker-compose.yml, and what its setup writes. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { parse } from 'yaml';
import { loadConfig } from '../cloud/config.ts';
import { storePlace } from '../cloud/store-place.ts';

const root = join(import.meta.dirname, '..');
const read = (file: string) => parse(readFileSync(join(root, file), 'utf8'), { merge: true }).services;
const base = read('docker-compose.yml');
const services = read('docker-compose.postgres.yml');

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'meterline-compose-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

const setup = (...args: string[]) =>
  spawnSync(process.execPath, [join(root, 'compose/setup.ts'), '--folder', folder, ...args], {
    encoding: 'utf8',
  });

test('its setup is that of the file beneath, and names the server; a worker is there beside the service', () => {
  const added = services.setup.command.filter((word: string) => !base.setup.command.includes(word));
  expect(added).toEqual(['--postgres=postgres:5432']);
  expect(services.setup.command.filter((word: string) => !added.includes(word))).toEqual(base.setup.command);
  expect(services.cloud.depends_on).toEqual({ postgres: { condition: 'service_healthy' } });
  expect(services.worker.command.slice(0, 2)).toEqual(['ingest', '--config']);
  expect(services.worker.command[2]).toBe(base.cloud.command[2]);
  for (const hardened of ['read_only', 'cap_drop', 'security_opt', 'tmpfs', 'init'])
    expect(services.worker[hardened]).toEqual(base.cloud[hardened]);
  // Published to nobody, and with no password in the file.
  expect(services.postgres.ports).toBeUndefined();
  expect(services.postgres.environment.POSTGRES_PASSWORD_FILE).toBe('/installation/postgres/password');
  expect(services.postgres.environment.POSTGRES_PASSWORD).toBeUndefined();
});

test('server and service are given one password, each in a file of its own; the broker knows the workers', () => {
  expect(setup('--postgres', 'postgres:5432', '--broker', 'broker:1883').status).toBe(0);
  const password = readFileSync(join(folder, 'postgres/password'), 'utf8');
  expect(password).toMatch(/^[0-9a-f]{48}$/);
  expect(statSync(join(folder, 'cloud/postgres-password')).mode & 0o077).toBe(0);
  const loaded = loadConfig(join(folder, 'cloud/cloud.yaml'));
  if (!loaded.ok) throw new Error(loaded.problems.join('\n'));
  expect(storePlace(loaded.config, loaded.secrets)).toEqual({
    postgres: {
      host: 'postgres',
      port: 5432,
      database: 'meterline',
      user: 'meterline',
      password,
      tls: undefined,
    },
  });
  expect(readFileSync(join(folder, 'broker/passwords'), 'utf8')).toContain('ingest-2:');
});

test('an installation of before, which knew no server, is given a password that stays', () => {
  expect(setup().status).toBe(0);
  const file = join(folder, 'secrets/secrets.json');
  const { postgres: _, ...before } = JSON.parse(readFileSync(file, 'utf8'));
  writeFileSync(file, JSON.stringify(before));
  expect(setup('--postgres', 'postgres:5432').status).toBe(0);
  const { postgres, ...kept } = JSON.parse(readFileSync(file, 'utf8'));
  expect(kept).toEqual(before);
  expect(readFileSync(join(folder, 'postgres/password'), 'utf8')).toBe(postgres);
});
