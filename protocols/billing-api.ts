/**
 * Shapes of `/api/v1` around a billing run: its steps, corrections, the books behind it, what people contest and grant, and what
 * external ledgers are told. The same words as in `api.ts`.
 */
import { z } from 'zod';
import { BillingRun, BillingRunRequest } from './api.ts';
import { Decimal } from './decimal.ts';
import { Pool, SourceBill, Tariff } from './park.ts';
import { DateText, Id, InstantText } from './reading.ts';
import { SharingRule } from './sharing.ts';
import { Sha256 } from './statement.ts';
import { Utility } from './units.ts';

export const RunState = z.enum(['open', 'checked', 'computed', 'reviewed', 'issued', 'closed']);
export type RunState = z.infer<typeof RunState>;
/** How far the work on a period has come. */
export const RunProgress = z.strictObject({
  phase: z.enum(['derive', 'load', 'bill', 'issue']),
  done: z.int(),
  total: z.int(),
  startedAt: InstantText,
});
export type RunProgress = z.infer<typeof RunProgress>;
/** What stands in the way of a period, and what its estimates are worth at the supplier's mean price. */
export const PeriodReadiness = z.strictObject({
  blockers: z.array(z.string()),
  meters: z.int(),
  missing: z.array(z.strictObject({ meter: Id, intervals: z.int() })),
  estimated: z.array(z.strictObject({ meter: Id, intervals: z.int(), quantity: Decimal, gross: Decimal })),
  estimatedGross: Decimal,
  totalGross: Decimal,
});
export type PeriodReadiness = z.infer<typeof PeriodReadiness>;
/**
 * What a period would issue as it stands. Flags say where to look first: `rise` and `fall` against the month before (day by day
 * held), `first` of a new lease; `atStake` is the money that hangs on it. `meters` are the lease's own that are in doubt.
 */
export const PeriodReview = z.strictObject({
  run: BillingRun,
  warnings: z.array(z.string()),
  leases: z.array(
    z.strictObject({
      lease: Id,
      tenant: z.string(),
      gross: Decimal,
      /** Of the month before; null where there was none. */
      before: Decimal.nullable(),
      flags: z.array(
        z.strictObject({
          kind: z.enum(['rise', 'fall', 'first', 'zero', 'negative', 'estimated', 'anomaly']),
          atStake: Decimal,
        }),
      ),
      meters: z.array(Id),
    }),
  ),
});
export type PeriodReview = z.infer<typeof PeriodReview>;
/** What the park bills by: tariffs, sharing rules with who signed them, pools, the supplier's bills. */
export const BillingTermsView = z.strictObject({
  timeZone: z.string(),
  tariffs: z.array(Tariff),
  rules: z.array(SharingRule),
  pools: z.array(Pool),
  sourceBills: z.array(SourceBill),
  signatures: z.array(
    z.strictObject({ rule: Id, version: z.int(), lease: Id, tenant: z.string(), on: DateText }),
  ),
});
export type BillingTermsView = z.infer<typeof BillingTermsView>;
export const PeriodStatus = z.strictObject({
  period: z.string(),
  state: RunState,
  /** Of the newest run; null before the first. */
  revision: z.int().nullable(),
  /** Meters whose consumption was written anew after the period was issued. */
  lateMeters: z.array(Id),
  /** Null while nobody works on it. */
  working: RunProgress.nullable(),
  steps: z.array(
    z.strictObject({
      state: RunState,
      at: InstantText,
      actor: z.string(),
      detail: z.record(z.string(), z.unknown()),
    }),
  ),
});
export type PeriodStatus = z.infer<typeof PeriodStatus>;

const LineAmounts = z.strictObject({ quantity: Decimal, net: Decimal, tax: Decimal });
/** What a correction changes, line by line; `issued` is false of one that was only looked at. */
export const PeriodCorrection = z.strictObject({
  period: z.string(),
  revision: z.int(),
  cause: z.string(),
  issued: z.boolean(),
  lines: z.array(
    z.strictObject({
      lease: Id.nullable(),
      utility: Utility,
      component: Id,
      pool: z.string(),
      before: LineAmounts,
      after: LineAmounts,
    }),
  ),
  /** Ids of the statements that it issued. */
  statements: z.array(z.string()),
});
export type PeriodCorrection = z.infer<typeof PeriodCorrection>;

/** A run computed again from what was recorded with it. */
export const RecomputedRun = z.strictObject({
  period: z.string(),
  revision: z.int(),
  manifest: z.string(),
  identical: z.boolean(),
  /** How many statements were compared byte for byte. */
  statements: z.int(),
  differences: z.array(z.string()),
});
export type RecomputedRun = z.infer<typeof RecomputedRun>;

/** Bills, outbox and ledger: the three agree to the minor unit, charge by charge, or each difference is named. */
export const BooksReport = z.strictObject({
  agrees: z.boolean(),
  charges: z.int(),
  bills: Decimal,
  outbox: Decimal,
  ledger: Decimal,
  /** Of all accounts together: zero. */
  allAccounts: Decimal,
  differences: z.array(
    z.strictObject({
      key: z.string(),
      kind: z.enum(['not_billed', 'not_told', 'not_posted', 'amounts_differ']),
      detail: z.string(),
    }),
  ),
});
export type BooksReport = z.infer<typeof BooksReport>;

const AcceptEstimates = BillingRunRequest.shape.acceptEstimates;
export const RunStepRequest = z.strictObject({
  command: z.enum(['check', 'compute', 'review', 'issue', 'close', 'cancel']),
  /** Of a review: what was looked at; of a cancellation: why. */
  reason: z.string().max(500).optional(),
  acceptEstimates: AcceptEstimates,
});
export type RunStepRequest = z.infer<typeof RunStepRequest>;
export const CorrectionRequest = z.strictObject({
  /** Told on every statement that changes. */
  cause: z.string().min(1).max(300),
  /** Master data of the run that is corrected, or of today. */
  basis: z.enum(['issued', 'current']).default('issued'),
  dryRun: z.boolean().default(false),
  acceptEstimates: AcceptEstimates,
});

/** Where an external ledger is told of what is posted. */
export const NewWebhook = z.strictObject({
  url: z.string().min(1).max(2_000),
  description: z.string().max(200).default(''),
});
export const Webhook = z.strictObject({
  id: z.string(),
  url: z.string(),
  description: z.string(),
  createdAt: InstantText,
  endedAt: InstantText.nullable(),
  pending: z.int(),
  delivered: z.int(),
  /** Given up after the last attempt: they wait for a replay. */
  dead: z.int(),
});
export type Webhook = z.infer<typeof Webhook>;
/** `secret` (Standard Webhooks) is shown this once. */
export const MintedWebhook = z.strictObject({ ...Webhook.shape, secret: z.string().nullable() });
export type MintedWebhook = z.infer<typeof MintedWebhook>;
export const DeliveryAttempt = z.strictObject({
  number: z.int(),
  event: z.string(),
  type: z.string(),
  subject: z.string(),
  attempt: z.int(),
  at: InstantText,
  /** HTTP; null: no answer. */
  status: z.int().nullable(),
  detail: z.string(),
  milliseconds: z.int(),
});
export const LedgerEvent = z.strictObject({
  id: z.string(),
  type: z.string(),
  subject: z.string(),
  time: InstantText,
  data: z.record(z.string(), z.unknown()),
});

export const NewDispute = z.strictObject({
  /** Id of the line in the statement. */
  line: z.string().min(1).max(200),
  reason: z.string().trim().min(1).max(1_000),
});
export const Dispute = z.strictObject({
  id: z.string(),
  statement: Id,
  lease: Id,
  tenant: z.string(),
  period: z.string(),
  line: z.string(),
  /** Of the line: held until it is decided; the rest of the statement is due. */
  gross: Decimal,
  reason: z.string(),
  openedAt: InstantText,
  state: z.enum(['open', 'credited', 'rejected']),
  decision: z.strictObject({ reason: z.string(), actor: z.string(), at: InstantText }).nullable(),
});
export type Dispute = z.infer<typeof Dispute>;
/** A credit is asked for by whoever decides, and granted when somebody else approves it. */
export const DisputeDecision = z.strictObject({
  reason: z.string().trim().min(1).max(1_000),
  /** What the tenant owes less; absent: the dispute is rejected. */
  credit: Decimal.optional(),
});

export const NewCredit = z.strictObject({
  charge: z.string().min(1).max(400),
  gross: Decimal,
  reason: z.string().trim().min(1).max(300),
});
export const Credit = z.strictObject({
  id: z.string(),
  charge: z.string(),
  dispute: z.string().nullable(),
  gross: Decimal,
  reason: z.string(),
  requestedBy: z.string(),
  requestedAt: InstantText,
  state: z.enum(['requested', 'approved', 'refused']),
  decidedBy: z.string().nullable(),
  decidedAt: InstantText.nullable(),
  /** The charge by which it was posted; null until the next run or correction. */
  posted: z.string().nullable(),
});
export type Credit = z.infer<typeof Credit>;
export const CreditDecision = z.strictObject({ approved: z.boolean() });

/** The keys that statements are verified with. Each but the first is vouched for by the one before. */
export const IssuerKeys = z.strictObject({
  issuer: z.string(),
  park: Id,
  keys: z.array(
    z.strictObject({
      keyId: z.string(),
      publicKey: z.string(),
      since: InstantText,
      vouchedBy: z.string().nullable(),
      voucher: z.string().nullable(),
    }),
  ),
});
export type IssuerKeys = z.infer<typeof IssuerKeys>;
/** The digests of all statements, in the order of issue: enough to prove that one was issued on top of another. */
export const ChainDigests = z.strictObject({ digests: z.array(Sha256) });
export type ChainDigests = z.infer<typeof ChainDigests>;

export const LedgerAccount = z.strictObject({ account: z.string(), balance: Decimal });
export const LedgerAlarm = z.strictObject({
  number: z.int(),
  at: InstantText,
  kind: z.string(),
  detail: z.string(),
});
