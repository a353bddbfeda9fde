/** Messages between a gateway and the cloud (MQTT, QoS 1). Payloads are JSON; batches are zstd-compressed JSON. */
import { z } from 'zod';
import { Id, InstantText, UplinkItem } from './reading.ts';

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
export const Receipt = z.strictObject({
  gateway: Id,
  epoch: z.string(),
  from: z.int().positive(),
  to: z.int().positive(),
  stored: z.int().nonnegative(),
  duplicates: z.int().nonnegative(),
  quarantined: z.int().nonnegative(),
});
export type Receipt = z.infer<typeof Receipt>;

/** How the clock of a meter stood against the gateway's: ahead of it when positive. No reading is shifted by it. */
export const MeterClockStatus = z.strictObject({
  meter: Id,
  offsetSeconds: z.number(),
  /** How far off the offset may be. */
  uncertaintySeconds: z.number().nonnegative(),
  at: InstantText,
});
export type MeterClockStatus = z.infer<typeof MeterClockStatus>;

/** How the clock of a meter stood against the gateway's: ahead of it when positive. No reading is shifted by it. */
export const MeterClockStatus = z.strictObject({
  meter: Id,
  offsetSeconds: z.number(),
  /** How far off the offset may be. */
  uncertaintySeconds: z.number().nonnegative(),
  at: InstantText,
});
export type MeterClockStatus = z.infer<typeof MeterClockStatus>;

/** Retained on the status topic; the will of the gateway's connection is the same with `online: false`. */
export const GatewayStatus = z.strictObject({
  gateway: Id,
  online: z.boolean(),
  at: InstantText,
  version: z.string(),
  bufferedRows: z.int().nonnegative(),
  oldestBufferedAt: InstantText.nullable(),
  lastReceiptAt: InstantText.nullable(),
  /** Of meters that tell their time, as last measured. */
  clockOffsets: z.array(MeterClockStatus).optional(),
  buses: z.array(
    z.strictObject({
      bus: Id,
      meters: z.int().nonnegative(),
      silent: z.array(Id),
      requests: z.int().nonnegative(),
      failures: z.int().nonnegative(),
    }),
  ),
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
  /** Of meters that tell their time, as last measured. */
  clockOffsets: z.array(MeterClockStatus).optional(),
});
export type GatewayStatus = z.infer<typeof GatewayStatus>;
