/**
 * `R.csv`: rows of many meters in any order, given back meter by meter in order of time. A file too large for memory is
 * spread over smaller ones first, so that meters that are read together lie together.
 */
import { createReadStream, mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ZoneClock } from '../metering/zone-clock.ts';
import { HistoryFileError } from './history-file-error.ts';
import type { ListedMeter } from './meter-list.ts';
import { type MeterReadings, meterReadings } from './meter-readings.ts';
import { parseInstant } from './parse-instant.ts';
import { parseValue } from './parse-value.ts';
import { type Columns, REPEATED, RowHeap } from './reading-columns.ts';

const MIB = 2 ** 20;
/** Of a larger file so much is in memory at a time. */
const HEAP_BYTES = 96 * MIB;
const KEPT_PROBLEMS = 20;
const columns = ['meter', 'time', 'value'] as const;

export interface ReadingHistory {
  rows: number;
  /** The latest time of any row: so far the replay comes. */
  lastMs: number;
  /** Rows of meters that the list does not name, by name. */
  unlisted: ReadonlyMap<string, number>;
  /** Meters in the order of the list that was given; each heap of rows is forgotten before the next one. */
  meters(): Generator<{ index: number; readings: MeterReadings }>;
  close(): void;
}

/**
 * @param meters in the order in which they are to come back
 * @throws HistoryFileError naming the rows and fields that are refused: then nothing of the file is used
 */
export async function openReadings(file: string, meters: readonly ListedMeter[]): Promise<ReadingHistory> {
  const heaps = Math.max(Math.ceil(statSync(file).size / HEAP_BYTES), 1);
  const folder = heaps > 1 ? mkdtempSync(join(tmpdir(), 'meterline-history-')) : null;
  const close = () => {
    if (folder !== null) rmSync(folder, { recursive: true, force: true });
  };
  try {
    const reader = new RowReader(file, meters, heaps, folder);
    await reader.readAll();
    return {
      rows: reader.rows,
      lastMs: reader.lastMs,
      unlisted: reader.unlisted,
      meters: () => byMeter(meters, reader.heaps),
      close,
    };
  } catch (error) {
    close();
    throw error;
  }
}

class RowReader {
  rows = 0;
  lastMs = Number.NEGATIVE_INFINITY;
  readonly unlisted = new Map<string, number>();
  readonly heaps: RowHeap[];
  private readonly file: string;
  private readonly clocks: ZoneClock[];
  private readonly indexes: ReadonlyMap<string, number>;
  private readonly problems: string[] = [];
  private refused = 0;
  private line = 0;
  private places: readonly number[] | null = null;

  constructor(file: string, meters: readonly ListedMeter[], heaps: number, folder: string | null) {
    this.file = file;
    const zones = new Map(meters.map(({ timeZone }) => [timeZone, new ZoneClock(timeZone)]));
    this.clocks = meters.map(({ timeZone }) => zones.get(timeZone) ?? new ZoneClock(timeZone));
    this.indexes = new Map(meters.map(({ meter }, index) => [meter, index]));
    this.heaps = Array.from(
      { length: heaps },
      (_, i) => new RowHeap(folder === null ? null : join(folder, `${i}`)),
    );
  }

  async readAll(): Promise<void> {
    const decoder = new TextDecoder('utf-8', { fatal: true });
    let rest = '';
    for await (const chunk of createReadStream(this.file, { highWaterMark: MIB }))
      rest = this.lines(rest + this.decoded(decoder, chunk as Buffer));
    rest = this.lines(`${rest}${this.decoded(decoder, null)}\n`);
    if (this.places === null) throw new HistoryFileError(this.file, ['is empty']);
    if (this.refused > 0) throw new HistoryFileError(this.file, this.problems, this.refused);
  }

  private decoded(decoder: TextDecoder, chunk: Buffer | null): string {
    try {
      return chunk === null ? decoder.decode() : decoder.decode(chunk, { stream: true });
    } catch {
      throw new HistoryFileError(this.file, [`after line ${this.line}: is not UTF-8`]);
    }
  }

  /** @returns what is left of the text after its last line end */
  private lines(text: string): string {
    let start = 0;
    for (let end = text.indexOf('\n'); end >= 0; end = text.indexOf('\n', start)) {
      this.line += 1;
      const last = text.charCodeAt(end - 1) === 13 ? end - 1 : end;
      if (last > start) this.take(text.slice(start, last));
      start = end + 1;
    }
    return text.slice(start);
  }

  private take(text: string): void {
    const fields = text.includes('"') ? quoted(text) : text.split(',');
    if (this.places === null) this.places = this.header(fields);
    else this.row(fields, this.places);
  }

  private header(fields: readonly string[]): readonly number[] {
    const names = fields.map((name) => name.trim());
    const missing = columns.filter((name) => !names.includes(name));
    if (missing.length === 0) return columns.map((name) => names.indexOf(name));
    throw new HistoryFileError(this.file, [
      `line 1: column ${missing.join(', ')} is missing; the columns are ${columns.join(',')}, separated by commas`,
    ]);
  }

  private row(fields: readonly string[], [meterAt = 0, timeAt = 1, valueAt = 2]: readonly number[]): void {
    const meter = fields[meterAt] ?? '';
    const value = fields[valueAt];
    const index = this.indexes.get(meter) ?? this.indexes.get(meter.trim());
    if (value === undefined) this.refuse('value', '', 'is missing in the row');
    else if (index !== undefined) this.reading(index, fields[timeAt] ?? '', value);
    else if (meter.trim() === '') this.refuse('meter', meter, 'is empty');
    else this.unlisted.set(meter, (this.unlisted.get(meter) ?? 0) + 1);
  }

  private reading(index: number, time: string, value: string): void {
    const clock = this.clocks[index];
    if (clock === undefined) throw new RangeError(`no meter ${index}`);
    const instant = parseInstant(time.trim(), clock);
    if (!instant.ok) {
      this.refuse('time', time, instant.detail);
      return;
    }
    // An empty value is a reading that is missing, as in the file that it came from.
    if (value.trim() === '') return;
    const exact = parseValue(value.trim());
    if (typeof exact === 'string') {
      this.refuse('value', value, exact);
      return;
    }
    this.rows += 1;
    if (instant.ms > this.lastMs) this.lastMs = instant.ms;
    const heap = this.heaps[Math.floor((index * this.heaps.length) / this.clocks.length)];
    heap?.push(index, instant.ms, exact.units, exact.scale | (instant.repeated ? REPEATED : 0));
  }

  private refuse(field: string, text: string, detail: string): void {
    this.refused += 1;
    if (this.problems.length < KEPT_PROBLEMS)
      this.problems.push(`line ${this.line}: ${field}: "${text}" ${detail}`);
  }
}

/** The fields of a line with quotes in it; a quote that is not closed takes the rest of the line. */
function quoted(text: string): string[] {
  const fields: string[] = [];
  const pattern = /(?:"((?:[^"]|"")*)"?|([^,]*))(?:,|$)/gy;
  while (pattern.lastIndex < text.length) {
    const match = pattern.exec(text);
    if (match === null) break;
    fields.push(match[1] === undefined ? (match[2] ?? '') : match[1].replaceAll('""', '"'));
  }
  return fields;
}

function* byMeter(
  meters: readonly ListedMeter[],
  heaps: readonly RowHeap[],
): Generator<{ index: number; readings: MeterReadings }> {
  let next = 0;
  for (const [number, heap] of heaps.entries()) {
    const rows = heap.take();
    const { order, starts } = grouped(rows, meters.length);
    for (; next < meters.length && Math.floor((next * heaps.length) / meters.length) === number; next += 1) {
      const own = order.subarray(starts[next] ?? 0, starts[next + 1] ?? 0);
      yield { index: next, readings: meterReadings(rows, own, meters[next]?.kind === 'register') };
    }
  }
}

/** Row numbers meter by meter, in the order of the file. */
function grouped({ length, meters }: Columns, count: number): { order: Uint32Array; starts: Uint32Array } {
  const starts = new Uint32Array(count + 2);
  for (let i = 0; i < length; i += 1) {
    const slot = (meters[i] ?? 0) + 2;
    starts[slot] = (starts[slot] ?? 0) + 1;
  }
  for (let m = 2; m < starts.length; m += 1) starts[m] = (starts[m] ?? 0) + (starts[m - 1] ?? 0);
  const order = new Uint32Array(length);
  for (let i = 0; i < length; i += 1) {
    const slot = (meters[i] ?? 0) + 1;
    const at = starts[slot] ?? 0;
    order[at] = i;
    starts[slot] = at + 1;
  }
  return { order, starts };
}
