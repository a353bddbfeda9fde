/**
 * A meter list as a whole: headings, rows, and what rows say of each other and of what gateway and park hold already.
 * It is taken whole or not at all. Pure.
 */
import type { Wording } from '../api.ts';
import type { Park } from '../park.ts';
import type { Profile } from '../profile.ts';
import {
  type ColumnMap,
  findHeadings,
  type Headings,
  isParkField,
  type ListField,
  titlesOf,
} from './columns.ts';
import { checkParkRows } from './park-rows.ts';
import { type ListProblem, type ProblemCode, problem, shortened } from './problem.ts';
import {
  type GatewayContext,
  isComplete,
  type ListedMeter,
  type ListedRow,
  type MeterPlace,
  readRow,
} from './read-row.ts';
import { type ReadingRules, RowReader, type TakenFigure } from './row-reader.ts';
import { columnLetters, type Table, type TableRow } from './table.ts';

/** A meter that the gateway has before the import. */
export interface HeldMeter {
  meter: string;
  profile: string;
  place: MeterPlace;
  /** The serial number that it is expected to have, where the gateway is told one. */
  serial?: string | undefined;
}

/** Whether the gateway can ask a meter of the model for its serial number, and believe the answer. */
export const tellsSerial = (profile: Profile | undefined): boolean =>
  profile?.protocol === 'modbus' && profile.serial !== undefined && profile.serial.confidence !== 'C';

export interface ListContext extends GatewayContext, ReadingRules {
  gateway: string;
  map: ColumnMap;
  held: readonly HeldMeter[];
  /** Whether meters that are not listed leave the gateway. */
  remove: boolean;
  /** The park document that the list goes into as well. */
  park: Park | null;
}

/** `headings` null where there are none. A list with problems is not taken, whatever its rows. */
export interface CheckedList {
  headings: Headings | null;
  rows: ListedMeter[];
  problems: ListProblem[];
  figures: TakenFigure[];
  /** Headings of columns that say something of the park where no park document is named: they go nowhere. */
  notTaken: string[];
  /** Letters of columns in which something stands below no heading: nobody knows what it means. */
  untitled: string[];
}

/** A gateway serves some hundreds of meters, a large park some thousands. */
const MOST_ROWS = 20_000;

export function checkMeterList(table: Table, context: ListContext): CheckedList {
  const headings = findHeadings(table, context.map);
  const whole = { row: headings?.row ?? table.rows[0]?.number ?? 1, column: null, heading: '' };
  const nothing = { rows: [], figures: [], notTaken: [], untitled: [] };
  if (headings === null) return { headings, problems: [problem('no_headings', whole)], ...nothing };
  const problems = checkHeadings(headings, context);
  const data = table.rows.slice(headings.index + 1).filter(isFilled);
  if (data.length === 0) problems.push(problem('no_rows', whole));
  if (data.length > MOST_ROWS) problems.push(problem('too_many_rows', whole, `${MOST_ROWS}`));
  if (problems.length > 0) return { headings, problems, ...nothing };

  const readers = data
    .filter((row) => !refuseTotal(row, headings, problems))
    .map((row) => new RowReader(row, headings, context, problems));
  const rows = readers.map((reader) => ({ reader, listed: readRow(reader, context) }));
  const takesSerial = rows.some(
    ({ listed: { profile, facts } }) =>
      facts.serial !== undefined && profile !== null && tellsSerial(context.profiles.get(profile)),
  );
  const complete = rows.flatMap(({ reader, listed }) => (isComplete(listed) ? [{ reader, listed }] : []));
  checkRepeats(rows, context);
  checkLostZeros(rows);
  checkParents(rows, context);
  if (context.park !== null) checkParkRows(complete, { ...context, park: context.park });
  problems.sort((a, b) => a.row - b.row || (a.column ?? -1) - (b.column ?? -1));
  return {
    headings,
    rows: complete.map(({ listed }) => listed),
    problems,
    figures: readers.flatMap(({ figures }) => figures),
    notTaken: context.park === null ? parkHeadings(data, headings, takesSerial) : [],
    untitled: untitledColumns(data, headings),
  };
}

/** A row in which something stands. */
const isFilled = ({ cells }: TableRow): boolean => cells.some((cell) => cell !== undefined);

const total = /^(合计|总计|小计|共计|总和|(sub|grand)?total|sum)[:：]?$/i;

/** The sums that people put below their lists; noted as one problem, whatever else stands in the row. */
function refuseTotal({ number, cells }: TableRow, { titles }: Headings, problems: ListProblem[]): boolean {
  const column = cells.findIndex((cell) => cell?.kind === 'text' && total.test(cell.text.replace(/\s/g, '')));
  const text = cells[column]?.text;
  if (text === undefined) return false;
  problems.push(
    problem('total_row', { row: number, column, heading: titles[column] ?? '' }, shortened(text)),
  );
  return true;
}

const parkHeadings = (
  data: readonly TableRow[],
  { columns, titles }: Headings,
  takesSerial: boolean,
): string[] =>
  [...columns].flatMap(([field, column]) =>
    isParkField(field) &&
    !(field === 'serial' && takesSerial) &&
    data.some(({ cells }) => cells[column] !== undefined)
      ? [titles[column] ?? field]
      : [],
  );

function untitledColumns(data: readonly TableRow[], { titles }: Headings): string[] {
  const filled = new Set(data.flatMap(({ cells }) => [...cells.keys()].filter((column) => cells[column])));
  return [...filled]
    .filter((column) => (titles[column] ?? '') === '')
    .sort((a, b) => a - b)
    .map(columnLetters);
}

export type ReadListRow = { reader: RowReader; listed: ListedMeter };
type AnyRow = { reader: RowReader; listed: ListedRow };

function checkHeadings(headings: Headings, { defaults }: ListContext): ListProblem[] {
  const { row, columns, titles, unknown, repeated } = headings;
  const at = (column: number | null) => ({
    row,
    column,
    heading: column === null ? '' : (titles[column] ?? ''),
  });
  const has = (field: ListField): boolean => columns.has(field) || defaults[field] !== undefined;
  const missing: ListField[] = (['meter', 'profile'] as const).filter((field) => !has(field));
  if (!has('topic')) missing.push(...(['bus', 'unit'] as const).filter((field) => !has(field)));
  return [
    ...unknown.map((column) => problem('unknown_column', at(column), shortened(titles[column] ?? ''))),
    ...repeated.map(({ column, field }) => problem('repeated_column', at(column), titlesOf(field))),
    ...missing.map((field) => problem('missing_column', at(null), titlesOf(field))),
  ];
}

/** The same meter, place or plate twice: in the list, or at a meter that the gateway keeps. */
function checkRepeats(rows: readonly AnyRow[], { held, remove }: ListContext): void {
  const listed = new Set<string | null>(rows.map(({ listed: { meter } }) => meter));
  const kept = remove ? [] : held.filter(({ meter }) => !listed.has(meter));
  const places = new Map(kept.map(({ meter, place }) => [placeKey(place), meter]));
  const seen = new Map<string, number>();
  const note = (
    { reader }: AnyRow,
    code: ProblemCode,
    field: ListField,
    key: string,
    name = (row: number): string | Wording => `${row}`,
  ): void => {
    const first = seen.get(`${code} ${key}`);
    if (first === undefined) seen.set(`${code} ${key}`, reader.row.number);
    else reader.refuse(code, field, name(first));
  };
  for (const row of rows) {
    const { meter, place, facts } = row.listed;
    if (meter !== null) note(row, 'duplicate_meter', 'meter', meter);
    if (facts.serial !== undefined) note(row, 'duplicate_serial', 'serial', facts.serial);
    if (place === null) continue;
    const key = placeKey(place);
    const keeper = places.get(key);
    if ('topic' in place) note(row, 'duplicate_topic', 'topic', key);
    else
      note(row, 'duplicate_address', 'unit', key, (first) => ({
        'zh-CN': `第 ${first} 行`,
        en: `row ${first}`,
      }));
    if (keeper !== undefined)
      row.reader.refuse('duplicate_address', 'topic' in place ? 'topic' : 'unit', keeper);
  }
}

const placeKey = (place: MeterPlace): string =>
  'topic' in place ? `topic ${place.topic} ${place.device ?? ''}` : `${place.bus} ${place.unit}`;

/** Plates of one model are equally long: where one begins with a zero, a shorter one has lost its own. */
function checkLostZeros(rows: readonly AnyRow[]): void {
  const lengths = new Map<string, number>();
  for (const { listed } of rows) {
    const { serial } = listed.facts;
    if (serial !== undefined && /^0\d+$/.test(serial))
      lengths.set(`${listed.profile}`, Math.max(serial.length, lengths.get(`${listed.profile}`) ?? 0));
  }
  for (const { reader, listed } of rows) {
    const { serial } = listed.facts;
    if (
      serial !== undefined &&
      /^\d+$/.test(serial) &&
      serial.length < (lengths.get(`${listed.profile}`) ?? 0)
    )
      reader.refuse('lost_zeros', 'serial', serial);
  }
}

/** Each parent is listed, held by the gateway, or in the park; and nobody is its own ancestor. */
function checkParents(rows: readonly AnyRow[], { held, park }: ListContext): void {
  const parents = new Map<string, string | null>([
    ...held.map(({ meter }) => [meter, null] as const),
    ...(park?.meters ?? []).map(({ id, parent }) => [id, parent] as const),
  ]);
  for (const { listed } of rows) {
    const { meter, facts } = listed;
    if (meter === null) continue;
    parents.set(meter, facts.parent === undefined ? (parents.get(meter) ?? null) : facts.parent);
  }
  for (const { reader, listed } of rows) {
    const { parent } = listed.facts;
    if (parent === undefined || parent === null) continue;
    if (!parents.has(parent)) reader.refuse('unknown_parent', 'parent', parent);
    else if (listed.meter !== null) {
      const cycle = cycleFrom(listed.meter, parents);
      if (cycle !== null) reader.refuse('parent_cycle', 'parent', cycle.join(' -> '));
    }
  }
}

/** The way from a meter up to itself, or null. */
function cycleFrom(meter: string, parents: ReadonlyMap<string, string | null>): string[] | null {
  const way = [meter];
  const seen = new Set<string>();
  for (let at = parents.get(meter) ?? null; at !== null && !seen.has(at); at = parents.get(at) ?? null) {
    way.push(at);
    if (at === meter) return way;
    seen.add(at);
  }
  return null;
}
