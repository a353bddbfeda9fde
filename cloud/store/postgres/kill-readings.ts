/** What the gateways of the kill test send: a batch for each quarter of an hour, over the end of a month. */
import type { Batch } from '../../../protocols/uplink.ts';
import { batch, instantText, QUARTER_MS, reading } from '../contract-fixtures.ts';

export const METERS = 40;
const START_MS = Date.UTC(2026, 7, 31, 12);

export const batchOfSlot = (gateway: string, slot: number): Batch =>
  batch(
    Array.from({ length: METERS }, (_, meter) =>
      reading({
        meter: `${gateway}-${meter}`,
        readAt: instantText(START_MS + slot * QUARTER_MS),
        value: `${slot}.${String(meter).padStart(6, '0')}`,
      }),
    ),
    { gateway, from: 1 + slot * METERS },
  );
