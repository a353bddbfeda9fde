/** What the API may start in billing, one piece of work at a time: the steps of a period, corrections, runs computed again. */
import type { BillingRunRequest } from '../../protocols/api.ts';
import type {
  PeriodCorrection,
  PeriodReadiness,
  PeriodStatus,
  RecomputedRun,
  RunProgress,
  RunStepRequest,
} from '../../protocols/billing-api.ts';
import type { Park } from '../../protocols/park.ts';
import type { Clock } from '../clock.ts';
import { advance } from '../ledger/run-states.ts';
import type { SigningKey } from '../signing.ts';
import type { Store } from '../store/store.ts';
import { withBillingClaim } from './billing-claim.ts';
import { damageOfLastRun } from './check-books.ts';
import { type ClosedPeriod, type ClosePeriod, closePeriod } from './close-period.ts';
import { correctPeriod } from './correct-period.ts';
import { periodReadiness } from './period-readiness.ts';
import { type ReviewedPeriod, reviewPeriod } from './period-review.ts';
import { recomputeRun } from './recompute-run.ts';

export interface BillingJobsOptions {
  store: Store;
  park: Park;
  parkDigest: string;
  clock: Clock;
  /** Real time, even where the site's is driven. */
  wallClock: Clock;
  intervalMinutes: number;
  /** The key that signs now: it may be changed while the service runs. */
  signingKey: () => SigningKey;
}
type Refused = { ok: false; code: string; detail: string };
type Step = RunStepRequest & { period: string; actor: string };
export interface BillingJobs {
  /** All steps in one: closing a period again gives the run that was issued. */
  closePeriod(request: BillingRunRequest & { actor?: string }): Promise<ClosedPeriod>;
  status(period: string): Promise<PeriodStatus>;
  readiness(period: string): Promise<PeriodReadiness>;
  /** Of what was computed last, with whose signature under the estimates; it issues nothing. */
  review(period: string): Promise<ReviewedPeriod>;
  /** Takes one step; `cancel` also calls off the step under way. */
  step(step: Step): Promise<{ ok: true; status: PeriodStatus } | Refused>;
  correct(request: {
    period: string;
    cause: string;
    basis: 'issued' | 'current';
    dryRun: boolean;
    acceptEstimates: Signed;
  }): Promise<{ ok: true; correction: PeriodCorrection } | Refused>;
  recompute(period: string): Promise<{ ok: true; result: RecomputedRun } | Refused>;
}

interface Working {
  period: string;
  progress: RunProgress;
  cancel: AbortController;
}

export function billingJobs(options: BillingJobsOptions): BillingJobs {
  const { store, park, clock } = options;
  let working: Working | null = null;
  const now = (): string => instantText(clock);

  /** The claim, and what can be seen of the work from outside. */
  const work = <T>(period: string, job: (hooks: Hooks) => Promise<T>): Promise<T> =>
    withBillingClaim(options, async () => {
      const startedAt = instantText(options.wallClock);
      const cancel = new AbortController();
      const own: Working = { period, cancel, progress: { phase: 'derive', done: 0, total: 1, startedAt } };
      working = own;
      const onProgress: Hooks['onProgress'] = (progress) => {
        own.progress = { ...progress, startedAt };
      };
      try {
        return await job({ signal: cancel.signal, onProgress });
      } finally {
        working = null;
      }
    });
  const closing = (period: string, hooks: Hooks, acceptEstimates: Signed = null): Closing => ({
    ...{ store, park, parkDigest: options.parkDigest, period, acceptEstimates, ...hooks },
    ...{ issuedAt: now(), signingKey: options.signingKey(), intervalMinutes: options.intervalMinutes },
  });
  /** Nothing is built on rows that were changed. */
  const damage = async (): Promise<{ ok: false; code: 'store_damaged'; detail: string } | null> => {
    const detail = await damageOfLastRun(store, options.signingKey());
    return detail === null ? null : { ok: false, code: 'store_damaged', detail };
  };
  const status = (period: string): Promise<PeriodStatus> => periodStatus(store, period, working);

  return {
    status,
    readiness: (period) => work(period, (hooks) => periodReadiness(closing(period, hooks))),
    review: (period) =>
      work(period, async (hooks) => {
        const { acceptEstimates } = computed(await status(period));
        return reviewPeriod(closing(period, hooks, acceptEstimates));
      }),
    closePeriod: ({ period, acceptEstimates = null, actor = 'api' }) =>
      work(period, async (hooks) => {
        const damaged = await damage();
        if (damaged !== null) return damaged;
        const closed = await closePeriod(closing(period, hooks, acceptEstimates));
        if (closed.ok && !closed.already) await recordIssue(store, period, now(), actor);
        return closed;
      }),
    async step(step) {
      const { period, command } = step;
      if (command === 'cancel' && working?.period === period) {
        working.cancel.abort();
        return { ok: true, status: await status(period) };
      }
      const before = await status(period);
      const way = advance(before.state, command);
      if (!way.ok) return way;
      const taken = await work(
        period,
        async (hooks) =>
          (await damage()) ?? takeStep(closing(period, hooks, step.acceptEstimates), step, before),
      );
      if (!taken.ok) return taken;
      const detail = JSON.stringify({ reason: step.reason, ...taken.detail });
      const recorded = { period, state: way.state, at: now(), actor: step.actor, detail };
      if (!(await store.addRunStep({ ...recorded, after: before.steps.length })))
        return { ok: false, code: 'wrong_state', detail: 'somebody else took a step meanwhile: look again' };
      if (command === 'issue') await closeEarlier(store, period, now(), step.actor);
      return { ok: true, status: await status(period) };
    },
    correct: ({ acceptEstimates, ...request }) =>
      work(
        request.period,
        async (hooks) =>
          (await damage()) ??
          correctPeriod({ ...closing(request.period, hooks, acceptEstimates), ...request }),
      ),
    recompute: (period) => recomputeRun({ store, park, signingKey: options.signingKey(), period }),
  };
}

type Hooks = Pick<ClosePeriod, 'onProgress' | 'signal'>;
type Signed = ClosePeriod['acceptEstimates'] | undefined;
type Closing = ClosePeriod & { intervalMinutes: number };

const instantText = (clock: Clock): string =>
  Temporal.Instant.fromEpochMilliseconds(clock.nowMs()).toString();

/** Does what the step is, and gives what is to be kept of it. */
async function takeStep(
  run: Closing,
  { command }: Step,
  before: PeriodStatus,
): Promise<{ ok: true; detail: object } | Refused> {
  switch (command) {
    case 'check': {
      const readiness = await periodReadiness(run);
      if (readiness.blockers.length === 0) return { ok: true, detail: { readiness } };
      return { ok: false, code: 'billing_refused', detail: readiness.blockers.join('; ') };
    }
    case 'compute': {
      const closed = await closePeriod({ ...run, dryRun: true });
      if (!closed.ok) return closed;
      const { manifest, utilities, charges, statements } = closed.run;
      const { warnings } = closed;
      const { acceptEstimates } = run;
      return { ok: true, detail: { manifest, acceptEstimates, utilities, charges, statements, warnings } };
    }
    case 'issue': {
      const { manifest, acceptEstimates = null } = computed(before);
      const closed = await closePeriod({ ...run, acceptEstimates, ...(manifest && { reviewed: manifest }) });
      return closed.ok ? { ok: true, detail: { manifest: closed.run.manifest } } : closed;
    }
    case 'review':
      // A review is of what was computed.
      return { ok: true, detail: { manifest: computed(before).manifest } };
    case 'close':
    case 'cancel':
      return { ok: true, detail: {} };
  }
}

interface ComputedDetail {
  manifest?: string;
  acceptEstimates?: ClosePeriod['acceptEstimates'];
}
/** What was computed last, and with whose signature under the estimates. */
const computed = ({ steps }: PeriodStatus): ComputedDetail =>
  (steps.findLast(({ state }) => state === 'computed')?.detail ?? {}) as ComputedDetail;
async function periodStatus(store: Store, period: string, working: Working | null): Promise<PeriodStatus> {
  const steps = await store.runSteps(period);
  const run = await store.billingRun(period);
  const late = await store.lateChanges();
  // A run of an earlier build has no steps, and is issued all the same.
  const recorded = steps.at(-1)?.state ?? 'open';
  const state = run !== null && recorded !== 'closed' ? 'issued' : recorded;
  return {
    period,
    state,
    revision: run?.revision ?? null,
    lateMeters: late.filter((one) => one.period === period).map(({ meter }) => meter),
    working: working?.period === period ? working.progress : null,
    steps: steps.map(({ state: reached, at, actor, detail }) => ({
      ...{ state: reached, at, actor },
      detail: JSON.parse(detail) as Record<string, unknown>,
    })),
  };
}

/** All steps at once, and the periods before are closed: their late data is charged with this period's successor. */
async function recordIssue(store: Store, period: string, at: string, actor: string): Promise<void> {
  const steps = await store.runSteps(period);
  await store.addRunStep({ period, after: steps.length, state: 'issued', at, actor, detail: '{}' });
  await closeEarlier(store, period, at, actor);
}

async function closeEarlier(store: Store, period: string, at: string, actor: string): Promise<void> {
  const detail = JSON.stringify({ reason: `${period} is issued` });
  for (const earlier of new Set((await store.billingRuns()).map((run) => run.period))) {
    if (earlier >= period) continue;
    const steps = await store.runSteps(earlier);
    if (steps.at(-1)?.state === 'closed') continue;
    await store.addRunStep({ period: earlier, after: steps.length, state: 'closed', at, actor, detail });
  }
}
