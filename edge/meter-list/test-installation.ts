/** A gateway's configuration in a folder of its own for each test, and lists that are imported into it. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach } from 'vitest';
import { loadProfiles } from '../profiles.ts';
import { type ImportOptions, type ImportResult, importMeterList } from './import-meter-list.ts';

export const EDGE = `# tower A
gateway: gw-a
dataDir: ./data
broker: mqtt://127.0.0.1:1883
pushBroker: { host: 127.0.0.1, port: 1884 }
buses:
  - id: b1 # first riser
    tcp: 127.0.0.1:502
    meters:
      # the main meter stands in the cellar
      - { meter: E-M, profile: acrel-dtsd1352, unit: 1 } # 400/5
      - { meter: E-101, profile: eastron-sdm630, unit: 2 }
  - id: b2
    serial: { path: /dev/ttyUSB0, baudRate: 2400, parity: even }
    meters:
      - { meter: E-102, profile: dlt645-2007-3ph, unit: "000000000012" }
      - { meter: W-1, profile: cjt188-water, unit: "78330011223344" }
pushMeters:
  - { meter: W-2, profile: json-water-push, topic: water/2 }
`;

let folder: string;
const loaded = loadProfiles();
const profiles = loaded.ok ? loaded.profiles : new Map();

export const at = (name: string): string => join(folder, name);
export const edgeText = (): string => readFileSync(at('edge.yaml'), 'utf8');

/** @param files beside or in the place of `edge.yaml`: names and texts */
export function installBeforeEach(files: Readonly<Record<string, string>> = {}): void {
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'meterline-import-'));
    for (const [name, text] of Object.entries({ 'edge.yaml': EDGE, ...files })) writeFileSync(at(name), text);
  });
  afterEach(() => rmSync(folder, { recursive: true }));
}

export function importList(list: string | Uint8Array, more: Partial<ImportOptions> = {}): ImportResult {
  return importMeterList({
    name: 'list.csv',
    bytes: typeof list === 'string' ? Buffer.from(list) : list,
    configFile: at('edge.yaml'),
    parkFile: null,
    profiles,
    map: {},
    defaults: {},
    decimalComma: false,
    remove: false,
    dryRun: false,
    language: 'en',
    ...more,
  });
}
