/** The one comparison behind every check: what was given against what is stored, row by row. Pure. */

export interface CheckResult {
  /** Readings that have to be stored, and readings that are. */
  expected: number;
  stored: number;
  /** Given and not stored. */
  lost: number;
  /** Stored again under an instant or an idempotency key that was taken. */
  duplicated: number;
  /** Stored otherwise than given. */
  altered: number;
  /** Stored, but nobody gave it. */
  unexplained: number;
  /** The first few of each, in words. */
  findings: string[];
}

export interface GivenReading {
  /** Value, unit and whatever else must come through unchanged. */
  shows: string;
  /** Not due: it may be stored, since nobody heard whether it was accepted, or something else accounts for it. */
  isDue: boolean;
}

export interface StoredRow {
  /** Which reading it says it is. */
  at: string;
  /** Its idempotency key. */
  key: string;
  shows: string;
}

export const FAULTS = ['lost', 'duplicated', 'altered', 'unexplained'] as const;
export type FaultKind = (typeof FAULTS)[number];

const LISTED = 10;

export const nothingChecked = (): CheckResult => ({
  expected: 0,
  stored: 0,
  lost: 0,
  duplicated: 0,
  altered: 0,
  unexplained: 0,
  findings: [],
});

/** Counts faults of a kind, and keeps the first few in words. */
export function noteFault(
  result: Pick<CheckResult, FaultKind | 'findings'>,
  kind: FaultKind,
  why: string,
  times = 1,
): void {
  if (times <= 0) return;
  result[kind] += times;
  if (result.findings.length < LISTED)
    result.findings.push(`${kind}${times === 1 ? '' : ` ${times}`}: ${why}`);
}

/** Adds what one check found to a sum. */
export function addResult(sum: CheckResult, { findings, ...figures }: CheckResult): void {
  for (const kind of ['expected', 'stored', ...FAULTS] as const) sum[kind] += figures[kind];
  sum.findings.push(...findings.slice(0, LISTED - sum.findings.length));
}

/**
 * @param given by which reading it is: meter, register and instant
 * @param keys of rows that were compared before; those of these rows are added
 */
export function compareReadings(
  given: ReadonlyMap<string, GivenReading>,
  stored: Iterable<StoredRow>,
  keys: Set<string> = new Set(),
): CheckResult {
  const result = nothingChecked();
  const seen = new Set<string>();
  for (const { at, key, shows } of stored) {
    result.stored += 1;
    const sent = given.get(at);
    const row = `${at}, ${shows}`;
    if (seen.has(at)) noteFault(result, 'duplicated', `${row}: stored already`);
    else if (keys.has(key)) noteFault(result, 'duplicated', `${row}: the key ${key} is taken`);
    else if (sent === undefined) noteFault(result, 'unexplained', `${row}: nobody gave it`);
    else if (sent.shows !== shows) noteFault(result, 'altered', `${row}: given was ${sent.shows}`);
    seen.add(at);
    keys.add(key);
  }
  for (const [at, { shows, isDue }] of given) {
    if (!isDue) continue;
    result.expected += 1;
    if (!seen.has(at)) noteFault(result, 'lost', `${at}, ${shows}`);
  }
  return result;
}
