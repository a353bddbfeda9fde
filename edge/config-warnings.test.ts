import { expect, test } from 'vitest';
import type { Bus, EdgeConfig } from './config.ts';
import { configWarnings } from './config-warnings.ts';
import { loadProfiles } from './profiles.ts';

const loaded = loadProfiles();
if (!loaded.ok) throw new Error(loaded.errors.join('\n'));
const { profiles } = loaded;

const busOf = (...models: string[]): Bus => ({
  id: 'b',
  link: { kind: 'tcp', host: '127.0.0.1', port: 502 },
  timeoutMilliseconds: 1000,
  meters: models.map((profile, at) => ({ meter: `E-${at}`, profile, unit: at + 1 })),
});
const config = (bus: Bus, timeZone?: string): EdgeConfig => ({
  gateway: 'gw-a',
  dataDir: '/nowhere',
  clock: 'system',
  reload: false,
  pollIntervalSeconds: 900,
  broker: 'mqtt://127.0.0.1:9',
  outbox: { maxBytes: 65_536, maxAgeMs: 86_400_000 },
  buses: [bus],
  pushMeters: [],
  ...(timeZone === undefined ? {} : { timeZone }),
});
const keeping = [...profiles.values()].filter((profile) => 'history' in profile && profile.history);
const [{ id: keeps } = { id: '' }] = keeping;

test('meters that keep a history, and no time zone to read it in: told with their models', () => {
  const bus = busOf(keeps, keeps, 'acrel-dtsd1352');
  const [warning, ...others] = configWarnings(config(bus), profiles);
  expect(warning).toContain(`2 meters that keep a history (${keeps})`);
  expect(warning).toMatch(/^timeZone is not set/);
  expect(others).toEqual([]);
  expect(configWarnings(config(bus, 'Asia/Shanghai'), profiles)).toEqual([]);
});

test('meters that keep none need no time zone', () => {
  const none = [...profiles.values()].find(({ protocol, id }) => protocol === 'modbus' && id !== keeps);
  expect(none !== undefined && 'history' in none && none.history !== undefined).toBe(false);
  expect(configWarnings(config(busOf(none?.id ?? '')), profiles)).toEqual([]);
});
