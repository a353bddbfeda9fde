/** A set of sequences that is mostly runs of neighbours. */

type Range = [from: number, to: number];

export class SequenceRanges {
  /** Ascending; between two of them at least one sequence is missing. */
  #ranges: Range[] = [];

  add(from: number, to: number): void {
    const before = this.#ranges.filter(([, end]) => end < from - 1);
    const behind = this.#ranges.filter(([start]) => start > to + 1);
    const joined = this.#ranges.slice(before.length, this.#ranges.length - behind.length);
    const start = Math.min(from, joined[0]?.[0] ?? from);
    const end = Math.max(to, joined.at(-1)?.[1] ?? to);
    this.#ranges = [...before, [start, end], ...behind];
  }

  /** Forgets all up to `sequence`. */
  removeTo(sequence: number): void {
    this.#ranges = this.#ranges
      .filter(([, end]) => end > sequence)
      .map(([start, end]) => [Math.max(start, sequence + 1), end]);
  }

  /** The smallest one; null when it is empty. */
  get first(): number | null {
    return this.#ranges[0]?.[0] ?? null;
  }

  has(sequence: number): boolean {
    return this.covers(sequence, sequence);
  }

  /** Whether all of them are in it. */
  covers(from: number, to: number): boolean {
    return this.#ranges.some(([start, end]) => start <= from && to <= end);
  }

  /** The first sequence from `sequence` on that is not in it. */
  firstMissing(sequence: number): number {
    const range = this.#ranges.find(([start, end]) => start <= sequence && sequence <= end);
    return range === undefined ? sequence : range[1] + 1;
  }
}
