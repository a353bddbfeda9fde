/** Messages between a gateway and the cloud (MQTT, QoS 1). Payloads are JSON; batches are zstd-compressed JSON. */
import { z } from 'zod';
import { EvidenceItem } from './evidence.ts';
import { HostPortText } from './host-port.ts';
import { GapMarker, Id, InstantText, Reading } from './reading.ts';

/** What takes a place in a gateway's line. */
export const UplinkItem = z.discriminatedUnion('kind', [Reading, GapMarker, EvidenceItem]);
export type UplinkItem = z.infer<typeof UplinkItem>;

/** A batch of contiguous sequences of one gateway and epoch: `items[i].sequence === from + i`, `to` the last one. */
export const Batch = z
  .strictObject({
    gateway: Id,
    epoch: z.string().regex(/^[0-9a-f]{16}$/),
    from: z.int().positive(),
    to: z.int().positive(),
    items: z.array(UplinkItem).min(1).max(10_000),
  })
  .refine(
    (b) => b.to - b.from + 1 === b.items.length && b.items.every((item, i) => item.sequence === b.from + i),
    {
      error: 'items are not the contiguous sequences from..to',
    },
  );
export type Batch = z.infer<typeof Batch>;

/**
 * Sent by the cloud only after its commit: every sequence in `from..to` is stored, was stored before, or lies in
 * quarantine with its reason. Nothing else lets a gateway delete a row.
 */
export const Receipt = z
  .strictObject({
    gateway: Id,
    epoch: z.string(),
    from: z.int().positive(),
    to: z.int().positive(),
    stored: z.int().nonnegative(),
    duplicates: z.int().nonnegative(),
    quarantined: z.int().nonnegative(),
    /** When the cloud wrote this, by its clock. */
    at: InstantText.optional(),
  })
  // On a link in the clear a wrong bit may change `to`: then rows would be deleted that nobody stored.
  .refine((r) => r.to - r.from + 1 === r.stored + r.duplicates + r.quarantined, {
    error: 'does not account for from..to',
  });
export type Receipt = z.infer<typeof Receipt>;

/** How one clock stood against another: ahead of it when positive. No reading is shifted by it. */
export const ClockOffset = z.strictObject({
  offsetSeconds: z.number(),
  /** How far off the offset may be. */
  uncertaintySeconds: z.number().nonnegative(),
  at: InstantText,
});

/** The clock of a meter against the gateway's. */
export const MeterClockStatus = z.strictObject({ meter: Id, ...ClockOffset.shape });
export type MeterClockStatus = z.infer<typeof MeterClockStatus>;

/** What became of settings that the cloud sent. */
export const ConfigState = z.enum(['trial', 'active', 'rolled_back', 'refused']);
export type ConfigState = z.infer<typeof ConfigState>;

/** How it goes on one bus. Counts are since the gateway started. What an older gateway does not tell is empty. */
export const BusStatus = z.strictObject({
  bus: Id,
  meters: z.int().nonnegative(),
  silent: z.array(Id),
  requests: z.int().nonnegative(),
  failures: z.int().nonnegative(),
  /** Failures by what they were: `refused` by the meter, or why there was no clean answer. */
  failuresByCode: z.record(z.string(), z.int().positive()).default({}),
  /** Meters that were asked once more in the same round. */
  retries: z.int().nonnegative().default(0),
  /** The last round of all that was due; null before the first. `utilisation` is what its floor is of it. */
  cycle: z
    .strictObject({
      milliseconds: z.int().nonnegative(),
      /** What the line takes at least for the requests of the round that were answered. */
      floorMilliseconds: z.int().nonnegative(),
      utilisation: z.number().min(0).max(1),
    })
    .nullable()
    .default(null),
  states: z
    .array(
      z.strictObject({
        meter: Id,
        lastReadAt: InstantText.nullable(),
        silentSince: InstantText.nullable(),
        /** Another meter answers at its address: what it shows is not taken. */
        wrongMeter: z.strictObject({ expected: z.string(), found: z.string() }).optional(),
        /** When more than one device was last heard to answer at its address. */
        secondSlaveAt: InstantText.optional(),
      }),
    )
    .default([]),
});
export type BusStatus = z.infer<typeof BusStatus>;

/** Retained on the status topic; the will of the gateway's connection is the same with `online: false`. */
export const GatewayStatus = z.strictObject({
  gateway: Id,
  online: z.boolean(),
  at: InstantText,
  version: z.string(),
  /** The version of the cloud's settings that is at work; null: those of its own file. Not there before it knew any. */
  configVersion: z.int().positive().nullable().optional(),
  /** Of the version that came last: `trial`, at work until it has proved itself or is undone. */
  configState: ConfigState.optional(),
  configReason: z.string().max(2000).optional(),
  bufferedRows: z.int().nonnegative(),
  oldestBufferedAt: InstantText.nullable(),
  lastReceiptAt: InstantText.nullable(),
  /** The gateway's clock against the cloud's; not there before the first receipt. */
  cloudOffset: ClockOffset.optional(),
  /** Of meters that tell their time, as last measured. */
  clockOffsets: z.array(MeterClockStatus).optional(),
  /** Of the key that signs its evidence. */
  keyId: z
    .string()
    .regex(/^[0-9a-f]{16}$/)
    .optional(),
  buses: z.array(BusStatus),
  /** Of meters that push, since the gateway started; not there when it takes none. */
  push: z
    .strictObject({
      accepted: z.int().nonnegative(),
      repeated: z.int().nonnegative(),
      /** By code. */
      refused: z.record(z.string(), z.int().positive()),
      /** Meters whose last push was no reading. */
      refusing: z.array(z.strictObject({ meter: Id, code: z.string(), detail: z.string() })),
      unknownTopics: z.array(z.string()),
    })
    .optional(),
});
export type GatewayStatus = z.infer<typeof GatewayStatus>;

const json = z.json();

/** A bus as the gateway's file has it, as far as it is worth refusing before it is sent; the gateway checks the rest. */
const SentBus = z
  .object({
    id: Id,
    tcp: HostPortText.optional(),
    rtuOverTcp: HostPortText.optional(),
    meters: z.array(z.object({ meter: Id, profile: Id }).catchall(json)).min(1),
  })
  .catchall(json);

/**
 * Settings from the cloud, retained on the config topic: they take the place of those of the gateway's own file. The
 * gateway checks them as it checks the file, tries them, and undoes them by itself if it loses its meters or its uplink.
 * What would cut it off for good cannot be sent: its name, its data, its clock, its broker and its secrets.
 */
export const GatewaySettings = z.strictObject({
  pollIntervalSeconds: z.int().min(1).max(86_400).optional(),
  buses: z.array(SentBus).max(100).optional(),
  pushMeters: z
    .array(z.object({ meter: Id, profile: Id }).catchall(json))
    .max(10_000)
    .optional(),
  /** Meters that these settings leave out on purpose: any other that was heard, and is listed no more, undoes them. */
  leftOut: z.array(Id).max(10_000).optional(),
  /** How long it is tried, a poll period at least; three of them and at least two minutes if not given. */
  trialSeconds: z.int().min(1).max(86_400).optional(),
});
export type GatewaySettings = z.infer<typeof GatewaySettings>;
export const GatewayConfig = z.strictObject({
  gateway: Id,
  /** Only a newer one than any that it has seen is looked at. */
  version: z.int().positive(),
  settings: GatewaySettings,
});
export type GatewayConfig = z.infer<typeof GatewayConfig>;
