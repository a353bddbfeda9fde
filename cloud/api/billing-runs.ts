/** `/api/v1/billing-runs`: the steps of a period, its runs with their proof of conservation, and their corrections. */
import { z } from 'zod';
import { BillingRun, BillingRunRequest, PeriodText, page } from '../../protocols/api.ts';
import {
  CorrectionRequest,
  PeriodCorrection,
  PeriodReadiness,
  PeriodReview,
  PeriodStatus,
  RecomputedRun,
  RunStepRequest,
} from '../../protocols/billing-api.ts';
import { actorOf } from '../access.ts';
import { type ErrorCode, Refused, refusals } from '../errors.ts';
import { BillingBusyError } from '../jobs/billing-claim.ts';
import { RunCancelledError } from '../jobs/billing-input.ts';
import { principalOf } from './authenticate.ts';
import type { Api, ApiContext } from './context.ts';

const byPeriod = z.strictObject({ period: PeriodText });

/** Refusals of billing by codes of their own where the API has them, else under one that names theirs. */
const refused = ({ code, detail }: { code: string; detail: string }): Refused =>
  Object.hasOwn(refusals, code)
    ? new Refused(code as ErrorCode, detail)
    : new Refused('billing_refused', `${code}: ${detail}`);

async function alone<T>(work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    if (error instanceof BillingBusyError) throw new Refused('busy', error.message);
    if (error instanceof RunCancelledError)
      throw new Refused('billing_refused', `cancelled: ${error.message}`);
    throw error;
  }
}

export function billingRunRoutes(api: Api, context: ApiContext): void {
  const { store } = context;
  const { billing } = context.jobs;

  api.get(
    '/api/v1/billing-runs',
    { config: { access: 'charges:read' }, schema: { response: { 200: page(BillingRun) } } },
    async () => {
      // The newest revision of each period: it stands first.
      const newest = new Map<string, BillingRun>();
      for (const { period, result } of await store.billingRuns())
        if (!newest.has(period)) newest.set(period, result);
      return { items: [...newest.values()], next: null };
    },
  );
  api.get(
    '/api/v1/billing-runs/:period',
    { config: { access: 'charges:read' }, schema: { params: byPeriod, response: { 200: BillingRun } } },
    async ({ params }) => {
      const run = await store.billingRun(params.period);
      if (run === null) throw new Refused('unknown_run');
      return run.result;
    },
  );
  api.post(
    '/api/v1/billing-runs',
    {
      config: { access: 'billing:run' },
      schema: { body: BillingRunRequest, response: { 200: BillingRun, 201: BillingRun } },
    },
    async (request, reply) => {
      const actor = actorOf(principalOf(request));
      const closed = await alone(billing.closePeriod({ ...request.body, actor }));
      if (!closed.ok) throw refused(closed);
      return reply.status(closed.already ? 200 : 201).send(closed.run);
    },
  );
  stepRoutes(api, context);
}

function stepRoutes(api: Api, { jobs: { billing } }: ApiContext): void {
  api.get(
    '/api/v1/billing-runs/:period/status',
    { config: { access: 'charges:read' }, schema: { params: byPeriod, response: { 200: PeriodStatus } } },
    ({ params }) => billing.status(params.period),
  );
  api.get(
    '/api/v1/billing-runs/:period/readiness',
    {
      config: { access: 'charges:read' },
      schema: { params: byPeriod, response: { 200: PeriodReadiness } },
    },
    ({ params }) => alone(billing.readiness(params.period)),
  );
  api.get(
    '/api/v1/billing-runs/:period/review',
    { config: { access: 'charges:read' }, schema: { params: byPeriod, response: { 200: PeriodReview } } },
    async ({ params }) => {
      const done = await alone(billing.review(params.period));
      if (!done.ok) throw refused(done);
      return done.review;
    },
  );
  api.post(
    '/api/v1/billing-runs/:period/steps',
    {
      config: { access: 'billing:run' },
      schema: { params: byPeriod, body: RunStepRequest, response: { 200: PeriodStatus } },
    },
    async (request) => {
      const actor = actorOf(principalOf(request));
      const taken = await alone(billing.step({ ...request.body, period: request.params.period, actor }));
      if (!taken.ok) throw refused(taken);
      return taken.status;
    },
  );
  api.post(
    '/api/v1/billing-runs/:period/corrections',
    {
      config: { access: 'billing:run' },
      schema: {
        params: byPeriod,
        body: CorrectionRequest,
        response: { 200: PeriodCorrection, 201: PeriodCorrection },
      },
    },
    async ({ params, body }, reply) => {
      const { acceptEstimates = null, ...rest } = body;
      const done = await alone(billing.correct({ ...rest, acceptEstimates, period: params.period }));
      if (!done.ok) throw refused(done);
      return reply.status(done.correction.issued ? 201 : 200).send(done.correction);
    },
  );
  api.post(
    '/api/v1/billing-runs/:period/recompute',
    {
      config: { access: 'charges:read' },
      schema: { params: byPeriod, response: { 200: RecomputedRun } },
    },
    async ({ params }) => {
      const done = await billing.recompute(params.period);
      if (!done.ok) throw refused(done);
      return done.result;
    },
  );
}
