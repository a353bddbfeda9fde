/** How long a scan still takes: those that are polled are waited for longer than those that nobody lists. Pure. */

/** An address that nobody has is asked with both functions. */
const QUESTIONS = 2;

export class ScanEta {
  readonly #left = { listed: 0, other: 0 };
  readonly #spent = { listed: { ms: 0, units: 0 }, other: { ms: 0, units: 0 } };
  readonly #isListed: (unit: number) => boolean;
  readonly #silenceMs: number;

  /** @param silenceMilliseconds how long an address that is not listed is waited for */
  constructor(units: readonly number[], isListed: (unit: number) => boolean, silenceMilliseconds: number) {
    this.#isListed = isListed;
    this.#silenceMs = QUESTIONS * silenceMilliseconds;
    for (const unit of units) this.#left[this.#kindOf(unit)] += 1;
  }

  #kindOf(unit: number): 'listed' | 'other' {
    return this.#isListed(unit) ? 'listed' : 'other';
  }

  asked(unit: number, milliseconds: number): void {
    const kind = this.#kindOf(unit);
    this.#left[kind] -= 1;
    this.#spent[kind].ms += milliseconds;
    this.#spent[kind].units += 1;
  }

  /** Before the first of a kind there is only the wait that each would take at most. */
  seconds(): number {
    const each = (kind: 'listed' | 'other'): number => {
      const { ms, units } = this.#spent[kind];
      return units === 0 ? this.#silenceMs : ms / units;
    };
    return Math.ceil((this.#left.listed * each('listed') + this.#left.other * each('other')) / 1000);
  }
}
