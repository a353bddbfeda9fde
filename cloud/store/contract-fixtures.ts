/** Readings, batches and billing runs for the store's contract. */
import type { Charge } from '../../protocols/api.ts';
import type { Reading } from '../../protocols/reading.ts';
import type { Batch, UplinkItem } from '../../protocols/uplink.ts';
import type { IssuedRun } from './port/billing.ts';

export const START_MS = Date.UTC(2026, 8, 1);
export const QUARTER_MS = 900_000;
/** When the batches arrive: after every reading of the fixtures. */
export const INGESTED_AT = '2026-10-02T00:00:00Z';

export const instantText = (ms: number): string => Temporal.Instant.fromEpochMilliseconds(ms).toString();

export const reading = (over: Partial<Reading> = {}): Reading => ({
  kind: 'reading',
  sequence: 1,
  meter: 'E-A-101',
  register: '1-0:1.8.0',
  readAt: '2026-09-01T00:15:00Z',
  value: '1234.56',
  unit: 'kWh',
  raw: '00a1',
  source: 'poll',
  ...over,
});

/** A batch of the items in contiguous sequences from `from`. */
export function batch(items: UplinkItem[], { gateway = 'gw-a', from = 1 } = {}): Batch {
  const numbered = items.map((item, i) => ({ ...item, sequence: from + i }));
  return { gateway, epoch: '00000000000000aa', from, to: from + items.length - 1, items: numbered };
}

/** `meters` readings a slot, one slot a batch, quarter hours apart, of a counter that rises. */
export function slotBatches({ meters, slots }: { meters: number; slots: number }): Batch[] {
  return Array.from({ length: slots }, (_, slot) => {
    const readAt = instantText(START_MS + slot * QUARTER_MS);
    const items = Array.from({ length: meters }, (_, m) =>
      reading({ meter: `E-${m}`, readAt, value: `${1000 + m}.${String(slot).padStart(6, '0')}` }),
    );
    return batch(items, { from: slot * meters + 1 });
  });
}

export const charge = (over: Partial<Charge> = {}): Charge => ({
  key: 'L-1/electricity/energy/own/2026-09/0',
  lease: 'L-1',
  utility: 'electricity',
  component: 'energy',
  name: 'Energy',
  pool: 'own',
  poolName: 'own',
  period: '2026-09',
  revision: 0,
  quantity: '120.5',
  unit: 'kWh',
  net: '100.00',
  tax: '13.00',
  gross: '113.00',
  currency: 'CNY',
  kind: 'charge',
  corrects: null,
  servicePeriod: '2026-09',
  statement: 'S-1',
  postedAt: '2026-10-01T02:00:00Z',
  ...over,
});

/** A run of one lease: one charge, its entry, its statement. */
export function issuedRun(): IssuedRun {
  const result = {
    period: '2026-09',
    state: 'issued' as const,
    manifest: 'm1',
    utilities: [],
    proof: [],
    charges: 1,
    ledgerTotal: '113.00',
    statements: 1,
    estimatedIntervals: 0,
    issuedAt: '2026-10-01T02:00:00Z',
  };
  const run = { period: '2026-09', revision: 0, manifest: 'm1', manifestJson: '{}', result };
  return {
    run: { ...run, issuedAt: result.issuedAt },
    charges: [charge()],
    entries: [
      {
        id: 'entry-1',
        chargeKey: charge().key,
        description: 'Energy 2026-09',
        postings: [
          { account: 'receivable/L-1', amountMinor: 11_300n },
          { account: 'cost/electricity', amountMinor: -10_000n },
          { account: 'tax', amountMinor: -1_300n },
        ],
      },
    ],
    statements: [
      {
        id: 'S-1',
        lease: 'L-1',
        tenant: 'Teahouse',
        period: '2026-09',
        from: '2026-09-01',
        to: '2026-10-01',
        gross: '113.00',
        json: '{"head":{}}',
        digest: 'd1',
        tokenHash: 'h1',
        corrects: null,
      },
    ],
    events: [],
    inputs: [],
    seal: null,
    span: null,
    settles: [],
    follows: null,
  };
}
