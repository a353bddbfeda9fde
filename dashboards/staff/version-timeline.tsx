/** The versions of a tariff or rule on a line of time: each is a button, as wide as it was in force. */
import type { CSSProperties } from 'react';
import { dayBefore } from '../format.ts';
import { termsWords } from '../words/terms.ts';
import { useSession } from './session.ts';

export interface Dated {
  version: number;
  from: string;
  to: string | null;
}

const DAY_MS = 86_400_000;
const dayOf = (date: string): number => Date.parse(`${date}T00:00:00Z`) / DAY_MS;
/** An open end is drawn half a year beyond the last date that is known. */
const BEYOND_DAYS = 180;

export function VersionTimeline({
  versions,
  chosen,
  choose,
}: {
  versions: readonly Dated[];
  chosen: number;
  choose(version: number): void;
}) {
  const { language } = useSession();
  const words = termsWords[language];
  const first = Math.min(...versions.map(({ from }) => dayOf(from)));
  const last = Math.max(...versions.map(({ from, to }) => dayOf(to ?? from))) + BEYOND_DAYS;
  const place = ({ from, to }: Dated): CSSProperties => ({
    left: `${(100 * (dayOf(from) - first)) / (last - first)}%`,
    width: `${(100 * ((to === null ? last : dayOf(to)) - dayOf(from))) / (last - first)}%`,
  });
  return (
    <div className="timeline" role="toolbar" aria-label={words.versions}>
      {versions.map((one) => (
        <button
          type="button"
          key={one.version}
          className={`span ${one.to === null ? 'open' : ''}`}
          style={place(one)}
          aria-pressed={one.version === chosen}
          onClick={() => choose(one.version)}
        >
          <strong>v{one.version}</strong> {one.from}
          {one.to === null ? ` → ${words.openEnd}` : ` – ${dayBefore(one.to)}`}
        </button>
      ))}
    </div>
  );
}
