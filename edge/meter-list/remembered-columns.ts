/** How a park's own headings are read, kept beside the configuration: mapped once and remembered. */
import { existsSync, readFileSync } from 'node:fs';
import { z } from 'zod';
import { type ColumnMap, fieldNames, IGNORED } from '../../protocols/meter-list/columns.ts';
import { replaceFile } from '../buffer/replace-file.ts';

const Columns = z.record(z.string().min(1).max(120), z.enum([...fieldNames, IGNORED]));

const fileOf = (configFile: string): string => configFile.replace(/\.ya?ml$/, '').concat('.columns.json');

export type Remembered = { ok: true; map: ColumnMap } | { ok: false; error: string };

export function rememberedColumns(configFile: string): Remembered {
  const file = fileOf(configFile);
  if (!existsSync(file)) return { ok: true, map: {} };
  try {
    return { ok: true, map: Columns.parse(JSON.parse(readFileSync(file, 'utf8'))) };
  } catch (error) {
    const reason = error instanceof z.ZodError ? z.prettifyError(error) : String(error);
    return { ok: false, error: `${file}:1: ${reason}; delete it to map the columns anew` };
  }
}

export function rememberColumns(configFile: string, map: ColumnMap): void {
  replaceFile(fileOf(configFile), `${JSON.stringify(map, null, 2)}\n`);
}

/** JSON such as `{"表计编号": "meter"}`, or null. */
export function parseColumns(text: string): ColumnMap | null {
  try {
    const columns = Columns.safeParse(JSON.parse(text));
    return columns.success ? columns.data : null;
  } catch {
    return null;
  }
}

/** `"表计编号=meter"` as heading and field, or null. */
export function parseMapping(text: string): ColumnMap | null {
  const at = text.lastIndexOf('=');
  const entry = Columns.safeParse({ [text.slice(0, at).trim()]: text.slice(at + 1).trim() });
  return at > 0 && entry.success ? entry.data : null;
}
