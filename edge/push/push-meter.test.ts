import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { readConfig } from '../config.ts';
import { loadProfiles } from '../profiles.ts';
import { planPushMeter } from './push-meter.ts';

const loaded = loadProfiles();
if (!loaded.ok) throw new Error(loaded.errors.join('\n'));
const { profiles } = loaded;
const folder = mkdtempSync(join(tmpdir(), 'meterline-push-meter-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** The push meters of a configuration, or its errors without the file's name. */
function read(...rows: string[]) {
  const file = join(folder, 'edge.yaml');
  const head =
    'gateway: gw-a\ndataDir: .\nbroker: mqtt://127.0.0.1\npushBroker: { host: 127.0.0.1, port: 0 }\n';
  writeFileSync(file, `${head}pushMeters:\n${rows.map((row) => `  - { ${row} }\n`).join('')}`);
  const checked = readConfig(file, profiles, {});
  if (!checked.ok) return checked.errors.map((line) => line.replace(/^.*edge.yaml:/, ''));
  return checked.config.pushMeters.map((row) => planPushMeter(row, profiles.get(row.profile)));
}
const json = 'profile: json-water-push';
const collector = 'profile: json-electricity-collector';
const sparkplug = 'profile: sparkplug-electricity';

test('a topic, a name in a collector, a node and its devices', () => {
  expect(
    read(
      `meter: W-1, ${json}, topic: w/1`,
      `meter: C-1, ${collector}, topic: c, device: A1`,
      `meter: C-2, ${collector}, topic: c, device: A2`,
      `meter: S-1, ${sparkplug}, node: Plant/Node1`,
      `meter: S-2, ${sparkplug}, node: Plant/Node1, device: Meter 1`,
    ),
  ).toMatchObject([
    { meter: 'W-1', topic: 'w/1', device: '' },
    { meter: 'C-1', topic: 'c', device: 'A1' },
    { meter: 'C-2', topic: 'c', device: 'A2' },
    { meter: 'S-1', node: 'Plant/Node1', device: '' },
    { meter: 'S-2', node: 'Plant/Node1', device: 'Meter 1' },
  ]);
});

describe('refused, by line and key', () => {
  test.each<[string, string[], string]>([
    [
      'neither topic nor node',
      [`meter: W-1, ${json}`],
      '6: pushMeters.0: a meter that pushes has either a topic or a node',
    ],
    [
      'both',
      [`meter: W-1, ${json}, topic: t, node: a/b`],
      '6: pushMeters.0: a meter that pushes has either a topic or a node',
    ],
    [
      'a topic twice',
      [`meter: W-1, ${json}, topic: t`, `meter: W-2, ${json}, topic: t`],
      '7: pushMeters.1.topic: "t" is listed twice',
    ],
    [
      'a name in a collector twice',
      [`meter: C-1, ${collector}, topic: c, device: A`, `meter: C-2, ${collector}, topic: c, device: A`],
      '7: pushMeters.1.topic: "c A" is listed twice',
    ],
    [
      'a device twice',
      [`meter: S-1, ${sparkplug}, node: a/b, device: D`, `meter: S-2, ${sparkplug}, node: a/b, device: D`],
      '7: pushMeters.1.node: "a/b D" is listed twice',
    ],
    [
      'a node without a group',
      [`meter: S-1, ${sparkplug}, node: b`],
      '6: pushMeters.0.node: not "group/edge node"',
    ],
    ['a wildcard', [`meter: S-1, ${sparkplug}, node: "a/+"`], '6: pushMeters.0.node: not "group/edge node"'],
    [
      'a Sparkplug meter with a topic',
      [`meter: S-1, ${sparkplug}, topic: spBv1.0/a/DDATA/b/c`],
      '6: pushMeters.0.topic: a Sparkplug meter has a node, not a topic',
    ],
    [
      'a JSON meter with a node',
      [`meter: W-1, ${json}, node: a/b`],
      '6: pushMeters.0.node: a meter that pushes JSON has a topic, not a node',
    ],
    [
      'a collector without a name',
      [`meter: C-1, ${collector}, topic: c`],
      '6: pushMeters.0.device: "json-electricity-collector" needs the name that the payload gives the meter',
    ],
    [
      'a name that nobody reads',
      [`meter: W-1, ${json}, topic: c, device: A`],
      '6: pushMeters.0.device: "json-water-push" finds no meter names in a payload',
    ],
    [
      'a topic of two shapes',
      [`meter: W-1, ${json}, topic: c`, `meter: C-1, ${collector}, topic: c, device: A`],
      '7: pushMeters.1.profile: meters of one topic have profiles of one recordsPath and meterPath',
    ],
    [
      'a meter that is asked',
      ['meter: E-1, profile: eastron-sdm120, topic: t'],
      '6: pushMeters.0.profile: "eastron-sdm120" is no profile of a meter that pushes',
    ],
  ])('%s', (_, rows, error) => {
    expect(read(...rows)).toContainEqual(error);
  });
});
