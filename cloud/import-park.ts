/** Reads a park document from a file and puts it in force, once per content. */
import { createHash } from 'node:crypto';
import { canonicalJson } from '../protocols/canonical-json.ts';
import { Park } from '../protocols/park.ts';
import { readPark } from './read-park.ts';
import type { Store } from './store/store.ts';

export type ImportedPark = { ok: true; park: Park; digest: string } | { ok: false; problems: string[] };

/** The digest is over the canonical form, so that the layout of the file does not make a new version. */
export async function importPark(store: Store, file: string, importedAt: string): Promise<ImportedPark> {
  const read = readPark(file);
  if (!read.ok) return read;
  const document = canonicalJson(read.park);
  const digest = createHash('sha256').update(document).digest('hex');
  // Marked first: if the import ends in between, it is done again.
  await store.markDirty(await metersWithNewFacts(store, read.park, digest));
  await store.putPark({ digest, importedAt, document });
  return { ok: true, park: read.park, digest };
}

/** Meters whose intervals would come out otherwise than under the document that is in force. */
async function metersWithNewFacts(store: Store, park: Park, digest: string): Promise<string[]> {
  const current = await store.currentPark();
  if (current === null || current.digest === digest) return [];
  const before = Park.safeParse(JSON.parse(current.document));
  return park.meters
    .map(({ id }) => id)
    .filter((id) => !before.success || factsOf(before.data, id) !== factsOf(park, id));
}

/** All that the document says of the meter, but for its name and place. */
function factsOf({ timeZone, meters, exchanges }: Park, id: string): string | null {
  const meter = meters.find((one) => one.id === id);
  if (meter === undefined) return null;
  const { name, building, floor, room, ...facts } = meter;
  return canonicalJson({ ...facts, timeZone, exchanges: exchanges.filter((one) => one.meter === id) });
}
