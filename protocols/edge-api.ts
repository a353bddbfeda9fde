/**
 * Shapes of the gateway's own `/api/v1`, which its page on the LAN and `--gateway` of the commands speak. Quantities are
 * decimal strings, instants RFC 3339. Nothing here writes to a meter.
 */
import { z } from 'zod';
import { Wording } from './api.ts';
import { Decimal } from './decimal.ts';
import { Evidence, EvidenceDecoding } from './evidence.ts';
import { Obis } from './obis.ts';
import { Id, InstantText } from './reading.ts';
import { Unit } from './units.ts';

/** A Modbus unit id or the number of a DLMS meter; or the digits printed on a meter, whose zeros count. */
export const UnitText = z.union([z.int().min(0).max(16_383), z.string().regex(/^[0-9A-Fa-f]{1,32}$/)]);

/** `fresh`: heard within two periods; `late`: not; `silent`: it does not answer; `never`: nothing was ever read of it. */
export const EdgeFreshness = z.enum(['fresh', 'late', 'silent', 'never']);
export type EdgeFreshness = z.infer<typeof EdgeFreshness>;

export const EdgeMeter = z.strictObject({
  meter: Id,
  /** Null: it pushes. */
  bus: Id.nullable(),
  unit: UnitText.nullable(),
  profile: Id,
  model: z.string(),
  freshness: EdgeFreshness,
  /** How often it ought to be heard: polled, configured, or for pushes as observed; null where nothing says so yet. */
  expectedSeconds: z.int().positive().nullable(),
  /** Its first billing register, as it was last accepted. */
  register: Obis.nullable(),
  value: Decimal.nullable(),
  valueUnit: Unit.nullable(),
  readAt: InstantText.nullable(),
});
export type EdgeMeter = z.infer<typeof EdgeMeter>;

export const EdgeBus = z.strictObject({
  bus: Id,
  link: z.string(),
  meters: z.int().nonnegative(),
  silent: z.array(Id),
  requests: z.int().nonnegative(),
  failures: z.int().nonnegative(),
  /** Of the last round; null before the first. */
  cycleMilliseconds: z.int().nonnegative().nullable(),
  utilisation: z.number().min(0).max(1).nullable(),
  /** What looks along the bus just now: polling goes on between its requests. */
  liveWork: z.enum(['scan', 'detect']).nullable(),
});
export type EdgeBus = z.infer<typeof EdgeBus>;

/** Why there is no way to the cloud: how far it got, by the first step that failed. */
export const UplinkFaultCode = z.enum([
  'name_not_known',
  'nothing_listens',
  'no_route',
  'no_connection',
  'tls_untrusted',
  'tls_refused',
  'certificate_files',
  'credential_refused',
  'broker_refused',
  'closed_by_broker',
  'no_receipts',
  'other',
]);
export type UplinkFaultCode = z.infer<typeof UplinkFaultCode>;
export const UplinkFault = z.strictObject({
  code: UplinkFaultCode,
  /** As the system or the broker said it. */
  detail: z.string(),
  broker: z.string(),
  at: InstantText,
});
export type UplinkFault = z.infer<typeof UplinkFault>;

export const EdgeStatus = z.strictObject({
  gateway: Id,
  at: InstantText,
  pollIntervalSeconds: z.int().positive(),
  connected: z.boolean(),
  /** Null: none since the last receipt, or connected. */
  uplinkFault: UplinkFault.nullable(),
  lastReceiptAt: InstantText.nullable(),
  bufferedRows: z.int().nonnegative(),
  bufferedBytes: z.int().nonnegative(),
  oldestBufferedAt: InstantText.nullable(),
  configVersion: z.int().positive().nullable(),
  configState: z.string().nullable(),
  buses: z.array(EdgeBus),
});
export type EdgeStatus = z.infer<typeof EdgeStatus>;

export const EdgeProfile = z.strictObject({
  id: Id,
  make: z.string(),
  model: z.string(),
  protocol: z.string(),
  utility: z.string(),
});
export type EdgeProfile = z.infer<typeof EdgeProfile>;

/** How far a question got: `port`, it could not be sent; `reply`, none came; `frame`, it was damaged; `foreign`, it was
 * another's; `refused`, the meter said no; `value`, it holds none. */
export const FaultLayer = z.enum(['port', 'reply', 'frame', 'foreign', 'refused', 'value']);
export type FaultLayer = z.infer<typeof FaultLayer>;
export const PortReason = z.enum([
  'held',
  'absent',
  'forbidden',
  'refused',
  'no_route',
  'unknown_name',
  'reset',
]);
export type PortReason = z.infer<typeof PortReason>;
export const LiveFault = z.strictObject({
  layer: FaultLayer,
  code: z.string(),
  /** Why a port could not be opened, where the system says it. */
  reason: PortReason.optional(),
  detail: z.string(),
  /** The next thing to try. */
  next: z.string(),
});
export type LiveFault = z.infer<typeof LiveFault>;

export const LiveReadRequest = z.strictObject({ unit: UnitText, profile: Id });
export type LiveReadRequest = z.infer<typeof LiveReadRequest>;

export const LiveReading = z.strictObject({
  register: Obis,
  name: z.string(),
  value: Decimal.nullable(),
  unit: Unit,
  quality: z.enum(['actual', 'missing']),
  code: z.string().nullable(),
  raw: z.string(),
  billing: z.boolean(),
  readAt: InstantText,
});
export type LiveReading = z.infer<typeof LiveReading>;

export const LiveRead = z.strictObject({
  bus: Id,
  profile: Id,
  unit: UnitText,
  requests: z.int().nonnegative(),
  /** How long its requests waited behind those of the polling, which goes on between them. */
  waitedMilliseconds: z.int().nonnegative(),
  readings: z.array(LiveReading),
  fault: LiveFault.nullable(),
});
export type LiveRead = z.infer<typeof LiveRead>;

const Address = z.int().min(0).max(65_535);

/** Registers as they are, without a model. Any function but 3 and 4 is refused: those that write above all. */
export const RegisterRequest = z.strictObject({
  unit: z.int().min(0).max(255),
  functionCode: z.literal([3, 4]),
  address: Address,
  count: z.int().min(1).max(125),
});
export const RegisterAnswer = z.strictObject({
  waitedMilliseconds: z.int().nonnegative(),
  /** Hex, four digits a register; null with its fault. */
  registers: z.string().nullable(),
  fault: LiveFault.nullable(),
});

export const ScanRequest = z.strictObject({
  /** Those that the bus lists first, then all others from 1 to 247, if not given. */
  units: z.array(z.int().min(1).max(247)).min(1).max(247).optional(),
  timeoutMilliseconds: z.int().min(20).max(10_000).default(300),
});

export const ScannedMeter = z.strictObject({
  unit: UnitText,
  /** Null: it answers, and no known model fits. */
  profile: Id.nullable(),
  model: EdgeProfile.omit({ id: true }).nullable(),
  /** Its own number, from the meter; null where it does not tell one. */
  serial: z.string().nullable(),
  equals: z.array(Id),
  registers: z.record(z.string(), Decimal.nullable()),
  /** The same with their units, those that are billed first; `code` says why there is no value. */
  readings: z.array(
    LiveReading.pick({ register: true, name: true, value: true, unit: true, code: true, billing: true }),
  ),
});
export type ScannedMeter = z.infer<typeof ScannedMeter>;

/** `lone`: DL/T 645 and CJ/T 188, where one of each can be found if it is alone; `mbus`: by secondary addresses. */
export const AddressSearch = z.enum(['lone', 'mbus']);
export type AddressSearch = z.infer<typeof AddressSearch>;

/** One line each, as it happens. */
export const ScanEvent = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('start'), units: z.array(z.int()), polling: z.literal('goes_on') }),
  z.strictObject({
    type: z.literal('progress'),
    unit: z.int(),
    probed: z.int(),
    total: z.int(),
    found: z.int(),
    etaSeconds: z.int(),
  }),
  z.strictObject({ type: z.literal('found'), meter: ScannedMeter }),
  /** Then, but on Modbus TCP: DL/T 645 and CJ/T 188 meters that are alone, and all on M-Bus, whatever their addresses. */
  z.strictObject({ type: z.literal('searching'), search: AddressSearch }),
  z.strictObject({
    type: z.literal('done'),
    probed: z.int(),
    found: z.int(),
    /** Searches that something answered, but not clearly: two meters at once, or noise. */
    unclear: z.array(AddressSearch),
    waitedMilliseconds: z.int(),
  }),
  z.strictObject({ type: z.literal('failed'), fault: LiveFault }),
]);
export type ScanEvent = z.infer<typeof ScanEvent>;

/** Of the current transformers. */
const Ratio = z.string().regex(/^[1-9]\d{0,5}(\.\d{1,3})?$/);

export const DetectRequest = z.strictObject({
  /** The digits on the meter's face, such as 12345.67. */
  face: z.string().min(1).max(24),
  unit: z.int().min(0).max(255),
  /** Without either the billing registers of the shipped models come first, then 0 to 255. */
  from: Address.optional(),
  to: Address.optional(),
  /** The model whose registers come before those of all others; if not given, that which the bus lists at the unit. */
  profile: Id.nullable().default(null),
  functionCodes: z
    .array(z.literal([3, 4]))
    .min(1)
    .max(2)
    .default([3, 4]),
  ratio: Ratio.nullable().default(null),
  pauseMilliseconds: z.int().min(0).max(10_000).default(100),
});

/** One way to read the meter that gives its face. */
export const FoundDecoding = z.strictObject({
  functionCode: z.literal([3, 4]),
  address: Address,
  type: z.string(),
  order: z.string(),
  scale: z.string(),
  transformed: z.enum(['none', 'divided', 'multiplied']),
  shows: z.string(),
  /** In last digits of the face; below 0 it is behind. */
  offBy: z.string(),
  coarseDigits: z.int(),
  raw: z.string(),
  plausibility: z.int(),
  known: z.array(
    z.strictObject({ profile: z.string(), obis: z.string(), name: z.string(), billing: z.boolean() }),
  ),
});
export type FoundDecoding = z.infer<typeof FoundDecoding>;

export const DetectEvent = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('progress'), functionCode: z.literal([3, 4]), address: Address }),
  z.strictObject({
    type: z.literal('done'),
    face: z.string(),
    unit: z.int(),
    ct: z.string().nullable(),
    read: z.array(z.strictObject({ functionCode: z.literal([3, 4]), registers: z.int(), requests: z.int() })),
    found: z.array(FoundDecoding),
    /** Only when nothing was found: what comes nearest. */
    near: z.array(FoundDecoding),
    waitedMilliseconds: z.int(),
    fault: LiveFault.nullable(),
  }),
]);
export type DetectEvent = z.infer<typeof DetectEvent>;

export const EdgeFinding = z.strictObject({
  check: z.string(),
  state: z.enum(['ok', 'warning', 'wrong', 'not_tried']),
  detail: z.string(),
  next: z.string().optional(),
});

/** A photo that is kept until an evidence names it. */
export const KeptPhoto = z.strictObject({
  sha256: z.string().regex(/^[0-9a-f]{64}$/),
  bytes: z.int().positive(),
});
export type KeptPhoto = z.infer<typeof KeptPhoto>;

/**
 * What a person vouches for at a meter; the gateway reads the registers itself, by its own model, adds itself and the
 * instant, and signs. A ratio is the person's word: it is signed as such, and told in the answer.
 */
export const EvidenceRequest = Evidence.pick({
  meter: true,
  profile: true,
  register: true,
  face: true,
  decoding: true,
  by: true,
  place: true,
}).extend({
  decoding: EvidenceDecoding.extend({
    /** What the person saw, not what is signed: the meter runs on. */
    raw: EvidenceDecoding.shape.raw.optional(),
    transformed: z.strictObject({ by: z.enum(['multiplied', 'divided']), ratio: Ratio }).nullable(),
  }),
  photo: KeptPhoto.shape.sha256.nullable(),
});
export type EvidenceRequest = z.infer<typeof EvidenceRequest>;

/** SHA-256 of what was signed. */
export const KeptEvidence = z.strictObject({
  meter: Id,
  at: InstantText,
  value: Decimal,
  difference: Decimal,
  /** By what ratio the value was brought to the face; null: the registers give it as they are. */
  transformed: EvidenceDecoding.shape.transformed,
  digest: z.string(),
  keyId: z.string(),
});
export type KeptEvidence = z.infer<typeof KeptEvidence>;

const ChangedKey = z.strictObject({
  key: z.string(),
  from: z.string().nullable(),
  to: z.string().nullable(),
});
/** What a meter list changes in the gateway's own file, or would. */
export const ListImport = z.strictObject({
  written: z.boolean(),
  meters: z.int().nonnegative(),
  difference: z.strictObject({
    added: z.array(z.string()),
    changed: z.array(z.strictObject({ meter: z.string(), changes: z.array(ChangedKey) })),
    removed: z.array(z.string()),
    unchanged: z.int().nonnegative(),
    /** They stay as they are. */
    notListed: z.array(z.string()),
  }),
  /** Columns for a park document, which the gateway has none of, and what to do with them. */
  notTaken: z.strictObject({ columns: z.array(z.string()), message: Wording }).nullable(),
});
export type ListImport = z.infer<typeof ListImport>;

/** A list that is refused comes back with its bad cells marked, in base64. */
export const ListRefused = z.strictObject({
  code: z.string(),
  detail: z.string(),
  /** `column` counts from 0; null where the whole row or list is meant. */
  problems: z.array(
    z.strictObject({
      row: z.int(),
      column: z.int().nullable(),
      heading: z.string(),
      code: z.string(),
      message: Wording,
    }),
  ),
  answer: z.strictObject({ name: z.string(), base64: z.string() }).nullable(),
});
export type ListRefused = z.infer<typeof ListRefused>;
