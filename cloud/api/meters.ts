/** `/api/v1/meters`: the list, one meter, its 15-minute curve, its raw readings. */
import { z } from 'zod';
import { Curve, type IntervalPoint, MeterSummary, page, StoredReading } from '../../protocols/api.ts';
import { SignedEvidence } from '../../protocols/evidence.ts';
import { Obis } from '../../protocols/obis.ts';
import type { ParkMeter } from '../../protocols/park.ts';
import { Id } from '../../protocols/reading.ts';
import { formatMicro } from '../../protocols/units.ts';
import { Refused } from '../errors.ts';
import type { IntervalRow } from '../store/port/intervals.ts';
import type { ReadingRow } from '../store/port/readings.ts';
import type { Api, ApiContext } from './context.ts';
import { billingUnit, meterSummaries } from './meter-summaries.ts';
import { instantText, limitText, msOf, spanOf, spanText } from './query.ts';

const byId = z.strictObject({ id: Id });

export const intervalPoint = (row: IntervalRow): IntervalPoint => ({
  start: instantText(row.startMs),
  end: instantText(row.endMs),
  quantity: row.quantity === null ? null : formatMicro(row.quantity),
  quality: row.quality,
  method: row.method,
  reason: row.reason,
});

const storedReading = ({ atMs, value, ...row }: ReadingRow): StoredReading =>
  StoredReading.parse({
    ...row,
    readAt: instantText(atMs),
    value: value === null ? null : formatMicro(value),
  });

/** The curve of a meter over `[fromMs, toMs)`. */
export async function curveOf(
  { store }: ApiContext,
  meter: ParkMeter,
  { fromMs, toMs }: { fromMs: number; toMs: number },
): Promise<Curve> {
  const rows = await store.intervals({ meters: [meter.id], fromMs, toMs });
  return {
    meter: meter.id,
    unit: billingUnit(meter),
    from: instantText(fromMs),
    to: instantText(toMs),
    intervals: rows.map(intervalPoint),
  };
}

export function meterRoutes(api: Api, context: ApiContext): void {
  const { store, park, clock } = context;
  const find = (id: string): ParkMeter => {
    const meter = park.meters.find((one) => one.id === id);
    if (meter === undefined) throw new Refused('unknown_meter');
    return meter;
  };
  const summaries = () => meterSummaries(context, clock.nowMs());

  api.get(
    '/api/v1/meters',
    { config: { access: 'meters:read', weakEtag: true }, schema: { response: { 200: page(MeterSummary) } } },
    async () => ({ items: await summaries(), next: null }),
  );
  api.get(
    '/api/v1/meters/:id',
    {
      config: { access: 'meters:read', weakEtag: true },
      schema: { params: byId, response: { 200: MeterSummary } },
    },
    async ({ params }) => {
      const { id } = find(params.id);
      const summary = (await summaries()).find((one) => one.id === id);
      if (summary === undefined) throw new Refused('unknown_meter');
      return summary;
    },
  );
  api.get(
    '/api/v1/meters/:id/curve',
    {
      config: { access: 'curves:read', weakEtag: true },
      schema: { params: byId, querystring: z.strictObject(spanText), response: { 200: Curve } },
    },
    ({ params, query }) => curveOf(context, find(params.id), spanOf(query)),
  );
  api.get(
    '/api/v1/meters/:id/evidence',
    {
      config: { access: 'meters:read' },
      schema: {
        params: byId,
        querystring: z.strictObject({ limit: limitText(1_000, 100) }),
        response: { 200: page(SignedEvidence) },
      },
    },
    // The newest first; a meter is proved a few times in its life.
    async ({ params, query }) => ({
      items: await store.evidenceOf({ meter: find(params.id).id, limit: query.limit }),
      next: null,
    }),
  );
  api.get(
    '/api/v1/meters/:id/readings',
    {
      config: { access: 'meters:read' },
      schema: {
        params: byId,
        querystring: z.strictObject({
          ...spanText,
          /** The billing register where it is not given. */
          register: Obis.optional(),
          limit: limitText(10_000, 1_000),
          cursor: z.iso.datetime({ error: 'not a cursor of ours' }).optional(),
        }),
        response: { 200: page(StoredReading) },
      },
    },
    async ({ params, query }) => {
      const meter = find(params.id);
      const span = spanOf(query);
      // The cursor is the instant of the first reading of the next page.
      const fromMs = query.cursor === undefined ? span.fromMs : Math.max(msOf(query.cursor), span.fromMs);
      const rows = await store.readings({
        meter: meter.id,
        register: query.register ?? meter.register,
        fromMs,
        toMs: span.toMs,
        limit: query.limit + 1,
      });
      const following = rows[query.limit];
      return {
        items: rows.slice(0, query.limit).map(storedReading),
        next: following === undefined ? null : instantText(following.atMs),
      };
    },
  );
}
