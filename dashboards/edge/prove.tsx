/** @jsxImportSource preact */
/** The proof of a meter: which one, what its face shows, a photo, the registers that give it, and a signature. A question a screen. */
import { useEffect } from 'preact/hooks';
import type { EdgeMeter, EdgeStatus } from '../../protocols/edge-api.ts';
import type { Draft, Drafts } from './draft.ts';
import type { EvidenceQueue } from './evidence-queue.ts';
import { FaceStep } from './face-step.tsx';
import { MatchStep } from './match-step.tsx';
import { PhotoStep } from './photo-step.tsx';
import { ProveStart } from './prove-start.tsx';
import { goTo, hashOf, type Place, type ProofStep, proofSteps } from './route.ts';
import { useSession } from './session.ts';
import { SignStep } from './sign-step.tsx';

interface Props {
  at: (Place & { step: ProofStep }) | null;
  status: EdgeStatus;
  meters: readonly EdgeMeter[];
  drafts: Drafts;
  queue: EvidenceQueue;
}

/** What every step is given. */
export interface StepProps {
  draft: Draft;
  change: (changes: Partial<Draft>) => void;
  /** To the step after this one. */
  next: () => void;
}

export function Prove({ at, status, meters, drafts, queue }: Props) {
  if (at === null) return <ProveStart status={status} meters={meters} drafts={drafts} queue={queue} />;
  const meter = meters.find(({ bus, unit }) => bus === at.bus && unit === at.unit)?.meter ?? '';
  return (
    <Steps key={`${at.bus} ${at.unit}`} at={at} meter={meter} meters={meters} drafts={drafts} queue={queue} />
  );
}

type StepsProps = Pick<Props, 'meters' | 'drafts' | 'queue'> & {
  at: Place & { step: ProofStep };
  meter: string;
};

function Steps({ at, meter, meters, drafts, queue }: StepsProps) {
  const { words } = useSession();
  const { bus, unit, step } = at;
  const draft = { ...drafts.at(at, meter), meter };
  const change = (changes: Partial<Draft>) => drafts.change(draft, changes);
  const go = (to: ProofStep) => goTo({ page: 'prove', at: { bus, unit, step: to } });
  const number = proofSteps.indexOf(step);
  const next = () => go(proofSteps[number + 1] ?? step);
  const missing = missingFor(step, draft);

  // What a step needs and is not there is asked first: an address can be typed, or kept from before.
  useEffect(() => {
    const isHere = location.hash === hashOf({ page: 'prove', at });
    if (missing !== null && isHere) location.replace(hashOf({ page: 'prove', at: { ...at, step: missing } }));
  }, [missing, at]);
  if (missing !== null) return null;
  const props = { draft, change, next };
  return (
    <>
      <p class="muted above">
        {words.stepOf(String(number + 1), String(proofSteps.length))} ·{' '}
        <b>{meter === '' ? words.notListed : meter}</b> · {bus} · {words.unit} {unit}
      </p>
      <div>
        {step === 'face' && <FaceStep {...props} />}
        {step === 'photo' && <PhotoStep {...props} />}
        {step === 'match' && <MatchStep {...props} />}
        {step === 'sign' && (
          <SignStep
            {...props}
            row={meters.find((one) => one.bus === bus && one.unit === unit)}
            onSigned={async (body) => {
              await queue.add(body);
              goTo({ page: 'prove', at: null });
              drafts.remove(draft);
            }}
          />
        )}
      </div>
      <div class="actions">
        <a class="button" href={backOf(at, number)}>
          ← {words.back}
        </a>
      </div>
    </>
  );
}

function backOf({ bus, unit }: Place, number: number): string {
  const before = proofSteps[number - 1];
  return hashOf({ page: 'prove', at: before === undefined ? null : { bus, unit, step: before } });
}

/** The first step whose answer this one needs and has not got; null: it can be shown. */
function missingFor(step: ProofStep, { face, match }: Draft): ProofStep | null {
  if (step === 'face') return null;
  if (face === '') return 'face';
  return step === 'sign' && match === null ? 'match' : null;
}
