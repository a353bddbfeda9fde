/** Until when a late reply may be under way on a link, as the lines of this process leave it to the next one there. */
import type { Link } from '../config.ts';
import { linkName } from './line-stream.ts';

/** By link; of the clock of `performance.now()`. */
const doubts = new Map<string, number>();

export function leaveDoubt(link: Link, until: number): void {
  const name = linkName(link);
  doubts.set(name, Math.max(until, doubtLeftOn(link)));
}

export function doubtLeftOn(link: Link): number {
  return doubts.get(linkName(link)) ?? 0;
}
