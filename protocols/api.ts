/**
 * Shapes of `/api/v1`. Quantities and money are decimal strings, instants RFC 3339, dates site-local. The dashboards
 * take these as types; the service validates with them; simulators read them.
 */
import { z } from 'zod';
import { Decimal } from './decimal.ts';
import { Obis } from './obis.ts';
import { DateText, Id, InstantText } from './reading.ts';
import { Unit, Utility } from './units.ts';
import { ClockOffset, MeterClockStatus } from './uplink.ts';

export const Quality = z.enum(['actual', 'estimated', 'edited', 'missing']);
export type Quality = z.infer<typeof Quality>;

/** RFC 9457 problem; `code` is one of the service's error codes. */
export const Problem = z.strictObject({
  type: z.string(),
  title: z.string(),
  status: z.int(),
  code: z.string(),
  detail: z.string(),
  instance: z.string().optional(),
});
export type Problem = z.infer<typeof Problem>;

/** A page of a list: `next` is the cursor of the following page, null on the last. */
export const page = <T extends z.ZodType>(item: T) =>
  z.strictObject({ items: z.array(item), next: z.string().nullable() });

/** `late`: no reading for over two intervals; `silent`: for over a day; `never`: none at all. */
export const Freshness = z.enum(['fresh', 'late', 'silent', 'never']);
export type Freshness = z.infer<typeof Freshness>;
export const MeterSummary = z.strictObject({
  id: Id,
  name: z.string(),
  serial: z.string(),
  utility: Utility,
  register: Obis,
  unit: Unit,
  building: Id.nullable(),
  floor: z.string().nullable(),
  room: z.string().nullable(),
  parent: Id.nullable(),
  multiplier: Decimal,
  serves: z.string(),
  freshness: Freshness,
  lastReadAt: InstantText.nullable(),
  lastValue: Decimal.nullable(),
  /** Consumption of the site-local day of the last reading, after the multiplier. */
  dayQuantity: Decimal.nullable(),
});
export type MeterSummary = z.infer<typeof MeterSummary>;

export const StoredReading = z.strictObject({
  meter: Id,
  register: Obis,
  readAt: InstantText,
  value: Decimal.nullable(),
  unit: Unit,
  code: z.string().nullable(),
  raw: z.string().nullable(),
  source: z.string(),
  gateway: Id,
  epoch: z.string(),
  sequence: z.int(),
});
export type StoredReading = z.infer<typeof StoredReading>;

export const IntervalPoint = z.strictObject({
  start: InstantText,
  end: InstantText,
  quantity: Decimal.nullable(),
  quality: Quality,
  method: z.string(),
  reason: z.string(),
});
export type IntervalPoint = z.infer<typeof IntervalPoint>;
export const Curve = z.strictObject({
  meter: Id,
  unit: Unit,
  from: InstantText,
  to: InstantText,
  intervals: z.array(IntervalPoint),
});
export type Curve = z.infer<typeof Curve>;

/** One node of the balanced tree over a span: own = children + residual, signed, with its tolerance. */
export const BalanceNode = z.strictObject({
  meter: Id,
  name: z.string(),
  parent: Id.nullable(),
  quantity: Decimal,
  children: Decimal,
  residual: Decimal,
  tolerance: Decimal,
  verdict: z.enum(['leaf', 'within', 'loss', 'over_count']),
  estimated: Decimal,
});
export type BalanceNode = z.infer<typeof BalanceNode>;
export const Balance = z.strictObject({
  utility: Utility,
  unit: Unit,
  from: InstantText,
  to: InstantText,
  /**
   * The figures are over `[from, through)`. Before `to` while the span still runs: then it is the last boundary that all
   * meters are known to, `from` where nothing is known yet.
   */
  through: InstantText,
  nodes: z.array(BalanceNode),
  conserved: z.boolean(),
});
export type Balance = z.infer<typeof Balance>;

/** A text for people, in both languages. */
export const Wording = z.strictObject({ 'zh-CN': z.string(), en: z.string() });
export type Wording = z.infer<typeof Wording>;

export const AnomalyKind = z.enum(['night_flow', 'stuck', 'surge', 'imbalance', 'gap']);
export type AnomalyKind = z.infer<typeof AnomalyKind>;
export const Anomaly = z.strictObject({
  id: z.string(),
  meter: Id,
  kind: AnomalyKind,
  start: InstantText,
  end: InstantText.nullable(),
  raisedAt: InstantText,
  severity: z.enum(['info', 'warning', 'critical']),
  /** A sentence or two with the figures that led to it. */
  evidence: Wording,
});
export type Anomaly = z.infer<typeof Anomaly>;

/**
 * `charge`: of the period's first run. `reversal` takes back the charge that it corrects, `rebill` charges it anew, in a further
 * revision of the period. `adjustment`: late data of a closed period, charged in a later one. `credit`: granted by two people.
 */
export const ChargeKind = z.enum(['charge', 'reversal', 'rebill', 'adjustment', 'credit']);
export type ChargeKind = z.infer<typeof ChargeKind>;
/** A posted charge; `key` is (lease, utility, component, pool, period, revision) and what tells corrections apart: unique for ever. */
export const Charge = z.strictObject({
  key: z.string(),
  kind: ChargeKind,
  /** Key of the charge that it corrects. */
  corrects: z.string().nullable(),
  /** The period in which it was consumed: `period`, but for an adjustment. */
  servicePeriod: z.string(),
  lease: Id.nullable(),
  utility: Utility,
  component: Id,
  /** The component's, as the supplier's bill calls it. */
  name: z.string(),
  pool: z.string(),
  /** The pool's name in the park; of `own`, `vacancy`, `metering-difference` and `remainder` the same word. */
  poolName: z.string(),
  period: z.string(),
  revision: z.int(),
  quantity: Decimal,
  unit: Unit,
  net: Decimal,
  tax: Decimal,
  gross: Decimal,
  currency: z.literal('CNY'),
  statement: Id.nullable(),
  postedAt: InstantText,
});
export type Charge = z.infer<typeof Charge>;

export const ProofRow = z.strictObject({
  utility: Utility,
  component: Id,
  /** As the supplier's bill calls it. */
  name: z.string(),
  source: Decimal,
  tenants: Decimal,
  landlord: Decimal,
  holds: z.boolean(),
});
export const BillingRun = z.strictObject({
  period: z.string(),
  state: z.enum(['computed', 'issued']),
  manifest: z.string(),
  utilities: z.array(
    z.strictObject({
      utility: Utility,
      currency: z.literal('CNY'),
      source: Decimal,
      tenants: Decimal,
      landlord: Decimal,
      conserved: z.boolean(),
    }),
  ),
  proof: z.array(ProofRow),
  charges: z.int(),
  ledgerTotal: Decimal,
  statements: z.int(),
  estimatedIntervals: z.int(),
  issuedAt: InstantText,
});
export type BillingRun = z.infer<typeof BillingRun>;

export const StatementSummary = z.strictObject({
  id: Id,
  lease: Id,
  tenant: z.string(),
  period: z.string(),
  from: DateText,
  to: DateText,
  gross: Decimal,
  currency: z.literal('CNY'),
  confirmedAt: InstantText.nullable(),
  /** Id of the statement that has taken its place. */
  correctedBy: z.string().nullable(),
  /** The tenant page, `/s/{token}`, absolute where the service knows its public address; only for staff. */
  link: z.string().nullable(),
});
export type StatementSummary = z.infer<typeof StatementSummary>;

/** The park's health in one sentence, and its figures. */
/**
 * What is wrong with a gateway: its will came; nothing was heard of it for minutes, though it is connected; it signs with another
 * key than at first; its clock is off by more than a minute; readings wait in it for more than an hour.
 */
export const GatewayAlarm = z.enum(['offline', 'silent', 'key_changed', 'clock_off', 'backlog']);
export type GatewayAlarm = z.infer<typeof GatewayAlarm>;

export const Health = z.strictObject({
  park: z.string(),
  parkName: z.string(),
  /** IANA zone in which the site's days begin. */
  timeZone: z.string(),
  at: InstantText,
  sentence: Wording,
  meters: z.int(),
  fresh: z.int(),
  silent: z.array(Id),
  gateways: z.array(
    z.strictObject({
      gateway: Id,
      online: z.boolean(),
      alarms: z.array(GatewayAlarm),
      /** Its own time of its last status. */
      at: InstantText,
      version: z.string(),
      /** Of the settings that the cloud sent; null: those of its own file. */
      configVersion: z.int().nullable(),
      /** Of the key that signs its evidence, and of the one that it showed first; null: it has shown none. */
      keyId: z.string().nullable(),
      pinnedKeyId: z.string().nullable(),
      bufferedRows: z.int(),
      oldestBufferedAt: InstantText.nullable(),
      lastReceiptAt: InstantText.nullable(),
      /** Its clock against this service's; null when it is not known. */
      cloudOffset: ClockOffset.nullable(),
      /** How its lines go; `utilisation` is how near the last round came to what the line takes at least. */
      buses: z.array(
        z.strictObject({
          bus: Id,
          utilisation: z.number().nullable(),
          /** Of its requests since the gateway started, the part that failed; null before the first. */
          failureRate: z.number().nullable(),
          /** Meters at whose addresses another one answers. */
          wrongMeters: z.array(Id),
        }),
      ),
      /** The clocks of its meters against its own, of those that tell their time. */
      clockOffsets: z.array(MeterClockStatus),
    }),
  ),
  openAnomalies: z.int(),
  quarantined: z.int(),
});
export type Health = z.infer<typeof Health>;

export const QuarantineState = z.enum(['held', 'released', 'dismissed']);
export type QuarantineState = z.infer<typeof QuarantineState>;
/** What could not be stored as it came. `item` is its place in the gateway's line; null for a whole message. */
export const QuarantineEntry = z.strictObject({
  id: z.int(),
  gateway: Id.nullable(),
  item: z.strictObject({ epoch: z.string(), sequence: z.int() }).nullable(),
  topic: z.string(),
  code: z.string(),
  detail: z.string(),
  /** Text, or hex of what is none; of a long one the beginning. */
  payload: z.string(),
  at: InstantText,
  state: QuarantineState,
  /** Null while it is held. */
  closed: z.strictObject({ at: InstantText, by: z.string(), reason: z.string().nullable() }).nullable(),
});
export type QuarantineEntry = z.infer<typeof QuarantineEntry>;
/** How many are held, and how many of which kind had to make room. */
export const QuarantineCounts = z.strictObject({
  held: z.int(),
  dropped: z.array(
    z.strictObject({
      gateway: Id.nullable(),
      code: z.string(),
      state: QuarantineState,
      count: z.int(),
      lastAt: InstantText,
    }),
  ),
});
export type QuarantineCounts = z.infer<typeof QuarantineCounts>;

/** What an API key may do; `admin` may do all of it, and mint keys. */
export const Scope = z.enum([
  'meters:read',
  'curves:read',
  'charges:read',
  'statements:read',
  'anomalies:read',
  'billing:run',
  'admin',
]);
export type Scope = z.infer<typeof Scope>;

/** The key of one gateway: it may send that gateway's batches, and nothing else. */
export const GatewayScope = z
  .string()
  .regex(/^gateway:[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$/, 'not "gateway:" and an id');
const KeyScope = z.union([Scope, GatewayScope]);

export const NewApiKey = z.strictObject({
  name: z.string().min(1).max(80),
  scopes: z
    .array(KeyScope)
    .min(1)
    .max(7)
    .refine((scopes) => scopes.length === 1 || scopes.every((scope) => Scope.safeParse(scope).success), {
      error: 'the scope of a gateway stands alone',
    }),
});
export const ApiKey = z.strictObject({
  id: z.string(),
  name: z.string(),
  scopes: z.array(KeyScope),
  createdAt: InstantText,
  revokedAt: InstantText.nullable(),
});
export type ApiKey = z.infer<typeof ApiKey>;
/** `secret` is shown this once; a repeated request with the same Idempotency-Key is answered with null. */
export const MintedApiKey = z.strictObject({ ...ApiKey.shape, secret: z.string().nullable() });
export type MintedApiKey = z.infer<typeof MintedApiKey>;

export const SignIn = z.strictObject({ password: z.string().min(1).max(256) });

/** Month of a billing period, site-local. */
export const PeriodText = z.string().regex(/^\d{4}-(0[1-9]|1[0-2])$/, 'not a month such as "2026-09"');
export const BillingRunRequest = z.strictObject({
  period: PeriodText,
  /** Estimated intervals enter an issued run only signed for: by whom, and why they are good enough. */
  acceptEstimates: z
    .strictObject({ by: z.string().min(1).max(80), reason: z.string().min(1).max(500) })
    .optional(),
});
export type BillingRunRequest = z.infer<typeof BillingRunRequest>;

export const NightlyCheckRequest = z.strictObject({ day: DateText });
export const NightlyCheckResult = z.strictObject({
  day: DateText,
  raised: z.array(Anomaly),
});
export type NightlyCheckResult = z.infer<typeof NightlyCheckResult>;

/** What the bearer of a statement's link is told beside the statement's own bytes. */
export const TenantView = z.strictObject({
  issuer: z.string(),
  statement: Id,
  /** Where the statement is that has taken its place: `/s/{token}`. */
  replacedBy: z.string().nullable(),
  /** SHA-256 of the statement's bytes: what a confirmation names. */
  digest: z.string().regex(/^[0-9a-f]{64}$/),
  confirmedAt: InstantText.nullable(),
});
export type TenantView = z.infer<typeof TenantView>;
export const Confirmation = z.strictObject({ digest: z.string().regex(/^[0-9a-f]{64}$/) });
export type Confirmation = z.infer<typeof Confirmation>;
