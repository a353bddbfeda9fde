/** Seeded chance: the same seed and name give the same stream on every machine. Not for secrets. */

export interface Random {
  /** An integer in `[from, to]`. */
  between(from: number, to: number): number;
}

/** A stream of its own for each name, so that one more meter does not shift the chances of the others. */
export function randomStream(seed: number, name: string): Random {
  let state = hash(`${seed}/${name}`);
  const next = (): number => {
    state = (state + 0x9e3779b9) | 0;
    let mixed = Math.imul(state ^ (state >>> 16), 0x21f0aaad);
    mixed = Math.imul(mixed ^ (mixed >>> 15), 0x735a2d97);
    return (mixed ^ (mixed >>> 15)) >>> 0;
  };
  return {
    between: (from, to) => from + Math.floor((next() * (to - from + 1)) / 0x1_0000_0000),
  };
}

/** FNV-1a over UTF-16 units. */
function hash(text: string): number {
  let state = 0x811c9dc5;
  for (let i = 0; i < text.length; i += 1) state = Math.imul(state ^ text.charCodeAt(i), 0x01000193);
  return state;
}
