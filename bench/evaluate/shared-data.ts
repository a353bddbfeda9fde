/** The data folder of an evaluation, read and brought to instants; nothing of it is kept. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { ZoneClock } from '../../cloud/metering/zone-clock.ts';

const HOUR_MS = 3_600_000;

/** Values on a regular grid of instants; NaN where they are missing. */
export interface Series {
  name: string;
  fromMs: number;
  stepMs: number;
  values: Float64Array;
}

/** A cumulative register, read now and then. */
export interface Register {
  name: string;
  ms: number[];
  values: number[];
}

function rowsOf(folder: string, file: string): string[][] | null {
  const path = join(folder, file);
  if (!existsSync(path)) return null;
  const text = gunzipSync(readFileSync(path))
    .toString('utf8')
    .replace(/^\uFEFF/, '');
  return text
    .trim()
    .split('\n')
    .slice(1)
    .map((line) => line.trim().split(','));
}

/** Local times of the hour that repeats are told apart by the order of the file. */
export function waterRegisters(folder: string): Register[] | null {
  const rows = rowsOf(folder, 'water-registers/readings.csv.gz');
  if (rows === null) return null;
  const clock = new ZoneClock('Europe/Madrid');
  const registers = new Map<string, Register>();
  for (const [name = '', time = '', value = ''] of rows) {
    const register = registers.get(name) ?? { name, ms: [], values: [] };
    registers.set(name, register);
    const local = Date.parse(`${time}Z`);
    const found = clock.instantOf(local);
    if (found.kind === 'skipped') continue;
    const last = register.ms.at(-1) ?? 0;
    const ms = found.kind === 'repeated' && found.ms <= last + HOUR_MS / 2 ? found.laterMs : found.ms;
    if (ms <= last) continue;
    register.ms.push(ms);
    register.values.push(Number(value));
  }
  return [...registers.values()];
}

/** Hourly means in l/s. */
export function waterBulk(folder: string): Series[] | null {
  const rows = rowsOf(folder, 'water-bulk/inflow.csv.gz');
  if (rows === null) return null;
  const clock = new ZoneClock('Europe/Rome');
  const [first] = rows;
  const start = clock.instantOf(Date.parse(`${first?.[0]?.replace(' ', 'T')}:00Z`));
  const fromMs = start.kind === 'skipped' ? 0 : start.ms;
  return [1, 2, 3, 4, 5].map((area) => ({
    name: `area-${area}`,
    fromMs,
    stepMs: HOUR_MS,
    values: Float64Array.from(rows, (row) => (row[area] ? Number(row[area]) : Number.NaN)),
  }));
}

/** Quarters in kWh, in the order of the file: the first one ends at 00:15. */
export function factoryElectricity(folder: string): Series | null {
  const rows = rowsOf(folder, 'factory-electricity/usage.csv.gz');
  if (rows === null) return null;
  return {
    name: 'factory',
    fromMs: Date.UTC(2018, 0, 1) - 9 * HOUR_MS,
    stepMs: HOUR_MS / 4,
    values: Float64Array.from(rows, (row) => Number(row.at(-1))),
  };
}

/** Hourly outflow in m3/h from the instant at which each leak begins, by pipe. */
export function leakShapes(folder: string): Series[] | null {
  const rows = rowsOf(folder, 'leak-shapes/leak_flow.csv.gz');
  if (rows === null) return null;
  const pipes = (rows[0]?.length ?? 1) - 1;
  return Array.from({ length: pipes }, (_, p) => {
    const flow = rows.map((row) => Number(row[p + 1]));
    const begins = flow.findIndex((value) => value > 0.001);
    return { name: `leak-${p}`, fromMs: 0, stepMs: HOUR_MS, values: Float64Array.from(flow.slice(begins)) };
  });
}
