/** What an import changes, key by key, so that a person can read it before it is done. */

export interface ChangedKey {
  key: string;
  from: string | null;
  to: string | null;
}
export interface ChangedMeter {
  meter: string;
  changes: ChangedKey[];
}
/** By meter; `notListed` stay as they are. */
export interface Difference {
  added: string[];
  changed: ChangedMeter[];
  removed: string[];
  unchanged: number;
  notListed: string[];
}

/** A meter as flat texts. */
export type FlatMeter = Readonly<Record<string, string | null>>;

/** @param remove whether meters that are not listed go */
export function compareMeters(
  before: ReadonlyMap<string, FlatMeter>,
  after: ReadonlyMap<string, FlatMeter>,
  remove: boolean,
): Difference {
  const difference: Difference = { added: [], changed: [], removed: [], unchanged: 0, notListed: [] };
  for (const [meter, to] of after) {
    const from = before.get(meter);
    if (from === undefined) {
      difference.added.push(meter);
      continue;
    }
    const changes = Object.keys({ ...from, ...to })
      .filter((key) => (from[key] ?? null) !== (to[key] ?? null))
      .map((key) => ({ key, from: from[key] ?? null, to: to[key] ?? null }));
    if (changes.length > 0) difference.changed.push({ meter, changes });
    else difference.unchanged += 1;
  }
  const unlisted = [...before.keys()].filter((meter) => !after.has(meter));
  if (remove) difference.removed = unlisted;
  else difference.notListed = unlisted;
  return difference;
}

export const isEmpty = ({ added, changed, removed }: Difference): boolean =>
  added.length + changed.length + removed.length === 0;
