/** Whether settings that are on trial have proved themselves: what answered before still does, and the uplink works. Pure. */

export interface TrialEvidence {
  /**
   * Meters by bus ('' for those that push) under the settings on trial: whether each was heard before, so often that it
   * had to be heard since, and whether it was. `isNew`: it was not listed before.
   */
  meters: readonly { meter: string; bus: string; before: boolean; since: boolean; isNew: boolean }[];
  /** Heard before, listed no more, and not left out by name. */
  gone: readonly string[];
  uplink: { connected: boolean; waitingRows: number; receiptSince: boolean };
}

/** So many meters in a hundred may fall silent by chance during a trial. */
const CHANCE_PERCENT = 10;
const NAMED = 5;

/** Null: they stay. Otherwise why they are undone. */
export function trialFailure({ meters, gone, uplink }: TrialEvidence): string | null {
  if (!uplink.connected) return 'the uplink was lost';
  if (uplink.waitingRows > 0 && !uplink.receiptSince) return 'the cloud has receipted nothing since';
  if (gone.length > 0) return `heard before, and listed no more: ${listed(gone)}`;
  const unheard = meters.find(({ bus }) =>
    meters.every((one) => one.bus !== bus || (one.isNew && !one.since)),
  );
  if (unheard !== undefined && unheard.bus !== '') return `nobody was heard on bus ${unheard.bus}`;
  const heard = meters.filter(({ before }) => before);
  const lost = heard.filter(({ since }) => !since);
  const dead = lost.find(({ bus }) => heard.every((one) => one.bus !== bus || !one.since));
  if (dead !== undefined)
    return `${dead.bus === '' ? 'the meters that push' : `bus ${dead.bus}`} fell silent: ${listed(ids(lost.filter(({ bus }) => bus === dead.bus)))}`;
  if (lost.length * 100 > heard.length * CHANCE_PERCENT)
    return `${lost.length} of ${heard.length} meters fell silent: ${listed(ids(lost))}`;
  return null;
}

const ids = (meters: TrialEvidence['meters']): string[] => meters.map(({ meter }) => meter);

function listed(meters: readonly string[]): string {
  const more = meters.length > NAMED ? ` and ${meters.length - NAMED} more` : '';
  return `${meters.slice(0, NAMED).join(', ')}${more}`;
}

/** How a meter that pushes was heard. Unix milliseconds. */
export interface Pushes {
  firstAcceptedMs: number | null;
  lastAcceptedMs: number | null;
  /** The longest time between two accepted pushes. */
  longestSilenceMs: number;
}

/** A meter of which so many pushes fit into a time has to be heard in it. */
const PUSHES = 3;

/**
 * Whether a meter that pushes has to be heard in a trial that begins now: it is known for as long as that, and was never
 * silent for more than a third of it. One that pushes once an hour says nothing in a trial of two minutes.
 */
export const mustPush = (
  { firstAcceptedMs, lastAcceptedMs, longestSilenceMs }: Pushes,
  nowMs: number,
  trialMs: number,
): boolean =>
  firstAcceptedMs !== null &&
  lastAcceptedMs !== null &&
  firstAcceptedMs <= nowMs - trialMs &&
  Math.max(longestSilenceMs, nowMs - lastAcceptedMs) * PUSHES <= trialMs;
