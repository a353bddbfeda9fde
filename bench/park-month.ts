/** A store that holds the demo park and everything its meters showed in a month, for benchmarks and fault runs. */
import { createHash } from 'node:crypto';
import type { Store } from '../cloud/store/store.ts';
import { canonicalJson } from '../protocols/canonical-json.ts';
import type { Park } from '../protocols/park.ts';
import type { Reading } from '../protocols/reading.ts';
import { formatMicro } from '../protocols/units.ts';
import { generatePark } from '../simulators/park/generate-park.ts';
import type { Truth } from '../simulators/park/truth.ts';
import { readProfiles } from '../simulators/profiles.ts';

export interface ParkMonth {
  park: Park;
  parkDigest: string;
  /** The month, `[fromMs, toMs)`. */
  fromMs: number;
  toMs: number;
  readings: number;
}

const EPOCH = '00000000000000aa';
const BATCH_ITEMS = 1_000;

/** Stores every reading of the period, first and last boundary included, in the order in which a gateway takes them. */
export async function fillParkMonth(
  store: Store,
  { seed, period }: { seed: number; period: string },
): Promise<ParkMonth> {
  const { park, truth, wiring } = generatePark({ seed, period, profiles: readProfiles() });
  const { fromMs, toMs } = truth.grid;
  const at = instantText(toMs);
  const parkDigest = await putPark(store, park, toMs);
  let from = 1;
  const send = async (items: Reading[]): Promise<void> => {
    const to = from + items.length - 1;
    await store.ingestBatch({ gateway: wiring.gateway, epoch: EPOCH, from, to, items }, at);
    from = to + 1;
  };
  let items: Reading[] = [];
  for (const reading of truthReadings(truth)) {
    items.push(reading);
    if (items.length < BATCH_ITEMS) continue;
    await send(items);
    items = [];
  }
  if (items.length > 0) await send(items);
  return { park, parkDigest, fromMs, toMs, readings: from - 1 };
}

/** @returns the digest of what was put */
export async function putPark(store: Store, park: Park, atMs: number): Promise<string> {
  const document = canonicalJson(park);
  const digest = createHash('sha256').update(document).digest('hex');
  await store.putPark({ digest, importedAt: instantText(atMs), document });
  return digest;
}

function* truthReadings(truth: Truth): Generator<Reading> {
  let sequence = 0;
  for (const atMs of truth.boundaries()) {
    const readAt = instantText(atMs);
    for (const meter of truth.meters.values()) {
      sequence += 1;
      yield {
        kind: 'reading',
        sequence,
        meter: meter.meter,
        register: meter.register,
        readAt,
        value: formatMicro(BigInt(truth.faceMicro(meter, atMs))),
        unit: meter.unit,
        source: 'poll',
      };
    }
  }
}

const instantText = (ms: number): string => Temporal.Instant.fromEpochMilliseconds(ms).toString();
