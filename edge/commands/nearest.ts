/** The known name that somebody may have meant. */

/** Most letters that differ, as a share of the name. */
const MOST_WRONG = 0.4;

/** Null when none is near. One that holds what was typed, or is held by it, is. */
export function nearest(typed: string, names: Iterable<string>): string | null {
  const text = typed.toLowerCase();
  const ranked = [...names]
    .map((name) => {
      const holds = text.length > 2 && (name.includes(text) || text.includes(name));
      return { name, edits: holds ? 0 : editsBetween(text, name) };
    })
    .sort((a, b) => a.edits - b.edits);
  const [best] = ranked;
  return best !== undefined && best.edits <= best.name.length * MOST_WRONG ? best.name : null;
}

/** Letters to put in, take out or change (Levenshtein). */
function editsBetween(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, n) => n);
  for (const [i, letter] of [...a].entries()) {
    const next = [i + 1];
    for (const [j, other] of [...b].entries())
      next.push(
        Math.min((next[j] ?? 0) + 1, (row[j + 1] ?? 0) + 1, (row[j] ?? 0) + (letter === other ? 0 : 1)),
      );
    row = next;
  }
  return row[b.length] ?? 0;
}
