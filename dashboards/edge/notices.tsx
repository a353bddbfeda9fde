/** @jsxImportSource preact */
/** What went wrong: a refusal of the gateway, or how far a question got on the line; each with the next thing to try. */
import type { Problem } from '../../protocols/api.ts';
import type { LiveFault, PortReason } from '../../protocols/edge-api.ts';
import type { EdgeWords } from '../words/edge.ts';
import { useSession } from './session.ts';

export function ProblemNotice({ problem, retry }: { problem: Problem; retry?: () => void }) {
  const { words } = useSession();
  const unreachable = problem.code === 'unreachable';
  return (
    <div class="notice bad" role="alert">
      <strong>{unreachable ? words.unreachable : problem.title}</strong>
      {(unreachable || problem.detail !== '') && (
        <p>{unreachable ? words.unreachableNext : problem.detail}</p>
      )}
      <p class="muted">
        {words.problemCode} <code>{problem.code}</code>
      </p>
      {retry !== undefined && (
        <button type="button" class="button" onClick={retry}>
          {words.retry}
        </button>
      )}
    </div>
  );
}

const told: Record<LiveFault['layer'], { what: keyof EdgeWords; next: keyof EdgeWords }> = {
  port: { what: 'faultPort', next: 'nextPort' },
  reply: { what: 'faultReply', next: 'nextReply' },
  frame: { what: 'faultFrame', next: 'nextFrame' },
  foreign: { what: 'faultForeign', next: 'nextForeign' },
  refused: { what: 'faultRefused', next: 'nextRefused' },
  value: { what: 'faultValue', next: 'nextValue' },
};

/** What the system says of a port that would not open. */
const ports: Record<PortReason, { what: keyof EdgeWords; next: keyof EdgeWords }> = {
  held: { what: 'portHeld', next: 'portHeldNext' },
  absent: { what: 'portAbsent', next: 'portAbsentNext' },
  forbidden: { what: 'portForbidden', next: 'portForbiddenNext' },
  refused: { what: 'portRefused', next: 'portRefusedNext' },
  no_route: { what: 'portNoRoute', next: 'portNoRouteNext' },
  unknown_name: { what: 'portUnknownName', next: 'portUnknownNameNext' },
  reset: { what: 'portReset', next: 'portResetNext' },
};

/** Exceptions that say more than that the meter refuses: no such register, and busy. */
const exceptions: Record<string, { what: keyof EdgeWords; next: keyof EdgeWords }> = {
  exception_2: { what: 'faultNoRegister', next: 'nextNoRegister' },
  exception_6: { what: 'faultBusy', next: 'nextBusy' },
};

/** A converter's exceptions 0x0A and 0x0B: not the meter refuses, nobody is there. */
const NOBODY: ReadonlySet<string> = new Set(['exception_10', 'exception_11']);
const nobody = { what: 'faultNobody', next: 'nextNobody' } as const;

export function FaultNotice({ fault }: { fault: LiveFault }) {
  const { words } = useSession();
  const { layer, code, reason } = fault;
  const { what, next } = NOBODY.has(code)
    ? nobody
    : ((reason === undefined ? exceptions[code] : ports[reason]) ?? told[layer]);
  return (
    <div class="notice bad" role="alert">
      <strong>{String(words[what])}</strong> <code>{fault.code}</code>
      <p>{String(words[next])}</p>
      <p class="muted small" lang="en">
        {fault.detail}
      </p>
    </div>
  );
}
