/** Readings as columns of numbers: twenty-one bytes each, in memory or in a file of chunks. */
import { closeSync, openSync, readFileSync, writeSync } from 'node:fs';

const CHUNK_ROWS = 16_384;
/** Bit of `scales` beside the scale itself: the local time of the row stands for two instants. */
export const REPEATED = 0x80;

/** Row `i` is the value `units[i] / 10^scales[i]` of meter number `meters[i]`. */
export interface Columns {
  length: number;
  meters: Uint32Array;
  ms: Float64Array;
  units: BigInt64Array;
  scales: Uint8Array;
}

const columnsOf = (rows: number): Columns => ({
  length: 0,
  meters: new Uint32Array(rows),
  ms: new Float64Array(rows),
  units: new BigInt64Array(rows),
  scales: new Uint8Array(rows),
});

/** A heap of rows, in the order in which they were pushed; with a file only one chunk is in memory. */
export class RowHeap {
  private readonly file: string | null;
  private readonly full: Columns[] = [];
  private chunk = columnsOf(CHUNK_ROWS);
  private descriptor: number | null = null;

  constructor(file: string | null) {
    this.file = file;
  }

  push(meter: number, ms: number, units: bigint, scale: number): void {
    if (this.chunk.length === CHUNK_ROWS) this.flush();
    const { chunk } = this;
    const at = chunk.length;
    chunk.meters[at] = meter;
    chunk.ms[at] = ms;
    chunk.units[at] = units;
    chunk.scales[at] = scale;
    chunk.length = at + 1;
  }

  /** All rows; the heap is empty afterwards. */
  take(): Columns {
    this.flush();
    if (this.descriptor !== null) closeSync(this.descriptor);
    const chunks = this.file === null || this.descriptor === null ? this.full : readChunks(this.file);
    const all = columnsOf(chunks.reduce((sum, { length }) => sum + length, 0));
    for (const { length, meters, ms, units, scales } of chunks.splice(0)) {
      all.meters.set(meters.subarray(0, length), all.length);
      all.ms.set(ms.subarray(0, length), all.length);
      all.units.set(units.subarray(0, length), all.length);
      all.scales.set(scales.subarray(0, length), all.length);
      all.length += length;
    }
    return all;
  }

  private flush(): void {
    if (this.chunk.length === 0) return;
    if (this.file === null) {
      this.full.push(this.chunk);
      this.chunk = columnsOf(CHUNK_ROWS);
      return;
    }
    this.descriptor ??= openSync(this.file, 'w');
    const { length, meters, ms, units, scales } = this.chunk;
    for (const part of [Float64Array.of(length), meters, ms, units, scales]) writeSync(this.descriptor, part);
    this.chunk.length = 0;
  }
}

function readChunks(file: string): Columns[] {
  const bytes = readFileSync(file);
  const chunks: Columns[] = [];
  const size = CHUNK_ROWS;
  for (let at = bytes.byteOffset; at < bytes.byteOffset + bytes.length; at += 8 + 21 * size) {
    const { buffer } = bytes;
    chunks.push({
      length: new Float64Array(buffer.slice(at, at + 8))[0] ?? 0,
      meters: new Uint32Array(buffer.slice(at + 8, at + 8 + 4 * size)),
      ms: new Float64Array(buffer.slice(at + 8 + 4 * size, at + 8 + 12 * size)),
      units: new BigInt64Array(buffer.slice(at + 8 + 12 * size, at + 8 + 20 * size)),
      scales: new Uint8Array(buffer.slice(at + 8 + 20 * size, at + 8 + 21 * size)),
    });
  }
  return chunks;
}
