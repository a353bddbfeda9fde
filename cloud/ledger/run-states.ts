/**
 * The way of a billing period: open -> checked -> computed -> reviewed -> issued -> closed. Each step rests on the one before, and on the
 * same figures: what is issued is what was reviewed. Back is possible until it is issued, never after.
 */

export const RUN_STATES = ['open', 'checked', 'computed', 'reviewed', 'issued', 'closed'] as const;
export type RunState = (typeof RUN_STATES)[number];

/** `cancel` goes back to open. */
export const RUN_COMMANDS = ['check', 'compute', 'review', 'issue', 'close', 'cancel'] as const;
export type RunCommand = (typeof RUN_COMMANDS)[number];

const ways: Record<RunCommand, { from: readonly RunState[]; to: RunState }> = {
  check: { from: ['open', 'checked', 'computed', 'reviewed'], to: 'checked' },
  compute: { from: ['checked', 'computed', 'reviewed'], to: 'computed' },
  review: { from: ['computed'], to: 'reviewed' },
  issue: { from: ['reviewed'], to: 'issued' },
  close: { from: ['issued'], to: 'closed' },
  cancel: { from: ['checked', 'computed', 'reviewed'], to: 'open' },
};

export type Advance =
  | { ok: true; state: RunState }
  | { ok: false; code: 'wrong_state' | 'period_immutable'; detail: string };

export function advance(state: RunState, command: RunCommand): Advance {
  const { from, to } = ways[command];
  if (from.includes(state)) return { ok: true, state: to };
  if (state === 'issued' || state === 'closed')
    return {
      ok: false,
      code: 'period_immutable',
      detail: `the period is ${state}: what was issued is never computed again, but corrected`,
    };
  return {
    ok: false,
    code: 'wrong_state',
    detail: `the period is ${state}; ${command} goes from ${from.join(' or ')}`,
  };
}
