/** The meters in the text of a park document, YAML or JSON: put in place as the list has them. */
import { isMap, isSeq, parseDocument, type YAMLMap, YAMLSeq } from 'yaml';
import { compareMeters, type Difference, type FlatMeter } from '../../protocols/meter-list/difference.ts';
import { Park, type ParkMeter } from '../../protocols/park.ts';
import { checkYaml } from '../../protocols/yaml-document.ts';

export type ReadPark = { ok: true; park: Park } | { ok: false; errors: string[] };
export const readParkText = (text: string, file: string): ReadPark => {
  const checked = checkYaml(Park, text, file);
  return checked.ok ? { ok: true, park: checked.value } : checked;
};

const flat = ({ serves, ...meter }: ParkMeter): FlatMeter => ({
  ...Object.fromEntries(
    Object.entries(meter).map(([key, value]) => [key, value === null ? null : `${value}`]),
  ),
  serves: servesText(serves),
});

const servesText = (serves: ParkMeter['serves']): string =>
  serves.kind === 'unit'
    ? `unit ${serves.unit}`
    : serves.kind === 'pool'
      ? `pool ${serves.pool}`
      : serves.kind;

/**
 * Only this gateway's meters go when `remove` is set.
 * @returns the text as it was, byte by byte, when nothing changes
 */
export function changeParkText(
  text: string,
  park: Park,
  {
    listed,
    gateway,
    remove,
    json,
  }: { listed: readonly ParkMeter[]; gateway: string; remove: boolean; json: boolean },
): { text: string; difference: Difference } {
  const wanted = new Set(listed.map(({ id }) => id));
  const before = park.meters.filter((meter) => meter.gateway === gateway || wanted.has(meter.id));
  const byId = (meters: readonly ParkMeter[]) => new Map(meters.map((meter) => [meter.id, flat(meter)]));
  const difference = compareMeters(byId(before), byId(listed), remove);
  const touched = new Set([...difference.added, ...difference.changed.map(({ meter }) => meter)]);
  if (touched.size === 0 && difference.removed.length === 0) return { text, difference };
  const document = parseDocument(text);
  const found = document.get('meters', true);
  const meters = isSeq(found) ? found : new YAMLSeq();
  if (meters !== found) document.set('meters', meters);
  const gone = new Set(difference.removed);
  meters.items = meters.items.filter((node) => !(isMap(node) && gone.has(`${node.get('id')}`)));
  for (const meter of listed) {
    if (!touched.has(meter.id)) continue;
    const there = meters.items.find((node): node is YAMLMap => isMap(node) && node.get('id') === meter.id);
    if (there === undefined) meters.add(document.createNode(meter));
    else
      setChanged(
        there,
        meter,
        park.meters.find(({ id }) => id === meter.id),
        (value) => document.createNode(value),
      );
  }
  const changed = json
    ? `${JSON.stringify(document.toJS(), null, 2)}\n`
    : document.toString({ lineWidth: 0 });
  return { text: changed, difference };
}

function setChanged(
  node: YAMLMap,
  meter: ParkMeter,
  before: ParkMeter | undefined,
  create: (value: unknown) => unknown,
): void {
  for (const [key, value] of Object.entries(meter)) {
    const former = before?.[key as keyof ParkMeter];
    if (JSON.stringify(former) !== JSON.stringify(value)) node.set(key, create(value));
  }
}
