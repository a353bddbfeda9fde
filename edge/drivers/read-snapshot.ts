/** Reads all that a meter holds in a range of addresses, whatever its model, without asking twice for what it refuses. */
import { type Line, LineFault } from '../line/line.ts';

export interface SnapshotRange {
  unit: number;
  functionCode: 3 | 4;
  /** First and last address. */
  from: number;
  to: number;
}

export interface Snapshot {
  /** Words by address; what the meter refuses is not there. */
  registers: Map<number, number>;
  requests: number;
  /** What ended the read early: what was got before it is good. */
  fault: LineFault | null;
}

/** Long enough to be quick, short enough for most models; one that wants shorter ones shows by its refusals. */
const FIRST_LENGTH = 32;
/** Some meters are silent where others refuse. So many unanswered requests are borne with. */
const MOST_SILENT = 24;
/** A meter that never answers is given up after so many. */
const MOST_SILENT_AT_FIRST = 2;
const ILLEGAL_FUNCTION = 1;

/** @returns what was read; a `LineFault` is told in the result */
export async function readSnapshot(line: Pick<Line, 'read'>, range: SnapshotRange): Promise<Snapshot> {
  const reader = new SnapshotReader(line, range);
  for (let from = range.from; from <= range.to && !reader.over; from += FIRST_LENGTH)
    await reader.readRange(from, Math.min(FIRST_LENGTH, range.to - from + 1));
  await reader.readEdges();
  return reader.snapshot;
}

class SnapshotReader {
  readonly snapshot: Snapshot = { registers: new Map(), requests: 0, fault: null };
  over = false;
  readonly #line: Pick<Line, 'read'>;
  readonly #range: SnapshotRange;
  /** The longest request that this meter has not refused for its length. */
  #longest = FIRST_LENGTH;
  #answered = false;
  #silent = 0;

  constructor(line: Pick<Line, 'read'>, range: SnapshotRange) {
    this.#line = line;
    this.#range = range;
  }

  /**
   * Halves what is refused, down to two registers: a counter has no fewer, and what is empty costs half as much.
   * @returns whether all of it was read
   */
  async readRange(address: number, count: number): Promise<boolean> {
    if (this.over) return false;
    const asked = count <= this.#longest;
    if (asked && (await this.#ask(address, count))) return true;
    if (count <= 2 || this.over) return false;
    const half = count >> 1;
    const first = await this.readRange(address, half);
    const second = await this.readRange(address + half, count - half);
    // Both halves are there: it was refused for its length.
    if (asked && first && second) this.#longest = Math.min(this.#longest, count - half);
    return first && second;
  }

  /** What is held may begin or end in the middle of two that were refused together. */
  async readEdges(): Promise<void> {
    const { registers } = this.snapshot;
    const edges = [...registers.keys()].flatMap((address) => [address - 1, address + 1]);
    for (const address of new Set(edges)) {
      if (this.over || address < this.#range.from || address > this.#range.to) continue;
      if (!registers.has(address)) await this.#ask(address, 1);
    }
  }

  async #ask(address: number, count: number): Promise<boolean> {
    const { unit, functionCode } = this.#range;
    this.snapshot.requests += 1;
    try {
      const answer = await this.#line.read({ unit, functionCode, address, count });
      this.#answered = true;
      if (answer.ok) this.#learn(address, answer.data);
      else if (answer.exception === ILLEGAL_FUNCTION) this.over = true;
      return answer.ok;
    } catch (error) {
      if (!(error instanceof LineFault)) throw error;
      this.#silent += 1;
      if (
        error.code === 'unreachable' ||
        this.#silent > (this.#answered ? MOST_SILENT : MOST_SILENT_AT_FIRST)
      ) {
        this.over = true;
        this.snapshot.fault = error;
      }
      return false;
    }
  }

  #learn(address: number, data: Uint8Array): void {
    for (let i = 0; i * 2 + 1 < data.length; i++)
      this.snapshot.registers.set(address + i, ((data[i * 2] ?? 0) << 8) | (data[i * 2 + 1] ?? 0));
  }
}
