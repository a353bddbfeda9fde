/** A file of meters or readings that is refused: which row and field, and why. */

const SHOWN = 20;

export class HistoryFileError extends Error {
  override readonly name = 'HistoryFileError';
  readonly file: string;
  readonly problems: readonly string[];

  /** @param total how many problems there are, where not all are given */
  constructor(file: string, problems: readonly string[], total: number = problems.length) {
    const lines = problems.slice(0, SHOWN).map((problem) => `${file}: ${problem}`);
    if (total > SHOWN) lines.push(`${file}: and ${total - SHOWN} more`);
    super(lines.join('\n'));
    this.file = file;
    this.problems = problems;
  }
}
