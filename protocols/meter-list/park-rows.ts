/** The rows of a meter list as meters of the park document: what the list states, over what the document has. */
import type { Park, ParkMeter, Serves } from '../park.ts';
import type { Profile } from '../profile.ts';
import { Utility } from '../units.ts';
import type { ReadListRow } from './check-list.ts';
import { titlesOf } from './columns.ts';
import type { ListedMeter } from './read-row.ts';
import type { RowReader } from './row-reader.ts';

export interface ParkContext {
  park: Park;
  gateway: string;
  profiles: ReadonlyMap<string, Profile>;
}

/** Notes at each row what keeps it from being a meter of the park. */
export function checkParkRows(rows: readonly ReadListRow[], context: ParkContext): void {
  const complete = completer(
    rows.map(({ listed }) => listed),
    context,
  );
  for (const { reader, listed } of rows) complete(listed, reader);
}

/** The meters of the list as the park document will have them; of a list without problems. */
export function parkMeters(rows: readonly ListedMeter[], context: ParkContext): ParkMeter[] {
  const complete = completer(rows, context);
  return rows.flatMap((listed) => complete(listed, null) ?? []);
}

type Refuser = Pick<RowReader, 'refuse'>;

function completer(rows: readonly ListedMeter[], { park, gateway, profiles }: ParkContext) {
  const known = new Map(park.meters.map((meter) => [meter.id, meter]));
  const parentOf = new Map<string, string | null>(park.meters.map(({ id, parent }) => [id, parent]));
  for (const { meter, facts } of rows)
    if (facts.parent !== undefined) parentOf.set(meter, facts.parent);
    else if (!parentOf.has(meter)) parentOf.set(meter, null);
  const branches = new Set([...parentOf.values()].filter((id) => id !== null));
  const utilityOf = new Map(park.meters.map(({ id, utility }) => [id, utility]));
  for (const { meter, profile, facts } of rows) {
    const utility = facts.utility ?? utilityOf.get(meter) ?? billed(profiles.get(profile));
    if (utility !== null) utilityOf.set(meter, utility);
  }

  return (listed: ListedMeter, reader: Refuser | null): ParkMeter | null => {
    const before = known.get(listed.meter);
    const { facts, meter: id } = listed;
    const utility = utilityOf.get(id) ?? null;
    if (utility === null)
      reader?.refuse('not_billed', 'utility', profiles.get(listed.profile)?.utility ?? listed.profile);
    const parent = parentOf.get(id) ?? null;
    const above = parent === null ? utility : (utilityOf.get(parent) ?? utility);
    if (above !== utility && above !== null) reader?.refuse('parent_utility', 'parent', above);
    const building = readBuilding(park, facts.building, before, reader);
    const serves = readServes(listed, { park, before, isBranch: branches.has(id), building }, reader);
    const register = billingRegister(profiles.get(listed.profile));
    const merged: Partial<ParkMeter> = { ...(register === null ? {} : { register }), ...before, ...facts };
    const { name = id, floor = null, room = null } = merged;
    const needed = {
      serial: need(merged, 'serial', reader),
      register: need(merged, 'register', reader),
      multiplier: need(merged, 'multiplier', reader),
      digits: need(merged, 'digits', reader),
      maxPerHour: need(merged, 'maxPerHour', reader),
      accuracyPercent: need(merged, 'accuracyPercent', reader),
    };
    if (utility === null || serves === null || !isWhole(needed)) return null;
    return { id, name, utility, parent, building, floor, room, serves, gateway, ...needed };
  };
}

type Needed = Pick<
  ParkMeter,
  'serial' | 'register' | 'multiplier' | 'digits' | 'maxPerHour' | 'accuracyPercent'
>;

const isWhole = (needed: { [K in keyof Needed]: Needed[K] | null }): needed is Needed =>
  Object.values(needed).every((value) => value !== null);

/** What a meter of the park cannot be without: neither the list nor the document says it. */
function need<K extends keyof Needed>(
  meter: Partial<ParkMeter>,
  field: K,
  reader: Refuser | null,
): Needed[K] | null {
  const value: Needed[K] | undefined = meter[field];
  if (value !== undefined) return value;
  reader?.refuse('missing_value', field, titlesOf(field));
  return null;
}

const billed = (profile: Profile | undefined): Utility | null =>
  Utility.safeParse(profile?.utility).data ?? null;

/** The one register that the model bills by; null where it has several. */
function billingRegister(profile: Profile | undefined): string | null {
  const billing = (profile?.registers ?? []).filter((register) => register.billing);
  return billing.length === 1 ? (billing[0]?.obis ?? null) : null;
}

/** By id or by name. */
function readBuilding(
  { buildings }: Park,
  stated: string | null | undefined,
  before: ParkMeter | undefined,
  reader: Refuser | null,
): string | null {
  if (stated === undefined) return before?.building ?? null;
  if (stated === null) return null;
  const found = buildings.find(({ id }) => id === stated) ?? buildings.find(({ name }) => name === stated);
  if (found === undefined) reader?.refuse('unknown_building', 'building', stated);
  return found?.id ?? null;
}

interface Standing {
  park: Park;
  before: ParkMeter | undefined;
  isBranch: boolean;
  building: string | null;
}

/** Whom the meter serves: as stated, else as before, else as its place in the tree and its room say. */
function readServes(listed: ListedMeter, standing: Standing, reader: Refuser | null): Serves | null {
  const { kind, served } = listed.service;
  const { park, before, isBranch } = standing;
  const inferred = kind ?? inferKind(listed, standing);
  if (isBranch) {
    if (inferred !== null && inferred !== 'branch') {
      reader?.refuse('serves_children', kind === null ? 'parent' : 'serves', inferred);
      return null;
    }
    return { kind: 'branch' };
  }
  switch (inferred) {
    case null:
      reader?.refuse('missing_value', 'serves', titlesOf('serves'));
      return null;
    case 'branch':
      reader?.refuse('branch_without_children', 'serves');
      return null;
    case 'landlord':
      return { kind: 'landlord' };
    case 'unit': {
      const fallback = before?.serves.kind === 'unit' ? before.serves.unit : listed.facts.room;
      const unit = findUnit(park, served ?? fallback ?? '', standing.building);
      if (unit === null)
        reader?.refuse('unknown_served', 'served', {
          'zh-CN': `单元"${served ?? fallback ?? ''}"`,
          en: `unit "${served ?? fallback ?? ''}"`,
        });
      return unit === null ? null : { kind: 'unit', unit };
    }
    case 'pool': {
      const wanted = served ?? (before?.serves.kind === 'pool' ? before.serves.pool : '');
      const pool = park.pools.find(({ id, name }) => id === wanted || name === wanted);
      if (pool === undefined)
        reader?.refuse('unknown_served', 'served', {
          'zh-CN': `分摊池"${wanted}"`,
          en: `pool "${wanted}"`,
        });
      return pool === undefined ? null : { kind: 'pool', pool: pool.id };
    }
  }
}

function inferKind(
  { service, facts }: ListedMeter,
  { park, before, isBranch, building }: Standing,
): Serves['kind'] | null {
  const { served } = service;
  if (served !== null)
    return park.pools.some(({ id, name }) => id === served || name === served) ? 'pool' : 'unit';
  if (before !== undefined) return before.serves.kind;
  if (isBranch) return 'branch';
  return facts.room !== undefined && findUnit(park, facts.room ?? '', building) !== null ? 'unit' : null;
}

/** By id, or by name where one unit of the building has it. */
function findUnit({ units }: Park, wanted: string, building: string | null): string | null {
  if (units.some(({ id }) => id === wanted)) return wanted;
  const named = units.filter(
    ({ name, ...unit }) => name === wanted && (building === null || unit.building === building),
  );
  return named.length === 1 ? (named[0]?.id ?? null) : null;
}
