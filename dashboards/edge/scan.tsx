/** @jsxImportSource preact */
/** Who answers on a bus: a strip of 247 addresses that fills while it is asked, with what is left to wait, and a stop. */
import { useRef, useState } from 'preact/hooks';
import type { Problem } from '../../protocols/api.ts';
import type { EdgeMeter, EdgeStatus, LiveFault, ScanEvent, ScannedMeter } from '../../protocols/edge-api.ts';
import type { ToProve } from './detective.tsx';
import { readEvents } from './event-lines.ts';
import { BusChoice } from './fields.tsx';
import { FaultNotice, ProblemNotice } from './notices.tsx';
import { problemOf, useSession } from './session.ts';

interface Props {
  status: EdgeStatus;
  meters: readonly EdgeMeter[];
  onProve: (what: ToProve) => void;
}

interface Progress {
  asked: ReadonlySet<number>;
  found: readonly ScannedMeter[];
  now: Extract<ScanEvent, { type: 'progress' }> | null;
  state: 'runs' | 'done' | 'stopped';
  fault: LiveFault | null;
}

const nothing: Progress = { asked: new Set(), found: [], now: null, state: 'runs', fault: null };

/** What one more line of the scan makes of it. */
function progressed(before: Progress, event: ScanEvent): Progress {
  switch (event.type) {
    case 'start':
      return nothing;
    case 'progress': {
      const last = before.now?.unit;
      return {
        ...before,
        asked: last === undefined ? before.asked : new Set([...before.asked, last]),
        now: event,
      };
    }
    case 'searching':
      return before;
    case 'found':
      return { ...before, found: [...before.found, event.meter] };
    case 'done':
      return {
        ...before,
        asked: before.now === null ? before.asked : new Set([...before.asked, before.now.unit]),
        state: 'done',
      };
    case 'failed':
      return { ...before, state: 'stopped', fault: event.fault };
  }
}

export function Scan({ status, meters, onProve }: Props) {
  const { words, language } = useSession();
  const [bus, setBus] = useState(status.buses[0]?.bus ?? '');
  const [progress, setProgress] = useState<Progress | null>(null);
  const [problem, setProblem] = useState<Problem | null>(null);
  const stopping = useRef<AbortController | null>(null);
  const runs = progress?.state === 'runs';

  const start = () => {
    const ending = new AbortController();
    stopping.current = ending;
    setProblem(null);
    setProgress(nothing);
    readEvents<ScanEvent>(
      `/api/v1/buses/${bus}/scan`,
      { language, method: 'POST', body: {} },
      (event) => setProgress((before) => progressed(before ?? nothing, event)),
      ending.signal,
    )
      .catch((error: unknown) => setProblem(problemOf(error)))
      .finally(() => setProgress((last) => (last?.state === 'runs' ? { ...last, state: 'stopped' } : last)));
  };
  return (
    <section class="card">
      <BusChoice buses={status.buses} value={bus} disabled={runs} onChange={setBus} />
      <p class="muted small">{words.pollingGoesOn}</p>
      <div class="actions">
        {runs ? (
          <button type="button" class="button" onClick={() => stopping.current?.abort()}>
            {words.stop}
          </button>
        ) : (
          <button type="button" class="button primary" disabled={bus === ''} onClick={start}>
            {words.startScan}
          </button>
        )}
      </div>
      {problem !== null && <ProblemNotice problem={problem} />}
      {progress !== null && problem === null && (
        <>
          <p role="status">{progressText(words, progress)}</p>
          <UnitStrip progress={progress} listed={meters.filter((meter) => meter.bus === bus)} />
          {progress.fault !== null && <FaultNotice fault={progress.fault} />}
          <FoundList bus={bus} found={progress.found} onProve={onProve} />
        </>
      )}
    </section>
  );
}

function progressText(words: ReturnType<typeof useSession>['words'], progress: Progress): string {
  const { state, now, found, asked } = progress;
  if (state === 'done') return words.scanDone(String(asked.size), String(found.length));
  if (state === 'stopped') return words.scanStopped;
  if (now === null) return words.loading;
  return words.scanning(String(now.unit), String(now.probed), String(now.total), String(now.etaSeconds));
}

const LAST_UNIT = 247;
const units = Array.from({ length: LAST_UNIT }, (_, at) => at + 1);

function UnitStrip({ progress, listed }: { progress: Progress; listed: readonly EdgeMeter[] }) {
  const { words } = useSession();
  const found = new Set(progress.found.map(({ unit }) => unit));
  const known = new Set(listed.map(({ unit }) => unit));
  const label = words.scanStrip(String(progress.asked.size), String(found.size));
  const state = (unit: number): string =>
    found.has(unit) ? 'found' : progress.asked.has(unit) ? 'silent' : '';
  return (
    <>
      <div class="units" role="img" aria-label={label}>
        {units.map((unit) => (
          <i
            key={unit}
            class={`${state(unit)} ${known.has(unit) ? 'listed' : ''} ${
              progress.now?.unit === unit && progress.state === 'runs' ? 'now' : ''
            }`}
          />
        ))}
      </div>
      <ul class="legend small muted">
        <li>
          <i class="found" /> {words.legendFound}
        </li>
        <li>
          <i class="silent" /> {words.legendSilent}
        </li>
        <li>
          <i /> {words.legendUntried}
        </li>
        <li>
          <i class="listed" /> {words.legendListed}
        </li>
      </ul>
    </>
  );
}

interface FoundProps {
  bus: string;
  found: readonly ScannedMeter[];
  onProve: (what: ToProve) => void;
}

function FoundList({ bus, found, onProve }: FoundProps) {
  const { words } = useSession();
  return (
    <ul class="found-list">
      {found.map(({ unit, profile, equals, registers }) => (
        <li key={unit}>
          <div class="row">
            <strong>
              {words.unit} {unit}
            </strong>
            <span>{profile ?? words.foundNothing}</span>
            {typeof unit === 'number' && (
              <button type="button" class="button" onClick={() => onProve({ bus, unit, meter: '' })}>
                {words.proveThis}
              </button>
            )}
          </div>
          {equals.length > 0 && <p class="muted small">{words.fitsEqually(equals.join(', '))}</p>}
          {Object.entries(registers).map(([register, value]) => (
            <p key={register} class="mono small">
              {register} {value ?? words.noValue}
            </p>
          ))}
        </li>
      ))}
    </ul>
  );
}
