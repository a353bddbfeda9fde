/** The rows of a load profile (IEC 62056-62, profile generic): what its columns are, and what an entry holds. */
import type { CosemData } from './data.ts';
import { obisFromName } from './get.ts';

/** What a column was captured from. */
export interface Column {
  classId: bigint;
  obis: string;
  attribute: bigint;
}

/** The columns of a buffer, in their order, from attribute 3 (capture_objects); null for what is no such list. */
export function parseColumns(data: CosemData): Column[] | null {
  if (data.type !== 'array') return null;
  const columns: Column[] = [];
  for (const item of data.items) {
    if (item.type !== 'structure') return null;
    const [classId, name, attribute] = item.items;
    if (classId?.type !== 'u16' || name?.type !== 'octet-string' || attribute?.type !== 'i8') return null;
    if (name.bytes.length !== 6) return null;
    columns.push({ classId: classId.value, obis: obisFromName(name.bytes), attribute: attribute.value });
  }
  return columns;
}

/** The rows of a buffer, each with as many cells as there are columns; null for what is no such buffer. */
export function parseRows(data: CosemData, columns: number): CosemData[][] | null {
  if (data.type !== 'array') return null;
  const rows: CosemData[][] = [];
  for (const row of data.items) {
    if (row.type !== 'structure' || row.items.length !== columns) return null;
    rows.push(row.items);
  }
  return rows;
}

/** A date and time as a meter's clock has it. */
export interface CosemDateTime {
  /** Without an offset, `2026-09-01T00:15:00`. */
  local: string;
  /** From UTC to local time, in minutes; null when the meter does not say. COSEM itself counts the other way. */
  offsetMinutes: number | null;
  /** Whether the clock itself calls the time invalid or doubtful. */
  doubtful: boolean;
}

const UNSPECIFIED_DEVIATION = -0x8000;
const two = (value: number): string => `${value}`.padStart(2, '0');

/** Twelve bytes (IEC 62056-62, 4.1.6.1), or null where date or time are not specified or cannot be. */
export function parseDateTime(bytes: Uint8Array): CosemDateTime | null {
  if (bytes.length !== 12) return null;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const [year, month, day] = [view.getUint16(0), view.getUint8(2), view.getUint8(3)];
  const [hour, minute, second] = [view.getUint8(5), view.getUint8(6), view.getUint8(7)];
  // Seconds and status may be left open, as FF.
  const wholeSecond = second === 0xff ? 0 : second;
  const isDate = year >= 1970 && year < 10_000 && month >= 1 && month <= 12 && day >= 1 && day <= 31;
  if (!isDate || hour > 23 || minute > 59 || wholeSecond > 59) return null;
  const deviation = view.getInt16(9);
  const status = view.getUint8(11);
  return {
    local: `${year}-${two(month)}-${two(day)}T${two(hour)}:${two(minute)}:${two(wholeSecond)}`,
    offsetMinutes: deviation === UNSPECIFIED_DEVIATION || Math.abs(deviation) > 720 ? null : 0 - deviation,
    doubtful: status !== 0xff && (status & 0x03) !== 0,
  };
}
