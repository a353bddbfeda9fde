/** Whether settings that are on trial have proved themselves: what answered before still does, and the uplink works. Pure. */

export interface TrialEvidence {
  /** Meters by bus ('' for those that push) under the settings on trial: whether each was heard before, and since. */
  meters: readonly { meter: string; bus: string; before: boolean; since: boolean }[];
  uplink: { connected: boolean; waitingRows: number; receiptSince: boolean };
}

/** So many meters in a hundred may fall silent by chance during a trial. */
const CHANCE_PERCENT = 10;
const NAMED = 5;

/** Null: they stay. Otherwise why they are undone. */
export function trialFailure({ meters, uplink }: TrialEvidence): string | null {
  if (!uplink.connected) return 'the uplink was lost';
  if (uplink.waitingRows > 0 && !uplink.receiptSince) return 'the cloud has receipted nothing since';
  const heard = meters.filter(({ before }) => before);
  const lost = heard.filter(({ since }) => !since);
  const named = lost.slice(0, NAMED).map(({ meter }) => meter);
  const list = `${named.join(', ')}${lost.length > NAMED ? ` and ${lost.length - NAMED} more` : ''}`;
  const dead = lost.find(({ bus }) => heard.every((one) => one.bus !== bus || !one.since));
  if (dead !== undefined)
    return `${dead.bus === '' ? 'the meters that push' : `bus ${dead.bus}`} fell silent: ${list}`;
  if (lost.length * 100 > heard.length * CHANCE_PERCENT)
    return `${lost.length} of ${heard.length} meters fell silent: ${list}`;
  return null;
}
