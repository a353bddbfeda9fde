/** `M.csv`: the meters whose history is replayed. */
import { readFileSync } from 'node:fs';
import { parse } from 'csv-parse/sync';
import { z } from 'zod';
import { ZoneClock } from '../metering/zone-clock.ts';
import { HistoryFileError } from './history-file-error.ts';

/** A meter of the list. `register` readings are cumulative, `interval` values are of the interval that begins at their time. */
export interface ListedMeter {
  meter: string;
  utility: 'electricity' | 'water';
  kind: 'register' | 'interval';
  unit: string;
  timeZone: string;
  /** Null for the root of a tree. */
  parent: string | null;
  digits: number | null;
  /** In units per hour. */
  maxRate: number | null;
}

const needed = ['meter', 'utility', 'kind', 'unit', 'time_zone'];
const blank = (text: unknown) => (text === '' || text === undefined ? null : text);
const Row = z.object({
  meter: z.string().min(1, 'is empty'),
  utility: z.enum(['electricity', 'water']),
  kind: z.enum(['register', 'interval']),
  unit: z.string(),
  time_zone: z.string().refine(isZone, 'is no IANA time zone such as Asia/Shanghai'),
  parent: z.preprocess(blank, z.string().nullable()),
  digits: z.preprocess(blank, z.coerce.number().int().min(1).max(15).nullable()),
  max_rate: z.preprocess(blank, z.coerce.number().positive().nullable()),
});

function isZone(name: string): boolean {
  try {
    return new ZoneClock(name).timeZone === name;
  } catch {
    return false;
  }
}

/** @throws HistoryFileError with every row and field that is refused */
export function readMeterList(file: string): ListedMeter[] {
  const text = readFileSync(file);
  let rows: Record<string, string>[];
  try {
    rows = parse(new TextDecoder('utf-8', { fatal: true }).decode(text), {
      bom: true,
      columns: (header: string[]) => header.map((name) => name.trim()),
      skip_empty_lines: true,
      trim: true,
    });
  } catch (error) {
    throw new HistoryFileError(file, [`is no CSV file in UTF-8: ${(error as Error).message}`]);
  }
  const [first] = rows;
  if (first === undefined) throw new HistoryFileError(file, ['has no meters']);
  const missing = needed.filter((name) => !(name in first));
  if (missing.length > 0)
    throw new HistoryFileError(file, [
      `line 1: column ${missing.join(', ')} is missing (columns are separated by commas)`,
    ]);
  const problems: string[] = [];
  const meters = rows.flatMap((row, i) => {
    const parsed = Row.safeParse(row);
    if (parsed.success) return [listed(parsed.data)];
    for (const { path, message } of parsed.error.issues)
      problems.push(`row ${i + 2}: ${path.join('.')}: "${row[String(path[0])] ?? ''}" ${message}`);
    return [];
  });
  problems.push(...treeProblems(meters));
  if (problems.length > 0) throw new HistoryFileError(file, problems);
  return meters;
}

const listed = (row: z.infer<typeof Row>): ListedMeter => ({
  meter: row.meter,
  utility: row.utility,
  kind: row.kind,
  unit: row.unit,
  timeZone: row.time_zone,
  parent: row.parent,
  digits: row.digits,
  maxRate: row.max_rate,
});

/** A name twice, a parent that is not listed, a meter above itself. */
function treeProblems(meters: readonly ListedMeter[]): string[] {
  const problems: string[] = [];
  const parents = new Map<string, string | null>();
  for (const { meter, parent } of meters) {
    if (parents.has(meter)) problems.push(`meter: "${meter}" is listed twice`);
    parents.set(meter, parent);
  }
  for (const { meter, parent } of meters) {
    if (parent !== null && !parents.has(parent))
      problems.push(`meter ${meter}: parent: "${parent}" is not listed`);
    const seen = new Set([meter]);
    for (let above = parent; above !== null; above = parents.get(above) ?? null) {
      if (above === meter) {
        problems.push(`meter ${meter}: parent: the meter stands above itself`);
        break;
      }
      if (seen.has(above)) break;
      seen.add(above);
    }
  }
  return problems;
}
