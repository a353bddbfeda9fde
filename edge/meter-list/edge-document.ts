/** The meters in the text of `edge.yaml`: read, and put in place without touching what else stands there, comments included. */
import { type Document, isMap, isSeq, parseDocument, Scalar, type YAMLMap, YAMLSeq } from 'yaml';
import { z } from 'zod';
import type { HeldMeter } from '../../protocols/meter-list/check-list.ts';
import { compareMeters, type Difference, type FlatMeter } from '../../protocols/meter-list/difference.ts';
import type { MeterPlace } from '../../protocols/meter-list/read-row.ts';

/** What of the configuration an import has to know; the whole of it is checked before it is written. */
const Outline = z.object({
  gateway: z.string(),
  buses: z
    .array(
      z.object({
        id: z.string(),
        tcp: z.string().optional(),
        rtuOverTcp: z.string().optional(),
        meters: z
          .array(
            z.object({
              meter: z.string(),
              profile: z.string(),
              unit: z.union([z.number(), z.string()]),
              serial: z.union([z.number(), z.string()]).optional(),
            }),
          )
          .nullish(),
      }),
    )
    .default([]),
  pushMeters: z
    .array(
      z.object({
        meter: z.string(),
        profile: z.string(),
        topic: z.string().optional(),
        node: z.string().optional(),
        device: z.string().optional(),
      }),
    )
    .default([]),
});

export interface EdgeOutline {
  gateway: string;
  buses: { id: string; link: 'tcp' | 'rtu-over-tcp' | 'serial' }[];
  meters: HeldMeter[];
}

/** @returns null when the text is no configuration of a gateway */
export function outlineOf(text: string): EdgeOutline | null {
  const document = parseDocument(text);
  if (document.errors.length > 0) return null;
  const outline = Outline.safeParse(document.toJS());
  if (!outline.success) return null;
  const { gateway, buses, pushMeters } = outline.data;
  return {
    gateway,
    buses: buses.map(({ id, tcp, rtuOverTcp }) => ({
      id,
      link: tcp !== undefined ? 'tcp' : rtuOverTcp !== undefined ? 'rtu-over-tcp' : 'serial',
    })),
    meters: [
      ...buses.flatMap(({ id, meters }) =>
        (meters ?? []).map(({ meter, profile, unit, serial }) => ({
          meter,
          profile,
          place: { bus: id, unit },
          ...(serial === undefined ? {} : { serial: String(serial) }),
        })),
      ),
      ...pushMeters.map(({ meter, profile, topic, node, device }) => ({
        meter,
        profile,
        place: { topic: topic ?? node ?? '', device: device ?? null },
      })),
    ],
  };
}

const flat = ({ profile, place, serial }: HeldMeter): FlatMeter =>
  'topic' in place
    ? { profile, topic: place.topic, device: place.device }
    : { profile, bus: place.bus, unit: `${place.unit}`, serial: serial ?? null };

/**
 * @param listed of a meter without a serial number the one that is there stays
 * @param isNode whether meters of the profile are found by node, not by topic
 */
export interface EdgeChange {
  listed: readonly HeldMeter[];
  remove: boolean;
  isNode: (profile: string) => boolean;
}

/** The text with the listed meters in it: as it was, byte by byte, when nothing changes. */
export function changeEdgeText(text: string, change: EdgeChange): { text: string; difference: Difference } {
  const { remove } = change;
  const held = outlineOf(text)?.meters ?? [];
  const serials = new Map(held.map(({ meter, serial }) => [meter, serial]));
  const listed = change.listed.map((one) => ({ ...one, serial: one.serial ?? serials.get(one.meter) }));
  const byMeter = (meters: readonly HeldMeter[]) => new Map(meters.map((one) => [one.meter, flat(one)]));
  const difference = compareMeters(byMeter(held), byMeter(listed), remove);
  const touched = new Set([...difference.added, ...difference.changed.map(({ meter }) => meter)]);
  if (touched.size === 0 && difference.removed.length === 0) return { text, difference };
  const document = parseDocument(text);
  const gone = new Set(difference.removed);
  // The node of a meter that moves goes with it, and what stands in it besides.
  const moved = new Map<string, YAMLMap>();
  const places = new Map(listed.map(({ meter, place }) => [meter, listKey(place)]));
  for (const { key, items } of meterLists(document)) {
    items.items = items.items.filter((node) => {
      const meter = isMap(node) ? `${node.get('meter')}` : '';
      if (gone.has(meter)) return false;
      if (!isMap(node) || !touched.has(meter) || places.get(meter) === key) return true;
      moved.set(meter, node);
      return false;
    });
  }
  for (const one of listed)
    if (touched.has(one.meter)) put(document, one, moved.get(one.meter), change.isNode);
  return { text: document.toString({ lineWidth: 0, flowCollectionPadding: true }), difference };
}

const listKey = (place: MeterPlace): string => ('topic' in place ? 'push' : `bus ${place.bus}`);

/** The lists of meters that are there. */
function meterLists(document: Document): { key: string; items: YAMLSeq }[] {
  const lists: { key: string; items: YAMLSeq }[] = [];
  const buses = document.get('buses', true);
  for (const bus of isSeq(buses) ? buses.items : []) {
    const meters = isMap(bus) ? bus.get('meters', true) : undefined;
    if (isMap(bus) && isSeq(meters)) lists.push({ key: `bus ${bus.get('id')}`, items: meters });
  }
  const push = document.get('pushMeters', true);
  if (isSeq(push)) lists.push({ key: 'push', items: push });
  return lists;
}

function put(
  document: Document,
  { meter, profile, place, serial }: HeldMeter,
  moved: YAMLMap | undefined,
  isNode: (profile: string) => boolean,
): void {
  const list = listAt(document, place);
  const there = list.items.find((node) => isMap(node) && node.get('meter') === meter);
  const node = moved ?? (isMap(there) ? there : undefined) ?? emptyMeter(document, meter);
  if (node !== there) list.add(node);
  set(document, node, 'profile', profile);
  const byNode = 'topic' in place && isNode(profile);
  const keys: Record<string, string | number | null> =
    'topic' in place
      ? {
          topic: byNode ? null : place.topic,
          node: byNode ? place.topic : null,
          device: place.device,
          unit: null,
          serial: null,
        }
      : { unit: place.unit, serial: serial ?? null, topic: null, node: null, device: null };
  for (const [key, value] of Object.entries(keys))
    if (value === null) node.delete(key);
    else set(document, node, key, value);
}

function listAt(document: Document, place: MeterPlace): YAMLSeq {
  const path = 'topic' in place ? ['pushMeters'] : ['buses', busIndex(document, place.bus), 'meters'];
  const list = document.getIn(path, true);
  if (isSeq(list)) return list;
  const made = new YAMLSeq();
  document.setIn(path, made);
  return made;
}

function busIndex(document: Document, id: string): number {
  const buses = document.get('buses', true);
  return isSeq(buses) ? buses.items.findIndex((bus) => isMap(bus) && bus.get('id') === id) : -1;
}

function emptyMeter(document: Document, meter: string): YAMLMap {
  const node = document.createNode({ meter }, { flow: true }) as YAMLMap;
  return node;
}

/** Only what differs is set: a scalar that stays keeps its style and its comment. */
function set(document: Document, node: YAMLMap, key: string, value: string | number): void {
  const there = node.get(key);
  // A serial number may stand there as a number.
  if (there === value || (key === 'serial' && `${there}` === value)) return;
  const scalar = document.createNode(value) as Scalar;
  // The digits printed on a meter: without quotes they would be a number without its zeros.
  if (typeof value === 'string' && /^\d+$/.test(value)) scalar.type = Scalar.QUOTE_DOUBLE;
  node.set(key, scalar);
}
