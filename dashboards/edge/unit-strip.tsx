/** @jsxImportSource preact */
/** The 247 addresses of a bus: not asked, asked in vain, answering; framed are those that the list names. */
import type { EdgeMeter } from '../../protocols/edge-api.ts';
import type { ScanProgress } from './scan.tsx';
import { useSession } from './session.ts';

const LAST_UNIT = 247;
const units = Array.from({ length: LAST_UNIT }, (_, at) => at + 1);

interface Props {
  progress: ScanProgress;
  listed: readonly EdgeMeter[];
}

export function UnitStrip({ progress, listed }: Props) {
  const { words } = useSession();
  const { asked, now, state } = progress;
  const found = new Set(progress.found.map(({ unit }) => unit));
  const known = new Set(listed.map(({ unit }) => unit));
  const stateOf = (unit: number): string => (found.has(unit) ? 'found' : asked.has(unit) ? 'silent' : '');
  return (
    <>
      <div class="units" role="img" aria-label={words.scanStrip(String(asked.size), String(found.size))}>
        {units.map((unit) => (
          <i
            key={unit}
            title={String(unit)}
            class={[
              stateOf(unit),
              known.has(unit) ? 'listed' : '',
              now?.unit === unit && state === 'runs' ? 'now' : '',
            ].join(' ')}
          />
        ))}
      </div>
      <ul class="legend small muted">
        {(['found', 'silent', 'untried', 'listed'] as const).map((one) => (
          <li key={one}>
            <i class={one} />{' '}
            {
              {
                found: words.legendFound,
                silent: words.legendSilent,
                untried: words.legendUntried,
                listed: words.legendListed,
              }[one]
            }
          </li>
        ))}
      </ul>
    </>
  );
}
