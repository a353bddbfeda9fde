/** @jsxImportSource preact */
/** Who answers on a bus: a strip of 247 addresses that fills while it is asked, with what is left to wait, and a stop. */
import { useState } from 'preact/hooks';
import type {
  AddressSearch,
  EdgeMeter,
  EdgeStatus,
  LiveFault,
  ScanEvent,
  ScannedMeter,
} from '../../protocols/edge-api.ts';
import { durationText } from '../format.ts';
import type { EdgeWords } from '../words/edge.ts';
import { BusChoice } from './fields.tsx';
import { FoundMeter } from './found-meter.tsx';
import { useLiveSearch } from './live-search.ts';
import { FaultNotice, ProblemNotice } from './notices.tsx';
import { useSession } from './session.ts';
import { UnitStrip } from './unit-strip.tsx';

export interface ScanProgress {
  bus: string;
  asked: ReadonlySet<number>;
  found: readonly ScannedMeter[];
  now: Extract<ScanEvent, { type: 'progress' }> | null;
  /** What is looked for besides Modbus units, after them. */
  search: AddressSearch | null;
  unclear: readonly AddressSearch[];
  state: 'runs' | 'done' | 'stopped';
  fault: LiveFault | null;
}

const begun = (bus: string): ScanProgress => ({
  bus,
  asked: new Set(),
  found: [],
  now: null,
  search: null,
  unclear: [],
  state: 'runs',
  fault: null,
});

/** The address that was asked is known to be done when the next one is. */
const withLast = ({ asked, now }: ScanProgress): ReadonlySet<number> =>
  now === null ? asked : new Set([...asked, now.unit]);

/** What one more line of the scan makes of it. */
function progressed(before: ScanProgress, event: ScanEvent): ScanProgress {
  switch (event.type) {
    case 'start':
      return begun(before.bus);
    case 'progress':
      return { ...before, asked: withLast(before), now: event };
    case 'searching':
      return { ...before, asked: withLast(before), search: event.search };
    case 'found':
      return { ...before, found: [...before.found, event.meter] };
    case 'done':
      return { ...before, asked: withLast(before), unclear: event.unclear, state: 'done' };
    case 'failed':
      return { ...before, state: 'stopped', fault: event.fault };
  }
}

export function Scan({ status, meters }: { status: EdgeStatus; meters: readonly EdgeMeter[] }) {
  const { words } = useSession();
  const [bus, setBus] = useState(status.buses[0]?.bus ?? '');
  const [progress, setProgress] = useState<ScanProgress | null>(null);
  const search = useLiveSearch(() =>
    setProgress((last) => (last?.state === 'runs' ? { ...last, state: 'stopped' } : last)),
  );
  const listed = meters.filter((meter) => meter.bus === bus);
  const start = () => {
    setProgress(begun(bus));
    search.start<ScanEvent>(`/api/v1/buses/${bus}/scan`, {}, (event) =>
      setProgress((before) => progressed(before ?? begun(bus), event)),
    );
  };
  return (
    <>
      <section class="card">
        <BusChoice buses={status.buses} value={bus} disabled={search.runs} onChange={setBus} />
        <p class="muted small">{words.pollingGoesOn}</p>
        {bus === '' && <p class="notice warn">{words.noBuses}</p>}
        <div class="actions">
          {search.runs ? (
            <button type="button" class="button" onClick={search.stop}>
              {words.stop}
            </button>
          ) : (
            <button type="button" class="button primary" disabled={bus === ''} onClick={start}>
              {words.startScan}
            </button>
          )}
        </div>
        {search.problem !== null && <ProblemNotice problem={search.problem} />}
        {progress !== null && search.problem === null && (
          <>
            <p role="status">{progressText(words, progress)}</p>
            <UnitStrip progress={progress} listed={listed} />
            {progress.fault !== null && <FaultNotice fault={progress.fault} />}
            {progress.unclear.map((one) => (
              <p key={one} class="notice warn">
                {one === 'lone' ? words.unclearLone : words.unclearMbus}
              </p>
            ))}
          </>
        )}
      </section>
      <ul class="list">
        {progress?.found.map((meter) => (
          <li key={`${meter.unit}`} class="card">
            <FoundMeter bus={progress.bus} found={meter} listed={listed} />
          </li>
        ))}
      </ul>
      {progress?.state === 'done' && progress.found.length === 0 && (
        <p class="notice warn">{words.scanNobody}</p>
      )}
    </>
  );
}

function progressText(words: EdgeWords, { state, now, search, found, asked }: ScanProgress): string {
  if (state === 'done') return words.scanDone(String(asked.size), String(found.length));
  if (state === 'stopped') return words.scanStopped;
  if (search !== null) return search === 'lone' ? words.searchingLone : words.searchingMbus;
  if (now === null) return words.loading;
  return words.scanning(
    String(now.unit),
    String(now.probed),
    String(now.total),
    durationText(now.etaSeconds),
  );
}
